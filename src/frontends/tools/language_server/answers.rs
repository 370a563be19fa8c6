//! What an editor is answered.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;

use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionParams, CompletionTextEdit, Diagnostic,
    DiagnosticSeverity, DocumentSymbol, DocumentSymbolParams, Documentation, GotoDefinitionParams,
    Hover, HoverContents, HoverParams, Location, MarkupContent, MarkupKind, Position, SymbolKind,
    TextDocumentPositionParams, TextEdit, Uri,
};

use super::Server;
use super::document::Document;
use crate::files::{read_regular_text, user_path};
use crate::language::definitions::{
    Definition, DefinitionKind, definition_at, definition_of, definitions,
};
use crate::language::tokens::{Placed, Token, is_word, tokens};
use crate::language::{CellError, nearest};
use crate::report::Page;
use crate::session::{CandidateKind, check, complete_text, describe_text, manual};

/// How many files `load` may lead through.
const MOST_FILES: usize = 16;

/// What is wrong with a file, without the files that it loads.
fn own_diagnostics(document: &Document) -> Vec<Diagnostic> {
    let problems = check("this file", &document.text);
    let mut found = Vec::new();
    for problem in &problems {
        let severity = match problem.is_certain {
            true => DiagnosticSeverity::ERROR,
            false => DiagnosticSeverity::WARNING,
        };
        for error in std::iter::once(&problem.error).chain(&problem.error.also) {
            found.push(diagnostic(document, error, severity));
        }
    }
    found
}

fn diagnostic(document: &Document, error: &CellError, severity: DiagnosticSeverity) -> Diagnostic {
    let place = error.place.as_deref();
    let bytes = place.map_or(0..0, |at| document.in_line(at.line, at.column, at.width));
    told(document, &bytes, severity, error.sentence())
}

fn told(
    document: &Document,
    bytes: &Range<usize>,
    severity: DiagnosticSeverity,
    message: String,
) -> Diagnostic {
    Diagnostic {
        range: document.range(bytes),
        severity: Some(severity),
        source: Some("u2ad".to_owned()),
        message,
        ..Diagnostic::default()
    }
}

/// The text that names a loaded file: the last one with this content before the name that is taken from it.
fn place_of_file(source: &str, file: &str, name: &Range<usize>) -> Range<usize> {
    let all = tokens(source);
    let before = all.iter().take_while(|placed| placed.range.start <= name.start);
    let is_file = |placed: &&Placed| {
        placed.token == Token::Text
            && source[placed.range.clone()].trim_matches(['"', '\'']) == file
    };
    before.filter(is_file).last().map_or(name.clone(), |text| text.range.clone())
}

/// Names that a file gives values to.
fn names_of(source: &str) -> Vec<String> {
    let is_top = |one: &Definition| one.scope == (0..source.len());
    let is_given = |one: &Definition| !matches!(one.kind, DefinitionKind::Parameter);
    let all = definitions(source).into_iter();
    all.filter(|one| is_top(one) && is_given(one)).map(|one| one.name).collect()
}

/// A candidate with the page of what it names.
pub(super) fn resolved(mut item: CompletionItem) -> CompletionItem {
    let verb = manual().verb(&item.label);
    item.documentation = verb.map(|verb| {
        Documentation::MarkupContent(markdown(&Page { heading: String::new(), ..verb.page() }))
    });
    item
}

impl<W> Server<W> {
    /// What is wrong with an open file.
    pub(super) fn diagnostics(&self, uri: &Uri) -> Vec<Diagnostic> {
        let Some(document) = self.documents.get(uri.as_str()) else { return Vec::new() };
        let mut found = own_diagnostics(document);
        if path(uri.as_str()).is_none() {
            return found;
        }
        // A file that is loaded twice is missing once.
        let mut missing = BTreeSet::new();
        for one in definitions(&document.text) {
            let DefinitionKind::Loaded { file, name } = &one.kind else { continue };
            let Some(target) = self.beside(uri, file) else { continue };
            let message = match self.text_of(&target) {
                Some(text) => {
                    let names = names_of(&text);
                    if names.contains(name) {
                        continue;
                    }
                    let near = nearest(name, &names);
                    let hint =
                        near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                    format!("{file} defines no `{name}`{hint}")
                }
                None => {
                    let place = place_of_file(&document.text, file, &one.place);
                    if missing.insert(place.start) {
                        let is_there = path(target.as_str()).is_some_and(|path| path.exists());
                        let why = if is_there { "cannot be read" } else { "does not exist" };
                        let message = format!("{file} cannot be loaded: it {why}");
                        found.push(told(document, &place, DiagnosticSeverity::ERROR, message));
                    }
                    continue;
                }
            };
            found.push(told(document, &one.place, DiagnosticSeverity::ERROR, message));
        }
        found
    }

