//! `u2ad lsp`: a language server, which editors start for `.star` files. It speaks over standard input and
//! output and runs nothing of what it reads.
//!
//! | file | what it holds |
//! |---|---|
//! | `document` | the text of an open file, and places in it |
//! | `answers` | what requests are answered |

mod answers;
mod document;

use std::collections::HashMap;
use std::io::{IsTerminal, stdin};
use std::process::ExitCode;

use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::notification::{
    DidChangeTextDocument, DidCloseTextDocument, DidOpenTextDocument, Notification as _,
    PublishDiagnostics,
};
use lsp_types::request::{
    Completion, DocumentSymbolRequest, GotoDefinition, HoverRequest, Request as _,
    ResolveCompletionItem,
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
use crate::context::panics;
use crate::{Error, Result};

/// Serves an editor until it closes the connection.
///
/// # Errors
/// If standard input is a terminal, or the editor does not keep to the protocol.
pub fn run() -> Result<ExitCode> {
    if stdin().is_terminal() {
        return Err(Error::input(
            "lsp: an editor starts this command and speaks to it over standard input; docs/editors.md says how",
        ));
    }
    let failed = |error: &dyn std::fmt::Display| Error::input(format!("lsp: {error}"));
    let (connection, threads) = Connection::stdio();
    let (id, _) = connection.initialize_start().map_err(|error| failed(&error))?;
    let version = env!("CARGO_PKG_VERSION");
    let answer = json!({
        "capabilities": capabilities(),
        "serverInfo": { "name": "u2ad", "version": version },
    });
    connection.initialize_finish(id, answer).map_err(|error| failed(&error))?;
    let mut server = Server { connection: &connection, documents: HashMap::new() };
    let ended = server.serve();
    // The threads end once nothing can be sent any more.
    drop(connection);
    ended?;
    threads.join().map_err(|error| failed(&error))?;
    Ok(ExitCode::SUCCESS)
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

/// The open files of an editor.
struct Server<'a> {
    connection: &'a Connection,
    documents: HashMap<String, Document>,
}

impl Server<'_> {
    fn serve(&mut self) -> Result<()> {
        for message in &self.connection.receiver {
            match message {
                Message::Request(request) => {
                    let shuts_down = self.connection.handle_shutdown(&request);
                    if shuts_down.map_err(|error| Error::input(format!("lsp: {error}")))? {
                        return Ok(());
                    }
                    let answer = self.answer(request);
                    self.send(answer);
                }
                Message::Notification(notification) => self.notice(notification),
                // The server asks nothing.
                Message::Response(_) => {}
            }
        }
        Ok(())
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
        let document = Document::new(text);
        let diagnostics = answers::diagnostics(&document);
        self.documents.insert(uri.as_str().to_owned(), document);
        self.publish(PublishDiagnosticsParams::new(uri, diagnostics, Some(version)));
    }

    fn publish(&self, params: PublishDiagnosticsParams) {
        self.send(Notification::new(PublishDiagnostics::METHOD.to_owned(), params));
    }

    /// An editor that has gone hears nothing.
    fn send(&self, message: impl Into<Message>) {
        self.connection.sender.send(message.into()).ok();
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
