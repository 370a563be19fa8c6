//! `reversed`, `enumerate`, `zip`, `map`, `filter`.

use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::Value;
use starlark::values::list::AllocList;
use starlark::values::none::NoneOr;
use starlark::values::tuple::{AllocTuple, UnpackTuple};
use starlark::values::typing::StarlarkCallable;

use super::watch::Watch;

/// Bytes of an item while a list is made: once beside the language's heap, once in it.
const ITEM: usize = 16;
/// Bytes of a tuple without its items.
const TUPLE: usize = 16;
/// Bytes of a reference.
const REFERENCE: usize = 8;

#[starlark_module]
pub(super) fn functions(builder: &mut GlobalsBuilder) {
    fn reversed<'v>(
        #[starlark(require = pos)] a: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<AllocList<Vec<Value<'v>>>> {
        let mut items = Watch::new("reversed", eval).items(a, ITEM, eval.heap())?;
        items.reverse();
        Ok(AllocList(items))
    }

    fn enumerate<'v>(
        #[starlark(require = pos)] it: Value<'v>,
        #[starlark(default = 0)] start: i32,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<AllocList<Vec<Value<'v>>>> {
        let (mut watch, heap) = (Watch::new("enumerate", eval), eval.heap());
        let bytes = ITEM + TUPLE + 2 * REFERENCE;
        let mut items = watch.items(it, bytes, heap)?;
        for (position, item) in items.iter_mut().enumerate() {
            watch.step()?;
            *item = heap.alloc((i64::from(start) + position as i64, *item));
        }
        Ok(AllocList(items))
    }

    fn zip<'v>(
        #[starlark(args)] args: UnpackTuple<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<AllocList<Vec<Value<'v>>>> {
        let (mut watch, heap) = (Watch::new("zip", eval), eval.heap());
        let sequences = args.items.into_iter().map(|sequence| sequence.iterate(heap));
        let mut sequences = sequences.collect::<starlark::Result<Vec<_>>>()?;
        let bytes = ITEM + TUPLE + sequences.len() * REFERENCE;
        let known = sequences.iter().map(|items| items.size_hint().0).min().unwrap_or(0);
        watch.room_for(known, bytes)?;
        let mut rows = Vec::with_capacity(known);
        if sequences.is_empty() {
            return Ok(AllocList(rows));
        }
        while let Some(row) = sequences.iter_mut().map(Iterator::next).collect::<Option<Vec<_>>>() {
            watch.step()?;
            rows.push(heap.alloc(AllocTuple(row)));
        }
        if rows.len() > known {
            watch.room_for(rows.len(), bytes)?;
        }
        Ok(AllocList(rows))
    }

    fn map<'v>(
        #[starlark(require = pos)] func: StarlarkCallable<'v>,
        #[starlark(require = pos)] seq: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<AllocList<Vec<Value<'v>>>> {
        let mut watch = Watch::new("map", eval);
        let items = seq.iterate(eval.heap())?;
        let known = items.size_hint().0;
        watch.room_for(known, ITEM)?;
        let mut results = Vec::with_capacity(known);
        for item in items {
            watch.step()?;
            results.push(eval.eval_function(func.0, &[item], &[])?);
        }
        if results.len() > known {
            watch.room_for(results.len(), ITEM)?;
        }
        Ok(AllocList(results))
    }

    fn filter<'v>(
        #[starlark(require = pos)] func: NoneOr<StarlarkCallable<'v>>,
        #[starlark(require = pos)] seq: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<AllocList<Vec<Value<'v>>>> {
        let mut watch = Watch::new("filter", eval);
        let mut kept = Vec::new();
        for item in seq.iterate(eval.heap())? {
            watch.step()?;
            let is_kept = match func {
                NoneOr::None => !item.is_none(),
                NoneOr::Other(func) => eval.eval_function(func.0, &[item], &[])?.to_bool(),
            };
            if is_kept {
                kept.push(item);
            }
        }
        watch.room_for(kept.len(), ITEM)?;
        Ok(AllocList(kept))
    }
}
