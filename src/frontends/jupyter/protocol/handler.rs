//! What the protocol needs from a kernel, whatever its language.

use std::time::SystemTime;

use jupyter_protocol::JupyterMessageContent;

use super::incoming::Request;
use super::output_channels::OutputChannels;
use super::replays::SeenSignatures;

/// A kernel as the channels see it. Its methods are called while cells run, so they must not wait
/// for one.
pub(in super::super) trait RequestHandler: Send + Sync + 'static {
    /// Where replies, outputs and status messages go.
    fn output_channels(&self) -> &OutputChannels;

    /// The signatures of what was received.
    fn seen_signatures(&self) -> &SeenSignatures;

    /// When the process of the kernel began.
    fn process_start(&self) -> SystemTime;

    /// The reply to a request that runs no cell, such as a completion; `None` if the protocol has
    /// no reply to it.
    fn reply(
        &self,
        request: &Request,
        content: JupyterMessageContent,
    ) -> Option<JupyterMessageContent>;

    /// Stops the running cell.
    fn interrupt(&self);

    /// Lets the kernel end. Its replies are already queued.
    fn shut_down(&self);
}
