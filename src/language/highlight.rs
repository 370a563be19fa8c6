//! What to colour in source.

use std::ops::Range;

use super::rust_cell::rust_cell;
use super::tokens::{Placed, Token, tokens};

/// What a stretch of source is to the eye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Highlight {
    Keyword,
    /// `True`, `False`, `None`.
    Constant,
    /// A verb or function of the language.
    Function,
    /// A name after a dot.
    Attribute,
    /// The name of a keyword argument.
    Argument,
    Number,
    Text,
    Comment,
    Operator,
    Bracket,
    /// Nothing that the language knows.
    Invalid,
}

/// The stretches of a source, in bytes and in order, that are more than a plain name; by the
/// language's own lexer. `is_function` tells which names are verbs or functions of the language. Never
/// fails: what cannot be read is [`Highlight::Invalid`].
pub(crate) fn highlight(
    source: &str,
    is_function: impl Fn(&str) -> bool,
) -> Vec<(Range<usize>, Highlight)> {
    if rust_cell(source).is_some() {
        return Vec::new();
    }
    let tokens = tokens(source);
    let mut depth = Vec::new();
    let mut highlights = Vec::with_capacity(tokens.len());
    for (at, Placed { token, range }) in tokens.iter().enumerate() {
        let text = &source[range.clone()];
        let beside = |at: Option<usize>| {
            at.and_then(|at| tokens.get(at)).map(|placed| &source[placed.range.clone()])
        };
        let highlight = match token {
            Token::Newline => continue,
            Token::Keyword => Highlight::Keyword,
            Token::Number => Highlight::Number,
            Token::Text | Token::OpenText { .. } | Token::FormatStart | Token::FormatEnd => {
                Highlight::Text
            }
            Token::Comment => Highlight::Comment,
            Token::Operator => Highlight::Operator,
            Token::Invalid => Highlight::Invalid,
            Token::Open => {
                depth.push(text);
                Highlight::Bracket
            }
            Token::Close => {
                depth.pop();
                Highlight::Bracket
            }
            Token::Word => {
                let before = beside(at.checked_sub(1));
                let argument = depth.last() == Some(&"(") && beside(Some(at + 1)) == Some("=");
                match text {
                    "True" | "False" | "None" => Highlight::Constant,
                    _ if before == Some(".") => Highlight::Attribute,
                    _ if argument && matches!(before, Some("(" | ",")) => Highlight::Argument,
                    _ if is_function(text) => Highlight::Function,
                    _ => continue,
                }
            }
        };
        highlights.push((range.clone(), highlight));
    }
    highlights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_coloured_by_what_its_words_mean() {
        let source =
            "for s in clinic: # all\n  train_epoch(model, s.x, batch_size = 4, masks = None)";
        let found: Vec<_> = highlight(source, |name| name == "train_epoch")
            .into_iter()
            .map(|(range, kind)| (&source[range], kind))
            .collect();
        for expected in [
            ("for", Highlight::Keyword),
            ("# all", Highlight::Comment),
            ("train_epoch", Highlight::Function),
            ("x", Highlight::Attribute),
            ("batch_size", Highlight::Argument),
            ("4", Highlight::Number),
            ("None", Highlight::Constant),
            (")", Highlight::Bracket),
        ] {
            assert!(found.contains(&expected), "{expected:?} in {found:?}");
        }
        assert!(!found.iter().any(|(text, _)| ["s", "clinic", "model"].contains(text)));
    }
}
