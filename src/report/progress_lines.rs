//! Progress without a terminal: a plain line from time to time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use indicatif::HumanDuration;

/// How often a task may write a plain line by default.
const LINE_INTERVAL: Duration = Duration::from_secs(4);

/// A task shorter than this part of the interval ends without a plain line.
const WORTH_A_LINE: u32 = 4;

/// Current numbers of a task, such as `("loss", 0.12)`.
pub type Figures = [(&'static str, f64)];

/// `, loss 0.1234`: the number shown to the user.
pub fn listed(figures: &Figures) -> String {
    figures.iter().take(1).fold(String::new(), |mut list, (name, value)| {
        // Writing to a string cannot fail.
        let _ = write!(list, ", {name} {value:.4}");
        list
    })
}

/// One line every few seconds per running task, for logs, pipes and notebooks.
pub struct ProgressLines {
    tasks: BTreeMap<u64, Task>,
    interval: Duration,
}

impl Default for ProgressLines {
    fn default() -> Self {
        Self::every(LINE_INTERVAL)
    }
}

struct Task {
    title: String,
    unit: &'static str,
    total: usize,
    done: usize,
    figures: String,
    started: Instant,
    last_line: Instant,
}

impl ProgressLines {
    /// At most one line per task and `interval`.
    pub fn every(interval: Duration) -> Self {
        Self { tasks: BTreeMap::new(), interval }
    }

    /// A task of `total` steps begins.
    pub fn start(&mut self, task: u64, title: String, unit: &'static str, total: usize) {
        let (done, figures, started) = (0, String::new(), Instant::now());
        let last_line = started;
        self.tasks.insert(task, Task { title, unit, total, done, figures, started, last_line });
    }

    /// The line to write now, if it is time for one.
    pub fn advance(&mut self, task: u64, done: usize, figures: &Figures) -> Option<String> {
        let task = self.tasks.get_mut(&task)?;
        (task.done, task.figures) = (done, listed(figures));
        if task.last_line.elapsed() < self.interval || done >= task.total {
            return None;
        }
        task.last_line = Instant::now();
        Some(task.line())
    }

    /// The line of the outermost running task.
    pub fn current(&self) -> Option<String> {
        self.tasks.values().next().map(Task::line)
    }

    /// The last line of a task that took long enough.
    pub fn finish(&mut self, task: u64) -> Option<String> {
        let task = self.tasks.remove(&task)?;
        let took = task.started.elapsed();
        (took >= self.interval / WORTH_A_LINE)
            .then(|| format!("{} in {}", task.line(), HumanDuration(took)))
    }
}

impl Task {
    fn line(&self) -> String {
        let Self { title, unit, total, done, figures, .. } = self;
        let percent = 100 * done / (*total).max(1);
        format!("{title}: {percent} % ({unit} {done} of {total}){figures}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_task_writes_no_line() {
        let mut lines = ProgressLines::default();
        lines.start(1, "pretrain".into(), "batch", 2);
        assert_eq!(lines.advance(1, 1, &[("loss", 0.5)]), None);
        assert_eq!(lines.finish(1), None);
    }

    #[test]
    fn a_line_says_how_far_the_task_is() {
        let mut lines = ProgressLines::default();
        lines.start(1, "pretrain".into(), "batch", 30);
        let hours_ago = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
        lines.tasks.get_mut(&1).unwrap().last_line = hours_ago;
        let line = lines.advance(1, 12, &[("loss", 0.12341)]).unwrap();
        assert_eq!(line, "pretrain: 40 % (batch 12 of 30), loss 0.1234");
        assert_eq!(lines.advance(1, 13, &[]), None, "the next line comes seconds later");
    }
}
