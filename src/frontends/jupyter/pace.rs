//! How fast outputs may be sent to somebody who watches. Jupyter Server drops text beyond a megabyte a
//! second and messages beyond a thousand a second, measured over the last three seconds of a cell, so a flood waits
//! a little instead.

use std::time::{Duration, Instant};

/// Bytes that may be sent at once, and in every second. With the piece that goes beyond, they stay
/// below the limit.
const BURST: f64 = 0.5e6;
const PER_SECOND: f64 = 0.65e6;
/// Messages that may be sent at once, and in every second.
const MESSAGES_BURST: f64 = 500.0;
const MESSAGES_PER_SECOND: f64 = 700.0;
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
    /// Messages that may be sent now.
    messages: f64,
    messages_counted: Instant,
    waited: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            allowance: BURST,
            counted: Instant::now(),
            messages: MESSAGES_BURST,
            messages_counted: Instant::now(),
            waited: Duration::ZERO,
        }
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
        self.limited(wait)
    }

    /// Counts messages other than text that are sent at a moment; gives how long their cell should wait.
    pub fn send_messages(&mut self, count: usize, now: Instant) -> Duration {
        let since = now.saturating_duration_since(self.messages_counted).as_secs_f64();
        self.messages_counted = now;
        self.messages =
            (self.messages + MESSAGES_PER_SECOND * since).min(MESSAGES_BURST) - count as f64;
        let wait = (-self.messages / MESSAGES_PER_SECOND).clamp(0.0, LONGEST_WAIT);
        self.messages = self.messages.max(-LONGEST_WAIT * MESSAGES_PER_SECOND);
        self.limited(wait)
    }

    /// A wait in seconds, as far as the cell may wait any longer.
    fn limited(&mut self, wait: f64) -> Duration {
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
    fn many_messages_stay_below_the_limit_of_the_server() {
        let mut pace = Pace::default();
        let begin = Instant::now();
        let (mut now, mut sent) = (begin, Vec::new());
        for _ in 0..10_000 {
            sent.push(now);
            now += pace.send_messages(1, now);
        }
        let window = Duration::from_secs(3);
        for moment in sent.iter().step_by(100) {
            let within = sent.iter().filter(|at| (*moment..*moment + window).contains(*at)).count();
            assert!(within < 3000, "{within}");
        }
    }

    #[test]
    fn what_is_not_much_does_not_wait() {
        let mut pace = Pace::default();
        let begin = Instant::now();
        assert_eq!(pace.send_messages(400, begin), Duration::ZERO);
        assert_eq!(pace.send(&"\n".repeat(200_000), begin), Duration::ZERO);
        assert!(pace.send(&"\n".repeat(200_000), begin) > Duration::ZERO);
        let later = begin + Duration::from_secs(10);
        assert_eq!(pace.send(&"x".repeat(400_000), later), Duration::ZERO);
    }
}
