//! What the names at a place in the source stand for, without running anything: from the
//! values that the last cell left and from what the source itself assigns.

use std::collections::BTreeMap;

use starlark::docs::{DocString, DocStringKind};

use super::kinds;
use super::known::Known;
use crate::language::brackets::{closing, primary_end, split};
use crate::language::tokens::{Placed, Token, is_word};
use crate::session::catalogue::manual;
use crate::session::manual::Passing;
use crate::session::{Name, Parameter, Verb};

/// Tokens between `for` and `in` that are looked through.
const LOOP_VARIABLES: usize = 32;

/// Names and what they stand for.
pub(super) struct Scope<'a> {
    source: &'a str,
    /// What earlier cells left.
    values: &'a [Name],
    /// What the source assigns; this goes first.
    local: BTreeMap<&'a str, Known>,
}

impl<'a> Scope<'a> {
    /// The names at the end of `before`, which are tokens of `source`; `after` tells loop
    /// variables of a comprehension that is written from the inside out.
    pub fn new(
        source: &'a str,
        values: &'a [Name],
        before: &[Placed],
        after: Option<(&'a str, &[Placed])>,
    ) -> Self {
        let mut scope = Self { source, values, local: BTreeMap::new() };
        let mut rest = before;
        while !rest.is_empty() {
            let end = statement_end(source, rest);
            scope.read(&rest[..end]);
            scope.document(&rest[..end], &rest[end..]);
            rest = &rest[(end + 1).min(rest.len())..];
        }
        if let Some((source, tokens)) = after {
            let mut behind = Scope { source, values, local: scope.local.clone() };
            behind.read_loops(&tokens[..statement_end(source, tokens)]);
            scope.local = behind.local;
        }
        scope
    }

    /// The function whose definition some tokens begin with.
    pub fn function(source: &'a str, tokens: &[Placed]) -> Option<Verb> {
        let mut scope = Self { source, values: &[], local: BTreeMap::new() };
        let (statement, behind) = tokens.split_at(statement_end(source, tokens));
        scope.read(statement);
        scope.document(statement, behind);
        match scope.local.remove(scope.text(statement.get(1)?)) {
            Some(Known::Function(function)) => Some(function),
            _ => None,
        }
    }

    pub fn text(&self, token: &Placed) -> &'a str {
        &self.source[token.range.clone()]
    }

