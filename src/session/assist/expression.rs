//! The type of an expression, without running it.

use super::kinds;
use super::known::Known;
use super::scope::Scope;
use crate::language::brackets::{closing, split};
use crate::language::tokens::{Placed, Token};
use crate::session::Verb;
use crate::session::catalogue::manual;
use crate::session::manual::Member;

/// Brackets within brackets that are looked into.
const DEPTH: usize = 24;

impl Scope<'_> {
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
                    let stretch = split(self.source(), inside, ":").len() > 1;
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
        let parts = split(self.source(), inside, ",");
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
            let functions = manual().groups.iter().find(|(of, _)| of == group);
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
