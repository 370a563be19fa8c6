//! A small U-Net (Ronneberger et al. 2015): two halvings, group normalisation, one output per pixel.

use candle_core::{Result, Tensor};

use super::layers::{Shapes, Weights, add_convolution, add_normalised, convolved, pair};
use crate::ops::{doubled, halved};

/// Images must be this many pixels, or a multiple, high and wide.
pub(crate) const STEP: usize = 4;
/// The bias of the output: what a fresh network gives on average.
pub(crate) const OUTPUT_BIAS: &str = "logit.bias";

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

/// Every tensor by name, with its shape. `width` is a multiple of 4.
pub(crate) fn shapes(inputs: usize, width: usize) -> Shapes {
    let mut shapes = Shapes::new();
    for (name, from, to) in pairs(inputs, width) {
        add_normalised(&mut shapes, &format!("{name}.first"), from, to);
        add_normalised(&mut shapes, &format!("{name}.second"), to, to);
    }
    add_convolution(&mut shapes, "logit", width, 1);
    shapes
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
    convolved(weights, "logit", &fine)?.squeeze(1)
}