    /// What could stand at a place.
    pub(super) fn completion(&self, params: &CompletionParams) -> Vec<CompletionItem> {
        let Some((document, at)) = self.place(&params.text_document_position) else {
            return Vec::new();
        };
        let completions = complete_text(&document.text, document.character(at));
        let replaced = document.byte_of(completions.start)..document.byte_of(completions.end);
        let range = document.range(&replaced);
        let item = |(number, candidate): (usize, crate::session::Candidate)| CompletionItem {
            label: candidate.text.clone(),
            kind: Some(kind(candidate.kind)),
            detail: candidate.detail,
            // In this order, not by the alphabet.
            sort_text: Some(format!("{number:05}")),
            filter_text: Some(candidate.text.clone()),
            text_edit: Some(CompletionTextEdit::Edit(TextEdit::new(range, candidate.text))),
            ..CompletionItem::default()
        };
        completions.candidates.into_iter().enumerate().map(item).collect()
    }

    /// The page about the name at a place.
    pub(super) fn hover(&self, params: &HoverParams) -> Option<Hover> {
        let (document, at) = self.place(&params.text_document_position_params)?;
        let byte = document.byte(at);
        if !document.text[byte..].starts_with(is_word) {
            return None;
        }
        let of_loaded = || {
            let uri = &params.text_document_position_params.text_document.uri;
            let DefinitionKind::Loaded { file, name } = definition_at(&document.text, byte)?.kind
            else {
                return None;
            };
            let (_, text) = self.loaded(uri, &file)?;
            let there = definition_of(&text, &name)?;
            describe_text(&text, text[..there.place.start].chars().count())
        };
        let page = describe_text(&document.text, document.character(at)).or_else(of_loaded)?;
        Some(Hover { contents: HoverContents::Markup(markdown(&page)), range: None })
    }

    /// Where the name at a place gets its value.
    pub(super) fn definition(&self, params: &GotoDefinitionParams) -> Option<Location> {
        let place = &params.text_document_position_params;
        let (document, at) = self.place(place)?;
        let mut uri = place.text_document.uri.clone();
        let mut found = definition_at(&document.text, document.byte(at))?;
        let mut range = document.range(&found.place);
        for _ in 0..MOST_FILES {
            let DefinitionKind::Loaded { file, name } = &found.kind else { break };
            // Where the file or the name is missing, the `load` is as far as it goes.
            let Some((target, text)) = self.loaded(&uri, file) else { break };
            let loaded = Document::new(text);
            let Some(there) = definition_of(&loaded.text, name) else { break };
            (uri, range) = (target, loaded.range(&there.place));
            found = there;
        }
        Some(Location::new(uri, range))
    }

    /// The cells, functions and variables of a file.
    #[expect(deprecated, reason = "a field of the protocol that has no default")]
    pub(super) fn symbols(&self, params: &DocumentSymbolParams) -> Vec<DocumentSymbol> {
        let Some(document) = self.documents.get(params.text_document.uri.as_str()) else {
            return Vec::new();
        };
        let symbol =
            |name: String, kind, place: &Range<usize>, whole: &Range<usize>| DocumentSymbol {
                name,
                detail: None,
                kind,
                tags: None,
                deprecated: None,
                range: document.range(whole),
                selection_range: document.range(place),
                children: None,
            };
        let mut all = Vec::new();
        for comment in tokens(&document.text).iter().filter(|one| one.token == Token::Comment) {
            let text = document.text[comment.range.clone()].trim_start_matches('#').trim_start();
            if let Some(title) = text.strip_prefix("%%") {
                let title = Some(title.trim()).filter(|title| !title.is_empty()).unwrap_or("cell");
                all.push((
                    comment.range.start,
                    symbol(title.to_owned(), SymbolKind::MODULE, &comment.range, &comment.range),
                ));
            }
        }
        let mut seen = BTreeSet::new();
        let is_top = |one: &Definition| one.scope == (0..document.text.len());
        for Definition { name, kind, place, whole, .. } in
            definitions(&document.text).into_iter().filter(is_top)
        {
            let kind = match kind {
                DefinitionKind::Function => SymbolKind::FUNCTION,
                DefinitionKind::Variable => SymbolKind::VARIABLE,
                DefinitionKind::Parameter | DefinitionKind::Loaded { .. } => continue,
            };
            if seen.insert(name.clone()) {
                all.push((place.start, symbol(name, kind, &place, &whole)));
            }
        }
        all.sort_by_key(|(begin, _)| *begin);
        all.into_iter().map(|(_, symbol)| symbol).collect()
    }

