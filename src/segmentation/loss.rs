//! The loss of a segmentation and its gradient: cross-entropy and soft Dice of cord and fluid, and a weighted
//! cross-entropy of the heat-maps of discs.

use ndarray::{Array4, ArrayView2, ArrayView3, ArrayViewMut2, ArrayViewMut3, Axis};
use rayon::prelude::*;

use super::outputs::Outputs;
use super::sample::Sample;

/// A pixel on a disc counts this much more than one far from all discs.
const DISC_WEIGHT: f32 = 40.0;
/// Share of the cross-entropy of cord and of fluid.
const MASK_SHARE: f32 = 4.0;
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
    for output in [Outputs::CORD, Outputs::FLUID] {
        let logits = logits.index_axis(Axis(0), output);
        let target = sample.target.index_axis(Axis(0), output);
        total += mask(logits, target, count, gradient.index_axis_mut(Axis(0), output));
    }
    if sample.has_discs {
        let mut entropy = 0.0;
        let share = DISC_SHARE / pixels;
        for place in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let at = |output: usize| [output, place.0, place.1];
            let mut p: [f32; Outputs::COUNT] = std::array::from_fn(|output| logits[at(output)]);
            Outputs::probabilities(&mut p);
            let discs = Outputs::FIRST_DISC..Outputs::COUNT;
            let near: f32 = discs.clone().map(|output| sample.target[at(output)]).sum();
            // The maps of neighbouring discs may touch.
            let scale = 1.0 / near.max(1.0);
            let weight = 1.0 + DISC_WEIGHT * near.min(1.0);
            let none = 1.0 - discs.clone().map(|output| p[output]).sum::<f32>();
            entropy -= weight * (1.0 - near * scale) * none.max(1e-7).ln();
            for output in discs {
                let t = sample.target[at(output)] * scale;
                if t > 0.0 {
                    entropy -= weight * t * p[output].max(1e-12).ln();
                }
                gradient[at(output)] = share * weight * (p[output] - t) / count;
            }
        }
        total += share * entropy;
    }
    total
}

/// Cross-entropy and soft Dice of one mask; the gradient is divided by `count`.
///
/// Squares in the denominator (Milletari et al. 2016) make a pixel of which the cord fills a third best answered
/// with a third. Without them the best answer is 1, and a cord reaches a slice too far to each side.
fn mask(
    logits: ArrayView2<f32>,
    target: ArrayView2<f32>,
    count: f32,
    mut gradient: ArrayViewMut2<f32>,
) -> f32 {
    let share = MASK_SHARE / logits.len() as f32;
    let (mut both, mut sum, mut entropy) = (0.0f32, 0.0f32, 0.0f32);
    for ((gradient, &logit), &t) in gradient.iter_mut().zip(logits).zip(target) {
        let p = 1.0 / (1.0 + (-logit).exp());
        // log(1 + exp(x)) − t x, without overflow.
        entropy += logit.max(0.0) - t * logit + (-logit.abs()).exp().ln_1p();
        *gradient = share * (p - t) / count;
        both += p * t;
        sum += p * p + t * t;
    }
    let (over, under) = (2.0 * both + SMOOTH, sum + SMOOTH);
    for ((gradient, &logit), &t) in gradient.iter_mut().zip(logits).zip(target) {
        let p = 1.0 / (1.0 + (-logit).exp());
        let slope = 2.0 * (p * over - t * under) / (under * under);
        *gradient += slope * p * (1.0 - p) / count;
    }
    share * entropy + 1.0 - over / under
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, Array4};

    use super::*;
    use crate::segmentation::outputs::Inputs;

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let value = |seed: usize| ((seed * 7919 + 13) % 101) as f32 / 101.0;
        let logits = Array4::from_shape_fn((1, Outputs::COUNT, 3, 4), |(_, o, y, x)| {
            4.0 * value(o * 12 + y * 4 + x) - 2.0
        });
        let target = Array3::from_shape_fn((Outputs::COUNT, 3, 4), |(o, y, x)| {
            let t = value(500 + o * 12 + y * 4 + x);
            if o < Outputs::FIRST_DISC { t } else { 0.2 * t }
        });
        let inputs = Array3::zeros((Inputs::COUNT, 3, 4));
        let samples = [Sample { inputs, target, has_discs: true }];
        let (_, gradient) = loss(&logits, &samples);
        for place in [(0, 0, 1, 2), (0, 1, 0, 3), (0, 2, 2, 0), (0, 5, 1, 1), (0, 9, 2, 3)] {
            let at = |step: f32| {
                let mut moved = logits.clone();
                moved[place] += step;
                loss(&moved, &samples).0
            };
            let slope = (at(0.02) - at(-0.02)) / 0.04;
            assert!((slope - f64::from(gradient[place])).abs() < 2e-3 + 0.01 * slope.abs());
        }
    }
}
