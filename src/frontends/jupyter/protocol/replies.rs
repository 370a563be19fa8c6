//! Requests that are answered at once, also while a cell runs.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jupyter_protocol::{JupyterMessageContent, ReplyStatus, Status, UnknownMessage};
use serde_json::json;

use super::handler::RequestHandler;
use super::incoming::Request;
use super::outbox::Outbox;

/// Answers one request between "busy" and "idle". A message that is not a request gets no reply.
pub(in super::super) fn answer(
    handler: &impl RequestHandler,
    outbox: &Outbox,
    request: &Request,
    content: JupyterMessageContent,
) {
    let channels = handler.output_channels();
    channels.publish_status(request, Status::busy());
    let message_type = content.message_type().to_owned();
    // A panic in a completion must not end the session.
    let reply = catch_unwind(AssertUnwindSafe(|| handler.reply(request, content)));
    if let Some(reply) = reply.unwrap_or_else(|_| error_reply(&message_type)) {
        outbox.send(request.reply(reply));
    }
    channels.publish_idle_beside_cell(request);
}

/// An error for a request that the kernel does not know or that is incomplete; `None` for a message
/// that is not a request.
pub(in super::super) fn error_reply(message_type: &str) -> Option<JupyterMessageContent> {
    let reply = UnknownMessage {
        msg_type: format!("{}_reply", message_type.strip_suffix("_request")?),
        content: json!({
            "status": ReplyStatus::Error,
            "ename": "RequestError",
            "evalue": format!("this kernel cannot answer this {message_type}"),
            "traceback": [],
        }),
    };
    Some(reply.into())
}
