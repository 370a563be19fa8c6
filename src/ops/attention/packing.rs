//! A head's columns copied from the rows of a matrix into the kernels' layouts, and back.
//!
//! Not compiled per instruction set on purpose: with AVX-512 the compiler would use scatters and
//! gathers here, which are slower than plain stores.

use super::geometry::TILE_VECTORS;
use crate::ops::InstructionSet;

/// Queries in a register tile.
pub(super) fn tile_width(set: InstructionSet) -> usize {
    TILE_VECTORS * set.lanes()
}

/// Copies rows into rows of `padded` elements, filled with zeros. Returns the largest squared
/// length of a row (NaN if one is NaN).
pub(super) fn pack_rows<'a>(
    rows: impl Iterator<Item = &'a [f32]>,
    padded: usize,
    packed: &mut [f32],
) -> f32 {
    let mut largest = 0f32;
    for (row, to) in rows.zip(packed.chunks_exact_mut(padded)) {
        let (to, rest) = to.split_at_mut(row.len());
        let mut squared = 0f32;
        for (to, x) in to.iter_mut().zip(row) {
            *to = *x;
            squared += x * x;
        }
        rest.fill(0.0);
        largest = larger(largest, squared);
    }
    largest
}

/// Copies rows, times `scale`, into tiles of `width` rows each: element (row, channel) of a tile
/// goes to `channel * width + row`, so that vector lanes hold rows. What is left of `packed` is
/// filled with zeros. Returns as [`pack_rows`].
pub(super) fn pack_tiles<'a>(
    rows: impl Iterator<Item = &'a [f32]>,
    scale: f32,
    padded: usize,
    width: usize,
    packed: &mut [f32],
) -> f32 {
    packed.fill(0.0);
    let mut largest = 0f32;
    for (index, row) in rows.enumerate() {
        let tile = &mut packed[index / width * width * padded..][..width * padded];
        let mut squared = 0f32;
        for (x, to) in row.iter().zip(tile.chunks_exact_mut(width)) {
            let x = x * scale;
            to[index % width] = x;
            squared += x * x;
        }
        largest = larger(largest, squared);
    }
    largest
}

/// Copies row `index` out of tiles (see [`pack_tiles`]), times `scale`.
pub(super) fn unpack_row(
    tiles: &[f32],
    index: usize,
    scale: f32,
    padded: usize,
    width: usize,
    row: &mut [f32],
) {
    let tile = &tiles[index / width * width * padded..][..width * padded];
    for (to, channel) in row.iter_mut().zip(tile.chunks_exact(width)) {
        *to = channel[index % width] * scale;
    }
}

/// The larger number, or NaN once there is one.
fn larger(largest: f32, x: f32) -> f32 {
    if largest.is_nan() || x <= largest { largest } else { x }
}
