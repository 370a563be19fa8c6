//! What looks at interrupts and memory while a function walks over a sequence.

use starlark::eval::Evaluator;
use starlark::values::{Heap, Value};

use crate::Error;
use crate::session::show::failed;
use crate::session::state::State;

/// Every so many items somebody may have interrupted.
const STRIDE: usize = 256;
/// Items of a list: one value of the language takes less than 4 GiB, at eight bytes for each item.
pub(super) const MOST_ITEMS: usize = (1 << 29) - 64;

/// Bytes of a text.
const MOST_BYTES: usize = MOST_ITEMS * 8;

/// One walk of the function `verb`.
pub(in crate::session::verbs) struct Watch<'a> {
    state: &'a State,
    verb: &'static str,
    steps: usize,
}

impl<'a> Watch<'a> {
    pub fn new(verb: &'static str, eval: &Evaluator<'_, 'a, '_>) -> Self {
        Self { state: State::of(eval), verb, steps: 0 }
    }

    /// Call it for every item.
    ///
    /// # Errors
    /// If the cell should stop.
    #[inline]
    pub fn step(&mut self) -> starlark::Result<()> {
        self.steps += 1;
        if self.steps.is_multiple_of(STRIDE) { self.check() } else { Ok(()) }
    }

    /// # Errors
    /// If the cell should stop.
    pub fn check(&self) -> starlark::Result<()> {
        self.state.check().map_err(failed)
    }

    /// Call it before a list of so many items is made, each of which takes `bytes` in all.
    ///
    /// # Errors
    /// If the language has no such lists, or there is no room for it.
    pub fn room_for(&self, items: usize, bytes: usize) -> starlark::Result<()> {
        let verb = self.verb;
        if items > MOST_ITEMS {
            let message = format!("{verb}: a list holds at most {MOST_ITEMS} items, not {items}");
            return Err(failed(Error::input(message)));
        }
        let needed = items.saturating_mul(bytes) as u64;
        let what = || format!("a list of {items} items");
        self.state.budget.room_for(needed, verb, what).map_err(failed)
    }

    /// The same for a text of so many bytes.
    ///
    /// # Errors
    /// If the language has no such texts, or there is no room for it.
    pub fn room_for_text(&self, bytes: usize) -> starlark::Result<()> {
        let verb = self.verb;
        if bytes > MOST_BYTES {
            let message = format!("{verb}: a text takes at most {MOST_BYTES} bytes, not {bytes}");
            return Err(failed(Error::input(message)));
        }
        let what = || format!("a text of {bytes} bytes");
        // Once beside the language's heap, once in it.
        self.state.budget.room_for(2 * bytes as u64, verb, what).map_err(failed)
    }

    /// The items of `value`, for a list in which each takes `bytes` in all.
    ///
    /// # Errors
    /// If it cannot be looped over, has no room in a list, or the cell should stop.
    pub fn items<'v>(
        &mut self,
        value: Value<'v>,
        bytes: usize,
        heap: Heap<'v>,
    ) -> starlark::Result<Vec<Value<'v>>> {
        let items = value.iterate(heap)?;
        let known = items.size_hint().0;
        self.room_for(known, bytes)?;
        let mut collected = Vec::with_capacity(known);
        for item in items {
            self.step()?;
            collected.push(item);
        }
        if collected.len() > known {
            self.room_for(collected.len(), bytes)?;
        }
        Ok(collected)
    }
}
