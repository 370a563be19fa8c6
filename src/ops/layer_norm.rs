//! Layer normalisation over the last dimension.

use candle_core::{CpuStorage, CustomOp3, D, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::vector::{SUM_LANES, Vector};
use super::{
    InstructionSet,
    operand::{floats, fused_on, gradient_of, with_floats},
    reduction::add_in_order,
    vector::dispatch::dispatch,
};

/// Rows of a task; in the backward pass also of one partial sum of the parameters' gradients.
const ROWS: usize = 256;

/// (x - mean) / √(variance + `epsilon`) · weight + bias, with mean and (biased) variance of the
/// last dimension.
///
/// `x` is (…, dim), `weight` and `bias` (dim). Differentiable in all three. The backward pass
/// computes mean and variance again: reading x again is cheaper than keeping them.
///
/// # Errors
/// If the shapes do not fit together.
pub fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, epsilon: f64) -> Result<Tensor> {
    let dim = x.dim(D::Minus1)?;
    if dim == 0 || weight.dims() != [dim] || bias.dims() != [dim] {
        bail!(
            "layer_norm: x {:?}, weight {:?} and bias {:?} do not fit together",
            x.dims(),
            weight.dims(),
            bias.dims()
        );
    }
    if fused_on(x) && fused_on(weight) && fused_on(bias) {
        let norm = LayerNorm { set: InstructionSet::detect(), dim, epsilon: epsilon as f32 };
        x.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, norm)
    } else {
        composite(x, weight, bias, epsilon)
    }
}

/// The same from candle's own operations: other devices and types, and the tests' oracle.
/// (`candle_nn::LayerNorm` has no gradient.)
fn composite(x: &Tensor, weight: &Tensor, bias: &Tensor, epsilon: f64) -> Result<Tensor> {
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let deviation = (centred.sqr()?.mean_keepdim(D::Minus1)? + epsilon)?.sqrt()?;
    centred.broadcast_div(&deviation)?.broadcast_mul(weight)?.broadcast_add(bias)
}

struct LayerNorm {
    set: InstructionSet,
    dim: usize,
    epsilon: f32,
}

impl CustomOp3 for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let x = floats(x, x_layout)?;
        let (weight, bias) = (floats(weight, weight_layout)?, floats(bias, bias_layout)?);
        let mut out = vec![0.0; x.len()];
        out.par_chunks_mut(ROWS * self.dim)
            .zip(x.par_chunks(ROWS * self.dim))
            .for_each(|(out, x)| normalise(self.set, x, weight, bias, self.epsilon, out));
        Ok((CpuStorage::F32(out), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _result: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let dim = self.dim;
        let mut grad_x = vec![0.0; x.elem_count()];
        // Per task: the gradient of the weight, then of the bias.
        let tasks = x.elem_count().div_ceil(ROWS * dim);
        let mut partials = vec![0.0; tasks * 2 * dim];
        with_floats([x, weight, grad], |[x, weight, grad]| {
            grad_x
                .par_chunks_mut(ROWS * dim)
                .zip(x.par_chunks(ROWS * dim).zip(grad.par_chunks(ROWS * dim)))
                .zip(partials.par_chunks_mut(2 * dim))
                .for_each(|((grad_x, (x, grad)), partial)| {
                    normalise_gradient(self.set, x, weight, grad, self.epsilon, grad_x, partial);
                });
        })?;
        let mut sums = vec![0.0; 2 * dim];
        add_in_order(&partials, &mut sums);
        let grad_bias = sums.split_off(dim);
        Ok((gradient_of(x, grad_x)?, gradient_of(weight, sums)?, gradient_of(bias, grad_bias)?))
    }
}

dispatch! {
    /// Normalises the rows of `x`, each as long as `weight`, on this thread.
    pub(super) fn normalise(
        x: &[f32], weight: &[f32], bias: &[f32], epsilon: f32, out: &mut [f32],
    ) = normalise_kernel
}

dispatch! {
    /// Gradient of the rows of `x` into `grad_x`; adds to the gradient of weight, then bias, in
    /// `parameters`. On this thread.
    pub(super) fn normalise_gradient(
        x: &[f32], weight: &[f32], grad: &[f32], epsilon: f32, grad_x: &mut [f32],
        parameters: &mut [f32],
    ) = gradient_kernel
}

/// Σ f(a, b) over the elements of two rows; [`SUM_LANES`] lanes sum apart, the tail after them.
#[inline(always)]
fn sum<V: Vector>(
    a: &[f32],
    b: &[f32],
    wide: impl Fn(V, V, V) -> V,
    narrow: impl Fn(f32, f32) -> f32,
) -> f32 {
    let (whole_a, whole_b) = (a.chunks_exact(SUM_LANES), b.chunks_exact(SUM_LANES));
    let tail = whole_a.remainder().iter().zip(whole_b.remainder());
    let tail: f32 = tail.map(|(a, b)| narrow(*a, *b)).sum();
    let lanes = if V::SUM_VECTORS == 1 {
        let mut sum = V::splat(0.0);
        for (a, b) in whole_a.zip(whole_b) {
            sum = wide(V::load(a), V::load(b), sum);
        }
        sum
    } else {
        let (mut lower, mut upper) = (V::splat(0.0), V::splat(0.0));
        for (a, b) in whole_a.zip(whole_b) {
            lower = wide(V::load(a), V::load(b), lower);
            upper = wide(V::load(&a[V::LANES..]), V::load(&b[V::LANES..]), upper);
        }
        lower.add(upper)
    };
    lanes.sum() + tail
}

