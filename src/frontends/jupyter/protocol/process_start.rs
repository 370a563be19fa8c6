//! When this process began: what was asked before that was meant for another one.

use std::time::{Duration, SystemTime};

/// The moment, or a little before it.
pub(in super::super) fn process_start() -> SystemTime {
    let now = SystemTime::now();
    // A clock that is not the system's, as in some containers, would give any age.
    let age = age().filter(|age| *age < Duration::from_secs(10)).unwrap_or_default();
    now.checked_sub(age).unwrap_or(now)
}

/// How long ago the process began. Programs that start a kernel may end it at once, before it has
/// come this far.
#[cfg(target_os = "linux")]
fn age() -> Option<Duration> {
    /// The same on every architecture.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    // The program's name, in brackets, may hold anything. The third field follows it; the time is
    // the 22nd.
    let fields = stat.rsplit_once(')')?.1;
    let ticks: f64 = fields.split_whitespace().nth(22 - 3)?.parse().ok()?;
    let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    // Both are cut to hundredths of a second.
    Duration::try_from_secs_f64(uptime - ticks / TICKS_PER_SECOND + 0.01).ok()
}

#[cfg(not(target_os = "linux"))]
fn age() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_begun_before_it_asks() {
        let start = process_start();
        assert!(start <= SystemTime::now());
        #[cfg(target_os = "linux")]
        assert!(age().is_some());
    }
}
