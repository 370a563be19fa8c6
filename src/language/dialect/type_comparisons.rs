//! `type(x) == int` and `isinstance(x, (int, float))`, which Python users write: here `type` gives a text, and several
//! types are one tuple of values, so both would silently be false.

use starlark::ErrorKind;
use starlark::syntax::AstModule;
use starlark::syntax::ast::{AstExprP, AstNoPayload, ExprP};
use starlark_syntax::codemap::CodeMap;
use starlark_syntax::syntax::ast::{ArgumentP, BinOp};

use super::bindings::binds_anywhere;

/// Functions that make a value of a type, and what `type` says of such a value.
const TYPES: [(&str, &str); 8] = [
    ("bool", "bool"),
    ("dict", "dict"),
    ("float", "float"),
    ("int", "int"),
    ("list", "list"),
    ("set", "set"),
    ("str", "string"),
    ("tuple", "tuple"),
];

/// Refuses such a comparison.
///
/// # Errors
/// At the first one.
pub(super) fn check(name: &str, source: &str, ast: &AstModule) -> starlark::Result<()> {
    let mut found = None;
    ast.statement().visit_expr(|expression| {
        if found.is_none() {
            found = first(expression);
        }
    });
    let Some((expression, sentence)) = found else { return Ok(()) };
    // A name that is given a value anywhere may be something else.
    let is_own = |name: &str| binds_anywhere(ast.statement(), name);
    let functions = TYPES.iter().map(|(function, _)| *function);
    if functions.chain(["type", "isinstance"]).any(is_own) {
        return Ok(());
    }
    let kind = ErrorKind::Parser(anyhow::Error::msg(format!("syntax error: {sentence}")));
    let codemap = CodeMap::new(name.to_owned(), source.to_owned());
    Err(starlark::Error::new_spanned(kind, expression.span, &codemap))
}

/// The first comparison within an expression, with a sentence.
fn first(expression: &AstExprP<AstNoPayload>) -> Option<(&AstExprP<AstNoPayload>, String)> {
    if let Some(types) = several_types(expression) {
        let sentence = format!("several types are joined by |; write {types}");
        return Some((expression, sentence));
    }
    if let ExprP::Op(left, BinOp::Equal | BinOp::NotEqual | BinOp::In | BinOp::NotIn, right) =
        &expression.node
    {
        let sides = [(left, right), (right, left)];
        let compared =
            sides.into_iter().find_map(|(one, other)| is_type(one).then(|| named(other)).flatten());
        if let Some(kind) = compared {
            let sentence = format!("`type` gives a text here; compare it with \"{kind}\"");
            return Some((expression, sentence));
        }
    }
    let mut found = None;
    expression.visit_expr(|inner| {
        if found.is_none() {
            found = first(inner);
        }
    });
    found
}

/// The types of a call of `isinstance` with a tuple or list of them, as they should be written.
fn several_types(expression: &AstExprP<AstNoPayload>) -> Option<String> {
    let ExprP::Call(function, arguments) = &expression.node else { return None };
    let ExprP::Identifier(name) = &function.node else { return None };
    let [_, types] = arguments.args.as_slice() else { return None };
    let ArgumentP::Positional(types) = &types.node else { return None };
    let (ExprP::Tuple(all) | ExprP::List(all)) = &types.node else { return None };
    let names = all.iter().map(|one| match &one.node {
        ExprP::Identifier(name) => Some(name.node.ident.as_str()),
        _ => None,
    });
    let names: Vec<&str> = names.collect::<Option<_>>()?;
    (name.node.ident == "isinstance" && names.len() > 1).then(|| names.join(" | "))
}

fn is_type(expression: &AstExprP<AstNoPayload>) -> bool {
    let ExprP::Call(function, arguments) = &expression.node else { return false };
    matches!(&function.node, ExprP::Identifier(name) if name.node.ident == "type")
        && matches!(arguments.args.as_slice(), [one] if matches!(one.node, ArgumentP::Positional(_)))
}

/// What `type` says of values that this function makes, or the first of several functions.
fn named(expression: &AstExprP<AstNoPayload>) -> Option<&'static str> {
    match &expression.node {
        ExprP::Identifier(name) => {
            TYPES.iter().find(|(function, _)| *function == name.node.ident).map(|(_, kind)| *kind)
        }
        ExprP::Tuple(all) | ExprP::List(all) => all.iter().find_map(named),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{parse, parse_to_run};

    #[test]
    fn types_are_compared_as_texts() {
        for source in [
            "type(x) == int",
            "if y and list != type(x): pass",
            "[type(a) in (float, int) for a in x]",
        ] {
            let error = parse_to_run("cell", source).unwrap_err().to_string();
            assert!(error.contains("`type` gives a text here"), "{error}");
        }
        for source in [
            "def kind(x, str = \"string\"): return type(x) == str",
            "def f(x):\n    list = [\"int\"]\n    return type(x) in list",
            "type(3) in (x, y)",
        ] {
            parse_to_run("cell", source).unwrap();
        }
        let error =
            parse_to_run("cell", "y = isinstance(x, (int, float))").unwrap_err().to_string();
        assert!(error.contains("joined by |; write int | float"), "{error}");
        parse_to_run("cell", "isinstance(x, int | float)").unwrap();
        for source in ["type(x) == \"int\"", "type(x) == type(y)", "x == int", "int(x) == y"] {
            parse("cell", source).unwrap();
            parse_to_run("cell", source).unwrap();
        }
    }
}
