//! A head's columns copied from the rows of a matrix into the kernels' layouts, and back.
//!
//! Not compiled per instruction set on purpose: with AVX-512 the compiler would use scatters and
//! gathers here, which are slower than plain loads and stores. The common sizes are passed on as
//! constants instead, so that the loops unroll.

use super::{geometry::TILE_VECTORS, narrow_heads::CHANNELS};
use crate::ops::{
    InstructionSet,
    rectangle::Rectangle,
    vector::{SUM_LANES, fold},
};

/// Queries in a register tile of heads of `padded` channels.
pub(super) fn tile_width(set: InstructionSet, padded: usize) -> usize {
    if set.has_many_registers() && padded == CHANNELS {
        set.lanes()
    } else {
        TILE_VECTORS * set.lanes()
    }
}

/// Copies rows of `size` elements into rows of `padded`, filled with zeros. Returns the largest
/// squared length of a row (NaN if one is NaN).
pub(super) fn pack_rows<'a>(
    rows: impl Iterator<Item = &'a [f32]>,
    size: usize,
    padded: usize,
    packed: &mut [f32],
) -> f32 {
    match (size, padded) {
        (8, 8) => pack_rows_sized(rows, 8, 8, packed),
        _ => pack_rows_sized(rows, size, padded, packed),
    }
}

#[inline(always)]
fn pack_rows_sized<'a>(
    rows: impl Iterator<Item = &'a [f32]>,
    size: usize,
    padded: usize,
    packed: &mut [f32],
) -> f32 {
    let mut largest = 0f32;
    for (row, to) in rows.zip(packed.chunks_exact_mut(padded)) {
        let row = &row[..size];
        let mut squared = 0f32;
        for channel in 0..size {
            to[channel] = row[channel];
            squared += row[channel] * row[channel];
        }
        to[size..].fill(0.0);
        largest = larger(largest, squared);
    }
    largest
}

/// Copies rows of `size` elements, times `scale`, into tiles of `width` rows each: element
/// (row, channel) of a tile goes to `channel * width + row`, so that vector lanes hold rows. What
/// is left of `packed` is filled with zeros. Returns as [`pack_rows`].
pub(super) fn pack_tiles<'a>(
    rows: impl Iterator<Item = &'a [f32]>,
    scale: f32,
    (size, padded, width): (usize, usize, usize),
    packed: &mut [f32],
) -> f32 {
    match (size, padded, width) {
        (8, 8, 16) => pack_tiles_sized(rows, scale, (8, 8, 16), packed),
        (8, 8, 32) => pack_tiles_sized(rows, scale, (8, 8, 32), packed),
        sizes => pack_tiles_sized(rows, scale, sizes, packed),
    }
}

#[inline(always)]
fn pack_tiles_sized<'a>(
    mut rows: impl Iterator<Item = &'a [f32]>,
    scale: f32,
    (size, padded, width): (usize, usize, usize),
    packed: &mut [f32],
) -> f32 {
    let mut largest = 0f32;
    packed.fill(0.0);
    for tile in packed.chunks_exact_mut(padded * width) {
        for lane in 0..width {
            let Some(row) = rows.next() else { return largest };
            let row = &row[..size];
            let mut squared = 0f32;
            for channel in 0..size {
                let x = row[channel] * scale;
                tile[channel * width + lane] = x;
                squared += x * x;
            }
            largest = larger(largest, squared);
        }
    }
    largest
}

/// The opposite of [`pack_tiles`], row by row into `target`, each times its own scale.
pub(super) fn unpack_tiles(
    tiles: &[f32],
    rows: usize,
    scale: impl Fn(usize) -> f32,
    sizes: (usize, usize, usize),
    target: &mut Rectangle<'_>,
) {
    match sizes {
        (8, 8, 16) => unpack_tiles_sized(tiles, rows, scale, (8, 8, 16), target),
        (8, 8, 32) => unpack_tiles_sized(tiles, rows, scale, (8, 8, 32), target),
        _ => unpack_tiles_sized(tiles, rows, scale, sizes, target),
    }
}

#[inline(always)]
fn unpack_tiles_sized(
    tiles: &[f32],
    rows: usize,
    scale: impl Fn(usize) -> f32,
    (size, padded, width): (usize, usize, usize),
    target: &mut Rectangle<'_>,
) {
    for (first, tile) in (0..rows).step_by(width).zip(tiles.chunks_exact(padded * width)) {
        for lane in 0..width.min(rows - first) {
            let scale = scale(first + lane);
            let row = &mut target.row(first + lane)[..size];
            for channel in 0..size {
                row[channel] = tile[channel * width + lane] * scale;
            }
        }
    }
}

/// Copies rows of `padded` elements, times `scale`, into `target`.
pub(super) fn unpack_rows(
    packed: &[f32],
    scale: f32,
    (size, padded): (usize, usize),
    target: &mut Rectangle<'_>,
) {
    for (index, row) in packed.chunks_exact(padded).enumerate() {
        let to = &mut target.row(index)[..size];
        for (to, x) in to.iter_mut().zip(row) {
            *to = x * scale;
        }
    }
}

/// Dot products of the rows of two matrices, negated.
pub(super) fn negated_dots<'a>(
    rows: impl Iterator<Item = (&'a [f32], &'a [f32])>,
    size: usize,
    dots: &mut [f32],
) {
    for ((a, b), dot) in rows.zip(dots) {
        let (a, b) = (&a[..size], &b[..size]);
        let mut sum = 0f32;
        for channel in 0..size {
            sum += a[channel] * b[channel];
        }
        *dot = -sum;
    }
}

/// Each element of `totals` becomes the sum of its [`SUM_LANES`] partial sums.
pub(super) fn fold_all(sums: &[f32], totals: &mut [f32]) {
    for (total, sums) in totals.iter_mut().zip(sums.chunks_exact(SUM_LANES)) {
        *total = fold(sums);
    }
}

/// The larger number, or NaN once there is one.
fn larger(largest: f32, x: f32) -> f32 {
    if largest.is_nan() || x <= largest { largest } else { x }
}
