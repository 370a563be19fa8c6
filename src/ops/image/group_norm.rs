//! Group normalisation followed by rectification (Wu and He 2018).

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use candle_nn::Module;
use rayon::prelude::*;

use crate::ops::{
    operand::{floats, fused_on, three_gradients, with_floats},
    reduction::add_in_order,
};

const EPSILON: f64 = 1e-5;
/// Partial sums that are kept side by side, so that they fill vectors.
const LANES: usize = 8;

/// max(0, norm(x)), each image normalised over groups of channels.
///
/// `x` is (batch, channels, rows, columns), `weight` and `bias` are (channels). Every group of
/// channels / `groups` channels of an image gets mean 0 and variance 1, then each channel its
/// weight and bias. Differentiable in all three.
///
/// # Errors
/// If the shapes do not fit together or `groups` does not divide the channels.
pub fn group_norm_relu(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    groups: usize,
) -> Result<Tensor> {
    let (_, channels, rows, columns) = x.dims4()?;
    if groups == 0 || !channels.is_multiple_of(groups) {
        bail!("group_norm_relu: {groups} groups do not divide {channels} channels");
    }
    if weight.dims() != [channels] || bias.dims() != [channels] {
        bail!(
            "group_norm_relu: x {:?}, weight {:?} and bias {:?} do not fit together",
            x.dims(),
            weight.dims(),
            bias.dims()
        );
    }
    if fused_on(x) && fused_on(weight) && fused_on(bias) && x.elem_count() > 0 {
        let sizes = Sizes { channels, group: channels / groups, pixels: rows * columns };
        let (weight, bias) = (weight.contiguous()?, bias.contiguous()?);
        x.contiguous()?.apply_op3(&weight, &bias, GroupNormRelu(sizes))
    } else {
        composite(x, weight, bias, groups)
    }
}

/// The same from candle's own operations: other devices and types, and the tests' oracle.
fn composite(x: &Tensor, weight: &Tensor, bias: &Tensor, groups: usize) -> Result<Tensor> {
    let channels = x.dim(1)?;
    let norm = candle_nn::GroupNorm::new(weight.clone(), bias.clone(), channels, groups, EPSILON)?;
    norm.forward(x)?.relu()
}

#[derive(Clone, Copy)]
struct Sizes {
    channels: usize,
    /// Channels of a group.
    group: usize,
    pixels: usize,
}

