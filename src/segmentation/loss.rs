//! The loss of a segmentation and its gradient: cross-entropy and soft Dice of cord and fluid, and a weighted
//! cross-entropy of the heat-maps of discs.

use ndarray::{Array4, ArrayView3, ArrayViewMut3, Axis};
use rayon::prelude::*;

use super::outputs::Outputs;
use super::sample::Sample;

/// A pixel on a disc counts this much more than one far from all discs.
const DISC_WEIGHT: f32 = 40.0;
/// Share of the heat-maps' loss.
const DISC_SHARE: f32 = 3.0;
/// Keeps Dice defined where nothing is to be found, pixels.
const SMOOTH: f32 = 20.0;

/// The mean loss over a batch and its gradient with respect to the logits (batch, output, row, column).
pub(super) fn loss(logits: &Array4<f32>, samples: &[Sample]) -> (f64, Array4<f32>) {
    let mut gradient = Array4::zeros(logits.dim());
    let count = samples.len() as f32;
    let parts: Vec<_> = gradient.axis_iter_mut(Axis(0)).zip(logits.axis_iter(Axis(0))).collect();
    let losses: Vec<f64> = parts
        .into_par_iter()
        .zip(samples)
        .map(|((gradient, logits), sample)| f64::from(one(logits, sample, count, gradient)))
        .collect();
    (losses.iter().sum::<f64>() / f64::from(count), gradient)
}

/// The loss of one image; its gradient is divided by `count`.
fn one(
    logits: ArrayView3<f32>,
    sample: &Sample,
    count: f32,
    mut gradient: ArrayViewMut3<f32>,
) -> f32 {
    let (_, rows, columns) = logits.dim();
    let pixels = (rows * columns) as f32;
    let mut total = 0.0;
    for output in 0..Outputs::COUNT {
        let is_disc = output >= Outputs::FIRST_DISC;
        if is_disc && !sample.has_discs {
            continue;
        }
        let logits = logits.index_axis(Axis(0), output);
        let target = sample.target.index_axis(Axis(0), output);
        let mut gradient = gradient.index_axis_mut(Axis(0), output);
        let (mut both, mut sum, mut entropy) = (0.0f32, 0.0f32, 0.0f32);
        let share = if is_disc { DISC_SHARE / pixels } else { 4.0 / pixels };
        for ((gradient, &logit), &t) in gradient.iter_mut().zip(logits).zip(target) {
            let p = 1.0 / (1.0 + (-logit).exp());
            let weight = if is_disc { 1.0 + DISC_WEIGHT * t } else { 1.0 };
            // log(1 + exp(x)) − t x, without overflow.
            entropy += weight * (logit.max(0.0) - t * logit + (-logit.abs()).exp().ln_1p());
            *gradient = share * weight * (p - t) / count;
            both += p * t;
            sum += p + t;
        }
        total += share * entropy;
        if !is_disc {
            let (over, under) = (2.0 * both + SMOOTH, sum + SMOOTH);
            total += 1.0 - over / under;
            for ((gradient, &logit), &t) in gradient.iter_mut().zip(logits).zip(target) {
                let p = 1.0 / (1.0 + (-logit).exp());
                let slope = (over - 2.0 * t * under) / (under * under);
                *gradient += slope * p * (1.0 - p) / count;
            }
        }
    }
    total
}
