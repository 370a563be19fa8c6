//! What is known about what stands at the cursor.

use super::cursor::{Call, Cursor};
use super::kinds;
use super::known::Known;
use super::scope::Scope;
use crate::language::brackets::{opening, primary_start};
use crate::language::tokens::{Placed, Token};
use crate::report::List;
use crate::session::catalogue::manual;
use crate::session::manual::Member;
use crate::session::{Name, Page};

/// The page about the name, call or index in which the cursor stands or which ends there; within
/// the brackets of a call, about what is called. Runs nothing.
pub(in crate::session) fn inspect(values: &[Name], source: &str, cursor: usize) -> Option<Page> {
    let cursor = Cursor::new(source, cursor);
    let rest = cursor.rest_of_word().chars().count();
    let whole = cursor.position(cursor.before.len()) + rest;
    let cursor = Cursor::new(source, whole);
    let mut tokens = cursor.tokens();
    let end = cursor.before.len();
    if matches!(tokens.last()?.token, Token::Comment) && tokens.last()?.range.end == end {
        return None;
    }
    let touches = tokens.last()?.range.end == end;
    if !matches!(tokens.last()?.token, Token::OpenText { .. } | Token::Newline) && touches {
        let scope = cursor.scope(values, &tokens);
        let about = &tokens[primary_start(scope.source(), &tokens)..];
        if let Some(page) = about_expression(&scope, about) {
            return Some(page);
        }
    }
    if matches!(tokens.last()?.token, Token::OpenText { .. }) {
        tokens.pop();
    }
    let scope = cursor.scope(values, &tokens);
    // The call in whose brackets the cursor stands, however deep in other brackets.
    let mut inside = tokens.as_slice();
    loop {
        if let Some(call) = Call::at(&scope, inside) {
            return Some(call.function.page());
        }
        inside = &inside[..opening(inside)?];
    }
}

/// The page about an expression, if anything is known about it.
fn about_expression(scope: &Scope, tokens: &[Placed]) -> Option<Page> {
    let [.., last] = tokens else { return None };
    let text = scope.text(last);
    if let [name] = tokens
        && name.token == Token::Word
    {
        if let Some(value) = scope.value(text) {
            return Some(about_value(value));
        }
        if let Some(kind) = manual().kind(text).filter(|_| scope.name(text) == Known::Nothing) {
            return Some(kind.page());
        }
    }
    if let [owner @ .., dot, name] = tokens
        && scope.text(dot) == "."
        && let Known::Value(kind) = scope.expression(owner)
        && let Some((owner, Member::Attribute { name, kind, summary })) = kinds::documented(&kind)
            .into_iter()
            .find_map(|kind| Some((&kind.name, kind.member(scope.text(name))?)))
    {
        return Some(Page {
            heading: format!("{owner}.{name} -> {kind}"),
            paragraphs: std::iter::once(summary.clone()).chain(summaries(kind)).collect(),
            lists: lists(kind),
            example: None,
        });
    }
    match scope.expression(tokens) {
        Known::Function(function) => Some(function.page()),
        Known::Value(kind) if last.token != Token::Text => {
            let source = tokens.first().map(|first| first.range.start..last.range.end)?;
            Some(of_kind(&scope.source()[source], &kind))
        }
        Known::Group(group) => {
            let groups = manual().groups.iter();
            let functions = groups.filter(|(name, _)| *name == group).flat_map(|(_, all)| all);
            let entries = functions.map(|one| (one.signature(), one.summary.clone())).collect();
            let lists = vec![List { title: "Functions".to_owned(), entries }];
            Some(Page { heading: group, lists, ..Page::default() })
        }
        Known::Value(_) | Known::Fields(_) | Known::Nothing => None,
    }
}

/// A value that an earlier cell left: what it is, and what it can do.
fn about_value(value: &Name) -> Page {
    if let Some(function) = &value.function {
        return function.page();
    }
    let mut page = of_kind(&value.name, &value.type_of);
    page.paragraphs.insert(0, value.summary.clone());
    if !value.fields.is_empty() {
        let field = |(name, kind): &(String, String)| (format!(".{name} -> {kind}"), String::new());
        let entries = value.fields.iter().map(field).collect();
        page.heading = format!("{}: {}", value.name, value.kind);
        page.lists = vec![List { title: "Attributes".to_owned(), entries }];
    }
    page
}

/// Something of this type.
fn of_kind(source: &str, kind: &str) -> Page {
    Page {
        heading: format!("{source}: {kind}"),
        paragraphs: summaries(kind),
        lists: lists(kind),
        example: None,
    }
}

fn summaries(kind: &str) -> Vec<String> {
    let summaries = kinds::documented(kind).into_iter().map(|kind| kind.summary.clone());
    summaries.filter(|summary| !summary.is_empty()).collect()
}

/// Attributes and methods of our own types; those of numbers and texts are the language's.
fn lists(kind: &str) -> Vec<List> {
    kinds::documented(kind).into_iter().flat_map(|kind| kind.lists()).collect()
}
