//! Which lists and dictionaries loops go over.

use starlark::syntax::ast::{AstExprP, AstNoPayload, ExprP};
use starlark_syntax::syntax::ast::{AssignTargetP, AstStmtP, ClauseP, ForClauseP, StmtP};
use starlark_syntax::syntax::uniplate::Visit;

use super::bindings::{binds_anywhere, is_target};
use super::marks::{ASSIGNED, CHANGED, ITERATED, Mark, around};

/// Methods that change a list, a dictionary or a set.
const CHANGING: [&str; 12] = [
    "append",
    "add",
    "clear",
    "discard",
    "extend",
    "insert",
    "pop",
    "popitem",
    "remove",
    "setdefault",
    "sort",
    "update",
];

/// Marks what the loops of a statement and of all within it go over; `within` marks what is in expressions. A loop
/// that changes by name what it goes over has a mark of its own, so that it is refused before it begins.
pub(super) fn collect(
    statement: &AstStmtP<AstNoPayload>,
    marks: &mut Vec<Mark>,
    within: &mut impl FnMut(&AstExprP<AstNoPayload>, &mut Vec<Mark>),
) {
    if let StmtP::For(one) = &statement.node
        && may_be_locked(&one.over)
    {
        let change = |name| {
            // Where the name also gets another value, nobody knows which of them is changed.
            let is_other = is_target(&one.var.node, name) || binds_anywhere(&one.body, name);
            if is_other { Change::None } else { changes(&one.body, (name, &one.var.node), true) }
        };
        let mark = match name_of(&one.over).map(change) {
            None | Some(Change::None) => ITERATED,
            Some(Change::OfParts) => ASSIGNED,
            Some(Change::OfLength) => CHANGED,
        };
        marks.push(around(mark, &one.over));
    }
    statement.node.visit_children(|child| match child {
        Visit::Stmt(inner) => collect(inner, marks, within),
        Visit::Expr(inner) => within(inner, marks),
    });
}

/// Marks what a comprehension goes over.
pub(super) fn collect_clauses<'a>(
    first: &'a ForClauseP<AstNoPayload>,
    others: &'a [ClauseP<AstNoPayload>],
    mark: &mut impl FnMut(&'static str, &'a AstExprP<AstNoPayload>),
) {
    let others = others.iter().filter_map(|clause| match clause {
        ClauseP::For(one) => Some(one),
        ClauseP::If(_) => None,
    });
    for one in std::iter::once(first).chain(others) {
        if may_be_locked(&one.over) {
            mark(ITERATED, &one.over);
        }
    }
}

/// Whether other names may hold what this expression gives. What a function returns is new nearly always, and
/// `range` need not be unfolded.
fn may_be_locked(expression: &AstExprP<AstNoPayload>) -> bool {
    matches!(
        expression.node,
        ExprP::Identifier(_) | ExprP::Dot(..) | ExprP::Index(_) | ExprP::If(_) | ExprP::Op(..)
    )
}

fn name_of(expression: &AstExprP<AstNoPayload>) -> Option<&str> {
    match &expression.node {
        ExprP::Identifier(name) => Some(&name.node.ident),
        _ => None,
    }
}

/// How a statement changes a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    None,
    /// By an assignment to a part of it: `xs[0] = 1`.
    OfParts,
    /// By a method, or as a whole: `xs.append(1)`, `xs += [1]`.
    OfLength,
}

/// How a statement changes the value with this name, over which a loop goes with this variable. A change does no harm if the
/// loop ends right after it; `is_own` says that a `break` ends this loop.
fn changes(
    statement: &AstStmtP<AstNoPayload>,
    (name, variable): (&str, &AssignTargetP<AstNoPayload>),
    is_own: bool,
) -> Change {
    let ends = |last: &AstStmtP<AstNoPayload>| {
        matches!(last.node, StmtP::Return(_)) || (is_own && matches!(last.node, StmtP::Break))
    };
    let of = |inner: &AstStmtP<AstNoPayload>, is_own| changes(inner, (name, variable), is_own);
    match &statement.node {
        StmtP::Statements(all) => match all.last() {
            Some(last) if ends(last) => Change::None,
            _ => all.iter().map(|inner| of(inner, is_own)).max().unwrap_or(Change::None),
        },
        StmtP::For(inner) => {
            let over = calls_change(&inner.over, name);
            of(&inner.body, false).max(if over { Change::OfLength } else { Change::None })
        }
        // What a function does is done when it is called.
        StmtP::Def(_) => Change::None,
        StmtP::Assign(one) if is_part(&one.lhs.node, name) => part(&one.lhs.node, variable),
        StmtP::AssignModify(target, ..) if is_part(&target.node, name) => {
            part(&target.node, variable)
        }
        StmtP::AssignModify(target, ..) if is_target(&target.node, name) => Change::OfLength,
        other => {
            let mut found = Change::None;
            other.visit_children(|child| {
                found = found.max(match child {
                    Visit::Stmt(inner) => of(inner, is_own),
                    Visit::Expr(inner) if calls_change(inner, name) => Change::OfLength,
                    Visit::Expr(_) => Change::None,
                });
            });
            found
        }
    }
}

/// Whether a target is a part of the value with this name.
fn is_part(target: &AssignTargetP<AstNoPayload>, name: &str) -> bool {
    matches!(target, AssignTargetP::Index(parts) if name_of(&parts.0) == Some(name))
}

/// What an assignment to a part changes: at the place of the loop's own variable there is a value already.
fn part(target: &AssignTargetP<AstNoPayload>, variable: &AssignTargetP<AstNoPayload>) -> Change {
    let AssignTargetP::Index(parts) = target else { return Change::OfLength };
    match (name_of(&parts.1), variable) {
        (Some(index), AssignTargetP::Identifier(own)) if own.node.ident == index => Change::OfParts,
        _ => Change::OfLength,
    }
}

fn calls_change(expression: &AstExprP<AstNoPayload>, name: &str) -> bool {
    if let ExprP::Dot(owner, method) = &expression.node
        && CHANGING.contains(&method.node.as_str())
        && name_of(owner) == Some(name)
    {
        return true;
    }
    let mut found = false;
    expression.visit_expr(|inner| found |= calls_change(inner, name));
    found
}
