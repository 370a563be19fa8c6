//! Progress and notes of a running task, reported as events to a [`Reporter`].

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::error::locked;

/// An event of a running task.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A task of `total` steps begins; `task` is its identity in later events. A task
    /// started while another is open is a subtask of that task's current step.
    Started { task: u64, title: String, unit: &'static str, total: usize },
    /// `done` steps are finished; `figures` are its current numbers. The first one is for people,
    /// such as `("loss", 0.12)`, the mean so far; those behind it are for charts and rates:
    /// `("batch loss", 0.1)`, `("slices", 40.0)` trained so far.
    Advanced { task: u64, done: usize, figures: Vec<(&'static str, f64)> },
    /// The task ended, complete or not.
    Finished { task: u64 },
    /// A sentence worth knowing.
    Note(String),
    /// A sentence of this moment, which no log keeps.
    Remark(String),
    /// A sentence about something worked around.
    Warning(String),
}

/// Receives events, possibly from several threads.
pub trait Reporter: Send + Sync {
    /// Takes one event; must return quickly.
    fn report(&self, event: Event);
}

/// Ignores all events.
pub struct Silent;

impl Reporter for Silent {
    fn report(&self, _: Event) {}
}

/// Passes each note and warning on only once, for tasks that repeat a step for every subject.
pub(super) struct ToldOnce {
    inner: Arc<dyn Reporter>,
    told: Mutex<BTreeSet<String>>,
}

impl ToldOnce {
    pub fn new(inner: Arc<dyn Reporter>) -> Self {
        Self { inner, told: Mutex::default() }
    }
}

impl Reporter for ToldOnce {
    fn report(&self, event: Event) {
        if let Event::Note(text) | Event::Warning(text) = &event
            && !locked(&self.told).insert(text.clone())
        {
            return;
        }
        self.inner.report(event);
    }
}

/// An open progress display; dropping it closes it.
pub struct Progress {
    reporter: Arc<dyn Reporter>,
    task: u64,
    done: AtomicU64,
}

impl Progress {
    pub(super) fn start(
        reporter: Arc<dyn Reporter>,
        title: String,
        unit: &'static str,
        total: usize,
    ) -> Self {
        // An identity for displays only; no result depends on it.
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let task = NEXT.fetch_add(1, Ordering::Relaxed);
        reporter.report(Event::Started { task, title, unit, total });
        Self { reporter, task, done: AtomicU64::new(0) }
    }

    /// Records `steps` more finished steps and the current figures.
    pub fn advance(&self, steps: usize, figures: &[(&'static str, f64)]) {
        let done = self.done.fetch_add(steps as u64, Ordering::Relaxed) as usize + steps;
        self.reporter.report(Event::Advanced { task: self.task, done, figures: figures.to_vec() });
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.reporter.report(Event::Finished { task: self.task });
    }
}
