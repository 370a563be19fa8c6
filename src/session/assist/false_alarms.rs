//! What the type checker of the language takes for an error and what runs all the same.

use std::collections::BTreeSet;

use starlark::syntax::AstModule;
use starlark::syntax::ast::{AstExprP, AstNoPayload, ExprP};
use starlark_syntax::syntax::ast::BinOp;

use crate::session::catalogue::manual;

/// Bytes at which an expression begins and ends.
type Bytes = (u32, u32);

/// The right sides of all comparisons with `==` and `!=`: values of any two types may be compared, above all with None.
pub(super) fn compared(ast: &AstModule) -> BTreeSet<Bytes> {
    fn collect(expression: &AstExprP<AstNoPayload>, found: &mut BTreeSet<Bytes>) {
        if let ExprP::Op(_, BinOp::Equal | BinOp::NotEqual, right) = &expression.node {
            found.insert((right.span.begin().get(), right.span.end().get()));
        }
        expression.visit_expr(|inner| collect(inner, found));
    }
    let mut found = BTreeSet::new();
    ast.statement().visit_expr(|expression| collect(expression, &mut found));
    found
}

/// Whether an error of the type checker is none of a run. `compared` are the right sides of comparisons in its source.
pub(super) fn is_false_alarm(error: &starlark::Error, compared: &BTreeSet<Bytes>) -> bool {
    let message = error.without_diagnostic().to_string();
    let is_compared = || {
        let bytes = error.span().map(|one| (one.span.begin().get(), one.span.end().get()));
        bytes.is_some_and(|bytes| compared.contains(&bytes))
    };
    let named: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match named.as_slice() {
        // Keys of any type may be looked for in a dictionary.
        _ if message.starts_with("Call arguments incompatible") => true,
        [expected, given] if message.starts_with("Expected type ") => {
            is_compared() || is_unsure(given) || (*given == "float" && expected.contains("Image"))
        }
        [attribute, kind] if message.starts_with("The attribute ") => {
            let source = error.span().map(|span| span.file.source()).unwrap_or_default();
            is_unsure(kind)
                || (*kind == "float" && is_of_map(attribute))
                || is_asked_for(attribute, source)
        }
        [kind, _] if message.contains(" [] operator") => {
            is_unsure(kind) || *kind == "float" || kind.starts_with("dict[")
        }
        ["in", within, _] => {
            ["list[", "tuple[", "(", "dict[", "set["].iter().any(|one| within.starts_with(one))
        }
        [operator, left, right] if message.starts_with("Binary operator ") => {
            let is_mask = ["&", "|"].contains(operator);
            [left, right].iter().any(|kind| is_unsure(kind) || (is_mask && ***kind == *"float"))
        }
        [.., kind] => is_unsure(kind),
        [] => false,
    }
}

/// Whether a type is what the type checker says of a whole number with something unknown, as in `2 * x`: that may be a
/// map or a list, too.
fn is_unsure(kind: &str) -> bool {
    kind == "float | int" || kind == "int | float"
}

/// Whether maps have this attribute: the product of a fraction and a map passes for a number.
fn is_of_map(attribute: &str) -> bool {
    manual().kind("Image").is_some_and(|kind| kind.member(attribute).is_some())
}

/// Whether a source asks for an attribute before it uses it.
fn is_asked_for(attribute: &str, source: &str) -> bool {
    source.contains("hasattr(")
        && ['"', '\''].iter().any(|quote| source.contains(&format!("{quote}{attribute}{quote}")))
}
