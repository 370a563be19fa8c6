//! Working memory of a thread, kept between calls: a fresh page costs some microseconds, as much
//! as thousands of multiplications, and zeros that are never read cost a pass over the memory.

use std::{cell::Cell, mem::MaybeUninit, thread::LocalKey};

use rayon::prelude::*;

/// Vectors of every instruction set load fastest from addresses that are multiples of this many
/// floats (64 bytes, a cache line).
const ALIGNMENT: usize = 16;

thread_local! {
    static KEPT: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    static KEPT_BY_OPERATION: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// [`with_scratch`] for what a whole operation shares between its tasks: apart from the memory of
/// the tasks themselves, some of which run on the same thread meanwhile.
pub(super) fn with_shared_scratch<const N: usize, R>(
    sizes: [usize; N],
    f: impl FnOnce([&mut [f32]; N]) -> R,
) -> R {
    with_kept(&KEPT_BY_OPERATION, sizes, f)
}

/// Runs `f` on this thread's working memory: `sizes` give the lengths of the slices, each of which
/// starts on a cache line. Contents are whatever the last call left.
pub(super) fn with_scratch<const N: usize, R>(
    sizes: [usize; N],
    f: impl FnOnce([&mut [f32]; N]) -> R,
) -> R {
    with_kept(&KEPT, sizes, f)
}

/// That many zeros, of large vectors written by all threads.
pub(super) fn zeros(length: usize) -> Vec<f32> {
    const CHUNK: usize = 1 << 16;
    /// Below this, waking threads costs more than they save.
    const LARGE: usize = 1 << 20;
    if length < LARGE {
        return vec![0.0; length];
    }
    let mut values = Vec::with_capacity(length);
    values.spare_capacity_mut()[..length].par_chunks_mut(CHUNK).for_each(|chunk| {
        chunk.fill(MaybeUninit::new(0.0));
    });
    // SAFETY: the capacity is at least `length`, and that many elements were just written.
    unsafe { values.set_len(length) };
    values
}

fn with_kept<const N: usize, R>(
    kept: &'static LocalKey<Cell<Vec<f32>>>,
    sizes: [usize; N],
    f: impl FnOnce([&mut [f32]; N]) -> R,
) -> R {
    // Taken out for the while: a nested call on the same thread just allocates its own.
    let mut memory = kept.take();
    let total: usize = sizes.iter().map(|size| size.next_multiple_of(ALIGNMENT)).sum();
    if memory.len() < total + ALIGNMENT {
        memory.resize(total + ALIGNMENT, 0.0);
    }
    let start = memory.as_ptr().align_offset(ALIGNMENT * size_of::<f32>()).min(ALIGNMENT);
    let mut rest = &mut memory[start..];
    let slices = sizes.map(|size| {
        let (slice, tail) =
            std::mem::take(&mut rest).split_at_mut(size.next_multiple_of(ALIGNMENT));
        rest = tail;
        &mut slice[..size]
    });
    let result = f(slices);
    kept.set(memory);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_aligned_and_do_not_overlap() {
        with_scratch([3, 17, 0, 5], |[a, b, c, d]| {
            assert_eq!((a.len(), b.len(), c.len(), d.len()), (3, 17, 0, 5));
            for (i, slice) in [&mut *a, &mut *b, &mut *d].into_iter().enumerate() {
                assert_eq!(slice.as_ptr() as usize % 64, 0);
                slice.fill(i as f32);
            }
            with_scratch([3], |[inner]| inner.fill(9.0));
            assert!(a.iter().all(|x| *x == 0.0) && b.iter().all(|x| *x == 1.0));
        });
    }
}