    fn place(&self, place: &TextDocumentPositionParams) -> Option<(&Document, Position)> {
        let document = self.documents.get(place.text_document.uri.as_str())?;
        Some((document, place.position))
    }

    /// A file beside the one at `from`, with its text.
    fn loaded(&self, from: &Uri, file: &str) -> Option<(Uri, String)> {
        let uri = self.beside(from, file)?;
        let text = self.text_of(&uri)?;
        Some((uri, text))
    }

    /// The address of a file beside the one at `from`.
    fn beside(&self, from: &Uri, file: &str) -> Option<Uri> {
        let from = from.as_str();
        let folder = &from[..=from.rfind('/')?];
        let uri = match file.as_bytes() {
            [b'/', ..] => format!("file://{}", encoded(file)),
            [b'~', ..] => format!("file://{}", encoded(user_path(file).ok()?.to_str()?)),
            _ => folder.to_owned() + &encoded(file),
        };
        Uri::from_str(&uri).ok()
    }

    /// The text of a file: as it is in the editor or, failing that, on the disk.
    fn text_of(&self, uri: &Uri) -> Option<String> {
        match self.documents.get(uri.as_str()) {
            Some(document) => Some(document.text.clone()),
            None => read_regular_text(&path(uri.as_str())?).ok(),
        }
    }
}

fn markdown(page: &Page) -> MarkupContent {
    MarkupContent { kind: MarkupKind::Markdown, value: page.markdown() }
}

fn kind(kind: CandidateKind) -> CompletionItemKind {
    match kind {
        CandidateKind::Verb | CandidateKind::Function => CompletionItemKind::FUNCTION,
        CandidateKind::Variable => CompletionItemKind::VARIABLE,
        CandidateKind::Attribute => CompletionItemKind::FIELD,
        CandidateKind::Method => CompletionItemKind::METHOD,
        CandidateKind::KeywordArgument => CompletionItemKind::PROPERTY,
        CandidateKind::Value => CompletionItemKind::VALUE,
        CandidateKind::Path => CompletionItemKind::FILE,
        CandidateKind::Keyword => CompletionItemKind::KEYWORD,
    }
}

/// A path as a part of an address.
fn encoded(path: &str) -> String {
    let mut encoded = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' | b'~' => {
                encoded.push(byte.into());
            }
            _ => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}

/// The path of an address that names a file on this machine.
fn path(uri: &str) -> Option<PathBuf> {
    let rest = uri.strip_prefix("file://")?;
    let encoded = &rest[rest.find('/')?..];
    let (mut bytes, mut decoded) = (encoded.bytes(), Vec::new());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            _ => byte,
        });
    }
    let path = String::from_utf8(decoded).ok()?;
    // "/C:/study" names a drive.
    let is_drive = path.as_bytes().get(2) == Some(&b':');
    Some(PathBuf::from(if is_drive { &path[1..] } else { &path }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_paths_lead_to_each_other() {
        let uri = format!("file://{}", encoded("/home/é b/x.star"));
        assert_eq!(uri, "file:///home/%C3%A9%20b/x.star");
        assert_eq!(path(&uri), Some("/home/é b/x.star".into()));
        assert_eq!(path("file:///C:/x.star"), Some("C:/x.star".into()));
        assert_eq!(path("untitled:1"), None);
        assert_eq!(path("file:///a%2"), None);
    }
}
