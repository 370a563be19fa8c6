//! Linear layer with bias.

use candle_core::{CpuStorage, CustomOp3, D, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{
    matmul::{Destination, View, matmul},
    operand::{floats, fused_on, three_gradients, with_floats, with_last},
    reduction::{add_columns, add_in_order},
    scratch::with_shared_scratch,
};

/// Rows of a forward task: long enough that packing the weight is paid for, short enough to feed
/// many cores from one image.
const FORWARD_ROWS: usize = 128;
/// Rows of a backward task, which has a weight gradient of its own; those are added in the order
/// of the tasks.
const BACKWARD_ROWS: usize = 512;

/// x · weightᵀ + bias over the last dimension.
///
/// `x` is (…, in), `weight` (out, in), `bias` (out); the result is (…, out). Differentiable in all
/// three.
///
/// # Errors
/// If the shapes do not fit together.
pub fn linear(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (outputs, inputs) = weight.dims2()?;
    if x.dim(D::Minus1)? != inputs || bias.dims() != [outputs] {
        bail!(
            "linear: x {:?}, weight {:?} and bias {:?} do not fit together",
            x.dims(),
            weight.dims(),
            bias.dims()
        );
    }
    if fused_on(x) && fused_on(weight) && fused_on(bias) {
        let (weight, bias) = (weight.contiguous()?, bias.contiguous()?);
        x.contiguous()?.apply_op3(&weight, &bias, Linear { inputs, outputs })
    } else {
        composite(x, weight, bias)
    }
}

/// The same from candle's own operations: other devices and types, and the tests' oracle.
fn composite(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (outputs, inputs) = weight.dims2()?;
    let shape = with_last(x.dims(), outputs);
    let rows = x.elem_count() / inputs.max(1);
    x.reshape((rows, inputs))?.matmul(&weight.t()?)?.broadcast_add(bias)?.reshape(shape)
}

struct Linear {
    inputs: usize,
    outputs: usize,
}

/// out = x · weightᵀ + bias for the rows in `x`, on this thread, from the weight's transpose
/// (see [`transpose`]). Starting from the bias costs the product nothing.
pub(super) fn forward_rows(x: &[f32], transposed: &[f32], bias: &[f32], out: &mut [f32]) {
    for row in out.chunks_exact_mut(bias.len()) {
        row.copy_from_slice(bias);
    }
    add_product(x, transposed, bias.len(), out);
}

/// out += x · weightᵀ + bias: a layer around which a residual goes.
pub(super) fn add_forward_rows(x: &[f32], transposed: &[f32], bias: &[f32], out: &mut [f32]) {
    for row in out.chunks_exact_mut(bias.len()) {
        for (out, bias) in row.iter_mut().zip(bias) {
            *out += bias;
        }
    }
    add_product(x, transposed, bias.len(), out);
}

fn add_product(x: &[f32], transposed: &[f32], outputs: usize, out: &mut [f32]) {
    let inputs = transposed.len() / outputs;
    matmul(out, Destination::Add, View::rows(x, inputs), View::rows(transposed, outputs));
}

/// The transpose of a weight of `inputs` columns, once for all groups of rows: from (out, in) the
/// product would copy the weight into such an order for every group, a tenth of its time.
pub(super) fn transpose(weight: &[f32], inputs: usize, transposed: &mut [f32]) {
    /// Outputs whose rows are read side by side, so that whole cache lines are written.
    const TILE: usize = 16;
    let outputs = weight.len() / inputs;
    for (tile, rows) in weight.chunks(TILE * inputs).enumerate() {
        for (input, to) in transposed.chunks_exact_mut(outputs).enumerate() {
            let column = rows[input..].iter().step_by(inputs);
            for (to, x) in to[tile * TILE..].iter_mut().zip(column) {
                *to = *x;
            }
        }
    }
}

/// Adds to the gradients of weight and bias what the rows in `x` and `grad` contribute.
pub(super) fn add_parameter_gradients(
    x: &[f32],
    grad: &[f32],
    grad_weight: &mut [f32],
    grad_bias: &mut [f32],
) {
    let outputs = grad_bias.len();
    let inputs = grad_weight.len() / outputs;
    let grad_view = View::rows(grad, outputs).transposed();
    matmul(grad_weight, Destination::Add, grad_view, View::rows(x, inputs));
    add_columns(grad, grad_bias);
}

/// The gradient of the inputs, for the rows in `grad`, each of `outputs` elements.
pub(super) fn input_gradient(weight: &[f32], grad: &[f32], outputs: usize, grad_x: &mut [f32]) {
    let weight = View::rows(weight, weight.len() / outputs);
    matmul(grad_x, Destination::Overwrite, View::rows(grad, outputs), weight);
}

/// Both in place: adds to the gradients of weight and bias, then replaces the rows of inputs in `x`
/// by their gradient.
pub(super) fn differentiate_in_place(
    x: &mut [f32],
    weight: &[f32],
    grad: &[f32],
    grad_weight: &mut [f32],
    grad_bias: &mut [f32],
) {
    add_parameter_gradients(x, grad, grad_weight, grad_bias);
    input_gradient(weight, grad, grad_bias.len(), x);
}

/// Forward pass over all rows.
fn forward(x: &[f32], weight: &[f32], bias: &[f32], out: &mut [f32]) {
    let (inputs, outputs) = (weight.len() / bias.len(), bias.len());
    with_shared_scratch([weight.len()], |[transposed]| {
        transpose(weight, inputs, transposed);
        let transposed = &*transposed;
        out.par_chunks_mut(FORWARD_ROWS * outputs)
            .zip(x.par_chunks(FORWARD_ROWS * inputs))
            .for_each(|(out, x)| forward_rows(x, transposed, bias, out));
    });
}

/// Gradients of x, weight and bias: each task does all three for its rows.
fn backward(
    (x, weight, grad): (&[f32], &[f32], &[f32]),
    (grad_x, grad_weight, grad_bias): (&mut [f32], &mut [f32], &mut [f32]),
) {
    let outputs = grad_bias.len();
    let inputs = weight.len() / outputs;
    let tasks = x.len().div_ceil(BACKWARD_ROWS * inputs);
    let mut weights = vec![0.0; tasks * weight.len()];
    let mut biases = vec![0.0; tasks * outputs];
    grad_x
        .par_chunks_mut(BACKWARD_ROWS * inputs)
        .zip(grad.par_chunks(BACKWARD_ROWS * outputs))
        .zip(x.par_chunks(BACKWARD_ROWS * inputs))
        .zip(weights.par_chunks_mut(weight.len()).zip(biases.par_chunks_mut(outputs)))
        .for_each(|(((grad_x, grad), x), (grad_weight, grad_bias))| {
            add_parameter_gradients(x, grad, grad_weight, grad_bias);
            input_gradient(weight, grad, outputs, grad_x);
        });
    add_in_order(&weights, grad_weight);
    add_in_order(&biases, grad_bias);
}

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "linear"
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
        let shape = with_last(x_layout.dims(), self.outputs);
        let mut out = vec![0.0; shape.elem_count()];
        if !out.is_empty() {
            let x = floats(x, x_layout)?;
            let weight = floats(weight, weight_layout)?;
            if self.inputs == 0 {
                bail!("linear: a layer without inputs");
            }
            forward(x, weight, floats(bias, bias_layout)?, &mut out);
        }
        Ok((CpuStorage::F32(out), shape))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _result: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        three_gradients([x, weight, bias], |[grad_x, grad_weight, grad_bias]| {
            with_floats([x, weight, grad], |[x, weight, grad]| {
                if !x.is_empty() && !grad.is_empty() {
                    backward((x, weight, grad), (grad_x, grad_weight, grad_bias));
                }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ops::test_support::*;

    fn inputs(rows: usize, inputs: usize, outputs: usize, seed: u64) -> [Tensor; 3] {
        [
            noise_tensor(&[rows, inputs], 1.0, seed),
            noise_tensor(&[outputs, inputs], 0.5, seed + 1),
            noise_tensor(&[outputs], 1.0, seed + 2),
        ]
    }

    fn apply(x: &[Tensor]) -> Result<Tensor> {
        linear(&x[0], &x[1], &x[2])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn matches_the_composite_for_any_shape(
            rows in 1usize..700, from in 1usize..70, to in 1usize..70, seed in 0u64..1000,
        ) {
            assert_matches_f64(&apply, &inputs(rows, from, to, seed), 1e-5, 1e-4);
        }
    }

    #[test]
    fn the_composite_has_true_gradients() {
        assert_gradients_match_differences(&apply, &inputs(7, 5, 3, 1));
    }

    #[test]
    fn bits_do_not_depend_on_the_thread_count() {
        assert_same_bits_on_any_thread_count(&apply, &inputs(1700, 33, 47, 2));
    }

    #[test]
    fn keeps_leading_dimensions_and_takes_strided_operands() -> Result<()> {
        let x = noise_tensor(&[6, 3, 5], 1.0, 3).transpose(0, 1)?;
        let weight = noise_tensor(&[6, 4], 1.0, 4).t()?.narrow(1, 0, 5)?;
        let bias = noise_tensor(&[4, 2], 1.0, 5).narrow(1, 1, 1)?.squeeze(1)?;
        let fused = linear(&x, &weight, &bias)?;
        let plain = composite(&x.contiguous()?, &weight, &bias)?;
        assert_eq!(fused.dims(), [3, 6, 4]);
        assert!(largest_difference(&fused, &plain) < 1e-6);
        Ok(())
    }

    #[test]
    fn wrong_shapes_are_errors() {
        let [x, weight, bias] = inputs(4, 5, 6, 1);
        assert!(linear(&weight, &x, &bias).is_err());
        assert!(linear(&x, &weight, &x).is_err());
    }
}
