//! A U-Net (Ronneberger et al. 2015) with four halvings and group normalisation: it sees the whole neck at
//! once, so that what a pixel is can be told from where it lies.

use candle_core::{Result, Tensor};

use super::layers::{Shapes, Weights, add_convolution, add_normalised, convolved, pair};
use crate::ops::{doubled, halved};

/// Halvings and doublings.
const LEVELS: usize = 4;
/// Images must be this many pixels, or a multiple, high and wide.
pub(crate) const STEP: usize = 1 << LEVELS;
/// Channels of each level in units of the width: growth is slower than doubling, so that weights stay small.
const GROWTH: [usize; LEVELS + 1] = [1, 2, 3, 4, 5];
pub(crate) const OUTPUT_BIAS: &str = "logit.bias";

/// Every tensor by name with its shape. `width` is a multiple of 4.
pub(crate) fn shapes(inputs: usize, width: usize, outputs: usize) -> Shapes {
    let mut shapes = Shapes::new();
    let channels = GROWTH.map(|times| times * width);
    let mut pair = |name: String, from: usize, to: usize| {
        add_normalised(&mut shapes, &format!("{name}.first"), from, to);
        add_normalised(&mut shapes, &format!("{name}.second"), to, to);
    };
    for level in 0..=LEVELS {
        let from = if level == 0 { inputs } else { channels[level - 1] };
        pair(format!("encoder.{level}"), from, channels[level]);
    }
    for level in 0..LEVELS {
        pair(format!("decoder.{level}"), channels[level] + channels[level + 1], channels[level]);
    }
    add_convolution(&mut shapes, "logit", width, outputs);
    shapes
}

/// Logits (batch, outputs, rows, columns) of images (batch, inputs, rows, columns) whose edges are multiples of
/// [`STEP`].
pub(crate) fn outputs(weights: &Weights, images: &Tensor) -> Result<Tensor> {
    let mut x = pair(weights, "encoder.0", images)?;
    let mut passed = Vec::with_capacity(LEVELS);
    for level in 1..=LEVELS {
        let next = pair(weights, &format!("encoder.{level}"), &halved(&x)?)?;
        passed.push(std::mem::replace(&mut x, next));
    }
    for (level, passed) in passed.iter().enumerate().rev() {
        let joined = Tensor::cat(&[passed, &doubled(&x)?], 1)?;
        x = pair(weights, &format!("decoder.{level}"), &joined)?;
    }
    convolved(weights, "logit", &x)
}
