//! The channels that a kernel writes to, and the status messages on them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jupyter_protocol::Status;

use super::incoming::Request;
use super::outbox::Outbox;
use crate::error::locked;

/// Where replies, outputs and status messages go.
pub(in super::super) struct OutputChannels {
    pub iopub: Outbox,
    pub shell: Outbox,
    pub control: Outbox,
    /// The request whose cell runs.
    running: Mutex<Option<Arc<Request>>>,
    /// Cells that were received and have no reply yet.
    unanswered: AtomicUsize,
}

impl OutputChannels {
    pub fn new(iopub: Outbox, shell: Outbox, control: Outbox) -> Self {
        Self { iopub, shell, control, running: Mutex::default(), unanswered: AtomicUsize::new(0) }
    }

    /// Publishes what the kernel does about `request`.
    pub fn publish_status(&self, request: &Request, status: Status) {
        self.iopub.send(request.publish(status));
    }

    /// Publishes the end of a request that was answered beside a running cell. The kernel is still
    /// busy with the cell, which clients that watch only the last status would not see.
    pub fn publish_idle_beside_cell(&self, request: &Request) {
        self.publish_status(request, Status::idle());
        let running = self.running().clone();
        if let Some(running) = running {
            self.publish_status(&running, Status::busy());
        }
    }

    /// Remembers the request whose cell runs from now on; `None` at its end.
    pub fn set_running(&self, request: Option<Arc<Request>>) {
        *self.running() = request;
    }

    /// Counts a cell that was received.
    pub fn cell_received(&self) {
        self.unanswered.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a reply to a cell, which must be queued by now.
    pub fn cell_answered(&self) {
        self.unanswered.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether a cell runs or waits.
    pub fn has_unanswered_cells(&self) -> bool {
        self.unanswered.load(Ordering::Relaxed) > 0
    }

    /// Waits until everything queued so far was written, for each channel no longer than `limit`.
    pub fn flush(&self, limit: Duration) {
        for outbox in [&self.shell, &self.control, &self.iopub] {
            outbox.flush(limit);
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<Arc<Request>>> {
        locked(&self.running)
    }
}
