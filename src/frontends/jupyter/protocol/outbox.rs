//! Outgoing messages of one socket: a queue that any thread may fill, and one task that writes.

use std::sync::mpsc;
use std::time::Duration;

use jupyter_protocol::JupyterMessage;
use jupyter_zmq_client::Connection;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zeromq::SocketSend;

use super::log::log;

/// The open end of a queue of messages.
#[derive(Clone)]
pub(in super::super) struct Outbox(UnboundedSender<Entry>);

/// One entry of the queue.
pub(in super::super) enum Entry {
    Message(Box<JupyterMessage>),
    /// Answered as soon as everything before it was written.
    Flush(mpsc::Sender<()>),
}

impl Outbox {
    /// A queue and the end that [`serve`] reads.
    pub fn new() -> (Self, UnboundedReceiver<Entry>) {
        let (sender, receiver) = unbounded_channel();
        (Self(sender), receiver)
    }

    /// Queues a message; never waits.
    pub fn send(&self, message: JupyterMessage) {
        // A queue without a reader means that the kernel is ending.
        self.0.send(Entry::Message(Box::new(message))).ok();
    }

    /// Waits until everything queued so far was written, but no longer than `limit`.
    pub fn flush(&self, limit: Duration) {
        let (sender, written) = mpsc::channel();
        if self.0.send(Entry::Flush(sender)).is_ok() {
            written.recv_timeout(limit).ok();
        }
    }
}

/// Writes what is queued until the queue closes. A client that has disconnected does not stop it.
pub(in super::super) async fn serve<S: SocketSend>(
    mut connection: Connection<S>,
    mut queue: UnboundedReceiver<Entry>,
) {
    while let Some(entry) = queue.recv().await {
        match entry {
            Entry::Message(message) => {
                if let Err(error) = connection.send(*message).await {
                    log(&format!("a reply was not delivered: {error}"));
                }
            }
            Entry::Flush(written) => {
                written.send(()).ok();
            }
        }
    }
}
