//! Words that an argument does not take, where those that it takes are known.

use super::cursor::Call;
use super::scope::Scope;
use crate::language::tokens::{Placed, Token, tokens};
use crate::language::{CellError, Place};
use crate::session::catalogue::manual;

/// What is wrong with words of a source that a run would refuse: those written out as an argument, also as one side of
/// `"small" if quick else "paper"`. `name` is what errors call the source.
pub(super) fn wrong_words(name: &str, source: &str) -> Vec<CellError> {
    let mut all = tokens(source);
    all.retain(|placed| placed.token != Token::Comment);
    let (mut found, mut open) = (Vec::new(), Vec::new());
    for (at, placed) in all.iter().enumerate() {
        match (placed.token, open.last()) {
            (Token::Open, _) => open.push(at),
            (Token::Close, _) => drop(open.pop()),
            (Token::Text, Some(&bracket)) => {
                found.extend(wrong_word(name, source, &all, at, bracket))
            }
            _ => {}
        }
    }
    found
}

/// What is wrong with the text at `at` within the bracket at `open`.
fn wrong_word(
    name: &str,
    source: &str,
    all: &[Placed],
    at: usize,
    open: usize,
) -> Option<CellError> {
    // What is known of names costs time: only what is called like a function that takes known words is looked into.
    let called = &all[open.checked_sub(1)?];
    if !takes_words(&source[called.range.clone()]) || !is_whole_value(source, all, at, open) {
        return None;
    }
    let word = plain(&source[all[at].range.clone()])?;
    let before = &all[..at];
    let call = Call::at(&Scope::new(source, &[], before, None), before)?;
    let parameter = call.parameter().filter(|parameter| !parameter.choices.is_empty())?;
    if parameter.choices.contains(&word) {
        return None;
    }
    let quoted: Vec<_> = parameter.choices.iter().map(|one| format!("\"{one}\"")).collect();
    let message = format!("{}: `{}` cannot be \"{word}\"", call.function.name, parameter.name);
    Some(CellError {
        hint: Some(format!("choose one of {}", quoted.join(", "))),
        place: Some(Box::new(place(name, source, &all[at]))),
        ..CellError::new(message)
    })
}

/// Whether a function of this name has a parameter whose words are known.
fn takes_words(name: &str) -> bool {
    let function = manual().function(name);
    function.is_some_and(|one| one.parameters.iter().any(|parameter| !parameter.choices.is_empty()))
}

/// Whether the text at `at` is all that the argument may be, or one side of a condition. `open` is the bracket of
/// the call.
fn is_whole_value(source: &str, all: &[Placed], at: usize, open: usize) -> bool {
    let text = |at: usize| all.get(at).map_or("", |placed| &source[placed.range.clone()]);
    let begins = at == open + 1 || ["=", ",", "else"].contains(&text(at - 1));
    begins && [",", ")", "if"].contains(&text(at + 1))
}

/// What a text says, if it is written plainly: without prefix and escapes.
fn plain(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|first| ['"', '\''].contains(first))?;
    let content = text.strip_prefix(quote)?.strip_suffix(quote)?;
    (!content.contains(['\\', '"', '\'', '\n'])).then_some(content)
}

fn place(name: &str, source: &str, placed: &Placed) -> Place {
    let before = &source[..placed.range.start];
    let begin = before.rfind('\n').map_or(0, |end| end + 1);
    let line = source[begin..].split('\n').next().unwrap_or_default();
    Place {
        file: name.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before[begin..].chars().count() + 1,
        width: source[placed.range.clone()].chars().count(),
        source: line.trim_end().to_owned(),
    }
}
