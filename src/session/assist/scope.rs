//! What the names at a place in the source stand for, told without running anything: from the
//! values that the last cell left and from what the source itself assigns.

use std::collections::BTreeMap;

use super::kinds;
use super::tokens::{Placed, Token};
use crate::session::manual::{Member, Passing};
use crate::session::{Manual, Name, Parameter, Verb};

/// Brackets within brackets that are looked into.
const DEPTH: usize = 24;
/// Tokens between `for` and `in` that are looked through.
const LOOP_VARIABLES: usize = 32;

/// What is known of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Of this type, as documentation writes it.
    Value(String),
    Function(Verb),
    /// A struct: its fields with their types.
    Fields(Vec<(String, String)>),
    /// Functions of the language under one name, such as `json`.
    Group(String),
    Nothing,
}

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
            let end = statement_end(rest);
            scope.read(&rest[..end]);
            rest = &rest[(end + 1).min(rest.len())..];
        }
        if let Some((source, tokens)) = after {
            let mut behind = Scope { source, values, local: scope.local.clone() };
            behind.read_loops(&tokens[..statement_end(tokens)]);
            scope.local = behind.local;
        }
        scope
    }

    pub fn text(&self, token: &Placed) -> &'a str {
        &self.source[token.range.clone()]
    }

    /// A stretch of the source.
    pub fn source(&self, range: std::ops::Range<usize>) -> &'a str {
        &self.source[range]
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
            return match (&value.function, value.fields.as_slice()) {
                (Some(function), _) => Known::Function(function.clone()),
                (None, []) => Known::Value(value.type_of.clone()),
                (None, fields) => Known::Fields(fields.to_vec()),
            };
        }
        let manual = Manual::get();
        if let Some(function) = manual.function(name) {
            return Known::Function(function.clone());
        }
        match (name, manual.groups.iter().any(|(group, _)| group == name)) {
            (_, true) => Known::Group(name.to_owned()),
            ("True" | "False", _) => Known::Value("bool".to_owned()),
            _ => Known::Nothing,
        }
    }

    /// What an expression is.
    pub fn expression(&self, tokens: &[Placed]) -> Known {
        self.deep(tokens, 0)
    }

    fn deep(&self, tokens: &[Placed], depth: usize) -> Known {
        let Some(first) = tokens.first().filter(|_| depth < DEPTH) else { return Known::Nothing };
        let (mut known, mut at) = match first.token {
            Token::Word => (self.name(self.text(first)), 1),
            Token::Number => {
                let text = self.text(first);
                let whole = text.bytes().all(|digit| digit.is_ascii_digit());
                let whole = whole || text.starts_with("0x") || text.starts_with("0b");
                (Known::Value(if whole { "int" } else { "float" }.to_owned()), 1)
            }
            Token::Text => (Known::Value("str".to_owned()), 1),
            Token::FormatStart => {
                let end = tokens.iter().position(|placed| placed.token == Token::FormatEnd);
                (Known::Value("str".to_owned()), end.map_or(tokens.len(), |end| end + 1))
            }
            Token::Open => {
                let end = closing(tokens, 0);
                let inside = &tokens[1.min(end)..end];
                (self.bracketed(self.text(first), inside, depth), end + 1)
            }
            _ => return Known::Nothing,
        };
        while let Some(next) = tokens.get(at) {
            match (next.token, self.text(next)) {
                (Token::Operator, ".") => {
                    let Some(name) = tokens.get(at + 1) else { return Known::Nothing };
                    known = member(&known, self.text(name));
                    at += 2;
                }
                (Token::Open, "(") => {
                    known = match known {
                        Known::Function(function) => returned(&function),
                        _ => Known::Nothing,
                    };
                    at = closing(tokens, at) + 1;
                }
                (Token::Open, "[") => {
                    let end = closing(tokens, at);
                    let inside = &tokens[(at + 1).min(end)..end];
                    let stretch = self.split(inside, ":").len() > 1;
                    known = match &known {
                        Known::Value(kind) if !stretch => {
                            kinds::element(kind, false).map_or(Known::Nothing, Known::Value)
                        }
                        _ if stretch => known,
                        _ => Known::Nothing,
                    };
                    at = end + 1;
                }
                (Token::Keyword, "if") => return known,
                (Token::Keyword, "in" | "not" | "and" | "or") => return Known::Nothing,
                (Token::Operator, "==" | "!=" | "<" | ">" | "<=" | ">=") => {
                    return Known::Value("bool".to_owned());
                }
                _ => return Known::Nothing,
            }
        }
        known
    }

    /// What brackets with this inside are.
    fn bracketed(&self, bracket: &str, inside: &[Placed], depth: usize) -> Known {
        let parts = self.split(inside, ",");
        match bracket {
            "(" if parts.len() == 1 => self.deep(inside, depth + 1),
            "(" => Known::Value("tuple".to_owned()),
            "{" => Known::Value("dict".to_owned()),
            _ => {
                // A comprehension's variable is not known here: only its own scope knows it.
                let looped = |placed: &Placed| self.text(placed) == "for";
                let element = match parts.first().filter(|part| !part.iter().any(looped)) {
                    Some(part) => self.deep(part, depth + 1),
                    None => Known::Nothing,
                };
                Known::Value(match element {
                    Known::Value(kind) => format!("list[{kind}]"),
                    _ => "list".to_owned(),
                })
            }
        }
    }

    /// Tokens between separators outside brackets.
    pub fn split<'t>(&self, tokens: &'t [Placed], separator: &str) -> Vec<&'t [Placed]> {
        let (mut parts, mut from, mut depth) = (Vec::new(), 0, 0usize);
        for (at, placed) in tokens.iter().enumerate() {
            match placed.token {
                Token::Open => depth += 1,
                Token::Close => depth = depth.saturating_sub(1),
                Token::Operator if depth == 0 && self.text(placed) == separator => {
                    parts.push(&tokens[from..at]);
                    from = at + 1;
                }
                _ => {}
            }
        }
        parts.push(&tokens[from..]);
        parts
    }

    /// Takes note of what one statement assigns.
    fn read(&mut self, statement: &[Placed]) {
        let words: Vec<_> = statement.iter().take(2).map(|placed| self.text(placed)).collect();
        match (words.first().copied(), words.get(1).copied()) {
            (Some("def"), Some(name)) => self.read_function(name, &statement[2..]),
            (Some("load"), _) => {
                for placed in statement.iter().skip(2) {
                    let name = self.text(placed).trim_matches(['"', '\'']);
                    if placed.token == Token::Text && !name.contains(|c| !super::tokens::is_word(c))
                    {
                        self.local.insert(name, Known::Nothing);
                    }
                }
            }
            _ => {
                self.read_loops(statement);
                let parts = self.split(statement, "=");
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
            && let [_, body, ..] = self.split(statement, ":").as_slice()
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
            let over = &over[..primary_end(self, over)];
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
        for part in self.split(inside, ",").into_iter().filter(|part| !part.is_empty()) {
            let (head, default) = match self.split(part, "=").as_slice() {
                [head, default] => (*head, Some(self.joined(default))),
                _ => (part, None),
            };
            let (names, kind) = match self.split(head, ":").as_slice() {
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

    /// The source of some tokens.
    fn joined(&self, tokens: &[Placed]) -> String {
        match (tokens.first(), tokens.last()) {
            (Some(first), Some(last)) => self.source[first.range.start..last.range.end].to_owned(),
            _ => String::new(),
        }
    }
}

/// What the member `name` of something is.
fn member(of: &Known, name: &str) -> Known {
    match of {
        Known::Value(kind) => {
            let members = kinds::documented(kind);
            match members.into_iter().find_map(|kind| kind.member(name)) {
                Some(Member::Attribute { kind, .. }) => Known::Value(kind.clone()),
                Some(Member::Method(method)) => Known::Function(method.clone()),
                None => Known::Nothing,
            }
        }
        Known::Fields(fields) => {
            let field = fields.iter().find(|(field, _)| field == name);
            field.map_or(Known::Nothing, |(_, kind)| Known::Value(kind.clone()))
        }
        Known::Group(group) => {
            let functions = Manual::get().groups.iter().find(|(of, _)| of == group);
            let functions = functions.iter().flat_map(|(_, functions)| functions);
            let function = functions.into_iter().find(|function| function.name == name);
            function.map_or(Known::Nothing, |function| Known::Function(function.clone()))
        }
        Known::Function(_) | Known::Nothing => Known::Nothing,
    }
}

fn returned(function: &Verb) -> Known {
    match function.returns.as_str() {
        "None" | "typing.Any" => Known::Nothing,
        kind => Known::Value(kind.to_owned()),
    }
}

/// Where the first statement ends: at a line end or semicolon outside brackets.
fn statement_end(tokens: &[Placed]) -> usize {
    tokens.iter().position(|placed| placed.token == Token::Newline).unwrap_or(tokens.len())
}

/// Where the bracket at `open` closes, or the end.
pub(super) fn closing(tokens: &[Placed], open: usize) -> usize {
    let mut depth = 0usize;
    for (at, placed) in tokens.iter().enumerate().skip(open) {
        match placed.token {
            Token::Open => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len()
}

/// Where the name, call or index at the start of some tokens ends.
fn primary_end(scope: &Scope, tokens: &[Placed]) -> usize {
    let mut at = 0;
    while let Some(placed) = tokens.get(at) {
        at = match placed.token {
            Token::Open => closing(tokens, at) + 1,
            Token::Word | Token::Text | Token::Number => at + 1,
            Token::Operator if scope.text(placed) == "." => at + 1,
            _ => break,
        };
    }
    at.min(tokens.len())
}

/// Where the name, call or index at the end of some tokens begins.
pub(super) fn primary_start(scope: &Scope, tokens: &[Placed]) -> usize {
    let mut start = tokens.len();
    loop {
        let Some(last) = start.checked_sub(1) else { return start };
        match tokens[last].token {
            Token::Word | Token::Text => {
                start = last;
                match start.checked_sub(1).map(|dot| &tokens[dot]) {
                    Some(dot) if scope.text(dot) == "." => start -= 1,
                    _ => return start,
                }
            }
            Token::FormatEnd => {
                let is_start = |placed: &Placed| placed.token == Token::FormatStart;
                return tokens[..last].iter().rposition(is_start).unwrap_or(last);
            }
            Token::Close => {
                let Some(open) = opening(&tokens[..last]) else { return start };
                start = open;
                let called = start.checked_sub(1).map(|before| tokens[before].token);
                if !matches!(called, Some(Token::Word | Token::Close | Token::Text)) {
                    return start;
                }
            }
            _ => return start,
        }
    }
}

/// The innermost bracket that is open at the end of some tokens.
pub(super) fn opening(tokens: &[Placed]) -> Option<usize> {
    let mut depth = 0usize;
    for (at, placed) in tokens.iter().enumerate().rev() {
        match placed.token {
            Token::Close => depth += 1,
            Token::Open if depth == 0 => return Some(at),
            Token::Open => depth -= 1,
            _ => {}
        }
    }
    None
}
