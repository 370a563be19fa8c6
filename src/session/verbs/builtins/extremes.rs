//! `max`, `min`, `any`, `all`.

use std::cmp::Ordering;

use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::Value;
use starlark::values::tuple::UnpackTuple;

use super::watch::Watch;
use crate::Error;
use crate::session::show::failed;

#[starlark_module]
pub(super) fn functions(builder: &mut GlobalsBuilder) {
    fn max<'v>(
        #[starlark(args)] args: UnpackTuple<Value<'v>>,
        key: Option<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        extreme("max", Ordering::Less, args.items, key, eval)
    }

    fn min<'v>(
        #[starlark(args)] args: UnpackTuple<Value<'v>>,
        key: Option<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        extreme("min", Ordering::Greater, args.items, key, eval)
    }

    fn any<'v>(
        #[starlark(require = pos)] x: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<bool> {
        let mut watch = Watch::new("any", eval);
        for item in x.iterate(eval.heap())? {
            watch.step()?;
            if item.to_bool() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn all<'v>(
        #[starlark(require = pos)] x: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<bool> {
        let mut watch = Watch::new("all", eval);
        for item in x.iterate(eval.heap())? {
            watch.step()?;
            if !item.to_bool() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The first of the items that no other beats; one beats the best so far if that compares as `beaten` with
/// it. A single argument is a sequence of items.
fn extreme<'v>(
    verb: &'static str,
    beaten: Ordering,
    args: Vec<Value<'v>>,
    key: Option<Value<'v>>,
    eval: &mut Evaluator<'v, '_, '_>,
) -> starlark::Result<Value<'v>> {
    match args[..] {
        [sequence] => {
            let items = sequence.iterate(eval.heap())?;
            extreme_of(verb, beaten, items, key, eval)
        }
        _ => extreme_of(verb, beaten, args.into_iter(), key, eval),
    }
}

fn extreme_of<'v>(
    verb: &'static str,
    beaten: Ordering,
    mut items: impl Iterator<Item = Value<'v>>,
    key: Option<Value<'v>>,
    eval: &mut Evaluator<'v, '_, '_>,
) -> starlark::Result<Value<'v>> {
    let mut watch = Watch::new(verb, eval);
    let mut best = items
        .next()
        .ok_or_else(|| failed(Error::input(format!("{verb}: there is nothing to compare"))))?;
    let Some(key) = key else {
        for item in items {
            watch.step()?;
            if best.compare(item)? == beaten {
                best = item;
            }
        }
        return Ok(best);
    };
    let mut best_key = eval.eval_function(key, &[best], &[])?;
    for item in items {
        watch.step()?;
        let item_key = eval.eval_function(key, &[item], &[])?;
        if best_key.compare(item_key)? == beaten {
            (best, best_key) = (item, item_key);
        }
    }
    Ok(best)
}
