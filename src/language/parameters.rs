//! Cells that do nothing but set parameters.

use starlark::syntax::ast::{AstExpr, AstStmt, ExprP, StmtP};

use super::dialect::parse;

/// The function that a script takes its parameters from.
const PARAMETER: &str = "parameter";

/// Whether every statement of a cell is like `epochs = parameter("epochs", 20)`. A value that is set
/// after such a cell is the parameter's.
pub fn only_sets_parameters(source: &str) -> bool {
    parse("cell", source).is_ok_and(|cell| sets_parameters(cell.statement()))
}

fn sets_parameters(statement: &AstStmt) -> bool {
    match &statement.node {
        StmtP::Statements(all) => !all.is_empty() && all.iter().all(sets_parameters),
        StmtP::Assign(assignment) => is_parameter(&assignment.rhs),
        _ => false,
    }
}

fn is_parameter(value: &AstExpr) -> bool {
    let ExprP::Call(called, _) = &value.node else { return false };
    matches!(&called.node, ExprP::Identifier(name) if name.node.ident == PARAMETER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_of_parameters_holds_nothing_else() {
        assert!(only_sets_parameters("# How long.\nepochs = parameter(\"epochs\", 20)"));
        assert!(only_sets_parameters("a = parameter(\"a\", 1)\nb = parameter(\"b\", \"x\")\n"));
        for other in [
            "",
            "# parameter",
            "x = 1",
            "a = parameter(\"a\", 1)\npretrain(model, people, epochs = a)",
            "seed(parameter(\"seed\", 1))",
            "a = 2 * parameter(\"a\", 1)",
            "a = ",
            "%%rust\n1",
        ] {
            assert!(!only_sets_parameters(other), "{other:?}");
        }
    }
}
