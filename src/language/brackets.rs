//! Tokens between brackets, and names, calls and indices as wholes.

use super::tokens::{Placed, Token};

fn text<'a>(source: &'a str, placed: &Placed) -> &'a str {
    &source[placed.range.clone()]
}

/// Tokens between separators outside brackets.
pub(crate) fn split<'t>(source: &str, tokens: &'t [Placed], separator: &str) -> Vec<&'t [Placed]> {
    let (mut parts, mut from, mut depth) = (Vec::new(), 0, 0usize);
    for (at, placed) in tokens.iter().enumerate() {
        match placed.token {
            Token::Open => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            Token::Operator if depth == 0 && text(source, placed) == separator => {
                parts.push(&tokens[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&tokens[from..]);
    parts
}

/// Where the bracket at `open` closes, or the end.
pub(crate) fn closing(tokens: &[Placed], open: usize) -> usize {
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
pub(crate) fn primary_end(source: &str, tokens: &[Placed]) -> usize {
    let mut at = 0;
    while let Some(placed) = tokens.get(at) {
        at = match placed.token {
            Token::Open => closing(tokens, at) + 1,
            Token::Word | Token::Text | Token::Number => at + 1,
            Token::Operator if text(source, placed) == "." => at + 1,
            _ => break,
        };
    }
    at.min(tokens.len())
}

/// Where the name, call or index at the end of some tokens begins.
pub(crate) fn primary_start(source: &str, tokens: &[Placed]) -> usize {
    let mut start = tokens.len();
    loop {
        let Some(last) = start.checked_sub(1) else { return start };
        match tokens[last].token {
            Token::Word | Token::Text => {
                start = last;
                match start.checked_sub(1).map(|dot| &tokens[dot]) {
                    Some(dot) if text(source, dot) == "." => start -= 1,
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
pub(crate) fn opening(tokens: &[Placed]) -> Option<usize> {
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
