//! What the parts of a kernel share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jupyter_protocol::Status;
use tokio::sync::Notify;

use super::history::History;
use super::incoming::Request;
use super::outbox::Outbox;
use super::sink::KernelSink;
use crate::session::{Interrupter, Session};

/// A running kernel.
pub(super) struct Kernel {
    pub session: Session,
    pub interrupter: Interrupter,
    pub sink: Arc<KernelSink>,
    pub iopub: Outbox,
    pub shell: Outbox,
    pub control: Outbox,
    /// Told when the kernel should end.
    pub stop: Notify,
    history: Mutex<History>,
    /// What the executor works on.
    running: Mutex<Option<Arc<Request>>>,
    /// When the user interrupted while no cell ran: those that waited then do not begin.
    interrupted: Mutex<Option<Instant>>,
}

impl Kernel {
    pub fn new(
        session: Session,
        sink: Arc<KernelSink>,
        [iopub, shell, control]: [Outbox; 3],
        history: History,
    ) -> Self {
        Self {
            interrupter: session.interrupter(),
            session,
            sink,
            iopub,
            shell,
            control,
            stop: Notify::new(),
            history: Mutex::new(history),
            running: Mutex::default(),
            interrupted: Mutex::default(),
        }
    }

    /// Tells everybody what the kernel does about `request`.
    pub fn state(&self, request: &Request, state: Status) {
        self.iopub.send(request.publish(state));
    }

    /// The same at the end of a request that was answered beside a cell: the kernel is still busy
    /// with that, which clients that watch only the last state would not see.
    pub fn done_beside(&self, request: &Request) {
        self.state(request, Status::idle());
        let running = lock(&self.running).clone();
        if let Some(running) = running {
            self.state(&running, Status::busy());
        }
    }

    /// Stops what runs. If nothing does, cells that wait do not begin.
    pub fn interrupt(&self) {
        if !self.interrupter.interrupt() {
            *lock(&self.interrupted) = Some(Instant::now());
        }
    }

    /// The kernel is ending: what runs stops, what waits does not begin.
    pub fn end(&self) {
        *lock(&self.interrupted) = Some(Instant::now());
        self.interrupter.interrupt();
    }

    /// Whether the user interrupted after that moment, while nothing ran.
    pub fn interrupted_after(&self, moment: Instant) -> bool {
        lock(&self.interrupted).is_some_and(|interrupted| interrupted > moment)
    }

    pub fn set_running(&self, request: Option<Arc<Request>>) {
        *lock(&self.running) = request;
    }

    pub fn is_running(&self) -> bool {
        lock(&self.running).is_some()
    }

    pub fn history(&self) -> MutexGuard<'_, History> {
        lock(&self.history)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
