//! The iopub channel: outputs and status messages, in one queue and written by one task. A client
//! that does not read cannot block the kernel.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use jupyter_protocol::{IoPubWelcome, JupyterMessage};
use jupyter_zmq_client::{KernelIoPubXPubConnection, SubscriptionEvent};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use super::incoming::announcement;
use super::log::log;
use super::outbox::Entry;

/// How long one message may take to reach the buffers of all clients.
const SEND_TIMEOUT: Duration = Duration::from_secs(2);
/// The same while a client is known not to read.
const STALLED_SEND_TIMEOUT: Duration = Duration::from_millis(10);

/// Writes what is queued and welcomes new subscribers, until the queue closes.
pub(in super::super) async fn serve(
    mut connection: KernelIoPubXPubConnection,
    mut queue: UnboundedReceiver<Entry>,
) {
    let mut stalled = false;
    loop {
        tokio::select! {
            entry = queue.recv() => match entry {
                Some(Entry::Message(message)) => {
                    write(&mut connection, *message, &mut stalled).await;
                }
                Some(Entry::Flush(written)) => {
                    written.send(()).ok();
                }
                None => return,
            },
            // The transport parses what strangers send: not even its panic may stop the outputs.
            event = AssertUnwindSafe(connection.recv_subscription()).catch_unwind() => {
                if let Ok(Ok(SubscriptionEvent::Subscribe(topic))) = event {
                    let welcome = announcement(IoPubWelcome::new(topic));
                    write(&mut connection, welcome, &mut stalled).await;
                }
            }
        }
    }
}

/// Writes to all clients. One that has stopped reading delays the others only briefly; it gets the
/// missed messages when it reads again, or loses them.
async fn write(
    connection: &mut KernelIoPubXPubConnection,
    message: JupyterMessage,
    stalled: &mut bool,
) {
    let limit = if *stalled { STALLED_SEND_TIMEOUT } else { SEND_TIMEOUT };
    match timeout(limit, connection.send(message)).await {
        Ok(Ok(())) => *stalled = false,
        Ok(Err(error)) => log(&format!("an output was not delivered: {error}")),
        Err(_) => {
            if !*stalled {
                log("a client does not read: its outputs may be lost");
            }
            *stalled = true;
        }
    }
}