    /// The source that tokens are of.
    pub fn source(&self) -> &'a str {
        self.source
    }

    /// Names that the source assigns, with what they stand for.
    pub fn local(&self) -> impl Iterator<Item = (&'a str, &Known)> {
        self.local.iter().map(|(name, known)| (*name, known))
    }

    /// The values of earlier cells whose names the source does not assign anew.
    pub fn values(&self) -> Vec<&'a Name> {
        let values = self.values.iter();
        values.filter(|value| !self.local.contains_key(&*value.name)).collect()
    }

    /// The value of an earlier cell, unless the source assigns the name anew.
    pub fn value(&self, name: &str) -> Option<&'a Name> {
        if self.local.contains_key(name) {
            return None;
        }
        self.values.iter().find(|value| value.name == name)
    }

    /// What a name stands for.
    pub fn name(&self, name: &str) -> Known {
        if let Some(known) = self.local.get(name) {
            return known.clone();
        }
        if let Some(value) = self.value(name) {
            return Known::of(value);
        }
        let manual = manual();
        if let Some(function) = manual.function(name) {
            return Known::Function(function.clone());
        }
        match (name, manual.groups.iter().any(|(group, _)| group == name)) {
            (_, true) => Known::Group(name.to_owned()),
            ("True" | "False", _) => Known::Value("bool".to_owned()),
            _ => Known::Nothing,
        }
    }

    /// Takes note of what one statement assigns.
    fn read(&mut self, statement: &[Placed]) {
        let words: Vec<_> = statement.iter().take(2).map(|placed| self.text(placed)).collect();
        match (words.first().copied(), words.get(1).copied()) {
            (Some("def"), Some(name)) => self.read_function(name, &statement[2..]),
            (Some("load"), _) => {
                for placed in statement.iter().skip(2) {
                    let name = self.text(placed).trim_matches(['"', '\'']);
                    if placed.token == Token::Text && !name.contains(|c| !is_word(c)) {
                        self.local.insert(name, Known::Nothing);
                    }
                }
            }
            _ => {
                self.read_loops(statement);
                let parts = split(self.source, statement, "=");
                let [targets @ .., value] = parts.as_slice() else { return };
                for target in targets {
                    match target {
                        [name] if name.token == Token::Word => {
                            let known = self.expression(value);
                            self.local.insert(self.text(name), known);
                        }
                        names if names.iter().any(|name| self.text(name) == ",") => {
                            self.bind_unknown(names);
                        }
                        _ => {}
                    }
                }
            }
        }
        // `if x: y = 1`, `for s in clinic: m = s.image` and `def f(): return 1` on one line.
        if statement.first().is_some_and(|first| first.token == Token::Keyword)
            && let [_, body, ..] = split(self.source, statement, ":").as_slice()
            && !body.is_empty()
        {
            self.read(body);
        }
    }

    fn bind_unknown(&mut self, names: &[Placed]) {
        for name in names.iter().filter(|name| name.token == Token::Word) {
            self.local.insert(self.text(name), Known::Nothing);
        }
    }

    /// Binds the variables of loops and comprehensions.
    fn read_loops(&mut self, statement: &[Placed]) {
        for (at, placed) in statement.iter().enumerate() {
            if placed.token != Token::Keyword || self.text(placed) != "for" {
                continue;
            }
            let rest = &statement[at + 1..];
            let near = &rest[..rest.len().min(LOOP_VARIABLES)];
            let Some(inside) = near.iter().position(|placed| self.text(placed) == "in") else {
                self.bind_unknown(&rest[..rest.len().min(1)]);
                continue;
            };
            let (names, over) = (&rest[..inside], &rest[inside + 1..]);
            let over = &over[..primary_end(self.source, over)];
            match names {
                [name] if name.token == Token::Word => {
                    let element = match self.expression(over) {
                        Known::Value(kind) => kinds::element(&kind, true),
                        _ => None,
                    };
                    let known = element.map_or(Known::Nothing, Known::Value);
                    self.local.insert(self.text(name), known);
                }
                [number, comma, name]
                    if self.text(comma) == ","
                        && over.first().is_some_and(|f| self.text(f) == "enumerate") =>
                {
                    let argument = over.get(2..over.len().saturating_sub(1)).unwrap_or_default();
                    let element = match self.expression(argument) {
                        Known::Value(kind) => kinds::element(&kind, true),
                        _ => None,
                    };
                    self.local.insert(self.text(number), Known::Value("int".to_owned()));
                    let known = element.map_or(Known::Nothing, Known::Value);
                    self.local.insert(self.text(name), known);
                }
                names => self.bind_unknown(names),
            }
        }
    }

    /// `def name(a, b = 1): …` without the first two words.
    fn read_function(&mut self, name: &'a str, rest: &[Placed]) {
        let end = closing(rest, 0);
        let inside = rest.get(1..end).unwrap_or_default();
        let mut parameters = Vec::new();
        for part in split(self.source, inside, ",").into_iter().filter(|part| !part.is_empty()) {
            let (head, default) = match split(self.source, part, "=").as_slice() {
                [head, default] => (*head, Some(self.joined(default))),
                _ => (part, None),
            };
            let (names, kind) = match split(self.source, head, ":").as_slice() {
                [names, kind] => (*names, Some(self.joined(kind))),
                _ => (head, None),
            };
            let Some(word) = names.iter().find(|placed| placed.token == Token::Word) else {
                continue;
            };
            let starred = self.text(&names[0]).starts_with('*');
            let known = kind.clone().map_or(Known::Nothing, Known::Value);
            self.local.insert(self.text(word), known);
            parameters.push(Parameter {
                name: self.joined(names),
                kind: kind.unwrap_or_else(|| "typing.Any".to_owned()),
                default,
                passing: if starred { Passing::Rest } else { Passing::Either },
                summary: None,
                choices: Vec::new(),
            });
        }
        let returns = rest.get(end + 1).filter(|arrow| self.text(arrow) == "->");
        let returns = returns.and_then(|_| rest.get(end + 2)).map(|kind| self.text(kind));
        let function = Verb {
            name: name.to_owned(),
            summary: String::new(),
            details: None,
            parameters,
            returns: returns.unwrap_or("typing.Any").to_owned(),
            example: None,
        };
        self.local.insert(name, Known::Function(function));
    }

    /// Takes note of the text that a function begins with; `behind` is what follows its first line.
    fn document(&mut self, statement: &[Placed], behind: &[Placed]) {
        let [def, name, ..] = statement else { return };
        let last = statement.iter().rfind(|placed| placed.token != Token::Comment);
        if self.text(def) != "def" || last.is_none_or(|last| self.text(last) != ":") {
            return;
        }
        let is_empty = |placed: &Placed| matches!(placed.token, Token::Newline | Token::Comment);
        let Some(first) = behind.iter().position(|placed| !is_empty(placed)) else { return };
        let is_alone = behind.get(first + 1).is_none_or(is_empty);
        if behind[first].token != Token::Text || !is_alone {
            return;
        }
        let content = self.text(&behind[first]).trim_start_matches('r').trim_matches(['"', '\'']);
        let docs = DocString::from_docstring(DocStringKind::Starlark, content);
        if let (Some(docs), Some(Known::Function(function))) =
            (docs, self.local.get_mut(self.text(name)))
        {
            function.summary = docs.summary;
            function.details = docs.details;
        }
    }

    /// The source of some tokens.
    fn joined(&self, tokens: &[Placed]) -> String {
        match (tokens.first(), tokens.last()) {
            (Some(first), Some(last)) => self.source[first.range.start..last.range.end].to_owned(),
            _ => String::new(),
        }
    }
}

/// Where the first statement ends: at a line end or semicolon outside brackets.
fn statement_end(source: &str, tokens: &[Placed]) -> usize {
    let ends = |placed: &Placed| match placed.token {
        Token::Newline => true,
        Token::Operator => &source[placed.range.clone()] == ";",
        _ => false,
    };
    tokens.iter().position(ends).unwrap_or(tokens.len())
}
