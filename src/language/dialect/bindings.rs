//! Which names a source gives values to.

use starlark::syntax::ast::{AstExprP, AstNoPayload, ExprP};
use starlark_syntax::syntax::ast::{
    AssignTargetP, AstParameterP, AstStmtP, ClauseP, ForClauseP, ParameterP, StmtP,
};
use starlark_syntax::syntax::uniplate::Visit;

/// Whether an assignment to this target gives a name a value, and not only a part of it.
pub(in crate::language) fn is_target(target: &AssignTargetP<AstNoPayload>, name: &str) -> bool {
    match target {
        AssignTargetP::Identifier(own) => own.node.ident == name,
        AssignTargetP::Tuple(all) => all.iter().any(|one| is_target(&one.node, name)),
        AssignTargetP::Index(_) | AssignTargetP::Dot(..) => false,
    }
}

/// Whether a statement gives a name a value by itself, without what is within it. `x += 1` gives no new one.
pub(in crate::language) fn binds(statement: &AstStmtP<AstNoPayload>, name: &str) -> bool {
    match &statement.node {
        StmtP::Def(one) => one.name.node.ident == name,
        StmtP::Assign(one) => is_target(&one.lhs.node, name),
        StmtP::For(one) => is_target(&one.var.node, name),
        StmtP::Load(load) => load.args.iter().any(|arg| arg.local.node.ident == name),
        _ => false,
    }
}

/// Whether a name gets a value anywhere in a statement: also as a parameter, in a comprehension or within a function.
pub(super) fn binds_anywhere(statement: &AstStmtP<AstNoPayload>, name: &str) -> bool {
    let mut found = binds(statement, name);
    if let StmtP::Def(one) = &statement.node {
        found |= has_parameter(&one.params, name);
    }
    statement.node.visit_children(|child| {
        found |= match child {
            Visit::Stmt(inner) => binds_anywhere(inner, name),
            Visit::Expr(inner) => binds_within(inner, name),
        };
    });
    found
}

fn binds_within(expression: &AstExprP<AstNoPayload>, name: &str) -> bool {
    let mut found = match &expression.node {
        ExprP::Lambda(one) => has_parameter(&one.params, name),
        ExprP::ListComprehension(_, first, others) => is_clause(first, others, name),
        ExprP::DictComprehension(_, first, others) => is_clause(first, others, name),
        _ => false,
    };
    expression.visit_expr(|inner| found |= binds_within(inner, name));
    found
}

fn has_parameter(parameters: &[AstParameterP<AstNoPayload>], name: &str) -> bool {
    parameters.iter().any(|parameter| match &parameter.node {
        ParameterP::Normal(own, ..) | ParameterP::Args(own, _) | ParameterP::KwArgs(own, _) => {
            own.node.ident == name
        }
        _ => false,
    })
}

fn is_clause(
    first: &ForClauseP<AstNoPayload>,
    others: &[ClauseP<AstNoPayload>],
    name: &str,
) -> bool {
    let others = others.iter().filter_map(|clause| match clause {
        ClauseP::For(one) => Some(one),
        ClauseP::If(_) => None,
    });
    std::iter::once(first).chain(others).any(|one| is_target(&one.var.node, name))
}
