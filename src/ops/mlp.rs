//! The transformer's multi-layer perceptron as one operation: linear, GELU, linear.
//!
//! Fused, the hidden activations (four times as wide as the tokens) exist only for the
//! [`ROWS`] rows that a task works on and stay in its second-level cache. The backward pass
//! computes them again: one product more out of seven, instead of keeping two tensors of that
//! width per block and writing three more.

use candle_core::{CpuStorage, CustomOp2, D, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{
    InstructionSet, gelu,
    gelu::{gelu_gradient, gelu_slice},
    linear,
    linear::{
        add_parameter_gradients, differentiate_in_place, forward_rows, input_gradient, transpose,
    },
    operand::{floats, fused_on, gradient_of, with_floats, with_last},
    reduction::add_in_order,
    scratch::{with_scratch, with_shared_scratch},
};

/// Rows for which hidden activations exist at once: 256 KiB each at the published width.
const ROWS: usize = 128;
/// Rows of a backward task, which has parameter gradients of its own; those are added in the
/// order of the tasks.
const BACKWARD_ROWS: usize = 4 * ROWS;

/// gelu(x · fc1_weightᵀ + fc1_bias) · fc2_weightᵀ + fc2_bias over the last dimension.
///
/// `x` is (…, in), `fc1_weight` (hidden, in), `fc1_bias` (hidden), `fc2_weight` (out, hidden),
/// `fc2_bias` (out); the result is (…, out). Differentiable in all five; keeps nothing for the
/// backward pass.
///
/// # Errors
/// If the shapes do not fit together.
pub fn mlp(
    x: &Tensor,
    fc1_weight: &Tensor,
    fc1_bias: &Tensor,
    fc2_weight: &Tensor,
    fc2_bias: &Tensor,
) -> Result<Tensor> {
    let ((hidden, inputs), outputs) = (fc1_weight.dims2()?, fc2_bias.dims1()?);
    if x.dim(D::Minus1)? != inputs
        || fc1_bias.dims() != [hidden]
        || fc2_weight.dims() != [outputs, hidden]
    {
        bail!(
            "mlp: x {:?}, weights {:?}, {:?} and biases {:?}, {:?} do not fit together",
            x.dims(),
            fc1_weight.dims(),
            fc2_weight.dims(),
            fc1_bias.dims(),
            fc2_bias.dims()
        );
    }
    let parameters = [fc1_weight, fc1_bias, fc2_weight, fc2_bias];
    let sizes = Sizes { inputs, hidden, outputs };
    if !(fused_on(x) && parameters.into_iter().all(fused_on)) || sizes.parameters() == 0 {
        return linear(&gelu(&linear(x, fc1_weight, fc1_bias)?)?, fc2_weight, fc2_bias);
    }
    // A custom operation takes at most three tensors: the parameters go in one, whose gradient
    // candle hands back to the four. They are small beside the activations.
    let flat: Vec<Tensor> = parameters.iter().map(|p| p.flatten_all()).collect::<Result<_>>()?;
    let packed = Tensor::cat(&flat, 0)?;
    x.contiguous()?.apply_op2(&packed, Mlp { set: InstructionSet::detect(), sizes })
}

#[derive(Clone, Copy)]
struct Sizes {
    inputs: usize,
    hidden: usize,
    outputs: usize,
}

/// The four parameters in one slice, in the order of [`mlp`]'s arguments.
struct MlpParameters<S> {
    fc1_weight: S,
    fc1_bias: S,
    fc2_weight: S,
    fc2_bias: S,
}

impl Sizes {
    fn parameters(self) -> usize {
        self.hidden * (self.inputs + 1) + self.outputs * (self.hidden + 1)
    }

    fn split(self, packed: &[f32]) -> MlpParameters<&[f32]> {
        let (fc1_weight, rest) = packed.split_at(self.hidden * self.inputs);
        let (fc1_bias, rest) = rest.split_at(self.hidden);
        let (fc2_weight, fc2_bias) = rest.split_at(self.outputs * self.hidden);
        MlpParameters { fc1_weight, fc1_bias, fc2_weight, fc2_bias }
    }

    /// The same parameters with both weights transposed, as [`forward_rows`] takes them.
    fn transpose(self, packed: &[f32], transposed: &mut [f32]) {
        let (from, to) = (self.split(packed), self.split_mut(transposed));
        transpose(from.fc1_weight, self.inputs, to.fc1_weight);
        transpose(from.fc2_weight, self.hidden, to.fc2_weight);
        to.fc1_bias.copy_from_slice(from.fc1_bias);
        to.fc2_bias.copy_from_slice(from.fc2_bias);
    }

    fn split_mut(self, packed: &mut [f32]) -> MlpParameters<&mut [f32]> {
        let (fc1_weight, rest) = packed.split_at_mut(self.hidden * self.inputs);
        let (fc1_bias, rest) = rest.split_at_mut(self.hidden);
        let (fc2_weight, fc2_bias) = rest.split_at_mut(self.outputs * self.hidden);
        MlpParameters { fc1_weight, fc1_bias, fc2_weight, fc2_bias }
    }
}

struct Mlp {
    set: InstructionSet,
    sizes: Sizes,
}

impl Mlp {
    fn forward(&self, x: &[f32], parameters: &[f32], out: &mut [f32]) {
        let Sizes { inputs, hidden, outputs } = self.sizes;
        with_shared_scratch([parameters.len()], |[transposed]| {
            self.sizes.transpose(parameters, transposed);
            let p = self.sizes.split(transposed);
            let rows = out.par_chunks_mut(ROWS * outputs).zip(x.par_chunks(ROWS * inputs));
            rows.for_each(|(out, x)| {
                let size = x.len() / inputs * hidden;
                with_scratch([size, size], |[before, after]| {
                    forward_rows(x, p.fc1_weight, p.fc1_bias, before);
                    gelu_slice(self.set, before, after);
                    forward_rows(after, p.fc2_weight, p.fc2_bias, out);
                });
            });
        });
    }

    fn backward(
        &self,
        (x, parameters, grad): (&[f32], &[f32], &[f32]),
        grad_x: &mut [f32],
        grad_parameters: &mut [f32],
    ) {
        let Sizes { inputs, hidden, outputs } = self.sizes;
        let p = self.sizes.split(parameters);
        let tasks = x.len().div_ceil(BACKWARD_ROWS * inputs);
        let sizes = [p.fc1_weight.len(), tasks * parameters.len()];
        with_shared_scratch(sizes, |[fc1_transposed, partials]| {
            transpose(p.fc1_weight, inputs, fc1_transposed);
            let fc1_transposed = &*fc1_transposed;
            grad_x
                .par_chunks_mut(BACKWARD_ROWS * inputs)
                .zip(x.par_chunks(BACKWARD_ROWS * inputs))
                .zip(grad.par_chunks(BACKWARD_ROWS * outputs))
                .zip(partials.par_chunks_mut(parameters.len()))
                .for_each(|(((grad_x, x), grad), partial)| {
                    partial.fill(0.0);
                    let to = self.sizes.split_mut(partial);
                    let rows = grad_x
                        .chunks_mut(ROWS * inputs)
                        .zip(x.chunks(ROWS * inputs))
                        .zip(grad.chunks(ROWS * outputs));
                    for ((grad_x, x), grad) in rows {
                        let size = x.len() / inputs * hidden;
                        with_scratch([size, size], |[before, after]| {
                            forward_rows(x, fc1_transposed, p.fc1_bias, before);
                            gelu_slice(self.set, before, after);
                            // From here on `after` holds the gradient of the hidden activations.
                            let (weight, bias) = (&mut *to.fc2_weight, &mut *to.fc2_bias);
                            differentiate_in_place(after, p.fc2_weight, grad, weight, bias);
                            gelu_gradient(self.set, before, after);
                            add_parameter_gradients(x, after, to.fc1_weight, to.fc1_bias);
                            input_gradient(p.fc1_weight, after, hidden, grad_x);
                        });
                    }
                });
            add_in_order(partials, grad_parameters);
        });
    }
}

impl CustomOp2 for Mlp {
    fn name(&self) -> &'static str {
        "mlp"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        parameters: &CpuStorage,
        parameters_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let shape = with_last(x_layout.dims(), self.sizes.outputs);
        let mut out = vec![0.0; shape.elem_count()];
        self.forward(floats(x, x_layout)?, floats(parameters, parameters_layout)?, &mut out);
        Ok((CpuStorage::F32(out), shape))
    }

    fn bwd(
        &self,
        x: &Tensor,
        parameters: &Tensor,
        _result: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let mut grad_x = vec![0.0; x.elem_count()];
        let mut grad_parameters = vec![0.0; parameters.elem_count()];
        with_floats([x, parameters, grad], |[x, parameters, grad]| {
            self.backward((x, parameters, grad), &mut grad_x, &mut grad_parameters);
        })?;
        Ok((gradient_of(x, grad_x)?, gradient_of(parameters, grad_parameters)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ops::test_support::*;

    fn inputs(rows: usize, sizes: Sizes, seed: u64) -> [Tensor; 5] {
        [
            noise_tensor(&[rows, sizes.inputs], 1.0, seed),
            noise_tensor(&[sizes.hidden, sizes.inputs], 0.3, seed + 1),
            noise_tensor(&[sizes.hidden], 1.0, seed + 2),
            noise_tensor(&[sizes.outputs, sizes.hidden], 0.3, seed + 3),
            noise_tensor(&[sizes.outputs], 1.0, seed + 4),
        ]
    }

    fn apply(x: &[Tensor]) -> Result<Tensor> {
        mlp(&x[0], &x[1], &x[2], &x[3], &x[4])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn matches_the_composite_for_any_shape(
            rows in 1usize..700, from in 1usize..30, hidden in 1usize..60, to in 1usize..30,
            seed in 0u64..1000,
        ) {
            let sizes = Sizes { inputs: from, hidden, outputs: to };
            assert_matches_f64(&apply, &inputs(rows, sizes, seed), 1e-5, 1e-4);
        }
    }

    #[test]
    fn the_composite_has_true_gradients() {
        let sizes = Sizes { inputs: 4, hidden: 6, outputs: 3 };
        assert_gradients_match_differences(&apply, &inputs(5, sizes, 1));
    }

    #[test]
    fn bits_do_not_depend_on_the_thread_count() {
        let sizes = Sizes { inputs: 12, hidden: 48, outputs: 13 };
        assert_same_bits_on_any_thread_count(&apply, &inputs(1700, sizes, 2));
    }

    #[test]
    fn wrong_shapes_are_errors() {
        let sizes = Sizes { inputs: 4, hidden: 6, outputs: 3 };
        let x = inputs(5, sizes, 3);
        assert!(mlp(&x[0], &x[1], &x[2], &x[3], &x[2]).is_err());
        assert!(mlp(&x[3], &x[1], &x[2], &x[3], &x[4]).is_err());
    }
}
