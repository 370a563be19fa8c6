//! `list`, `set` and `range`, which make values and are types in annotations as well.

use std::fmt;
use std::num::NonZeroI32;
use std::sync::LazyLock;

use allocative::Allocative;
use starlark::StarlarkPagablePanic;
use starlark::environment::{Globals, GlobalsBuilder};
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::typing::Ty;
use starlark::values::function::SpecialBuiltinFunction;
use starlark::values::list::{AllocList, ListRef};
use starlark::values::range::Range;
use starlark::values::set::SetRef;
use starlark::values::tuple::TupleRef;
use starlark::values::type_repr::StarlarkTypeRepr;
use starlark::values::{
    NoSerialize, ProvidesStaticType, StarlarkValue, UnpackValue, Value, starlark_value,
};

use super::watch::Watch;
use crate::Error;
use crate::session::verbs::language;

/// Bytes of an item of a list while the list is made.
const LIST_ITEM: usize = 16;
/// Bytes of an item of a set: its hash, its value, its place in the index.
const SET_ITEM: usize = 32;
/// So many items join a set at once.
const PORTION: usize = 4096;

/// The language's own functions.
static LANGUAGE: LazyLock<Globals> = LazyLock::new(language);

/// Stands for the type of lists, which the language does not name to others. No value has this type.
#[derive(Debug, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
struct ListType;

/// The same for sets.
#[derive(Debug, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
struct SetType;

impl fmt::Display for ListType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("list")
    }
}

impl fmt::Display for SetType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("set")
    }
}

#[starlark_value(type = "list")]
impl<'v> StarlarkValue<'v> for ListType {
    fn get_type_starlark_repr() -> Ty {
        <&ListRef>::starlark_type_repr()
    }
}

#[starlark_value(type = "set")]
impl<'v> StarlarkValue<'v> for SetType {
    fn get_type_starlark_repr() -> Ty {
        SetRef::starlark_type_repr()
    }
}

#[starlark_module]
pub(super) fn functions(builder: &mut GlobalsBuilder) {
    #[starlark(
        as_type = ListType,
        special_builtin_function = SpecialBuiltinFunction::List,
    )]
    fn list<'v>(
        #[starlark(require = pos)] a: Option<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let (mut watch, heap) = (Watch::new("list", eval), eval.heap());
        let Some(a) = a else { return Ok(heap.alloc(AllocList::EMPTY)) };
        let list = ListRef::from_value(a).map(|list| list.content());
        if let Some(content) = list.or_else(|| Some(TupleRef::from_value(a)?.content())) {
            watch.room_for(content.len(), LIST_ITEM)?;
            return Ok(heap.alloc(AllocList(content.iter().copied())));
        }
        Ok(heap.alloc(AllocList(watch.items(a, LIST_ITEM, heap)?)))
    }

    // The language computes its own `range` of constants, and what it makes of the numbers, before a cell
    // runs: 100 bytes for each.
    #[starlark(as_type = Range)]
    fn range(
        #[starlark(require = pos)] start_or_stop: i32,
        #[starlark(require = pos)] stop: Option<i32>,
        #[starlark(require = pos, default = 1)] step: i32,
    ) -> anyhow::Result<Range> {
        let (start, stop) = stop.map_or((0, start_or_stop), |stop| (start_or_stop, stop));
        let step =
            NonZeroI32::new(step).ok_or_else(|| Error::input("range: the step must not be 0"))?;
        Ok(Range::new(start, stop, step))
    }

    #[starlark(
        as_type = SetType,
        special_builtin_function = SpecialBuiltinFunction::Set,
    )]
    fn set<'v>(
        #[starlark(require = pos)] arg: Option<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let (watch, heap) = (Watch::new("set", eval), eval.heap());
        let make = LANGUAGE.iter().find(|(name, _)| *name == "set");
        let make = make.expect("the language has sets").1.to_value();
        let Some(arg) = arg else { return eval.eval_function(make, &[], &[]) };
        if SetRef::unpack_value_opt(arg).is_some() {
            return eval.eval_function(make, &[arg], &[]);
        }
        let mut items = arg.iterate(heap)?;
        watch.room_for(items.size_hint().0, SET_ITEM)?;
        // The language lets others add to a set only with its methods.
        let set = eval.eval_function(make, &[], &[])?;
        let update = set.get_attr_error("update", heap)?;
        loop {
            let portion: Vec<_> = items.by_ref().take(PORTION).collect();
            if portion.is_empty() {
                return Ok(set);
            }
            watch.check()?;
            let portion = heap.alloc(AllocList(portion));
            eval.eval_function(update, &[portion], &[])?;
        }
    }
}
