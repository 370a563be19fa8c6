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
    fn diagnose_me() {
        for count in [1_usize << 27, (1 << 28) - 64, 1 << 28, 300_000_000, 500_000_000] {
            let tuple = panics::catch(|| {
                Heap::temp(|heap| {
                    let kept = heap.alloc_str("kept text");
                    let empty = (0..count).map(|_| 0_i32);
                    heap.alloc(starlark::values::tuple::AllocTuple(empty));
                    kept.as_str().to_owned()
                })
            });
            eprintln!("{count} {tuple:?}");
        }
        for length in [(1_usize << 31) - 600, 1 << 31, (1 << 31) + 100] {
            let text = panics::catch(|| {
                Heap::temp(|heap| heap.alloc_str(&"x".repeat(length)).as_str().len())
            });
            eprintln!("{length} {text:?}");
        }
    }

    #[test]
    fn a_panic_of_the_allocator_breaks_the_heap_and_others_do_not() {
        let place = "/r/starlark-0.14.2/src/values/layout/heap/allocator/alloc/chunk.rs:178:66";
        assert!(is_broken_by(&format!("called `Option::unwrap()` on a `None` value ({place})")));
        assert!(is_broken_by(&format!("no ({})", place.replace('/', "\\"))));
        let other = panics::catch(|| panic!("a list is too large")).unwrap_err();
        assert!(!is_broken_by(&other), "{other}");
        assert!(!is_broken_by("x (/r/starlark-0.14.2/src/eval/compiler/expr.rs:1:1)"));
        assert!(!is_broken_by("no message"));
    }
}
