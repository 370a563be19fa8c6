//! From frames to requests. Nothing that arrives may end the kernel: frames that are not a message,
//! or whose signature is wrong, are logged and dropped.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use futures::FutureExt;
use jupyter_protocol::{
    Header, JupyterMessage, JupyterMessageContent, KernelInfoRequest, UnknownMessage,
};
use jupyter_zmq_client::{Connection, RawMessage};
use serde_json::{Map, Value, json};
use zeromq::{SocketRecv, ZmqMessage};

use super::log::log;
use super::replays::{SeenSignatures, signature};

/// A request as its replies need it: its sender, and when it arrived.
pub(in super::super) struct Request {
    /// The message without its content, which can be large.
    origin: JupyterMessage,
    pub arrived: Instant,
}

impl Request {
    /// Headers of the message.
    pub fn header(&self) -> &Header {
        &self.origin.header
    }

    /// Whether the message was sent before `moment`, by its sender's clock. One without a date was
    /// not.
    pub fn was_sent_before(&self, moment: SystemTime) -> bool {
        let date = SystemTime::from(self.header().date);
        date > SystemTime::UNIX_EPOCH && date < moment
    }

    /// A reply to the sender.
    pub fn reply(&self, content: impl Into<JupyterMessageContent>) -> JupyterMessage {
        let mut message = JupyterMessage::new(content, Some(&self.origin));
        "kernel".clone_into(&mut message.header.username);
        message
    }

    /// A message on the iopub channel that belongs to this request; the first frame is the topic.
    pub fn publish(&self, content: impl Into<JupyterMessageContent>) -> JupyterMessage {
        addressed_to_all(self.reply(content))
    }
}

/// A message on the iopub channel that belongs to no request.
pub(in super::super) fn announcement(content: impl Into<JupyterMessageContent>) -> JupyterMessage {
    let mut message = JupyterMessage::new(content, None);
    "kernel".clone_into(&mut message.header.username);
    addressed_to_all(message)
}

fn addressed_to_all(message: JupyterMessage) -> JupyterMessage {
    let topic = Bytes::from(format!("kernel.{}", message.message_type()));
    message.with_zmq_identities(vec![topic])
}

/// Waits for the next request. What cannot be read as one, or was sent before, is logged and dropped.
pub(in super::super) async fn next<S: SocketRecv>(
    connection: &mut Connection<S>,
    seen: &SeenSignatures,
) -> (Request, JupyterMessageContent) {
    loop {
        // The transport parses what strangers send: not even its panic may stop the reader.
        let received = AssertUnwindSafe(connection.socket.recv()).catch_unwind().await;
        let reason = match received {
            Ok(Ok(frames)) => match read(frames, connection, seen) {
                Ok(request) => return request,
                Err(reason) => reason,
            },
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the transport failed on what was sent".to_owned(),
        };
        log(&format!("a message was dropped: {reason}"));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn read<S>(
    frames: ZmqMessage,
    connection: &Connection<S>,
    seen: &SeenSignatures,
) -> Result<(Request, JupyterMessageContent), String> {
    let signature = signature(&frames);
    let raw = RawMessage::from_multipart(frames, &connection.mac).map_err(|e| e.to_string())?;
    // Messages of a kernel without a key are not signed.
    if connection.mac.is_some() && !signature.is_some_and(|signature| seen.is_new(&signature)) {
        return Err("a message with its signature has come before".to_owned());
    }
    parsed(raw)
}

fn parsed(raw: RawMessage) -> Result<(Request, JupyterMessageContent), String> {
    let part = |index: usize| serde_json::from_slice::<Value>(&raw.jparts[index]);
    let header: Header =
        serde_json::from_slice(&raw.jparts[0]).map_err(|error| format!("its header: {error}"))?;
    let content = part(3).map_err(|error| format!("its content: {error}"))?;
    let content = understood(&header.msg_type, content);
    let origin = JupyterMessage {
        zmq_identities: raw.zmq_identities,
        header,
        parent_header: serde_json::from_slice(&raw.jparts[1]).ok(),
        metadata: json!({}),
        content: KernelInfoRequest {}.into(),
        buffers: Vec::new(),
        channel: None,
    };
    Ok((Request { origin, arrived: Instant::now() }, content))
}

/// Reads bytes as the frames of an unsigned message, one in each line, for tests with arbitrary ones.
pub(in super::super) fn read_lines(bytes: &[u8]) {
    let lines = bytes.split(|&byte| byte == b'\n').map(Bytes::copy_from_slice);
    let Ok(frames) = ZmqMessage::try_from(lines.collect::<Vec<_>>()) else { return };
    signature(&frames);
    if let Ok(raw) = RawMessage::from_multipart(frames, &None)
        && let Ok((request, content)) = parsed(raw)
    {
        request.was_sent_before(SystemTime::now());
        request.reply(content);
    }
}

/// The content by its type. A request of a known type that lacks what it needs counts as unknown:
/// its sender then gets an error instead of waiting forever.
fn understood(kind: &str, content: Value) -> JupyterMessageContent {
    let unknown =
        |content| UnknownMessage { msg_type: kind.to_owned(), content: Value::Object(content) };
    let Value::Object(mut content) = content else {
        return unknown(Map::new()).into();
    };
    // Has forms that the crate's type cannot read: the kernel reads it as JSON.
    if kind == "history_request" {
        return unknown(content).into();
    }
    fill_defaults(kind, &mut content);
    JupyterMessageContent::from_type_and_content(kind, Value::Object(content))
        .unwrap_or_else(|_| unknown(Map::new()).into())
}

/// Clients send only what differs from the protocol's defaults.
fn fill_defaults(kind: &str, content: &mut Map<String, Value>) {
    let mut default = |name: &str, value: Value| {
        let entry = content.entry(name).or_insert(Value::Null);
        if entry.is_null() {
            *entry = value;
        }
    };
    match kind {
        "execute_request" => {
            default("silent", json!(false));
            default("store_history", json!(true));
            default("user_expressions", json!({}));
            default("allow_stdin", json!(true));
            default("stop_on_error", json!(true));
        }
        "complete_request" | "inspect_request" => default("cursor_pos", json!(usize::MAX)),
        "shutdown_request" => default("restart", json!(false)),
        "comm_open" | "comm_msg" | "comm_close" => default("data", json!({})),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_leaves_out_has_the_defaults_of_the_protocol() {
        let JupyterMessageContent::ExecuteRequest(request) =
            understood("execute_request", json!({"code": "1", "user_expressions": null}))
        else {
            panic!("an execute_request");
        };
        assert!(!request.silent && request.store_history && request.stop_on_error);
        assert_eq!(request.user_expressions, Some(Default::default()));
    }

    #[test]
    fn a_request_without_what_it_needs_counts_as_unknown() {
        for content in [json!({}), json!([1]), json!({"code": 3}), Value::Null] {
            let read = understood("execute_request", content);
            assert!(matches!(read, JupyterMessageContent::UnknownMessage(_)));
            assert_eq!(read.message_type(), "execute_request");
        }
    }
}
