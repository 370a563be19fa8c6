//! `x <<= n`, which loses what leaves 32 bits and cannot be replaced, as `<<` is.

use starlark::ErrorKind;
use starlark::syntax::AstModule;
use starlark::syntax::ast::AstNoPayload;
use starlark_syntax::codemap::CodeMap;
use starlark_syntax::syntax::ast::{AssignOp, AstStmtP, StmtP};
use starlark_syntax::syntax::uniplate::Visit;

/// Refuses such an assignment.
///
/// # Errors
/// At the first one.
pub(super) fn check(name: &str, source: &str, ast: &AstModule) -> starlark::Result<()> {
    let Some(statement) = first(ast.statement()) else { return Ok(()) };
    let sentence = "`<<=` would lose digits of large numbers; write x = x << n";
    let kind = ErrorKind::Parser(anyhow::Error::msg(format!("syntax error: {sentence}")));
    let codemap = CodeMap::new(name.to_owned(), source.to_owned());
    Err(starlark::Error::new_spanned(kind, statement.span, &codemap))
}

fn first(statement: &AstStmtP<AstNoPayload>) -> Option<&AstStmtP<AstNoPayload>> {
    if matches!(statement.node, StmtP::AssignModify(_, AssignOp::LeftShift, _)) {
        return Some(statement);
    }
    let mut found = None;
    statement.node.visit_children(|child| {
        if let Visit::Stmt(inner) = child {
            found = found.or_else(|| first(inner));
        }
    });
    found
}
