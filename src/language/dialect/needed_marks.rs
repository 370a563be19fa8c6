//! Which marks a source needs before it runs.

use starlark::syntax::AstModule;
use starlark::syntax::ast::{AstExprP, AstLiteral, AstNoPayload, ExprP};

use super::loops;
use super::marks::{Mark, TEMPLATE, WRITTEN, around, with_marks};

/// The source with marks; `None` if it needs none.
pub(in crate::language) fn marked(source: &str, ast: &AstModule) -> Option<String> {
    let mut marks = Vec::new();
    loops::collect(ast.statement(), &mut marks, &mut collect);
    if marks.is_empty() {
        return None;
    }
    with_marks(source, marks)
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

fn is_text(expression: &AstExprP<AstNoPayload>) -> bool {
    matches!(expression.node, ExprP::Literal(AstLiteral::String(_)) | ExprP::FString(_))
}

#[cfg(test)]
mod tests {
    use super::super::marks::{is_marked, unmarked};
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
}