/// Σ f(a, b) over two slices of one length, in double precision and a fixed order.
fn sum(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let (whole_a, whole_b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = whole_a.remainder().iter().zip(whole_b.remainder());
    let rest: f64 = rest.map(|(a, b)| f(*a, *b)).sum();
    for (a, b) in whole_a.zip(whole_b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += f(*a, *b);
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// Mean and 1 / standard deviation of a group.
fn moments(group: &[f32]) -> (f32, f32) {
    let count = group.len() as f64;
    let mean = sum(group, group, |x, _| f64::from(x)) / count;
    let shift = mean as f32;
    let variance = sum(group, group, |x, _| f64::from((x - shift) * (x - shift))) / count;
    (shift, (1.0 / (variance + EPSILON).sqrt()) as f32)
}

impl Sizes {
    fn forward_image(self, x: &[f32], weight: &[f32], bias: &[f32], out: &mut [f32]) {
        let size = self.group * self.pixels;
        let groups = x.chunks_exact(size).zip(out.chunks_exact_mut(size));
        for (first, (x, out)) in (0..).step_by(self.group).zip(groups) {
            let (mean, scale) = moments(x);
            let planes = x.chunks_exact(self.pixels).zip(out.chunks_exact_mut(self.pixels));
            for (channel, (x, out)) in (first..).zip(planes) {
                let slope = scale * weight[channel];
                let shift = bias[channel] - mean * slope;
                for (out, x) in out.iter_mut().zip(x) {
                    *out = (x * slope + shift).max(0.0);
                }
            }
        }
    }

    /// Gradient of one image, and what it contributes to those of weight and bias.
    fn backward_image(
        self,
        (x, weight, bias, grad): (&[f32], &[f32], &[f32], &[f32]),
        (grad_x, grad_weight, grad_bias): (&mut [f32], &mut [f32], &mut [f32]),
    ) {
        let size = self.group * self.pixels;
        let groups = x.chunks_exact(size).zip(grad.chunks_exact(size));
        let groups = groups.zip(grad_x.chunks_exact_mut(size));
        for (first, ((x, grad), grad_x)) in (0..).step_by(self.group).zip(groups) {
            let (mean, scale) = moments(x);
            // Where the rectifier let the value through.
            let (mut plain, mut along) = (0.0, 0.0);
            let planes = x.chunks_exact(self.pixels).zip(grad.chunks_exact(self.pixels));
            let planes = planes.zip(grad_x.chunks_exact_mut(self.pixels));
            for (channel, ((x, grad), passed)) in (first..).zip(planes) {
                let slope = scale * weight[channel];
                let shift = bias[channel] - mean * slope;
                for ((passed, x), grad) in passed.iter_mut().zip(x).zip(grad) {
                    *passed = if x * slope + shift > 0.0 { *grad } else { 0.0 };
                }
                let total = sum(passed, x, |grad, _| f64::from(grad));
                let correlated = sum(passed, x, |grad, x| f64::from(grad * ((x - mean) * scale)));
                grad_bias[channel] += total as f32;
                grad_weight[channel] += correlated as f32;
                plain += total * f64::from(weight[channel]);
                along += correlated * f64::from(weight[channel]);
            }
            let (plain, along) = ((plain / size as f64) as f32, (along / size as f64) as f32);
            let planes = x.chunks_exact(self.pixels).zip(grad_x.chunks_exact_mut(self.pixels));
            for (channel, (x, grad_x)) in (first..).zip(planes) {
                let weight = weight[channel];
                for (grad_x, x) in grad_x.iter_mut().zip(x) {
                    let normal = (x - mean) * scale;
                    *grad_x = scale * (*grad_x * weight - plain - normal * along);
                }
            }
        }
    }
}

struct GroupNormRelu(Sizes);

impl CustomOp3 for GroupNormRelu {
    fn name(&self) -> &'static str {
        "group-norm-relu"
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
        let (values, weight) = (floats(x, x_layout)?, floats(weight, weight_layout)?);
        let bias = floats(bias, bias_layout)?;
        let mut out = vec![0.0; values.len()];
        let size = self.0.channels * self.0.pixels;
        out.par_chunks_mut(size)
            .zip(values.par_chunks(size))
            .for_each(|(out, x)| self.0.forward_image(x, weight, bias, out));
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
        let channels = self.0.channels;
        let size = channels * self.0.pixels;
        let images = x.elem_count() / size;
        let mut weights = vec![0.0; images * channels];
        let mut biases = vec![0.0; images * channels];
        three_gradients([x, weight, bias], |[grad_x, grad_weight, grad_bias]| {
            with_floats([x, weight, bias, grad], |[x, weight, bias, grad]| {
                grad_x
                    .par_chunks_mut(size)
                    .zip(x.par_chunks(size).zip(grad.par_chunks(size)))
                    .zip(weights.par_chunks_mut(channels).zip(biases.par_chunks_mut(channels)))
                    .for_each(|((grad_x, (x, grad)), (grad_weight, grad_bias))| {
                        let gradients = (grad_x, grad_weight, grad_bias);
                        self.0.backward_image((x, weight, bias, grad), gradients);
                    });
            })?;
            add_in_order(&weights, grad_weight);
            add_in_order(&biases, grad_bias);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ops::test_support::*;

    fn inputs(batch: usize, channels: usize, rows: usize, columns: usize) -> [Tensor; 3] {
        [
            noise_tensor(&[batch, channels, rows, columns], 1.0, 1),
            noise_tensor(&[channels], 1.0, 2),
            noise_tensor(&[channels], 1.0, 3),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn matches_the_composite_for_any_shape(
            batch in 1usize..4, groups in 1usize..4, group in 1usize..4,
            rows in 3usize..20, columns in 3usize..30,
        ) {
            let apply = |x: &[Tensor]| group_norm_relu(&x[0], &x[1], &x[2], groups);
            assert_matches_f64(&apply, &inputs(batch, groups * group, rows, columns), 1e-4, 1e-3);
        }
    }

    #[test]
    fn bits_do_not_depend_on_the_thread_count() {
        let apply = |x: &[Tensor]| group_norm_relu(&x[0], &x[1], &x[2], 3);
        assert_same_bits_on_any_thread_count(&apply, &inputs(5, 6, 20, 30));
    }

    #[test]
    fn wrong_shapes_are_errors() {
        let [x, weight, bias] = inputs(1, 6, 4, 4);
        assert!(group_norm_relu(&x, &weight, &bias, 4).is_err());
        assert!(group_norm_relu(&x, &weight, &x, 3).is_err());
    }
}
