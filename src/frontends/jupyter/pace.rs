//! How fast text may be sent to somebody who watches. Jupyter Server drops text beyond a megabyte a
//! second, measured over the last three seconds of a cell, so a flood waits a little instead.

use std::time::{Duration, Instant};

/// Bytes that may be sent at once, and in every second. With the piece that goes beyond, they stay
/// below the limit.
const BURST: f64 = 0.5e6;
const PER_SECOND: f64 = 0.65e6;
/// The longest wait at a time: an interrupt should not take longer.
const LONGEST_WAIT: f64 = 0.5;
/// A cell waits no longer than this in all; who prints that much can do without some of it.
const LONGEST_WAIT_OF_CELL: Duration = Duration::from_secs(30);

/// What a cell has sent lately.
#[derive(Debug)]
pub(super) struct Pace {
    /// Bytes that may be sent now; less than none after a flood.
    allowance: f64,
    counted: Instant,
    waited: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { allowance: BURST, counted: Instant::now(), waited: Duration::ZERO }
    }
}

impl Pace {
    /// Counts text that is sent at a moment; gives how long its cell should wait.
    pub fn send(&mut self, text: &str, now: Instant) -> Duration {
        let since = now.saturating_duration_since(self.counted).as_secs_f64();
        self.counted = now;
        let length: usize = text.bytes().map(json_length).sum();
        self.allowance = (self.allowance + PER_SECOND * since).min(BURST) - length as f64;
        let wait = (-self.allowance / PER_SECOND).clamp(0.0, LONGEST_WAIT);
        // One text of a hundred megabytes does not make the next ones wait for minutes.
        self.allowance = self.allowance.max(-LONGEST_WAIT * PER_SECOND);
        let left = LONGEST_WAIT_OF_CELL.saturating_sub(self.waited);
        let wait = Duration::from_secs_f64(wait).min(left);
        self.waited += wait;
        wait
    }
}

/// Bytes that a byte of text takes in JSON.
fn json_length(byte: u8) -> usize {
    match byte {
        b'\n' | b'\r' | b'\t' | b'"' | b'\\' => 2,
        ..b' ' => 6,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_stays_below_the_limit_of_the_server_and_ends_some_time() {
        let mut pace = Pace::default();
        let (begin, text) = (Instant::now(), "x".repeat(280_000));
        let (mut now, mut sent) = (begin, Vec::new());
        for _ in 0..1000 {
            sent.push(now);
            let wait = pace.send(&text, now);
            assert!(wait <= Duration::from_secs_f64(LONGEST_WAIT));
            now += wait;
        }
        assert_eq!(now - begin, LONGEST_WAIT_OF_CELL);
        let window = Duration::from_secs(3);
        for moment in sent.iter().take_while(|moment| **moment + window < now) {
            let within = sent.iter().filter(|at| (*moment..*moment + window).contains(*at)).count();
            assert!(within * text.len() < 3_000_000, "{within}");
        }
    }

    #[test]
    fn what_is_not_much_does_not_wait() {
        let mut pace = Pace::default();
        let begin = Instant::now();
        assert_eq!(pace.send(&"\n".repeat(200_000), begin), Duration::ZERO);
        assert!(pace.send(&"\n".repeat(200_000), begin) > Duration::ZERO);
        let later = begin + Duration::from_secs(10);
        assert_eq!(pace.send(&"x".repeat(400_000), later), Duration::ZERO);
    }
}
