//! `str`, `repr`, `print`, `fail`, and what f-strings, `format` and `%` make of values: the text of floats as
//! Python writes them.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use allocative::Allocative;
use starlark::StarlarkPagablePanic;
use starlark::environment::{Globals, GlobalsBuilder, MethodsBuilder};
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::syntax::AstModule;
use starlark::syntax::ast::{AstExprP, AstLiteral, AstNoPayload, BinOp, ExprP};
use starlark::values::dict::DictRef;
use starlark::values::float::UnpackFloat;
use starlark::values::none::NoneType;
use starlark::values::string::StarlarkStr;
use starlark::values::tuple::{AllocTuple, TupleRef, UnpackTuple};
use starlark::values::typing::StarlarkNever;
use starlark::values::{
    Heap, NoSerialize, ProvidesStaticType, StarlarkValue, UnpackValue, Value, starlark_value,
};

use crate::language::{ASSIGNED, CHANGED, ITERATED, TEMPLATE, TUPLE, WRITTEN};
use crate::session::Output;
use crate::session::show::written::{float_text, python_exponent, text_of, written};
use crate::session::state::State;
use crate::session::values::handle;

/// What the operator becomes: a name that nobody can write.
const REMAINDER: &str = "%";

/// Items that a loop goes over are copied up to this number.
const LONGEST_COPY: i32 = 1 << 20;

/// The functions behind inner names. Their heap lives as long as the program.
static FUNCTIONS: LazyLock<Globals> = LazyLock::new(|| GlobalsBuilder::new().with(inner).build());

/// The text of a value, for what only takes values.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
struct Written(String);

/// A text whose `format` writes floats well.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
struct Template(String);

handle!(Written);
handle!(Template);
starlark::methods_static!(TEMPLATE_METHODS = template_methods);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[starlark_value(type = "text")]
impl<'v> StarlarkValue<'v> for Written {}

#[starlark_value(type = "string")]
impl<'v> StarlarkValue<'v> for Template {
    fn get_methods() -> Option<&'static starlark::environment::Methods> {
        Some(TEMPLATE_METHODS.methods())
    }
}

#[starlark_module]
fn template_methods(builder: &mut MethodsBuilder) {
    fn format<'v>(
        this: &Template,
        #[starlark(args)] args: UnpackTuple<Value<'v>>,
        #[starlark(kwargs)] kwargs: DictRef<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let heap = eval.heap();
        let method = heap.alloc(this.0.as_str()).get_attr_error("format", heap)?;
        let args: Vec<_> = args.items.into_iter().map(|value| shown(value, heap)).collect();
        let named: Vec<_> = kwargs
            .iter()
            .filter_map(|(name, value)| Some((name.unpack_str()?, shown(value, heap))))
            .collect();
        eval.eval_function(method, &args, &named)
    }
}

#[starlark_module]
pub(super) fn functions(builder: &mut GlobalsBuilder) {
    #[starlark(as_type = StarlarkStr)]
    fn str<'v>(
        #[starlark(require = pos)] a: Value<'v>,
        heap: Heap<'v>,
    ) -> anyhow::Result<Value<'v>> {
        Ok(if a.unpack_str().is_some() { a } else { heap.alloc(written(a)) })
    }

    fn repr(#[starlark(require = pos)] a: Value) -> anyhow::Result<String> {
        Ok(written(a))
    }

    fn print(
        #[starlark(args)] args: UnpackTuple<Value>,
        eval: &mut Evaluator,
    ) -> anyhow::Result<NoneType> {
        State::of(eval).sink().emit(Output::Text(joined(&args.items) + "\n"));
        Ok(NoneType)
    }

    fn fail(#[starlark(args)] args: UnpackTuple<Value>) -> starlark::Result<StarlarkNever> {
        let text = joined(&args.items);
        let text = match text.trim() {
            "" => "fail() was called without a reason",
            reason => reason,
        };
        let reason = anyhow::Error::msg(text.to_owned());
        Err(starlark::Error::new_kind(starlark::ErrorKind::Fail(reason)))
    }
}

fn joined(values: &[Value]) -> String {
    values.iter().map(|value| text_of(*value)).collect::<Vec<_>>().join(" ")
}

/// Why a loop does not begin.
fn changed_within(kind: &str) -> String {
    format!(
        "this loop changes the {kind} that it goes over; let it go over a copy: `for x in list(…):`"
    )
}

