//! Convolution of images with kernels of 3 × 3 pixels, zero-padded so that their size stays.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::planes::{self, PLACES, Plane};
use crate::ops::{
    InstructionSet,
    operand::{floats, fused_on, three_gradients, with_floats},
    reduction::add_in_order,
    scratch::{with_scratch, with_shared_scratch},
};

/// Convolves a batch of images, as networks understand it (the kernel is not mirrored).
///
/// `x` is (batch, in, rows, columns), `weight` (out, in, 3, 3), `bias` (out); the result is
/// (batch, out, rows, columns). Beyond its border an image counts as 0. Differentiable in all
/// three.
///
/// # Errors
/// If the shapes do not fit together.
pub fn convolution(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (outputs, inputs, height, width) = weight.dims4()?;
    let (_, channels, rows, columns) = x.dims4()?;
    if channels != inputs || (height, width) != (3, 3) || bias.dims() != [outputs] {
        bail!(
            "convolution: x {:?}, weight {:?} and bias {:?} do not fit together",
            x.dims(),
            weight.dims(),
            bias.dims()
        );
    }
    if fused_on(x) && fused_on(weight) && fused_on(bias) && x.elem_count() * outputs > 0 {
        let (weight, bias) = (weight.contiguous()?, bias.contiguous()?);
        let sizes = Sizes { inputs, outputs, plane: Plane { rows, columns } };
        x.contiguous()?.apply_op3(&weight, &bias, Convolution(sizes))
    } else {
        composite(x, weight, bias)
    }
}

/// The same from candle's own operations: other devices and types, and the tests' oracle.
fn composite(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    x.conv2d(weight, 1, 1, 1, 1)?.broadcast_add(&bias.reshape((1, (), 1, 1))?)
}

#[derive(Clone, Copy)]
struct Sizes {
    inputs: usize,
    outputs: usize,
    plane: Plane,
}

impl Sizes {
    /// Floats of an image and of its result.
    fn image(self) -> (usize, usize) {
        let pixels = self.plane.rows * self.plane.columns;
        (self.inputs * pixels, self.outputs * pixels)
    }

    fn weights(self) -> usize {
        self.outputs * self.inputs * PLACES
    }

    /// Floats of an image and of its result with their borders.
    fn bordered(self) -> (usize, usize) {
        let plane = self.plane.bordered();
        (self.inputs * plane, self.outputs * plane)
    }
}

fn forward(sizes: Sizes, (x, weight, bias): (&[f32], &[f32], &[f32]), out: &mut [f32]) {
    let plane = sizes.plane;
    let (from, to) = sizes.image();
    let set = InstructionSet::detect();
    with_shared_scratch([sizes.weights()], |[packed]| {
        planes::pack(weight, sizes.inputs, packed);
        let packed = &*packed;
        out.par_chunks_mut(to).zip(x.par_chunks(from)).for_each(|(out, image)| {
            let memory = [sizes.bordered().0, planes::flat_planes(plane)];
            with_scratch(memory, |[padded, flat]| {
                plane.pad(image, padded);
                planes::convolve(set, plane, padded, packed, bias, flat, out);
            });
        });
    });
}

/// Gradients of x, weight and bias.
fn backward(
    sizes: Sizes,
    (x, weight, grad): (&[f32], &[f32], &[f32]),
    (grad_x, grad_weight, grad_bias): (&mut [f32], &mut [f32], &mut [f32]),
) {
    let plane = sizes.plane;
    let (from, to) = sizes.image();
    let images = x.len() / from;
    let set = InstructionSet::detect();
    let mut weights = vec![0.0; images * sizes.weights()];
    let mut biases = vec![0.0; images * sizes.outputs];
    let no_bias = vec![0.0; sizes.inputs];
    with_shared_scratch([sizes.weights()], |[packed]| {
        planes::pack_turned(weight, sizes.inputs, packed);
        let packed = &*packed;
        grad_x
            .par_chunks_mut(from)
            .zip(grad.par_chunks(to))
            .zip(x.par_chunks(from))
            .zip(weights.par_chunks_mut(sizes.weights()).zip(biases.par_chunks_mut(sizes.outputs)))
            .for_each(|(((grad_x, grad), x), (grad_weight, grad_bias))| {
                let (image, result) = sizes.bordered();
                let memory = [image, result, planes::flat_planes(plane)];
                with_scratch(memory, |[padded, grads, flat]| {
                    plane.pad(x, padded);
                    plane.pad(grad, grads);
                    planes::convolve(set, plane, grads, packed, &no_bias, flat, grad_x);
                    planes::parameter_gradients(set, plane, padded, grads, grad_weight, grad_bias);
                });
            });
    });
    add_in_order(&weights, grad_weight);
    add_in_order(&biases, grad_bias);
}

struct Convolution(Sizes);

impl CustomOp3 for Convolution {
    fn name(&self) -> &'static str {
        "convolution"
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
        let sizes = self.0;
        let (x, weight) = (floats(x, x_layout)?, floats(weight, weight_layout)?);
        let bias = floats(bias, bias_layout)?;
        let (from, to) = sizes.image();
        let mut out = vec![0.0; x.len() / from * to];
        forward(sizes, (x, weight, bias), &mut out);
        let shape = (x.len() / from, sizes.outputs, sizes.plane.rows, sizes.plane.columns);
        Ok((CpuStorage::F32(out), shape.into()))
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
                backward(self.0, (x, weight, grad), (grad_x, grad_weight, grad_bias));
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ops::test_support::*;

    fn inputs(
        batch: usize,
        (from, to): (usize, usize),
        (rows, columns): (usize, usize),
    ) -> [Tensor; 3] {
        [
            noise_tensor(&[batch, from, rows, columns], 1.0, 1),
            noise_tensor(&[to, from, 3, 3], 0.5, 2),
            noise_tensor(&[to], 1.0, 3),
        ]
    }

    fn apply(x: &[Tensor]) -> Result<Tensor> {
        convolution(&x[0], &x[1], &x[2])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn matches_the_composite_for_any_shape(
            batch in 1usize..4, from in 1usize..6, to in 1usize..6,
            rows in 1usize..50, columns in 1usize..70,
        ) {
            assert_matches_f64(&apply, &inputs(batch, (from, to), (rows, columns)), 1e-5, 1e-4);
        }
    }

    #[test]
    fn bits_do_not_depend_on_the_thread_count() {
        assert_same_bits_on_any_thread_count(&apply, &inputs(5, (3, 4), (40, 64)));
    }

    #[test]
    fn wrong_shapes_are_errors() {
        let [x, weight, bias] = inputs(1, (2, 3), (4, 4));
        assert!(convolution(&weight, &x, &bias).is_err());
        assert!(convolution(&x, &weight, &weight).is_err());
    }
}
