//! The sizes of one attention call and of the kernels' register tiles.

use std::f32::consts::LOG2_E;

/// Query vectors in a register tile of scores.
pub(super) const TILE_VECTORS: usize = 2;
/// Keys in a register tile of scores: 2 × 4 accumulators, 2 query vectors and a broadcast fill 11
/// of AVX2's 16 registers, and 8 independent sums hide the latency of the multiply-add. Larger
/// tiles spill.
pub(super) const TILE_KEYS: usize = 4;
/// Channels in a register tile of outputs, by the same count.
pub(super) const TILE_CHANNELS: usize = 4;
/// Queries of a block are a multiple of this, the largest tile.
pub(super) const LARGEST_TILE: usize = TILE_VECTORS * 16;

/// Heads (of all images) below which they are cut into several tasks, to feed many cores from few
/// images.
pub(super) const ENOUGH_TASKS: usize = 64;

/// The logits (in powers of two) may reach this size without a running maximum: sums over any
/// sensible number of tokens stay far from f32's limits at 2^±126, also after division by their
/// sum.
pub(super) const SAFE_LOGIT: f32 = 50.0;

/// Sizes of packed qkv: (batch, tokens, 3 · heads · head_size).
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Geometry {
    pub batch: usize,
    pub tokens: usize,
    pub heads: usize,
    pub head_size: usize,
}

/// Which third of a row of qkv.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Query,
    Key,
    Value,
}

impl Geometry {
    /// Width of the output's rows; rows of qkv are three times as wide.
    pub fn dim(&self) -> usize {
        self.heads * self.head_size
    }

    /// Head size rounded up to whole register tiles; the channels added are zero.
    pub fn padded_head(&self) -> usize {
        self.head_size.next_multiple_of(TILE_CHANNELS)
    }

    /// Factor on q·k that gives logits for base-2 exponentials.
    pub fn scale(&self) -> f32 {
        LOG2_E / (self.head_size as f32).sqrt()
    }

    /// Where a head's channels lie in a row of qkv.
    pub(super) fn columns(&self, part: Part, head: usize) -> std::ops::Range<usize> {
        let start = part as usize * self.dim() + head * self.head_size;
        start..start + self.head_size
    }

    /// A head's channels of every token of one image.
    pub(super) fn rows<'a>(
        &self,
        qkv: &'a [f32],
        part: Part,
        head: usize,
    ) -> impl Iterator<Item = &'a [f32]> + use<'a> {
        let columns = self.columns(part, head);
        qkv.chunks_exact(3 * self.dim()).map(move |row| &row[columns.clone()])
    }

    /// Blocks into which a range of tokens is cut so that each has at most `largest` tokens and
    /// all are about equal, as whole register tiles. Depends on sizes alone, never on threads.
    pub fn block(&self, largest: usize) -> usize {
        let blocks = self.tokens.div_ceil(largest).max(1);
        self.tokens.div_ceil(blocks).next_multiple_of(LARGEST_TILE)
    }
}
