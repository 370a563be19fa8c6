//! The kernel's replies to requests that run no cell.

use std::time::SystemTime;

use jupyter_protocol::{
    CodeMirrorMode, CommClose, CommInfoReply, CompleteReply, CompleteRequest, HelpLink,
    InspectReply, InspectRequest, IsCompleteReply, JupyterMessageContent, KernelInfoReply,
    LanguageInfo, ReplyStatus,
};
use serde_json::json;

use super::kernel::Kernel;
use super::media::Bundle;
use super::protocol::PROTOCOL_VERSION;
use super::protocol::handler::RequestHandler;
use super::protocol::incoming::Request;
use super::protocol::output_channels::OutputChannels;
use super::protocol::replays::SeenSignatures;
use super::protocol::replies::error_reply;
use crate::frontends::commands::command_line;
use crate::frontends::tools::convert::CLIENT_LANGUAGE;
use crate::language::{Completeness, completeness};
use crate::session::Completions;

impl RequestHandler for Kernel {
    fn output_channels(&self) -> &OutputChannels {
        &self.channels
    }

    fn seen_signatures(&self) -> &SeenSignatures {
        &self.seen_signatures
    }

    fn process_start(&self) -> SystemTime {
        self.process_start
    }

    fn reply(
        &self,
        request: &Request,
        content: JupyterMessageContent,
    ) -> Option<JupyterMessageContent> {
        reply(self, request, content)
    }

    fn interrupt(&self) {
        self.stop_cell();
    }

    fn shut_down(&self) {
        self.stop.notify_one();
    }
}

fn reply(
    kernel: &Kernel,
    request: &Request,
    content: JupyterMessageContent,
) -> Option<JupyterMessageContent> {
    Some(match content {
        JupyterMessageContent::KernelInfoRequest(_) => kernel_info().into(),
        JupyterMessageContent::CompleteRequest(asked) => complete(kernel, &asked).into(),
        JupyterMessageContent::InspectRequest(asked) => inspect(kernel, &asked).into(),
        JupyterMessageContent::IsCompleteRequest(asked) => is_complete(&asked.code).into(),
        JupyterMessageContent::CommInfoRequest(_) => CommInfoReply::default().into(),
        // The kernel has no comms, so every comm is closed at once.
        JupyterMessageContent::CommOpen(open) => {
            let close = CommClose { comm_id: open.comm_id, ..CommClose::default() };
            kernel.channels.iopub.send(request.publish(close));
            return None;
        }
        JupyterMessageContent::UnknownMessage(unknown) if unknown.msg_type == "history_request" => {
            kernel.history().answer(&unknown.content).into()
        }
        other => return error_reply(other.message_type()),
    })
}

/// What u2ad is and how its language is shown: Starlark reads as Python, which every client
/// highlights and into which papermill writes parameters.
fn kernel_info() -> KernelInfoReply {
    let version = env!("CARGO_PKG_VERSION");
    let link = |text: &str, url: &str| HelpLink { text: text.to_owned(), url: url.to_owned() };
    KernelInfoReply {
        status: ReplyStatus::Ok,
        protocol_version: PROTOCOL_VERSION.to_owned(),
        implementation: "u2ad".to_owned(),
        implementation_version: version.to_owned(),
        language_info: LanguageInfo {
            name: CLIENT_LANGUAGE.to_owned(),
            version: version.to_owned(),
            mimetype: Some("text/x-python".to_owned()),
            file_extension: Some(".star".to_owned()),
            pygments_lexer: Some("python".to_owned()),
            codemirror_mode: Some(CodeMirrorMode::python()),
            nbconvert_exporter: Some("script".to_owned()),
        },
        banner: format!("u2ad {version} · help() lists the verbs"),
        help_links: vec![
            link("Starlark", "https://github.com/bazelbuild/starlark/blob/master/spec.md"),
            link("U²AD, the paper", "https://doi.org/10.1016/j.media.2026.103939"),
        ],
        debugger: false,
        error: None,
    }
}

fn complete(kernel: &Kernel, asked: &CompleteRequest) -> CompleteReply {
    let Completions { start, end, candidates } =
        kernel.session.complete(&asked.code, asked.cursor_pos);
    // What JupyterLab draws beside each candidate.
    let described: Vec<_> = candidates
        .iter()
        .map(|candidate| {
            json!({
                "text": candidate.text,
                "type": candidate.kind.name(),
                "signature": candidate.detail.as_deref().unwrap_or_default(),
                "start": start,
                "end": end,
            })
        })
        .collect();
    let mut reply = CompleteReply {
        matches: candidates.into_iter().map(|candidate| candidate.text).collect(),
        cursor_start: start,
        cursor_end: end,
        ..CompleteReply::default()
    };
    reply.metadata.insert("_jupyter_types_experimental".to_owned(), described.into());
    reply
}

fn inspect(kernel: &Kernel, asked: &InspectRequest) -> InspectReply {
    match kernel.session.inspect(&asked.code, asked.cursor_pos) {
        Some(page) => {
            InspectReply { found: true, data: Bundle::page(&page).data, ..InspectReply::default() }
        }
        None => InspectReply::default(),
    }
}

fn is_complete(code: &str) -> IsCompleteReply {
    if command_line(code).is_some() {
        return IsCompleteReply::complete();
    }
    match completeness(code) {
        Completeness::Complete => IsCompleteReply::complete(),
        Completeness::Incomplete { indent } => IsCompleteReply::incomplete(indent),
        Completeness::Invalid => IsCompleteReply::invalid(),
    }
}
