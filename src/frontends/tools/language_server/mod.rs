//! `u2ad lsp`: a language server, which editors start for `.star` files. It speaks over standard input and
//! output and runs nothing of what it reads.
//!
//! | file | what it holds |
//! |---|---|
//! | `wire` | messages as they come over standard input |
//! | `document` | the text of an open file, and places in it |
//! | `answers` | what requests are answered |

mod answers;
mod document;
mod wire;

use std::collections::HashMap;
use std::io::{BufRead, IsTerminal, Write, stdin, stdout};
use std::process::ExitCode;

use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::notification::{
    DidChangeTextDocument, DidCloseTextDocument, DidOpenTextDocument, Exit, Notification as _,
    PublishDiagnostics,
};
use lsp_types::request::{
    Completion, DocumentSymbolRequest, GotoDefinition, HoverRequest, Initialize, Request as _,
    ResolveCompletionItem, Shutdown,
};
use lsp_types::{
    CompletionOptions, DidChangeTextDocumentParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, HoverProviderCapability, OneOf, PublishDiagnosticsParams,
    ServerCapabilities, TextDocumentSyncCapability, TextDocumentSyncKind, Uri,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::document::Document;
use self::wire::Incoming;
use crate::context::panics;
use crate::{Error, Result};

/// Serves an editor until it closes the connection. The exit code is 0, or 1 if the editor leaves without a
/// shutdown.
///
/// # Errors
/// If standard input is a terminal, or the editor's messages have no end that is known.
pub fn run() -> Result<ExitCode> {
    if stdin().is_terminal() {
        return Err(Error::input(
            "lsp: an editor starts this command and speaks to it over standard input; docs/editors.md says how",
        ));
    }
    let mut server = Server::new(stdout().lock());
    let left_well = server.serve(&mut stdin().lock())?;
    Ok(if left_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn capabilities() -> ServerCapabilities {
    let triggers = [".", "\"", "'", "(", "="];
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Kind(TextDocumentSyncKind::FULL)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(triggers.map(str::to_owned).to_vec()),
            resolve_provider: Some(true),
            ..CompletionOptions::default()
        }),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        ..ServerCapabilities::default()
    }
}

/// How far the conversation with an editor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Before the request `initialize`.
    Fresh,
    Open,
    /// After the request `shutdown`.
    ShutDown,
}

/// What is known of an editor: its open files.
struct Server<W> {
    output: W,
    stage: Stage,
    documents: HashMap<String, Document>,
}

impl<W: Write> Server<W> {
    fn new(output: W) -> Self {
        Self { output, stage: Stage::Fresh, documents: HashMap::new() }
    }

    /// Serves all messages of an input; whether the editor left well.
    fn serve(&mut self, input: &mut impl BufRead) -> Result<bool> {
        while let Some(incoming) = wire::read(input)? {
            match incoming {
                Incoming::Message(Message::Request(request)) => {
                    let answer = self.respond(request);
                    self.send(answer);
                }
                Incoming::Message(Message::Notification(notification)) => {
                    if notification.method == Exit::METHOD {
                        return Ok(self.stage == Stage::ShutDown);
                    }
                    if self.stage == Stage::Open {
                        self.notice(notification);
                    }
                }
                // The server asks nothing.
                Incoming::Message(Message::Response(_)) => {}
                Incoming::Refused { id, code, reason } => {
                    let error = json!({ "code": code as i32, "message": reason });
                    self.write(&json!({ "jsonrpc": "2.0", "id": id, "error": error }));
                }
            }
        }
        match self.stage {
            Stage::Fresh => {
                Err(Error::input("lsp: the input ended before an editor said anything"))
            }
            _ => Ok(true),
        }
    }

    /// The answer to a request at this stage.
    fn respond(&mut self, request: Request) -> Response {
        let refuse = |id, code, reason: &str| refused(id, code, reason.to_owned());
        match (self.stage, &*request.method) {
            (Stage::Fresh, Initialize::METHOD) => {
                self.stage = Stage::Open;
                let info = json!({ "name": "u2ad", "version": env!("CARGO_PKG_VERSION") });
                let answer = json!({ "capabilities": capabilities(), "serverInfo": info });
                Response::new_ok(request.id, answer)
            }
            (Stage::Fresh, _) => refuse(
                request.id,
                ErrorCode::ServerNotInitialized,
                "the first request must be initialize",
            ),
            (Stage::Open, Initialize::METHOD) => {
                refuse(request.id, ErrorCode::InvalidRequest, "the server is initialized already")
            }
            (Stage::Open, Shutdown::METHOD) => {
                self.stage = Stage::ShutDown;
                Response::new_ok(request.id, Value::Null)
            }
            (Stage::Open, _) => self.answer(request),
            (Stage::ShutDown, _) => {
                refuse(request.id, ErrorCode::InvalidRequest, "the server was asked to shut down")
            }
        }
    }

    /// An answer to any request. A bug costs the answer, not the server.
    fn answer(&self, request: Request) -> Response {
        let id = request.id.clone();
        panics::catch(|| self.answer_unguarded(request)).unwrap_or_else(|panic| {
            refused(id, ErrorCode::InternalError, format!("u2ad itself failed: {panic}"))
        })
    }

