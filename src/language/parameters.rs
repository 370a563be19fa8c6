//! Cells that do nothing but set parameters.

use std::collections::BTreeSet;

use starlark::syntax::ast::{AstExpr, AstStmt, ExprP, StmtP};

use super::dialect::parse;
use super::tokens::{Placed, Token, tokens};

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

/// Names of the parameters that a script asks for, if its source alone tells: `None` where a name is computed, or
/// the script loads another file, which may ask, too.
pub fn parameters_of(source: &str) -> Option<BTreeSet<String>> {
    let all = tokens(source);
    let text = |placed: &Placed| &source[placed.range.clone()];
    let mut names = BTreeSet::new();
    for (at, placed) in all.iter().enumerate() {
        match placed.token {
            Token::Keyword if text(placed) == "load" => return None,
            Token::Word if text(placed) == PARAMETER => {
                let [_, open, name, ..] = &all[at..] else { return None };
                let quotes: &[char] = &['"', '\''];
                let plain = text(name).trim_matches(quotes);
                if text(open) != "(" || name.token != Token::Text || plain.contains(quotes) {
                    return None;
                }
                names.insert(plain.to_owned());
            }
            _ => {}
        }
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_of_a_script_are_read_from_its_source() {
        let names = |source: &str| {
            parameters_of(source).map(|names| names.into_iter().collect::<Vec<_>>().join(" "))
        };
        let source =
            "epochs = parameter(\"epochs\", 20)\nf(parameter('seed', 1)) # parameter(\"no\")";
        assert_eq!(names(source).unwrap(), "epochs seed");
        assert_eq!(names("x = 1").unwrap(), "");
        for unknown in ["load(\"a.star\", \"b\")", "parameter(name, 1)", "p = parameter"] {
            assert_eq!(names(unknown), None, "{unknown}");
        }
    }

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
