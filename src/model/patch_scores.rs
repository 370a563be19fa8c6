//! Patches ordered by score: which stay visible and which are hidden.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use super::PatchOrder;
use crate::context::Stream;

/// Share of the region's patches that are hidden, unless the user chooses (0.75 in the paper).
pub const MASK_RATIO: f64 = 0.75;

/// Visible patches per image of a batch: all outside the region, 1 − `mask_ratio` of those inside,
/// averaged over the batch and truncated (the published rule, in its arithmetic).
pub fn keep_count(region: ArrayView2<u32>, mask_ratio: f64) -> usize {
    let visible = region.axis_iter(Axis(0)).map(|counts| {
        let inside = counts.iter().filter(|pixels| **pixels > 0).count() as f32;
        inside * (1.0 - mask_ratio) as f32 + (counts.len() as f32 - inside)
    });
    (visible.sum::<f32>() / region.nrows() as f32) as usize
}

/// Ascending order of scores, with every patch of the region after every other patch; ties keep
/// patch order. `scores` in [0, 1), `region`: pixels of the region per patch, both (N, L).
pub fn order_from_scores(
    scores: ArrayView2<f32>,
    region: ArrayView2<u32>,
    keep: usize,
) -> PatchOrder {
    let lift = region.iter().copied().max().unwrap_or(0) as f32;
    let mut order = Array2::zeros(scores.dim());
    for (image, mut row) in order.axis_iter_mut(Axis(0)).enumerate() {
        let key: Vec<f32> = (0..scores.ncols())
            .map(|p| scores[[image, p]] + if region[[image, p]] > 0 { lift } else { 0.0 })
            .collect();
        let mut patches: Vec<u32> = (0..key.len() as u32).collect();
        patches.sort_by(|a, b| key[*a as usize].total_cmp(&key[*b as usize]));
        row.assign(&ArrayView1::from(&patches));
    }
    PatchOrder::new(order, keep)
}

/// Uniform draws in the open interval (0, 1), so that their logarithms are finite.
pub fn uniform_noise(shape: (usize, usize), stream: &mut Stream) -> Array2<f32> {
    use rand::RngExt;
    Array2::from_shape_simple_fn(shape, || stream.random_range(1e-6f32..1.0 - 1e-6))
}