    fn answer_unguarded(&self, request: Request) -> Response {
        let Request { id, method, params } = request;
        match &*method {
            Completion::METHOD => answered(id, params, |params| self.completion(&params)),
            ResolveCompletionItem::METHOD => answered(id, params, answers::resolved),
            HoverRequest::METHOD => answered(id, params, |params| self.hover(&params)),
            GotoDefinition::METHOD => answered(id, params, |params| self.definition(&params)),
            DocumentSymbolRequest::METHOD => answered(id, params, |params| self.symbols(&params)),
            _ => refused(id, ErrorCode::MethodNotFound, format!("{method} is not known here")),
        }
    }

    fn notice(&mut self, notification: Notification) {
        let Notification { method, params } = notification;
        match &*method {
            DidOpenTextDocument::METHOD => {
                if let Some(DidOpenTextDocumentParams { text_document }) = read(params) {
                    self.open(text_document.uri, text_document.text, text_document.version);
                }
            }
            DidChangeTextDocument::METHOD => {
                let Some(params) = read::<DidChangeTextDocumentParams>(params) else { return };
                let document = params.text_document;
                // The editor was asked to send the whole text.
                if let Some(change) = params.content_changes.into_iter().last() {
                    self.open(document.uri, change.text, document.version);
                }
            }
            DidCloseTextDocument::METHOD => {
                let Some(params) = read::<DidCloseTextDocumentParams>(params) else { return };
                let uri = params.text_document.uri;
                self.documents.remove(uri.as_str());
                self.publish(PublishDiagnosticsParams::new(uri, Vec::new(), None));
            }
            // Others need no action.
            _ => {}
        }
    }

    /// Takes the text of a file and tells what is wrong with it.
    fn open(&mut self, uri: Uri, text: String, version: i32) {
        self.documents.insert(uri.as_str().to_owned(), Document::new(text));
        let diagnostics = self.diagnostics(&uri);
        self.publish(PublishDiagnosticsParams::new(uri, diagnostics, Some(version)));
    }

    fn publish(&mut self, params: PublishDiagnosticsParams) {
        self.send(Notification::new(PublishDiagnostics::METHOD.to_owned(), params));
    }

    fn send(&mut self, message: impl Into<Message>) {
        // An editor that has gone hears nothing.
        message.into().write(&mut self.output).ok();
    }

    /// Writes what the types of messages do not provide for: an answer to nobody knows what.
    fn write(&mut self, message: &Value) {
        let text = message.to_string();
        let output = &mut self.output;
        let written = write!(output, "Content-Length: {}\r\n\r\n{text}", text.len());
        written.and_then(|()| output.flush()).ok();
    }
}

fn read<T: DeserializeOwned>(params: Value) -> Option<T> {
    serde_json::from_value(params).ok()
}

fn answered<P: DeserializeOwned, R: Serialize>(
    id: RequestId,
    params: Value,
    answer: impl FnOnce(P) -> R,
) -> Response {
    match serde_json::from_value(params) {
        Ok(params) => Response::new_ok(id, answer(params)),
        Err(error) => refused(id, ErrorCode::InvalidParams, error.to_string()),
    }
}

fn refused(id: RequestId, code: ErrorCode, reason: String) -> Response {
    Response::new_err(id, code as i32, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the server answers to these bodies: codes of errors, or "ok"; and whether the editor left well.
    fn answers(bodies: &[&str]) -> (Vec<String>, bool) {
        let framed = |body: &&str| format!("Content-Length: {}\r\n\r\n{body}", body.len());
        let input: String = bodies.iter().map(framed).collect();
        let mut output = Vec::new();
        let left_well = Server::new(&mut output).serve(&mut input.as_bytes()).unwrap();
        let text = String::from_utf8(output).unwrap();
        let bodies = text.split("Content-Length: ").filter_map(|part| part.split_once("\r\n\r\n"));
        let told = bodies.map(|(_, body)| {
            let answer: Value = serde_json::from_str(body).unwrap();
            answer["error"]["code"].as_i64().map_or("ok".to_owned(), |code| code.to_string())
        });
        (told.collect(), left_well)
    }

    #[test]
    fn every_request_is_answered_at_every_stage() {
        let initialize = r#"{"id": 1, "method": "initialize", "params": {"capabilities": {}}}"#;
        let hover = r#"{"id": 2, "method": "textDocument/hover", "params": {}}"#;
        let shutdown = r#"{"id": 3, "method": "shutdown"}"#;
        let exit = r#"{"method": "exit"}"#;
        let (told, left_well) =
            answers(&[hover, "{", initialize, initialize, hover, shutdown, hover, exit]);
        assert_eq!(told, ["-32002", "-32700", "ok", "-32600", "-32602", "ok", "-32600"]);
        assert!(left_well);
        assert_eq!(answers(&[initialize, exit]), (vec!["ok".to_owned()], false));
        assert!(answers(&[initialize]).1);
    }
}
