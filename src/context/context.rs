//! What a long task needs.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use candle_core::Device;

use super::cancel::CancelToken;
use super::checkpoints::Checkpoints;
use super::progress::{Event, Progress, Reporter, Silent, ToldOnce};
use super::ranks::Ranks;
use super::streams::Streams;
use crate::Result;
use crate::error::locked;

/// The context of a long task. Cheap to clone; clones share the cancel token and reporter.
#[derive(Clone)]
pub struct Context {
    /// Named, seeded random streams.
    pub streams: Streams,
    /// Stops the task when it is set.
    pub cancel: CancelToken,
    /// The device that holds the tensors.
    pub device: Device,
    /// Where trainings leave their checkpoints.
    pub checkpoints: Checkpoints,
    /// The processes that share the work of trainings and estimations; `None` if this one is alone.
    pub ranks: Option<Arc<dyn Ranks>>,
    pub(super) reporter: Arc<dyn Reporter>,
    /// What [`Self::warn_once`] has said.
    told: Arc<Mutex<BTreeSet<String>>>,
}

impl Context {
    /// A quiet context on the CPU.
    pub fn new(seed: u64) -> Self {
        Self {
            streams: Streams::new(seed),
            cancel: CancelToken::default(),
            device: Device::Cpu,
            checkpoints: Checkpoints::default(),
            ranks: None,
            reporter: Arc::new(Silent),
            told: Arc::default(),
        }
    }

    /// The same context, which reports to `reporter`.
    pub fn with_reporter(mut self, reporter: Arc<dyn Reporter>) -> Self {
        self.reporter = reporter;
        self
    }

    /// The same context, in which each note and warning is told once however often it is given.
    pub fn telling_once(mut self) -> Self {
        self.reporter = Arc::new(ToldOnce::new(self.reporter));
        self
    }

    /// The same context on another device.
    pub fn with_device(mut self, device: Device) -> Self {
        self.device = device;
        self
    }

    /// Ends the task with [`crate::Error::Cancelled`] if the user asked for it. Call it at every
    /// batch, subject or pass.
    pub fn check(&self) -> Result<()> {
        self.cancel.check()
    }

    /// Opens a progress display of `total` steps, each one `unit` ("batch", "subject", "pass").
    pub fn progress(&self, title: impl Into<String>, unit: &'static str, total: usize) -> Progress {
        Progress::start(self.reporter.clone(), title.into(), unit, total)
    }

    /// Informs the user.
    pub fn note(&self, text: impl Into<String>) {
        self.reporter.report(Event::Note(text.into()));
    }

    /// Tells the user something of this moment, such as how long a task will take. No log keeps it, so that
    /// logs of equal runs are equal.
    pub fn mention(&self, text: impl Into<String>) {
        self.reporter.report(Event::Remark(text.into()));
    }

    /// Warns the user about a problem that did not stop the task, such as a skipped subject.
    pub fn warn(&self, text: impl Into<String>) {
        self.reporter.report(Event::Warning(text.into()));
    }

    /// Like [`Context::warn`], but each text is given once per context and its clones.
    pub fn warn_once(&self, text: impl Into<String>) {
        let text = text.into();
        if locked(&self.told).insert(text.clone()) {
            self.warn(text);
        }
    }
}
