//! Marks in a source that is about to run: calls of inner functions around what f-strings and `format` make
//! text of, around lists and dictionaries that a loop goes over, and around tuples without brackets.
//!
//! The language makes text of values itself there, and floats come out wrongly (`19999999.0` as `1e+07`). A list
//! that a loop goes over stays locked for good when the loop ends in an error or an interrupt. The
//! language lets nobody change the tree of a source, so the marks are written into its text; what errors show is
//! the text without them.

use starlark::syntax::ast::{AstExprP, AstNoPayload};

use super::changeable::{has_line, without_line};

/// The function around what an f-string shows.
pub(crate) const WRITTEN: &str = "__written__";
/// The function around a text whose `format` is taken.
pub(crate) const TEMPLATE: &str = "__template__";
/// The function around what a loop goes over.
pub(crate) const ITERATED: &str = "__iterated__";
/// The function around what a loop goes over that calls a method such as `append` of it.
pub(crate) const CHANGED: &str = "__changed__";
/// The function around what a loop goes over that assigns to parts of it.
pub(crate) const ASSIGNED: &str = "__assigned__";
/// The function around a tuple that is a statement of its own.
pub(crate) const TUPLE: &str = "__tuple__";

const ALL: [&str; 6] = [WRITTEN, TEMPLATE, ITERATED, CHANGED, ASSIGNED, TUPLE];

/// A function, and the bytes around which it is called.
pub(super) type Mark = (&'static str, usize, usize);

/// What stands behind a name that is called, and at the end of the call: nobody writes it so. Two brackets,
/// because the place of a tuple may be without its own.
const OPEN: &str = "((";
const CLOSE: &str = "),   )";

/// A source with these marks, of which outer ones come before those inside them.
pub(super) fn with_marks(source: &str, marks: Vec<Mark>) -> Option<String> {
    // Pieces by their place. Of ends at one place, that of the inner expression comes first.
    let mut pieces: Vec<(usize, usize, String)> = Vec::new();
    let count = marks.len();
    for (number, (function, begin, end)) in marks.into_iter().enumerate() {
        pieces.push((begin, count + number, format!("{function}{OPEN}")));
        pieces.push((end, count - 1 - number, CLOSE.to_owned()));
    }
    pieces.sort();
    let mut text = String::with_capacity(source.len() + 24 * pieces.len());
    let mut done = 0;
    for (at, _, piece) in pieces {
        text.push_str(source.get(done..at)?);
        text.push_str(&piece);
        done = at;
    }
    text.push_str(source.get(done..)?);
    Some(text)
}

/// A mark around a whole expression.
pub(super) fn around(function: &'static str, part: &AstExprP<AstNoPayload>) -> Mark {
    (function, part.span.begin().get() as usize, part.span.end().get() as usize)
}

/// A text without marks, be it a source or its beginning.
pub(in crate::language) fn unmarked(text: &str) -> String {
    let text = without_line(text);
    let openings = ALL.map(|function| format!("{function}{OPEN}"));
    let mut plain = String::with_capacity(text.len());
    let mut open = 0_usize;
    let mut rest = text;
    loop {
        let first =
            openings.iter().filter_map(|mark| Some((rest.find(mark.as_str())?, mark.len())));
        let close = (open > 0).then(|| rest.find(CLOSE)).flatten();
        let (at, length) = match (first.min(), close) {
            (Some((at, _)), Some(close)) if close < at => (close, CLOSE.len()),
            (Some(first), _) => first,
            (None, Some(close)) => (close, CLOSE.len()),
            (None, None) => break,
        };
        open = if close == Some(at) { open - 1 } else { open + 1 };
        plain.push_str(&rest[..at]);
        rest = &rest[at + length..];
    }
    plain + rest
}

/// Whether a source has marks.
pub(in crate::language) fn is_marked(text: &str) -> bool {
    has_line(text) || ALL.iter().any(|mark| text.contains(mark))
}

/// Whether a name is one that only marks or operators stand for.
pub(in crate::language) fn is_inner(name: &str) -> bool {
    ALL.contains(&name) || name.contains(|c: char| !c.is_alphanumeric() && c != '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_marks_and_operators_are_inner() {
        assert!(is_inner("*") && is_inner("%") && is_inner(WRITTEN) && is_inner(TEMPLATE));
        assert!(!is_inner("detect") && !is_inner("_x1"));
    }
}