/// Mean and 1 / √(variance + ε) of a row, in two passes: one pass would cancel.
#[inline(always)]
fn moments<V: Vector>(x: &[f32], epsilon: f32) -> (f32, f32) {
    let mean = sum::<V>(x, x, |x, _, sum| sum.add(x), |x, _| x) / x.len() as f32;
    let centre = V::splat(mean);
    let square = |x: V, _, sum| {
        let x = x.sub(centre);
        x.mul_add(x, sum)
    };
    let variance = sum::<V>(x, x, square, |x, _| (x - mean) * (x - mean)) / x.len() as f32;
    (mean, 1.0 / (variance + epsilon).sqrt())
}

#[inline(always)]
fn normalise_kernel<V: Vector>(
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    epsilon: f32,
    out: &mut [f32],
) {
    let dim = weight.len();
    for (x, out) in x.chunks_exact(dim).zip(out.chunks_exact_mut(dim)) {
        let (mean, inverse) = moments::<V>(x, epsilon);
        for (((out, x), w), b) in out.iter_mut().zip(x).zip(weight).zip(bias) {
            *out = (x - mean) * inverse * w + b;
        }
    }
}

/// With n the normalised row and h = grad · weight:
/// grad_x = (h - mean(h) - n mean(h n)) / √(variance + ε).
#[inline(always)]
fn gradient_kernel<V: Vector>(
    x: &[f32],
    weight: &[f32],
    grad: &[f32],
    epsilon: f32,
    grad_x: &mut [f32],
    parameters: &mut [f32],
) {
    let dim = weight.len();
    let (grad_weight, grad_bias) = parameters.split_at_mut(dim);
    let rows = x.chunks_exact(dim).zip(grad.chunks_exact(dim)).zip(grad_x.chunks_exact_mut(dim));
    for ((x, grad), grad_x) in rows {
        let (mean, inverse) = moments::<V>(x, epsilon);
        let sums = grad_weight.iter_mut().zip(grad_bias.iter_mut());
        for ((x, grad), (grad_weight, grad_bias)) in x.iter().zip(grad).zip(sums) {
            *grad_weight += grad * ((x - mean) * inverse);
            *grad_bias += grad;
        }
        for ((to, grad), w) in grad_x.iter_mut().zip(grad).zip(weight) {
            *to = grad * w;
        }
        let average = sum::<V>(grad_x, x, |h, _, sum| sum.add(h), |h, _| h) / dim as f32;
        let centre = V::splat(mean);
        let along = |h: V, x: V, sum| h.mul_add(x.sub(centre), sum);
        let along = sum::<V>(grad_x, x, along, |h, x| h * (x - mean)) * inverse / dim as f32;
        for (to, x) in grad_x.iter_mut().zip(x) {
            *to = (*to - average - (x - mean) * inverse * along) * inverse;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ops::test_support::*;

    fn inputs(rows: usize, dim: usize, seed: u64) -> [Tensor; 3] {
        [
            noise_tensor(&[rows, dim], 2.0, seed),
            noise_tensor(&[dim], 1.0, seed + 1),
            noise_tensor(&[dim], 1.0, seed + 2),
        ]
    }

    fn apply(x: &[Tensor]) -> Result<Tensor> {
        layer_norm(&x[0], &x[1], &x[2], 1e-5)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn matches_the_composite_for_any_shape(
            rows in 1usize..600, dim in 2usize..140, seed in 0u64..1000,
        ) {
            // Rows of nearly equal values are divided by up to √ε: 300 times the rounding of x.
            assert_matches_f64(&apply, &inputs(rows, dim, seed), 1e-4, 1e-4);
        }
    }

    #[test]
    fn the_composite_has_true_gradients() {
        assert_gradients_match_differences(&apply, &inputs(4, 9, 1));
    }

    #[test]
    fn a_large_common_offset_does_not_cancel() -> Result<()> {
        let [x, weight, bias] = inputs(20, 64, 2);
        let shifted = (&x + 1000.0)?;
        let exact = layer_norm(
            &shifted.to_dtype(candle_core::DType::F64)?,
            &weight.to_dtype(candle_core::DType::F64)?,
            &bias.to_dtype(candle_core::DType::F64)?,
            1e-5,
        )?;
        assert!(largest_difference(&layer_norm(&shifted, &weight, &bias, 1e-5)?, &exact) < 1e-3);
        Ok(())
    }

    #[test]
    fn bits_do_not_depend_on_the_thread_count() {
        assert_same_bits_on_any_thread_count(&apply, &inputs(1500, 37, 3));
    }

    #[test]
    fn every_instruction_set_agrees() {
        for dim in [9, 16, 40, 64, 77] {
            let (x, grad) = (noise(5 * dim, 2.0, 6), noise(5 * dim, 1.0, 7));
            let (weight, bias) = (noise(dim, 1.0, 8), noise(dim, 1.0, 9));
            let run = |set| {
                let (mut out, mut grad_x) = (vec![0.0; 5 * dim], vec![0.0; 5 * dim]);
                let mut parameters = vec![0.0; 2 * dim];
                normalise(set, &x, &weight, &bias, 1e-5, &mut out);
                normalise_gradient(set, &x, &weight, &grad, 1e-5, &mut grad_x, &mut parameters);
                [out, grad_x, parameters].concat()
            };
            assert_same_bits_on_fused_sets(run, 1e-5);
        }
    }

    #[test]
    fn wrong_shapes_are_errors() {
        let [x, weight, _] = inputs(4, 5, 1);
        assert!(layer_norm(&x, &weight, &x, 1e-5).is_err());
        assert!(layer_norm(&x, &weight.narrow(0, 0, 1).unwrap(), &weight, 1e-5).is_err());
    }
}
