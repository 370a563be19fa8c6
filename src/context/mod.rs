//! What a long task is given: seeded random streams, a cancel token checked at every batch, a
//! progress reporter and the device. Nothing in the crate draws from a global or
//! thread-local generator.

mod cancel;
mod progress;
mod streams;

pub use cancel::CancelToken;
pub use progress::{Event, Progress, Reporter, Silent};
pub use streams::{Stream, Streams};

use std::sync::Arc;

use candle_core::Device;

use crate::Result;

/// The surroundings of a long task. Cheap to clone; clones share the cancel token and reporter.
#[derive(Clone)]
pub struct Context {
    /// Named, seeded random streams.
    pub streams: Streams,
    /// Set by whoever wants the task to stop.
    pub cancel: CancelToken,
    /// Where tensors live.
    pub device: Device,
    reporter: Arc<dyn Reporter>,
}

impl Context {
    /// A quiet context on the CPU.
    pub fn new(seed: u64) -> Self {
        Self {
            streams: Streams::new(seed),
            cancel: CancelToken::default(),
            device: Device::Cpu,
            reporter: Arc::new(Silent),
        }
    }

    /// The same context, telling `reporter` what happens.
    pub fn with_reporter(mut self, reporter: Arc<dyn Reporter>) -> Self {
        self.reporter = reporter;
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

    /// Tells the user something worth knowing.
    pub fn note(&self, text: impl Into<String>) {
        self.reporter.report(Event::Note(text.into()));
    }

    /// Tells the user about something that was worked around, such as a skipped subject.
    pub fn warn(&self, text: impl Into<String>) {
        self.reporter.report(Event::Warning(text.into()));
    }
}
