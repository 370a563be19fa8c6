//! `<<` and `//`, which the language computes wrongly in places: a shift loses what leaves 32 bits, and a division of
//! floats rounds the quotient, so that it does not fit its remainder.

use std::collections::HashMap;
use std::sync::LazyLock;

use starlark::environment::{Globals, GlobalsBuilder};
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::syntax::AstModule;
use starlark::syntax::ast::{AstExprP, AstNoPayload, BinOp, ExprP};
use starlark::values::Value;
use starlark::values::float::{StarlarkFloat, UnpackFloat};
use starlark::values::{UnpackValue, ValueLike};

/// What the operators become: names that nobody can write.
const SHIFTED: &str = "<<";
const QUOTIENT: &str = "//";

/// The functions behind these names. Their heap lives as long as the program.
static FUNCTIONS: LazyLock<Globals> =
    LazyLock::new(|| GlobalsBuilder::new().with(functions).build());

#[starlark_module]
fn functions(builder: &mut GlobalsBuilder) {
    fn shifted<'v>(
        #[starlark(require = pos)] left: Value<'v>,
        #[starlark(require = pos)] right: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let heap = eval.heap();
        // Larger numbers and shifts are right.
        match (left.unpack_i32(), right.unpack_i32()) {
            (Some(number), Some(bits @ 0..32)) => Ok(heap.alloc(i64::from(number) << bits)),
            _ => left.left_shift(right, heap),
        }
    }

    fn quotient<'v>(
        #[starlark(require = pos)] left: Value<'v>,
        #[starlark(require = pos)] right: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let heap = eval.heap();
        let is_float = |value: Value| value.downcast_ref::<StarlarkFloat>().is_some();
        if is_float(left) || is_float(right) {
            let number = |value| UnpackFloat::unpack_value(value).ok().flatten();
            if let (Some(left), Some(right)) = (number(left), number(right))
                && right.0 != 0.0
            {
                return Ok(heap.alloc(floor_quotient(left.0, right.0)));
            }
        }
        left.floor_div(right, heap)
    }
}

/// The quotient that fits the remainder with the sign of the divisor, which is not 0, as Python's `//` gives it.
fn floor_quotient(left: f64, right: f64) -> f64 {
    let remainder = left % right;
    let mut quotient = (left - remainder) / right;
    if remainder != 0.0 && (right < 0.0) != (remainder < 0.0) {
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return 0f64.copysign(left / right);
    }
    let floor = quotient.floor();
    if quotient - floor > 0.5 { floor + 1.0 } else { floor }
}

/// Adds the functions to the names that a cell finds.
pub(super) fn define(builder: &mut GlobalsBuilder) {
    for (name, function) in FUNCTIONS.iter() {
        builder.set(if name == "shifted" { SHIFTED } else { QUOTIENT }, function);
    }
}

/// Puts the functions in the place of the operators, in sources that have any.
pub(super) fn guard(source: &mut AstModule) {
    let mut has_any = false;
    source.statement().visit_expr(|expression| has_any |= has_operator(expression));
    if has_any {
        let names = [SHIFTED, QUOTIENT].map(|name| (name.to_owned(), name.to_owned()));
        source.replace_binary_operators(&HashMap::from(names));
    }
}

fn has_operator(expression: &AstExprP<AstNoPayload>) -> bool {
    if matches!(expression.node, ExprP::Op(_, BinOp::LeftShift | BinOp::FloorDivide, _)) {
        return true;
    }
    let mut found = false;
    expression.visit_expr(|inner| found |= has_operator(inner));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_of_floats_are_those_of_python() {
        for (left, right, expected) in [
            (1.0, 0.1, 9.0),
            (4.0, 0.2, 19.0),
            (100.0, 0.1, 999.0),
            (7.5, 2.0, 3.0),
            (-7.5, 2.0, -4.0),
            (7.5, -2.0, -4.0),
            (-7.5, -2.0, 3.0),
            (6.0, 3.0, 2.0),
            (-6.0, 3.0, -2.0),
            (-5.0, f64::INFINITY, -1.0),
            (5.0, f64::INFINITY, 0.0),
            (0.3, 0.1, 2.0),
            (-0.0, 2.0, -0.0),
        ] {
            let quotient = floor_quotient(left, right);
            assert_eq!(quotient.to_bits(), f64::to_bits(expected), "{left} // {right}: {quotient}");
        }
        assert!(floor_quotient(f64::NAN, 1.0).is_nan());
    }
}
