//! The heap of the language, and what it cannot take.

/// Whether a panic with this message (which names its place) left the values of its module without
/// their memory.
///
/// One value of the language takes less than 2 GiB. Its allocator notices a larger one only after it has
/// let go of the memory of the values before: they must not be touched again. Other panics, in verbs and
/// elsewhere in the language, leave the heap as it was.
pub(super) fn is_broken_by(panic: &str) -> bool {
    let Some((_, place)) = panic.rsplit_once('(') else { return false };
    let place = place.replace('\\', "/");
    place.contains("/starlark-") && place.contains("/values/layout/")
}

/// What the cell is told that broke the heap.
pub(super) const BROKEN: &str = "a text, list or tuple grew beyond the 2 GiB that one value may take, \
                                 which cost the session the memory of its values";

#[cfg(test)]
mod tests {
    use starlark::values::Heap;

    use super::*;
    use crate::session::engine::panics;

    #[test]
    fn a_value_that_is_too_large_breaks_the_heap_and_other_panics_do_not() {
        // No memory is touched: the list is refused when its place is asked for.
        let large = panics::catch(|| {
            Heap::temp(|heap| {
                let nothing = std::iter::empty::<i32>();
                heap.alloc(starlark::values::list::AllocList(Vast(nothing)));
            })
        });
        let message = large.unwrap_err();
        assert!(is_broken_by(&message), "{message}");
        let other = panics::catch(|| panic!("a list is too large")).unwrap_err();
        assert!(!is_broken_by(&other), "{other}");
        assert!(!is_broken_by("no message"));
    }

    /// Says that it has 300 million items.
    struct Vast<I>(I);

    impl<I: Iterator> Iterator for Vast<I> {
        type Item = I::Item;

        fn next(&mut self) -> Option<Self::Item> {
            self.0.next()
        }

        fn size_hint(&self) -> (usize, Option<usize>) {
            (300_000_000, Some(300_000_000))
        }
    }
}
