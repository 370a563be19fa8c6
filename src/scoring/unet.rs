//! A small U-Net (Ronneberger et al. 2015): two halvings, group normalisation, one logit per pixel.

use std::collections::BTreeMap;

use candle_core::{Device, Result, Tensor};
use rand::RngExt;

use crate::context::Stream;
use crate::ops::{convolution, doubled, group_norm_relu, halved};

/// Tensors by name.
pub(super) type Weights = BTreeMap<String, Tensor>;

/// Images must be this many pixels, or a multiple, high and wide.
pub(super) const STEP: usize = 4;
/// Groups of channels that are normalised together.
const GROUPS: usize = 4;
/// Logit of a fresh network: about one pixel in twenty is lesion.
const FIRST_LOGIT: f32 = -3.0;

/// The pairs of convolutions as (name, inputs, outputs), for this many channels of the input and
/// of the first pair.
fn pairs(inputs: usize, width: usize) -> [(&'static str, usize, usize); 5] {
    [
        ("encoder.0", inputs, width),
        ("encoder.1", width, 2 * width),
        ("encoder.2", 2 * width, 3 * width),
        ("decoder.1", 5 * width, 2 * width),
        ("decoder.0", 3 * width, width),
    ]
}

/// Fresh weights: uniform within 1 / √(inputs of a pixel) for convolutions, units for norms.
pub(super) fn initial(
    inputs: usize,
    width: usize,
    stream: &mut Stream,
    device: &Device,
) -> Result<Weights> {
    let mut weights = Weights::new();
    let mut layer = |name: String, from: usize, to: usize| -> Result<()> {
        let bound = 1.0 / ((from * 9) as f32).sqrt();
        let mut draw = |count: usize| -> Vec<f32> {
            (0..count).map(|_| stream.random_range(-bound..bound)).collect()
        };
        let (weight, bias) = (draw(to * from * 9), draw(to));
        let weight = Tensor::from_vec(weight, (to, from, 3, 3), device)?;
        weights.insert(format!("{name}.weight"), weight);
        weights.insert(format!("{name}.bias"), Tensor::from_vec(bias, to, device)?);
        Ok(())
    };
    for (name, from, to) in pairs(inputs, width) {
        layer(format!("{name}.first"), from, to)?;
        layer(format!("{name}.second"), to, to)?;
    }
    layer("logit".to_owned(), width, 1)?;
    weights.insert("logit.bias".to_owned(), Tensor::new(&[FIRST_LOGIT], device)?);
    for (name, _, to) in pairs(inputs, width) {
        for norm in ["first_norm", "second_norm"] {
            let shape = (to,);
            let ones = Tensor::ones(shape, candle_core::DType::F32, device)?;
            weights.insert(format!("{name}.{norm}.weight"), ones);
            let zeros = Tensor::zeros(shape, candle_core::DType::F32, device)?;
            weights.insert(format!("{name}.{norm}.bias"), zeros);
        }
    }
    Ok(weights)
}

/// Logits (batch, rows, columns) of images (batch, channels, rows, columns) whose edges are
/// multiples of [`STEP`].
pub(super) fn logits(weights: &Weights, images: &Tensor) -> Result<Tensor> {
    let fine = pair(weights, "encoder.0", images)?;
    let middle = pair(weights, "encoder.1", &halved(&fine)?)?;
    let coarse = pair(weights, "encoder.2", &halved(&middle)?)?;
    let middle = Tensor::cat(&[&middle, &doubled(&coarse)?], 1)?;
    let middle = pair(weights, "decoder.1", &middle)?;
    let fine = Tensor::cat(&[&fine, &doubled(&middle)?], 1)?;
    let fine = pair(weights, "decoder.0", &fine)?;
    let weight = tensor(weights, "logit.weight")?;
    convolution(&fine, weight, tensor(weights, "logit.bias")?)?.squeeze(1)
}

/// Two convolutions, each normalised and rectified.
fn pair(weights: &Weights, name: &str, x: &Tensor) -> Result<Tensor> {
    let mut x = x.clone();
    for layer in ["first", "second"] {
        let of = |what: &str| tensor(weights, &format!("{name}.{layer}{what}"));
        x = convolution(&x, of(".weight")?, of(".bias")?)?;
        x = group_norm_relu(&x, of("_norm.weight")?, of("_norm.bias")?, GROUPS)?;
    }
    Ok(x)
}

fn tensor<'a>(weights: &'a Weights, name: &str) -> Result<&'a Tensor> {
    match weights.get(name) {
        Some(tensor) => Ok(tensor),
        None => candle_core::bail!("the scoring network lacks \"{name}\""),
    }
}
