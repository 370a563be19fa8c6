//! Convolution of images with kernels of 3 × 3 pixels, zero-padded so that their size stays.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::ops::{
    matmul::{Destination, View, matmul},
    operand::{floats, fused_on, three_gradients, with_floats},
    reduction::add_in_order,
    scratch::{with_scratch, with_shared_scratch},
};

/// Pixels of an image that are unfolded at a time: a band that stays in the second-level cache
/// with some tens of channels.
const BAND_PIXELS: usize = 1024;
/// Places of a kernel.
const PLACES: usize = 9;

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
        let sizes = Sizes { inputs, outputs, rows, columns };
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
    rows: usize,
    columns: usize,
}

impl Sizes {
    fn pixels(self) -> usize {
        self.rows * self.columns
    }

    fn weights(self) -> usize {
        self.outputs * self.inputs * PLACES
    }

    /// From the result's gradient to that of the input.
    fn reversed(self) -> Self {
        Self { inputs: self.outputs, outputs: self.inputs, ..self }
    }

    /// Bands of rows as (first row, rows).
    fn bands(self) -> impl Iterator<Item = (usize, usize)> {
        let step = (BAND_PIXELS / self.columns).max(1);
        (0..self.rows).step_by(step).map(move |from| (from, step.min(self.rows - from)))
    }

    fn band_pixels(self) -> usize {
        (BAND_PIXELS / self.columns).max(1).min(self.rows) * self.columns
    }
}

/// Unfolds a band of one image: row (channel, place) of the result holds, for every pixel of the
/// band, the value that this place of the kernel meets.
fn unfold(sizes: Sizes, image: &[f32], (from, height): (usize, usize), unfolded: &mut [f32]) {
    let Sizes { rows, columns, .. } = sizes;
    let planes = image.chunks_exact(sizes.pixels());
    for (plane, places) in planes.zip(unfolded.chunks_exact_mut(PLACES * height * columns)) {
        for (place, to) in places.chunks_exact_mut(height * columns).enumerate() {
            let (down, right) = (place / 3, place % 3);
            for (row, to) in to.chunks_exact_mut(columns).enumerate() {
                // The kernel's middle is place (1, 1).
                let row = from + row + down;
                if row == 0 || row > rows {
                    to.fill(0.0);
                    continue;
                }
                let line = &plane[(row - 1) * columns..row * columns];
                match right {
                    0 => {
                        to[0] = 0.0;
                        to[1..].copy_from_slice(&line[..columns - 1]);
                    }
                    1 => to.copy_from_slice(line),
                    _ => {
                        to[..columns - 1].copy_from_slice(&line[1..]);
                        to[columns - 1] = 0.0;
                    }
                }
            }
        }
    }
}

/// Convolves one image on this thread; without a bias the result starts from 0.
fn convolve(sizes: Sizes, image: &[f32], weight: &[f32], bias: Option<&[f32]>, out: &mut [f32]) {
    let Sizes { inputs, outputs, columns, .. } = sizes;
    let most = sizes.band_pixels();
    with_scratch([inputs * PLACES * most, outputs * most], |[unfolded, result]| {
        for band in sizes.bands() {
            let (start, pixels) = (band.0 * columns, band.1 * columns);
            let unfolded = &mut unfolded[..inputs * PLACES * pixels];
            unfold(sizes, image, band, unfolded);
            let result = &mut result[..outputs * pixels];
            for (channel, row) in result.chunks_exact_mut(pixels).enumerate() {
                row.fill(bias.map_or(0.0, |bias| bias[channel]));
            }
            let (weight, unfolded) =
                (View::rows(weight, inputs * PLACES), View::rows(unfolded, pixels));
            matmul(result, Destination::Add, weight, unfolded);
            let planes = out.chunks_exact_mut(sizes.pixels());
            for (plane, row) in planes.zip(result.chunks_exact(pixels)) {
                plane[start..start + pixels].copy_from_slice(row);
            }
        }
    });
}

/// Adds to the gradients of weight and bias what one image contributes.
fn add_parameter_gradients(
    sizes: Sizes,
    image: &[f32],
    grad: &[f32],
    grad_weight: &mut [f32],
    grad_bias: &mut [f32],
) {
    let Sizes { inputs, outputs, columns, .. } = sizes;
    let most = sizes.band_pixels();
    with_scratch([inputs * PLACES * most, outputs * most], |[unfolded, gathered]| {
        for band in sizes.bands() {
            let (start, pixels) = (band.0 * columns, band.1 * columns);
            let unfolded = &mut unfolded[..inputs * PLACES * pixels];
            unfold(sizes, image, band, unfolded);
            let gathered = &mut gathered[..outputs * pixels];
            let planes = grad.chunks_exact(sizes.pixels());
            for (row, plane) in gathered.chunks_exact_mut(pixels).zip(planes) {
                row.copy_from_slice(&plane[start..start + pixels]);
            }
            for (sum, row) in grad_bias.iter_mut().zip(gathered.chunks_exact(pixels)) {
                *sum += row.iter().sum::<f32>();
            }
            let unfolded = View::rows(unfolded, pixels).transposed();
            matmul(grad_weight, Destination::Add, View::rows(gathered, pixels), unfolded);
        }
    });
}

/// The kernels that carry a gradient back: inputs and outputs exchanged, each kernel turned by
/// 180°.
fn turned(sizes: Sizes, weight: &[f32], turned: &mut [f32]) {
    let Sizes { inputs, outputs, .. } = sizes;
    for (output, kernels) in weight.chunks_exact(inputs * PLACES).enumerate() {
        for (input, kernel) in kernels.chunks_exact(PLACES).enumerate() {
            let to = &mut turned[(input * outputs + output) * PLACES..][..PLACES];
            for (to, from) in to.iter_mut().zip(kernel.iter().rev()) {
                *to = *from;
            }
        }
    }
}

/// Gradients of x, weight and bias.
fn backward(
    sizes: Sizes,
    (x, weight, grad): (&[f32], &[f32], &[f32]),
    (grad_x, grad_weight, grad_bias): (&mut [f32], &mut [f32], &mut [f32]),
) {
    let (from, to) = (sizes.inputs * sizes.pixels(), sizes.outputs * sizes.pixels());
    let images = x.len() / from;
    let mut weights = vec![0.0; images * sizes.weights()];
    let mut biases = vec![0.0; images * sizes.outputs];
    with_shared_scratch([sizes.weights()], |[back]| {
        turned(sizes, weight, back);
        let back = &*back;
        grad_x
            .par_chunks_mut(from)
            .zip(grad.par_chunks(to))
            .zip(x.par_chunks(from))
            .zip(weights.par_chunks_mut(sizes.weights()).zip(biases.par_chunks_mut(sizes.outputs)))
            .for_each(|(((grad_x, grad), x), (grad_weight, grad_bias))| {
                convolve(sizes.reversed(), grad, back, None, grad_x);
                add_parameter_gradients(sizes, x, grad, grad_weight, grad_bias);
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
        let (from, to) = (sizes.inputs * sizes.pixels(), sizes.outputs * sizes.pixels());
        let mut out = vec![0.0; x.len() / from * to];
        out.par_chunks_mut(to)
            .zip(x.par_chunks(from))
            .for_each(|(out, image)| convolve(sizes, image, weight, Some(bias), out));
        let shape = (x.len() / from, sizes.outputs, sizes.rows, sizes.columns);
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
