//! `sorted`.

use std::cmp::Ordering;

use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::Value;
use starlark::values::list::AllocList;

use super::watch::Watch;

/// Bytes of an item at most: the list to sort, keys, the merged half, the language's list.
const ITEM: usize = 56;
/// So many items are sorted at once, without looking up.
const RUN: usize = 4096;

/// An item and the key that it is sorted by.
type Keyed<'v> = (Value<'v>, Value<'v>);

#[starlark_module]
pub(super) fn functions(builder: &mut GlobalsBuilder) {
    fn sorted<'v>(
        #[starlark(require = pos)] x: Value<'v>,
        #[starlark(require = named)] key: Option<Value<'v>>,
        #[starlark(require = named, default = false)] reverse: bool,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<AllocList<Vec<Value<'v>>>> {
        let mut watch = Watch::new("sorted", eval);
        let items = watch.items(x, ITEM, eval.heap())?;
        let mut keyed = Vec::with_capacity(items.len());
        for item in items {
            watch.step()?;
            let key = match key {
                None => item,
                Some(key) => eval.eval_function(key, &[item], &[])?,
            };
            keyed.push((item, key));
        }
        let sorted = sort(keyed, reverse, &mut watch)?;
        Ok(AllocList(sorted.into_iter().map(|(item, _)| item).collect()))
    }
}

/// A stable sort in runs, which are then merged: unlike one sort of everything, it can be stopped.
fn sort<'v>(
    mut items: Vec<Keyed<'v>>,
    reverse: bool,
    watch: &mut Watch,
) -> starlark::Result<Vec<Keyed<'v>>> {
    for run in items.chunks_mut(RUN) {
        watch.check()?;
        let mut compared = Ok(());
        run.sort_by(|a, b| {
            order(a, b, reverse).unwrap_or_else(|error| {
                compared = Err(error);
                Ordering::Equal
            })
        });
        compared?;
    }
    let mut merged = Vec::new();
    let mut width = RUN;
    while width < items.len() {
        merged.reserve_exact(items.len());
        for pair in items.chunks(2 * width) {
            merge(pair.split_at(width.min(pair.len())), reverse, watch, &mut merged)?;
        }
        std::mem::swap(&mut items, &mut merged);
        merged.clear();
        width *= 2;
    }
    Ok(items)
}

/// Appends two sorted runs as one; of equals, those of the first come first.
fn merge<'v>(
    (mut first, mut second): (&[Keyed<'v>], &[Keyed<'v>]),
    reverse: bool,
    watch: &mut Watch,
    merged: &mut Vec<Keyed<'v>>,
) -> starlark::Result<()> {
    while let ([a, others_a @ ..], [b, others_b @ ..]) = (first, second) {
        watch.step()?;
        if order(a, b, reverse)?.is_gt() {
            merged.push(*b);
            second = others_b;
        } else {
            merged.push(*a);
            first = others_a;
        }
    }
    merged.extend_from_slice(first);
    merged.extend_from_slice(second);
    Ok(())
}

fn order<'v>(a: &Keyed<'v>, b: &Keyed<'v>, reverse: bool) -> starlark::Result<Ordering> {
    let order = a.1.compare(b.1)?;
    Ok(if reverse { order.reverse() } else { order })
}
