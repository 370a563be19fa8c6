//! Assignments that the language accepts and that are wrong: `x <<= n`, which loses what leaves 32 bits and cannot be
//! replaced, as `<<` is, and `None = 3`, which gives a constant another value.

use starlark::ErrorKind;
use starlark::syntax::AstModule;
use starlark::syntax::ast::AstNoPayload;
use starlark_syntax::codemap::CodeMap;
use starlark_syntax::syntax::ast::{AssignOp, AstStmtP, StmtP};
use starlark_syntax::syntax::uniplate::Visit;

use super::bindings::binds;

/// Names that the language takes for ordinary ones.
const CONSTANTS: [&str; 3] = ["None", "True", "False"];

/// Refuses such an assignment.
///
/// # Errors
/// At the first one.
pub(super) fn check(name: &str, source: &str, ast: &AstModule) -> starlark::Result<()> {
    let Some((statement, sentence)) = first(ast.statement()) else { return Ok(()) };
    let kind = ErrorKind::Parser(anyhow::Error::msg(format!("syntax error: {sentence}")));
    let codemap = CodeMap::new(name.to_owned(), source.to_owned());
    Err(starlark::Error::new_spanned(kind, statement.span, &codemap))
}

fn first(statement: &AstStmtP<AstNoPayload>) -> Option<(&AstStmtP<AstNoPayload>, String)> {
    if matches!(statement.node, StmtP::AssignModify(_, AssignOp::LeftShift, _)) {
        let sentence = "`<<=` would lose digits of large numbers; write x = x << n";
        return Some((statement, sentence.to_owned()));
    }
    if let Some(constant) = CONSTANTS.iter().find(|name| binds(statement, name)) {
        return Some((statement, format!("`{constant}` cannot be given another value")));
    }
    let mut found = None;
    statement.node.visit_children(|child| {
        if let Visit::Stmt(inner) = child {
            found = found.take().or_else(|| first(inner));
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::super::parse_to_run;

    #[test]
    fn constants_keep_their_values() {
        for source in ["None = 3", "x, True = 1, 2", "def f():\n    for False in [1]: pass"] {
            let error = parse_to_run("cell", source).unwrap_err().to_string();
            assert!(error.contains("cannot be given another value"), "{error}");
        }
        assert!(parse_to_run("cell", "x = None\nnone = x").is_ok());
    }
}
