//! A small U-Net (Ronneberger et al. 2015): two halvings, group normalisation, one output per pixel.
//! Scoring networks and baselines are made of it.

mod kept_networks;
mod trainable;
mod window;

use std::collections::BTreeMap;

use candle_core::{Device, Result, Tensor};
use rand::RngExt;

use crate::context::Stream;
use crate::ops::{convolution, doubled, group_norm_relu, halved};

pub(crate) use kept_networks::KeptNetworks;
pub(crate) use trainable::TrainableUNet;
pub(crate) use window::{Window, batch};

/// Tensors by name.
pub(crate) type Weights = BTreeMap<String, Tensor>;

/// Images must be this many pixels, or a multiple, high and wide.
pub(crate) const STEP: usize = 4;
/// Groups of channels that are normalised together.
const GROUPS: usize = 4;

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

/// Every tensor by name, with its shape.
pub(crate) fn shapes(inputs: usize, width: usize) -> BTreeMap<String, Vec<usize>> {
    let mut shapes = BTreeMap::new();
    let mut layer = |name: String, from: usize, to: usize| {
        shapes.insert(format!("{name}.weight"), vec![to, from, 3, 3]);
        shapes.insert(format!("{name}.bias"), vec![to]);
    };
    for (name, from, to) in pairs(inputs, width) {
        layer(format!("{name}.first"), from, to);
        layer(format!("{name}.second"), to, to);
    }
    layer("logit".to_owned(), width, 1);
    for (name, _, to) in pairs(inputs, width) {
        for norm in ["first_norm", "second_norm"] {
            shapes.insert(format!("{name}.{norm}.weight"), vec![to]);
            shapes.insert(format!("{name}.{norm}.bias"), vec![to]);
        }
    }
    shapes
}

/// Fresh weights: uniform within 1 / √(inputs of a pixel) for convolutions, units for norms. `output` is
/// what a fresh network gives on average.
pub(crate) fn initial(
    (inputs, width): (usize, usize),
    output: f32,
    stream: &mut Stream,
    device: &Device,
) -> Result<Weights> {
    let shapes = shapes(inputs, width);
    let mut weights = Weights::new();
    for (name, shape) in &shapes {
        let layer = name.rsplit_once('.').map_or("", |(layer, _)| layer);
        let count: usize = shape.iter().product();
        let values: Vec<f32> = if name == "logit.bias" {
            vec![output; count]
        } else if layer.ends_with("_norm") {
            vec![if name.ends_with(".weight") { 1.0 } else { 0.0 }; count]
        } else {
            let of_pixel: usize = shapes[&format!("{layer}.weight")][1..].iter().product();
            let bound = 1.0 / (of_pixel as f32).sqrt();
            (0..count).map(|_| stream.random_range(-bound..bound)).collect()
        };
        weights.insert(name.clone(), Tensor::from_vec(values, shape.as_slice(), device)?);
    }
    Ok(weights)
}

/// Outputs (batch, rows, columns), such as logits, of images (batch, channels, rows, columns) whose edges are
/// multiples of [`STEP`].
pub(crate) fn outputs(weights: &Weights, images: &Tensor) -> Result<Tensor> {
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
        None => candle_core::bail!("the U-Net lacks \"{name}\""),
    }
}
