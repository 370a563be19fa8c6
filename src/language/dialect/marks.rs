//! Marks in a source that is about to run: calls of inner functions around what f-strings and `format` make
//! text of, around lists and dictionaries that a loop goes over, and around tuples without brackets.
//!
//! The language makes text of values itself there, and floats come out wrongly (`19999999.0` as `1e+07`). A list
//! that a loop goes over stays locked for good when the loop ends in an error or an interrupt. The
//! language lets nobody change the tree of a source, so the marks are written into its text; what errors show is
//! the text without them.

use starlark::syntax::AstModule;
use starlark::syntax::ast::{AstExprP, AstLiteral, AstNoPayload, ExprP};

use super::loops;

/// The function around what an f-string shows.
pub(crate) const WRITTEN: &str = "__written__";
/// The function around a text whose `format` is taken.
pub(crate) const TEMPLATE: &str = "__template__";
/// The function around what a loop goes over.
pub(crate) const ITERATED: &str = "__iterated__";
/// The function around a tuple that is a statement of its own.
pub(crate) const TUPLE: &str = "__tuple__";

const ALL: [&str; 4] = [WRITTEN, TEMPLATE, ITERATED, TUPLE];

/// A function, and the bytes around which it is called.
pub(super) type Mark = (&'static str, usize, usize);

/// What stands behind a name that is called, and at the end of the call: nobody writes it so. Two brackets,
/// because the place of a tuple may be without its own.
const OPEN: &str = "((";
const CLOSE: &str = "),   )";

/// The source with marks; `None` if it needs none.
pub(in crate::language) fn marked(source: &str, ast: &AstModule) -> Option<String> {
    let mut marks = Vec::new();
    loops::collect(ast.statement(), &mut marks, &mut collect);
    if marks.is_empty() {
        return None;
    }
    with_marks(source, marks)
}

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

/// What is to be marked within an expression: a function, and the bytes around which it is called. Outer
/// expressions come first.
fn collect(expression: &AstExprP<AstNoPayload>, marks: &mut Vec<Mark>) {
    let mut mark = |function, part: &AstExprP<AstNoPayload>| marks.push(around(function, part));
    match &expression.node {
        ExprP::FString(text) => {
            let shown = text.node.expressions.iter();
            shown.filter(|part| !is_text(part)).for_each(|part| mark(WRITTEN, part));
        }
        ExprP::Dot(owner, attribute) if attribute.node == "format" => mark(TEMPLATE, owner),
        ExprP::ListComprehension(_, first, clauses) => {
            loops::collect_clauses(first, clauses, &mut mark);
        }
        ExprP::DictComprehension(_, first, clauses) => {
            loops::collect_clauses(first, clauses, &mut mark);
        }
        _ => {}
    }
    expression.visit_expr(|inner| collect(inner, marks));
}

/// A mark around a whole expression.
pub(super) fn around(function: &'static str, part: &AstExprP<AstNoPayload>) -> Mark {
    (function, part.span.begin().get() as usize, part.span.end().get() as usize)
}

fn is_text(expression: &AstExprP<AstNoPayload>) -> bool {
    matches!(expression.node, ExprP::Literal(AstLiteral::String(_)) | ExprP::FString(_))
}

/// A text without marks, be it a source or its beginning.
pub(in crate::language) fn unmarked(text: &str) -> String {
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
    ALL.iter().any(|mark| text.contains(mark))
}

/// Whether a name is one that only marks or operators stand for.
pub(in crate::language) fn is_inner(name: &str) -> bool {
    ALL.contains(&name) || name.contains(|c: char| !c.is_alphanumeric() && c != '_')
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn marks_come_and_go() {
        for source in [
            "f'{x}'",
            "print(f\"a {x + 1} {(1, 2)} {y!r}\", '{}'.format(x))",
            "f'{f\"{x}\"} {[f\"{y}\" for y in ys]}'",
            "'{} {}'.format('{}'.format(1.5), x).format(2)",
            "x = f'''{\n  a\n} é {b}'''\ny = 1",
            "('a' + 'b').format(f'{x if x else y}')",
            "for x in people:\n  for y in x.slices: print(f'{y}')",
            "[f'{x}' for x in xs if x for y in x]",
            "{a: b for a, b in pairs[0]}",
            "f'{(lambda: 1)()}' if f'{not x}' else s.format(**{'a': f'{x}'})",
        ] {
            let ast = parse("cell", source).unwrap();
            let text = marked(source, &ast).unwrap();
            assert!(is_marked(&text) && parse("cell", &text).is_ok(), "{text}");
            assert_eq!(unmarked(&text), source);
        }
        for source in ["x = 1", "f'plain'", "'a b'", "f((1),   )"] {
            assert_eq!(marked(source, &parse("cell", source).unwrap()), None);
            assert_eq!(unmarked(source), source);
        }
    }

    #[test]
    fn names_of_marks_and_operators_are_inner() {
        assert!(is_inner("*") && is_inner("%") && is_inner(WRITTEN) && is_inner(TEMPLATE));
        assert!(!is_inner("detect") && !is_inner("_x1"));
    }
}
