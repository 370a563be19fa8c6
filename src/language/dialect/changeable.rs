//! Names that later cells of a session may change.
//!
//! The language puts numbers, texts and other constants into the functions that use them, for names that it sees
//! assigned once. It sees one cell only: a function would keep `threshold = 0.5` after the next cell has said
//! `threshold = 0.9`. So a line goes before the cell that assigns each such name once more and never runs.

use std::collections::BTreeSet;

use starlark::syntax::AstModule;
use starlark::syntax::ast::{AstExprP, AstNoPayload, ExprP};
use starlark_syntax::syntax::ast::{AssignTargetP, AstStmtP, StmtP};
use starlark_syntax::syntax::uniplate::Visit;

/// How the line begins; nobody writes it so.
const BEGIN: &str = "if False :   ";

/// The source with the line before it; `None` if it needs none. `is_name` tells the names that the session has.
pub(super) fn with_changeable_names(
    source: &str,
    ast: &AstModule,
    is_name: &dyn Fn(&str) -> bool,
) -> Option<String> {
    if !has_function(ast.statement()) {
        return None;
    }
    let (mut assigned, mut loaded) = (BTreeSet::new(), BTreeSet::new());
    collect(ast.statement(), &mut assigned, &mut loaded);
    let words = source.split(|c: char| !c.is_alphanumeric() && c != '_');
    let used: BTreeSet<&str> = words.filter(|word| !word.is_empty()).collect();
    let names = used.into_iter().filter(|word| assigned.contains(*word) || is_name(word));
    let assignments: Vec<String> = names
        .filter(|name| !loaded.contains(*name))
        .map(|name| format!("{name} = {name}"))
        .collect();
    (!assignments.is_empty()).then(|| format!("{BEGIN}{}\n{source}", assignments.join("; ")))
}

/// The names of the module that a source gives values to, by assignments, functions, loops and loading.
pub(crate) fn assigned_names(ast: &AstModule) -> Vec<String> {
    let (mut assigned, mut loaded) = (BTreeSet::new(), BTreeSet::new());
    collect(ast.statement(), &mut assigned, &mut loaded);
    assigned.union(&loaded).map(|name| (*name).to_owned()).collect()
}

/// A source, or its beginning, without the line.
pub(super) fn without_line(text: &str) -> &str {
    match text.strip_prefix(BEGIN) {
        Some(rest) => rest.split_once('\n').map_or("", |(_, source)| source),
        None => text,
    }
}

/// Whether a source has the line.
pub(super) fn has_line(text: &str) -> bool {
    text.starts_with(BEGIN)
}

fn has_function(statement: &AstStmtP<AstNoPayload>) -> bool {
    let mut found = matches!(statement.node, StmtP::Def(_));
    statement.node.visit_children(|child| {
        found = found
            || match child {
                Visit::Stmt(inner) => has_function(inner),
                Visit::Expr(inner) => has_lambda(inner),
            };
    });
    found
}

fn has_lambda(expression: &AstExprP<AstNoPayload>) -> bool {
    let mut found = matches!(expression.node, ExprP::Lambda(_));
    expression.visit_expr(|inner| found = found || has_lambda(inner));
    found
}

/// The names of the module that a statement assigns, without what functions assign within themselves, and those that it
/// loads.
fn collect<'a>(
    statement: &'a AstStmtP<AstNoPayload>,
    assigned: &mut BTreeSet<&'a str>,
    loaded: &mut BTreeSet<&'a str>,
) {
    match &statement.node {
        StmtP::Def(one) => {
            assigned.insert(&one.name.node.ident);
            return;
        }
        StmtP::Assign(one) => targets(&one.lhs.node, assigned),
        StmtP::For(one) => targets(&one.var.node, assigned),
        StmtP::Load(load) => {
            loaded.extend(load.args.iter().map(|arg| arg.local.node.ident.as_str()))
        }
        _ => {}
    }
    statement.node.visit_children(|child| {
        if let Visit::Stmt(inner) = child {
            collect(inner, assigned, loaded);
        }
    });
}

fn targets<'a>(target: &'a AssignTargetP<AstNoPayload>, names: &mut BTreeSet<&'a str>) {
    match target {
        AssignTargetP::Identifier(own) => {
            names.insert(&own.node.ident);
        }
        AssignTargetP::Tuple(all) => all.iter().for_each(|one| targets(&one.node, names)),
        AssignTargetP::Index(_) | AssignTargetP::Dot(..) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn line(source: &str, known: &[&str]) -> Option<String> {
        let ast = parse("cell", source).unwrap();
        let text = with_changeable_names(source, &ast, &|name| known.contains(&name))?;
        assert!(has_line(&text) && parse("cell", &text).is_ok(), "{text}");
        assert_eq!(without_line(&text), source);
        Some(text.lines().next().unwrap().trim_start_matches(BEGIN).to_owned())
    }

    #[test]
    fn names_of_the_session_and_of_the_cell_are_assigned_once_more() {
        let source = "def high(score):\n    inner = score\n    return inner > threshold\n";
        assert_eq!(line(source, &["threshold"]).unwrap(), "high = high; threshold = threshold");
        assert_eq!(line(source, &[]).unwrap(), "high = high");
        let source = "limit = 0.5\na, (b, c[0]) = 1, (2, 3)\nfor i in [1]:\n  if i:\n    k = lambda v: v > limit\n";
        assert_eq!(line(source, &[]).unwrap(), "a = a; b = b; i = i; k = k; limit = limit");
        // Without functions nothing is kept, and what is loaded may not be assigned.
        assert_eq!(line("x = 1\nprint(x)", &["x"]), None);
        let source = "load(\"a.star\", \"t\")\nf = lambda: t";
        assert_eq!(line(source, &[]).unwrap(), "f = f");
        assert_eq!(without_line(&BEGIN[..5]), &BEGIN[..5]);
    }
}
