//! GELU with the exact error function.

use std::f32::consts::{FRAC_1_SQRT_2, LOG2_E};

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::{
    InstructionSet,
    operand::{floats, fused_on, gradient_of, with_floats},
    vector::Vector,
    vector::dispatch::dispatch,
};

/// Elements of a task.
const CHUNK: usize = 1 << 14;

/// x Φ(x) with Φ the normal distribution function (error below 3e-7 |x|). Any shape.
/// Differentiable.
pub fn gelu(x: &Tensor) -> Result<Tensor> {
    if fused_on(x) {
        x.contiguous()?.apply_op1(Gelu { set: InstructionSet::detect() })
    } else {
        x.gelu_erf()
    }
}

struct Gelu {
    set: InstructionSet,
}

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = floats(storage, layout)?;
        let mut out = vec![0.0; x.len()];
        out.par_chunks_mut(CHUNK)
            .zip(x.par_chunks(CHUNK))
            .for_each(|(out, x)| gelu_slice(self.set, x, out));
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _result: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let mut grad_x = vec![0.0; x.elem_count()];
        with_floats([x, grad], |[x, grad]| {
            grad_x
                .par_chunks_mut(CHUNK)
                .zip(x.par_chunks(CHUNK).zip(grad.par_chunks(CHUNK)))
                .for_each(|(to, (x, grad))| {
                    to.copy_from_slice(grad);
                    gelu_gradient(self.set, x, to);
                });
        })?;
        gradient_of(x, grad_x)
    }
}

dispatch! {
    /// out = gelu(x), on this thread.
    pub(super) fn gelu_slice(x: &[f32], out: &mut [f32]) = gelu_kernel
}

dispatch! {
    /// grad *= gelu'(x), on this thread.
    pub(super) fn gelu_gradient(x: &[f32], grad: &mut [f32]) = gradient_kernel
}

#[inline(always)]
fn gelu_kernel<V: Vector>(x: &[f32], out: &mut [f32]) {
    let whole = x.len() / V::LANES * V::LANES;
    for (x, out) in x.chunks_exact(V::LANES).zip(out.chunks_exact_mut(V::LANES)) {
        let x = V::load(x);
        x.mul(normal_distribution(x)).store(out);
    }
    // The tail goes through a padded vector, so that a value never depends on its place.
    let mut padded = [0.0; 16];
    padded[..x.len() - whole].copy_from_slice(&x[whole..]);
    let x = V::load(&padded);
    x.mul(normal_distribution(x)).store(&mut padded);
    let tail = &mut out[whole..];
    tail.copy_from_slice(&padded[..tail.len()]);
}

#[inline(always)]
fn gradient_kernel<V: Vector>(x: &[f32], grad: &mut [f32]) {
    let whole = x.len() / V::LANES * V::LANES;
    for (x, grad) in x.chunks_exact(V::LANES).zip(grad.chunks_exact_mut(V::LANES)) {
        V::load(grad).mul(derivative(V::load(x))).store(grad);
    }
    let mut padded = [0.0; 16];
    padded[..x.len() - whole].copy_from_slice(&x[whole..]);
    derivative(V::load(&padded)).store(&mut padded);
    for (grad, slope) in grad[whole..].iter_mut().zip(padded) {
        *grad *= slope;
    }
}

/// Odd numerator and even denominator of erf on [-4, 4], lowest power first: the rational
/// approximation of Eigen and XLA, absolute error 1e-7.
const NUMERATOR: [f32; 7] = [
    -1.609_603_3e-2,
    -2.954_6e-3,
    -7.349_906_3e-4,
    -5.692_506_4e-5,
    -2.101_024e-6,
    2.770_681_4e-8,
    -2.726_142_3e-10,
];
const DENOMINATOR: [f32; 5] =
    [-1.426_473_9e-2, -7.373_329_2e-3, -1.682_827e-3, -2.133_740_6e-4, -1.456_607_2e-5];

#[inline(always)]
fn polynomial<V: Vector>(x: V, coefficients: &[f32]) -> V {
    let mut sum = V::splat(0.0);
    for coefficient in coefficients.iter().rev() {
        sum = sum.mul_add(x, V::splat(*coefficient));
    }
    sum
}

/// Φ(x) = (1 + erf(x / √2)) / 2.
#[inline(always)]
fn normal_distribution<V: Vector>(x: V) -> V {
    let x = x.mul(V::splat(FRAC_1_SQRT_2)).at_least(V::splat(-4.0)).at_most(V::splat(4.0));
    let square = x.mul(x);
    let erf = x.mul(polynomial(square, &NUMERATOR)).div(polynomial(square, &DENOMINATOR));
    erf.mul_add(V::splat(0.5), V::splat(0.5))
}

/// Φ(x) + x φ(x), with φ the normal density.
#[inline(always)]
fn derivative<V: Vector>(x: V) -> V {
    const INVERSE_SQRT_2_PI: f32 = 0.398_942_3;
    let exponent = x.mul(x).mul(V::splat(-0.5 * LOG2_E)).at_least(V::splat(-126.0));
    let density = exponent.exp2().mul(V::splat(INVERSE_SQRT_2_PI));
    x.mul_add(density, normal_distribution(x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::test_support::*;

    fn apply(x: &[Tensor]) -> Result<Tensor> {
        gelu(&x[0])
    }

    #[test]
    fn matches_the_composite_from_far_below_to_far_above_zero() {
        for (size, tolerance) in [(1.0, 5e-7), (6.0, 2e-6), (1e4, 3e-3)] {
            assert_matches_f64(&apply, &[noise_tensor(&[3, 7001], size, 1)], tolerance, 1e-5);
        }
    }

    #[test]
    fn the_composite_has_true_gradients() {
        assert_gradients_match_differences(&apply, &[noise_tensor(&[50], 3.0, 2)]);
    }

    #[test]
    fn a_value_does_not_depend_on_its_place_or_the_thread_count() -> Result<()> {
        let x = noise_tensor(&[40_003], 2.0, 3);
        assert_same_bits_on_any_thread_count(&apply, std::slice::from_ref(&x));
        let (all, tail) = (gelu(&x)?, gelu(&x.narrow(0, 39_990, 13)?)?);
        assert_eq!(largest_difference(&all.narrow(0, 39_990, 13)?, &tail), 0.0);
        Ok(())
    }

    #[test]
    fn a_nan_is_not_hidden() -> Result<()> {
        let x = Tensor::new(&[0f32, f32::NAN, 1.0], &candle_core::Device::Cpu)?;
        assert!(gelu(&x)?.to_vec1::<f32>()?[1].is_nan());
        Ok(())
    }

    #[test]
    fn every_instruction_set_agrees() {
        let x = noise(1000, 4.0, 4);
        let run = |set| {
            let (mut out, mut grad) = (vec![0.0; 1000], noise(1000, 1.0, 5));
            gelu_slice(set, &x, &mut out);
            gelu_gradient(set, &x, &mut grad);
            [out, grad].concat()
        };
        assert_same_bits_on_fused_sets(run, 2e-6);
    }
}
