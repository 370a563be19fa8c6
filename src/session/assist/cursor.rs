//! The place in the source that a question is about.

use super::known::Known;
use super::scope::Scope;
use crate::language::brackets::{opening, primary_start, split};
use crate::language::tokens::{Placed, Token, is_word, tokens};
use crate::session::{Name, Passing, Verb};

/// Bytes of source before the cursor that are looked at; a longer text is cut at a line.
pub(super) const WINDOW: usize = 128 << 10;
/// Bytes behind the cursor.
const BEHIND: usize = 4 << 10;

/// Source around a cursor.
pub(super) struct Cursor<'a> {
    /// Source up to the cursor, as far as it is looked at.
    pub before: &'a str,
    pub after: &'a str,
    /// Characters of the whole source before `before`.
    skipped: usize,
}

impl<'a> Cursor<'a> {
    /// The cursor stands before the character `position` of `source`, or at its end.
    pub fn new(source: &'a str, position: usize) -> Self {
        let at = source.char_indices().nth(position).map_or(source.len(), |(at, _)| at);
        let mut from = at.saturating_sub(WINDOW);
        if from > 0 {
            while !source.is_char_boundary(from) {
                from += 1;
            }
            from = source[from..at].find('\n').map_or(at, |line| from + line + 1);
        }
        let mut to = source.len().min(at + BEHIND);
        while !source.is_char_boundary(to) {
            to -= 1;
        }
        Self {
            before: &source[from..at],
            after: &source[at..to],
            skipped: source[..from].chars().count(),
        }
    }

    /// The rest of the name in which the cursor stands.
    pub fn rest_of_word(&self) -> &'a str {
        let end = self.after.find(|c| !is_word(c)).unwrap_or(self.after.len());
        &self.after[..end]
    }

    /// A byte of `before` as a character of the whole source.
    pub fn position(&self, byte: usize) -> usize {
        self.skipped + self.before[..byte].chars().count()
    }

    /// The names at the cursor. `tokens` are those of `before`, perhaps without the last.
    pub fn scope(&self, values: &'a [Name], tokens: &[Placed]) -> Scope<'a> {
        let after = crate::language::tokens::tokens(self.after);
        Scope::new(self.before, values, tokens, Some((self.after, &after)))
    }

    /// Tokens before the cursor.
    pub fn tokens(&self) -> Vec<Placed> {
        tokens(self.before)
    }
}

/// A call whose brackets are open at the cursor.
pub(super) struct Call {
    pub function: Verb,
    /// Names of the keyword arguments that are given.
    pub named: Vec<String>,
    /// Arguments before the current one that are given by their place.
    pub placed: usize,
    /// The keyword whose value the cursor stands in, if it does.
    pub keyword: Option<String>,
    /// Whether nothing of the current argument is there yet.
    pub at_start: bool,
}

impl Call {
    /// The innermost open call at the end of `tokens`, if nothing else is open within it.
    pub fn at(scope: &Scope, tokens: &[Placed]) -> Option<Self> {
        let open = opening(tokens).filter(|open| scope.text(&tokens[*open]) == "(")?;
        let called = &tokens[primary_start(scope.source(), &tokens[..open])..open];
        let function = match scope.text(called.first()?) {
            _ if open
                .checked_sub(called.len() + 1)
                .is_some_and(|before| scope.text(&tokens[before]) == "def") =>
            {
                return None;
            }
            _ => match scope.expression(called) {
                Known::Function(function) => function,
                _ => return None,
            },
        };
        let arguments = split(scope.source(), &tokens[open + 1..], ",");
        let (current, earlier) = arguments.split_last()?;
        let keyword = |argument: &[Placed]| match argument {
            [name, equals, ..] if name.token == Token::Word && scope.text(equals) == "=" => {
                Some(scope.text(name).to_owned())
            }
            _ => None,
        };
        Some(Self {
            named: earlier.iter().filter_map(|argument| keyword(argument)).collect(),
            placed: earlier.iter().filter(|argument| keyword(argument).is_none()).count(),
            keyword: keyword(current),
            at_start: current.is_empty(),
            function,
        })
    }

    /// The parameter whose value the cursor stands in.
    pub fn parameter(&self) -> Option<&crate::session::Parameter> {
        let parameters = &self.function.parameters;
        if let Some(keyword) = &self.keyword {
            return parameters.iter().find(|parameter| parameter.name == *keyword);
        }
        let mut placed =
            parameters.iter().filter(|p| matches!(p.passing, Passing::Position | Passing::Either));
        placed.nth(self.placed)
    }

    /// The parameters that can still be given by name.
    pub fn open_parameters(&self) -> impl Iterator<Item = &crate::session::Parameter> {
        let parameters = self.function.parameters.iter().enumerate();
        let open = parameters.filter(|(at, parameter)| {
            let by_name = matches!(parameter.passing, Passing::Either | Passing::Name);
            let given = self.named.contains(&parameter.name)
                || (parameter.passing != Passing::Name && *at < self.placed);
            by_name && !given
        });
        open.map(|(_, parameter)| parameter)
    }
}
