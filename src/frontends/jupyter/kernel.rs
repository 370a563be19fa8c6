//! What the parts of a kernel share.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Instant, SystemTime};

use tokio::sync::Notify;

use super::history::History;
use super::protocol::output_channels::OutputChannels;
use super::protocol::replays::SeenSignatures;
use super::sink::KernelSink;
use crate::error::locked;
use crate::session::{Interrupter, Session};

/// A running kernel.
pub(super) struct Kernel {
    pub session: Session,
    pub interrupter: Interrupter,
    pub sink: Arc<KernelSink>,
    pub channels: OutputChannels,
    pub seen_signatures: SeenSignatures,
    pub process_start: SystemTime,
    /// Notified when the kernel should end.
    pub stop: Notify,
    history: Mutex<History>,
    /// When the user interrupted while no cell ran: those that waited then do not begin.
    interrupted: Mutex<Option<Instant>>,
}

impl Kernel {
    pub fn new(
        session: Session,
        sink: Arc<KernelSink>,
        channels: OutputChannels,
        history: History,
        process_start: SystemTime,
    ) -> Self {
        Self {
            interrupter: session.interrupter(),
            session,
            sink,
            channels,
            seen_signatures: SeenSignatures::default(),
            process_start,
            stop: Notify::new(),
            history: Mutex::new(history),
            interrupted: Mutex::default(),
        }
    }

    /// Stops the running cell. If none runs, cells that wait do not begin.
    pub fn stop_cell(&self) {
        if !self.interrupter.interrupt() {
            *locked(&self.interrupted) = Some(Instant::now());
        }
    }

    /// Ends all work: the running cell stops, waiting cells do not begin.
    pub fn end(&self) {
        *locked(&self.interrupted) = Some(Instant::now());
        self.interrupter.interrupt();
    }

    /// Whether the user interrupted after `moment` while no cell ran.
    pub fn interrupted_after(&self, moment: Instant) -> bool {
        locked(&self.interrupted).is_some_and(|interrupted| interrupted > moment)
    }

    pub fn history(&self) -> MutexGuard<'_, History> {
        locked(&self.history)
    }
}
