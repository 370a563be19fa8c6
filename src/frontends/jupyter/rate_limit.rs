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

/// The rate limit on the outputs of a cell, by bytes and by messages.
#[derive(Debug)]
pub(super) struct RateLimit {
    bytes: TokenBucket,
    messages: TokenBucket,
    waited: Duration,
}

/// A token bucket: how much of one kind may be sent.
#[derive(Debug)]
struct TokenBucket {
    /// Size of a burst, and what may be sent per second after it.
    burst: f64,
    per_second: f64,
    /// What may be sent now; negative after a flood.
    left: f64,
    counted: Instant,
}

impl TokenBucket {
    fn new(burst: f64, per_second: f64) -> Self {
        Self { burst, per_second, left: burst, counted: Instant::now() }
    }

    /// Takes what is sent at a moment; returns the seconds until something may be sent again.
    fn take(&mut self, sent: f64, now: Instant) -> f64 {
        let since = now.saturating_duration_since(self.counted).as_secs_f64();
        self.counted = now;
        self.left = (self.left + self.per_second * since).min(self.burst) - sent;
        let wait = (-self.left / self.per_second).clamp(0.0, LONGEST_WAIT);
        // One text of a hundred megabytes does not make the next ones wait for minutes.
        self.left = self.left.max(-LONGEST_WAIT * self.per_second);
        wait
    }
}

impl Default for RateLimit {
    fn default() -> Self {
        Self {
            bytes: TokenBucket::new(BURST, PER_SECOND),
            messages: TokenBucket::new(MESSAGES_BURST, MESSAGES_PER_SECOND),
            waited: Duration::ZERO,
        }
    }
}

impl RateLimit {
    /// Counts text that is sent at a moment; gives how long its cell should wait.
    pub fn send(&mut self, text: &str, now: Instant) -> Duration {
        let length: usize = text.bytes().map(json_length).sum();
        let wait = self.bytes.take(length as f64, now);
        self.limited(wait)
    }

    /// Counts messages other than text that are sent at a moment; gives how long their cell should wait.
    pub fn send_messages(&mut self, count: usize, now: Instant) -> Duration {
        let wait = self.messages.take(count as f64, now);
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
        let mut limit = RateLimit::default();
        let (begin, text) = (Instant::now(), "x".repeat(280_000));
        let (mut now, mut sent) = (begin, Vec::new());
        for _ in 0..1000 {
            sent.push(now);
            let wait = limit.send(&text, now);
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
        let mut limit = RateLimit::default();
        let begin = Instant::now();
        let (mut now, mut sent) = (begin, Vec::new());
        for _ in 0..10_000 {
            sent.push(now);
            now += limit.send_messages(1, now);
        }
        let window = Duration::from_secs(3);
        for moment in sent.iter().step_by(100) {
            let within = sent.iter().filter(|at| (*moment..*moment + window).contains(*at)).count();
            assert!(within < 3000, "{within}");
        }
    }

    #[test]
    fn what_is_not_much_does_not_wait() {
        let mut limit = RateLimit::default();
        let begin = Instant::now();
        assert_eq!(limit.send_messages(400, begin), Duration::ZERO);
        assert_eq!(limit.send(&"\n".repeat(200_000), begin), Duration::ZERO);
        assert!(limit.send(&"\n".repeat(200_000), begin) > Duration::ZERO);
        let later = begin + Duration::from_secs(10);
        assert_eq!(limit.send(&"x".repeat(400_000), later), Duration::ZERO);
    }
}
