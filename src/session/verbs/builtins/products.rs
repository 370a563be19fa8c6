//! `"-" * 80` and `[0] * n`: products of a text or list that stands in the source, which ask for room first.

use std::collections::HashMap;
use std::sync::LazyLock;

use starlark::environment::{Globals, GlobalsBuilder};
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::syntax::AstModule;
use starlark::syntax::ast::{AstExprP, AstLiteral, AstNoPayload, BinOp, ExprP};
use starlark::values::list::ListRef;
use starlark::values::tuple::TupleRef;
use starlark::values::{UnpackValue, Value};

use super::watch::Watch;

/// What the operator becomes: a name that nobody can write.
const PRODUCT: &str = "*";

/// The function behind that name. Its heap lives as long as the program.
static FUNCTIONS: LazyLock<Globals> =
    LazyLock::new(|| GlobalsBuilder::new().with(functions).build());

#[starlark_module]
fn functions(builder: &mut GlobalsBuilder) {
    fn product<'v>(
        #[starlark(require = pos)] left: Value<'v>,
        #[starlark(require = pos)] right: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let watch = Watch::new("`*`", eval);
        room(&watch, left, right)?;
        room(&watch, right, left)?;
        left.mul(right, eval.heap())
    }
}

/// Adds the function to the names that a cell finds.
pub(super) fn define(builder: &mut GlobalsBuilder) {
    let (_, function) = FUNCTIONS.iter().next().expect("there is one function");
    builder.set(PRODUCT, function);
}

/// Lets the products of a source ask for room, if one of its factors is a text, list or tuple that is
/// written there. Other sources keep the operator, which is quicker.
pub(super) fn guard(source: &mut AstModule) {
    let mut has_sequence = false;
    source.statement().visit_expr(|expression| has_sequence |= multiplies_sequence(expression));
    if has_sequence {
        let function = HashMap::from([("*".to_owned(), PRODUCT.to_owned())]);
        source.replace_binary_operators(&function);
    }
}

fn multiplies_sequence(expression: &AstExprP<AstNoPayload>) -> bool {
    if let ExprP::Op(left, BinOp::Multiply, right) = &expression.node
        && (is_sequence(left) || is_sequence(right))
    {
        return true;
    }
    let mut found = false;
    expression.visit_expr(|inner| found |= multiplies_sequence(inner));
    found
}

fn is_sequence(expression: &AstExprP<AstNoPayload>) -> bool {
    matches!(
        expression.node,
        ExprP::Literal(AstLiteral::String(_))
            | ExprP::FString(_)
            | ExprP::List(_)
            | ExprP::Tuple(_)
            | ExprP::ListComprehension(..)
    )
}

/// Whether there is room for `sequence`, if it is one, so many times.
fn room(watch: &Watch, sequence: Value, times: Value) -> starlark::Result<()> {
    let Some(times) = i64::unpack_value(times)? else { return Ok(()) };
    let times = usize::try_from(times).unwrap_or(0);
    if let Some(text) = sequence.unpack_str() {
        return watch.room_for_text(text.len().saturating_mul(times));
    }
    let list = ListRef::from_value(sequence).map(|list| list.content());
    match list.or_else(|| Some(TupleRef::from_value(sequence)?.content())) {
        Some(content) => watch.room_for(content.len().saturating_mul(times), 16),
        None => Ok(()),
    }
}
