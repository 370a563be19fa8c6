//! Weighted sum of squared differences, the usual part of a reconstruction loss.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::operand::{floats, fused_on, gradient_of, with_floats};

/// Elements of a task, and of one partial sum.
const CHUNK: usize = 1 << 14;
/// Partial sums inside a chunk: as many as fit a vector, so that they add without waiting.
const LANES: usize = 16;

/// Σ weights · (predicted - target)², a scalar.
///
/// All three have the same shape. Differentiable in `predicted` alone: the other two are data.
///
/// # Errors
/// If the shapes differ.
pub fn squared_error(predicted: &Tensor, target: &Tensor, weights: &Tensor) -> Result<Tensor> {
    if predicted.shape() != target.shape() || predicted.shape() != weights.shape() {
        bail!(
            "squared_error: predicted {:?}, target {:?} and weights {:?} differ in shape",
            predicted.dims(),
            target.dims(),
            weights.dims()
        );
    }
    let (target, weights) = (target.detach().contiguous()?, weights.detach().contiguous()?);
    if [predicted, &target, &weights].into_iter().all(fused_on) {
        predicted.contiguous()?.apply_op3(&target, &weights, SquaredError)
    } else {
        ((predicted - target)?.sqr()? * weights)?.sum_all()
    }
}

struct SquaredError;

/// The sum over one chunk.
fn sum(predicted: &[f32], target: &[f32], weights: &[f32]) -> f64 {
    let mut sums = [0f32; LANES];
    let rows = predicted.chunks(LANES).zip(target.chunks(LANES)).zip(weights.chunks(LANES));
    for ((predicted, target), weights) in rows {
        let values = predicted.iter().zip(target).zip(weights);
        for (sum, ((predicted, target), weight)) in sums.iter_mut().zip(values) {
            let difference = predicted - target;
            *sum += weight * difference * difference;
        }
    }
    sums.iter().map(|sum| f64::from(*sum)).sum()
}

impl CustomOp3 for SquaredError {
    fn name(&self) -> &'static str {
        "squared_error"
    }

    fn cpu_fwd(
        &self,
        predicted: &CpuStorage,
        predicted_layout: &Layout,
        target: &CpuStorage,
        target_layout: &Layout,
        weights: &CpuStorage,
        weights_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let predicted = floats(predicted, predicted_layout)?.par_chunks(CHUNK);
        let target = floats(target, target_layout)?.par_chunks(CHUNK);
        let weights = floats(weights, weights_layout)?.par_chunks(CHUNK);
        let sums: Vec<f64> =
            predicted.zip(target).zip(weights).map(|((d, t), w)| sum(d, t, w)).collect();
        Ok((CpuStorage::F32(vec![sums.iter().sum::<f64>() as f32]), ().into()))
    }

    fn bwd(
        &self,
        predicted: &Tensor,
        target: &Tensor,
        weights: &Tensor,
        _result: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let mut grad_predicted = vec![0.0; predicted.elem_count()];
        let factor = 2.0 * grad.to_scalar::<f32>()?;
        with_floats([predicted, target, weights], |operands| {
            let [predicted, target, weights] = operands.map(|slice| slice.par_chunks(CHUNK));
            let chunks =
                grad_predicted.par_chunks_mut(CHUNK).zip(predicted.zip(target).zip(weights));
            chunks.for_each(|(to, ((predicted, target), weights))| {
                for (to, ((d, t), w)) in
                    to.iter_mut().zip(predicted.iter().zip(target).zip(weights))
                {
                    *to = factor * w * (d - t);
                }
            });
        })?;
        Ok((gradient_of(predicted, grad_predicted)?, None, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::test_support::*;

    /// With constant target and weights, of the type of the predicted values.
    fn apply(count: usize) -> impl Fn(&[Tensor]) -> Result<Tensor> + Sync {
        move |x| {
            let constant = |seed| noise_tensor(&[count], 1.0, seed).to_dtype(x[0].dtype());
            squared_error(&x[0], &constant(2)?, &constant(3)?.abs()?)
        }
    }

    #[test]
    fn matches_the_composite() {
        for count in [1, 15, 40_003] {
            let tolerance = 1e-6 * count as f64;
            assert_matches_f64(&apply(count), &[noise_tensor(&[count], 1.0, 1)], tolerance, 1e-6);
        }
    }

    #[test]
    fn the_composite_has_true_gradients() {
        assert_gradients_match_differences(&apply(50), &[noise_tensor(&[50], 1.0, 4)]);
    }

    #[test]
    fn bits_do_not_depend_on_the_thread_count() {
        assert_same_bits_on_any_thread_count(&apply(90_001), &[noise_tensor(&[90_001], 1.0, 5)]);
    }

    #[test]
    fn takes_a_strided_prediction() -> Result<()> {
        let predicted = noise_tensor(&[5, 4, 3], 1.0, 6).narrow(1, 1, 3)?;
        let ones = predicted.ones_like()?;
        let plain = (predicted.contiguous()? - &ones)?.sqr()?.sum_all()?;
        assert!(largest_difference(&squared_error(&predicted, &ones, &ones)?, &plain) < 1e-4);
        Ok(())
    }

    #[test]
    fn shapes_that_differ_are_an_error() {
        let [a, b] = [&[4, 3][..], &[3, 4]].map(|shape| noise_tensor(shape, 1.0, 1));
        assert!(squared_error(&a, &b, &a).is_err());
    }
}
