//! What every Jupyter kernel needs, whatever its language: the sockets of a connection file, the
//! tasks that read and write them, and the order of status messages, replies and outputs.
//!
//! Nothing here knows the session or its language: a kernel implements
//! [`handler::RequestHandler`].
//!
//! | file | what it holds |
//! |---|---|
//! | `sockets`, `guard` | the connection file and its sockets; the check of what strangers send |
//! | `channels`, `incoming` | reading the shell and control channels; frames to requests |
//! | `replays`, `process_start` | which messages are not for this kernel |
//! | `handler`, `replies` | what a kernel provides; answering requests beside running cells |
//! | `outbox`, `iopub`, `output_channels` | queues of outgoing messages; outputs; status messages |
//! | `stdin` | asking the user for a line |
//! | `parent` | noticing that the parent process has ended |
//! | `log` | lines for the server's log |

pub(super) mod channels;
#[cfg(unix)]
pub(super) mod guard;
pub(super) mod handler;
pub(super) mod incoming;
pub(super) mod iopub;
mod log;
pub(super) mod outbox;
pub(super) mod output_channels;
pub(super) mod parent;
pub(super) mod process_start;
pub(super) mod replays;
pub(super) mod replies;
pub(super) mod sockets;
pub(super) mod stdin;

/// The version of the protocol that is spoken here.
pub(super) const PROTOCOL_VERSION: &str = "5.4";
