//! The iopub channel: outputs and status messages, in one queue and written by one task. Waiting
//! text is joined, so that a loop of prints becomes few messages. A client that does not read cannot
//! block the kernel.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use jupyter_protocol::{IoPubWelcome, JupyterMessage, JupyterMessageContent, Stdio};
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
/// Text is joined up to this many bytes.
const LARGEST_TEXT: usize = 64 << 10;

/// Writes what is queued and welcomes new subscribers, until the queue closes.
pub(in super::super) async fn serve(
    mut connection: KernelIoPubXPubConnection,
    mut queue: UnboundedReceiver<Entry>,
) {
    let mut waiting = None;
    let mut stalled = false;
    loop {
        tokio::select! {
            entry = next(&mut waiting, &mut queue) => match entry {
                Some(Entry::Message(mut message)) => {
                    waiting = join_text(&mut message, &mut queue);
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

async fn next(waiting: &mut Option<Entry>, queue: &mut UnboundedReceiver<Entry>) -> Option<Entry> {
    match waiting.take() {
        Some(entry) => Some(entry),
        None => queue.recv().await,
    }
}

/// Appends text that waits behind `message` to it; gives what comes after, if it was taken from
/// the queue.
fn join_text(message: &mut JupyterMessage, queue: &mut UnboundedReceiver<Entry>) -> Option<Entry> {
    let parent = message.parent_header.as_ref().map(|header| header.msg_id.clone());
    let JupyterMessageContent::StreamContent(text) = &mut message.content else { return None };
    while let Ok(entry) = queue.try_recv() {
        let Entry::Message(next) = &entry else { return Some(entry) };
        let JupyterMessageContent::StreamContent(more) = &next.content else { return Some(entry) };
        let same_stream = matches!(
            (&text.name, &more.name),
            (Stdio::Stdout, Stdio::Stdout) | (Stdio::Stderr, Stdio::Stderr)
        );
        let same_parent =
            next.parent_header.as_ref().map(|header| &header.msg_id) == parent.as_ref();
        if !same_stream || !same_parent || text.text.len() + more.text.len() > LARGEST_TEXT {
            return Some(entry);
        }
        text.text.push_str(&more.text);
    }
    None
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

#[cfg(test)]
mod tests {
    use jupyter_protocol::{JupyterMessage, Status, StreamContent};

    use super::super::outbox::Outbox;
    use super::*;

    #[test]
    fn waiting_text_is_joined_and_nothing_changes_its_place() {
        let (outbox, mut queue) = Outbox::new();
        let text = |text| JupyterMessage::from(StreamContent::stdout(text));
        for message in [text("b"), text("c"), Status::idle().into(), text("d")] {
            outbox.send(message);
        }
        let mut first = text("a");
        let next = join_text(&mut first, &mut queue);
        let JupyterMessageContent::StreamContent(text) = first.content else { panic!("text") };
        assert_eq!(text.text, "abc");
        let Some(Entry::Message(next)) = next else { panic!("a message") };
        assert_eq!(next.message_type(), "status");
    }
}
