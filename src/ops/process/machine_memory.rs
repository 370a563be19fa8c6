//! How much memory the machine has, and how much of it this process holds.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

/// Memory of the machine, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineMemory {
    pub total: u64,
    /// What programs could still take; `None` where the system does not say.
    pub available: Option<u64>,
    /// What a job of a cluster or a container may use at most, if that is less than `total`.
    pub limit: Option<u64>,
}

impl MachineMemory {
    /// Asks the system. `None` if it does not say.
    pub fn read() -> Option<Self> {
        if cfg!(target_os = "macos") {
            let asked =
                Command::new("/usr/sbin/sysctl").args(["-n", "hw.memsize"]).output().ok()?;
            let total = String::from_utf8(asked.stdout).ok()?.trim().parse().ok()?;
            return Some(Self { total, available: None, limit: None });
        }
        let text = fs::read_to_string("/proc/meminfo").ok()?;
        let total = kibibytes(&text, "MemTotal")?;
        let limit = control_group_limit().filter(|limit| *limit < total);
        Some(Self { total, available: kibibytes(&text, "MemAvailable"), limit })
    }

    /// What this process may use, in bytes.
    pub fn usable(&self) -> u64 {
        self.limit.unwrap_or(self.total)
    }
}

/// Memory that this process holds, in bytes, with what it has freed but not handed back. `None` where the
/// system does not say: it does on Linux.
pub fn resident_bytes() -> Option<u64> {
    static PAGE: LazyLock<Option<u64>> = LazyLock::new(page_bytes);
    // The shortest of the files that tell it: it is read many times a second.
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split(' ').nth(1)?.parse::<u64>().ok()? * (*PAGE)?)
}

/// The most memory that this process ever held, in bytes. `None` where the system does not say: it does on
/// Linux.
pub fn peak_resident_bytes() -> Option<u64> {
    kibibytes(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM")
}

/// Bytes of a page, from what the system told this process at its start: pairs of a key and a value.
fn page_bytes() -> Option<u64> {
    const WORD: usize = size_of::<usize>();
    const PAGE_SIZE: usize = 6;
    let told = fs::read("/proc/self/auxv").ok()?;
    let (words, _) = told.as_chunks::<WORD>();
    let words: Vec<_> = words.iter().map(|word| usize::from_ne_bytes(*word)).collect();
    let (pairs, _) = words.as_chunks::<2>();
    let size = pairs.iter().find(|[key, _]| *key == PAGE_SIZE)?[1];
    u64::try_from(size).ok().filter(|size| size.is_power_of_two())
}

/// The bytes in a line `name:  1234 kB`.
fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(value.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? << 10)
}

/// What the control group of this process and those around it allow, in bytes.
fn control_group_limit() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let root = Path::new("/sys/fs/cgroup");
    let folder = root.join(group);
    let limits = folder
        .ancestors()
        .take_while(|folder| folder.starts_with(root))
        .filter_map(|f| fs::read_to_string(f.join("memory.max")).ok()?.trim().parse::<u64>().ok());
    limits.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_system_is_read_in_bytes() {
        let text = "VmRSSmore:  1 kB\nVmRSS:\t  2048 kB\nMemTotal: many\n";
        assert_eq!(kibibytes(text, "VmRSS"), Some(2 << 20));
        assert_eq!(kibibytes(text, "MemTotal"), None);
        assert_eq!(kibibytes(text, "MemFree"), None);
    }

    #[test]
    fn this_process_holds_less_than_the_machine_has() {
        let Some(machine) = MachineMemory::read() else { return };
        assert!(machine.usable() <= machine.total);
        let Ok(status) = fs::read_to_string("/proc/self/status") else { return };
        // Both change while they are read.
        let (held, told) = (resident_bytes().unwrap(), kibibytes(&status, "VmRSS").unwrap());
        assert!((told / 2..told * 2).contains(&held) && held < machine.total, "{held} and {told}");
    }
}