#[starlark_module]
fn inner(builder: &mut GlobalsBuilder) {
    fn written_value<'v>(
        #[starlark(require = pos)] value: Value<'v>,
        heap: Heap<'v>,
    ) -> anyhow::Result<Value<'v>> {
        Ok(shown(value, heap))
    }

    fn template<'v>(
        #[starlark(require = pos)] owner: Value<'v>,
        heap: Heap<'v>,
    ) -> anyhow::Result<Value<'v>> {
        Ok(owner.unpack_str().map_or(owner, |text| heap.alloc(Template(text.to_owned()))))
    }

    /// What a loop goes over: the items that a list, dictionary or set has now. It is not locked then, as it would be
    /// for good after an error or an interrupt within the loop.
    fn iterated<'v>(
        #[starlark(require = pos)] value: Value<'v>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let is_long = |length: i32| length > LONGEST_COPY;
        match value.get_type() {
            "list" | "dict" | "set" if !value.length().is_ok_and(is_long) => {
                let items: Vec<Value> = value.iterate(heap)?.collect();
                Ok(heap.alloc(AllocTuple(items)))
            }
            _ => Ok(value),
        }
    }

    /// What a loop goes over whose body changes its length: refused, because such a list would stay locked after the
    /// error that the language gives.
    fn changed<'v>(#[starlark(require = pos)] value: Value<'v>) -> anyhow::Result<Value<'v>> {
        match value.get_type() {
            kind @ ("list" | "dict" | "set") => Err(anyhow::Error::msg(changed_within(kind))),
            _ => Ok(value),
        }
    }

    /// What a loop goes over whose body assigns to parts of it: the keys of a dictionary, whose values may change.
    fn assigned<'v>(
        #[starlark(require = pos)] value: Value<'v>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        match value.get_type() {
            "dict" => {
                let keys: Vec<Value> = value.iterate(heap)?.collect();
                Ok(heap.alloc(AllocTuple(keys)))
            }
            "list" => Err(anyhow::Error::msg(changed_within("list")).into()),
            _ => Ok(value),
        }
    }

    fn tuple<'v>(#[starlark(require = pos)] value: Value<'v>) -> anyhow::Result<Value<'v>> {
        Ok(value)
    }

    fn remainder<'v>(
        #[starlark(require = pos)] left: Value<'v>,
        #[starlark(require = pos)] right: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let heap = eval.heap();
        let Some(format) = left.unpack_str() else { return left.percent(right, heap) };
        let one = [right];
        let values = TupleRef::from_value(right).map_or(&one[..], |tuple| tuple.content());
        let (format, values) = filled(format, values, heap);
        heap.alloc(format).percent(heap.alloc(AllocTuple(values)), heap)
    }
}

/// Adds the inner functions to the names that a cell finds.
pub(super) fn define(builder: &mut GlobalsBuilder) {
    for (name, function) in FUNCTIONS.iter() {
        let name = match name {
            "written_value" => WRITTEN,
            "template" => TEMPLATE,
            "iterated" => ITERATED,
            "changed" => CHANGED,
            "assigned" => ASSIGNED,
            "tuple" => TUPLE,
            _ => REMAINDER,
        };
        builder.set(name, function);
    }
}

/// Lets `%` write floats well where it may make a text. It stays the operator, which is quicker, in a source
/// that only divides by numbers that are written there.
pub(super) fn guard(source: &mut AstModule) {
    let mut may_write = false;
    source.statement().visit_expr(|expression| may_write |= may_make_text(expression));
    if may_write {
        let function = HashMap::from([("%".to_owned(), REMAINDER.to_owned())]);
        source.replace_binary_operators(&function);
    }
}

fn may_make_text(expression: &AstExprP<AstNoPayload>) -> bool {
    if let ExprP::Op(_, BinOp::Percent, right) = &expression.node
        && !matches!(right.node, ExprP::Literal(AstLiteral::Int(_)))
    {
        return true;
    }
    let mut found = false;
    expression.visit_expr(|inner| found |= may_make_text(inner));
    found
}

/// A value for an f-string or `format`: itself, or its text if the language would write it otherwise.
fn shown<'v>(value: Value<'v>, heap: Heap<'v>) -> Value<'v> {
    match value.get_type() {
        "string" | "int" | "bool" | "NoneType" => value,
        _ => heap.alloc(Written(written(value))),
    }
}

/// A text for `%` and its values, in which those that floats may be part of are texts already.
fn filled<'v>(format: &str, values: &[Value<'v>], heap: Heap<'v>) -> (String, Vec<Value<'v>>) {
    let mut values = values.to_vec();
    let mut text = String::with_capacity(format.len());
    let mut letters = format.chars();
    let mut next = 0;
    while let Some(letter) = letters.next() {
        text.push(letter);
        if letter != '%' {
            continue;
        }
        let Some(kind) = letters.next() else { break };
        if kind == '%' {
            text.push(kind);
            continue;
        }
        let mut written_as = kind;
        if let Some(value) = values.get_mut(next) {
            let number = match UnpackFloat::unpack_value(*value) {
                Ok(Some(UnpackFloat(number))) => Some(number),
                _ => None,
            };
            match (kind, number) {
                ('s' | 'r', _) => *value = shown(*value, heap),
                ('e' | 'E' | 'g' | 'G' | 'f' | 'F', Some(number)) => {
                    *value = heap.alloc(number_text(kind, number));
                    written_as = 's';
                }
                _ => {}
            }
        }
        text.push(written_as);
        next += 1;
    }
    (text, values)
}

/// A number for `%e`, `%f` or `%g`. A capital letter makes capitals.
fn number_text(kind: char, number: f64) -> String {
    let text = match kind {
        _ if !number.is_finite() => float_text(number),
        'e' | 'E' => python_exponent(&format!("{number:.6e}")),
        'f' | 'F' => format!("{number:.6}"),
        _ => float_text(number),
    };
    if kind.is_uppercase() { text.to_uppercase() } else { text }
}
