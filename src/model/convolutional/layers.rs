//! Weights by name, and the layers that they make.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Result, Tensor};
use rand::RngExt;

use crate::context::Stream;
use crate::ops::{convolution, group_norm_relu, linear};

/// Tensors by name.
pub(crate) type Weights = BTreeMap<String, Tensor>;

/// Tensors by name from the bytes of a safetensors file, in 32 bits on the CPU.
pub(crate) fn weights_of(bytes: &[u8]) -> Result<Weights> {
    let tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu)?;
    tensors.into_iter().map(|(name, tensor)| Ok((name, tensor.to_dtype(DType::F32)?))).collect()
}
/// The shape of every tensor by name.
pub(crate) type Shapes = BTreeMap<String, Vec<usize>>;

/// Groups of channels that are normalised together.
pub(super) const GROUPS: usize = 4;

/// Fresh weights: uniform within 1 / √(inputs of an output) for convolutions and linear layers, units for
/// norms. `constants` are biases that begin with a value of their own.
pub(crate) fn initial(
    shapes: &Shapes,
    constants: &[(&str, f32)],
    stream: &mut Stream,
) -> Result<Weights> {
    let mut weights = Weights::new();
    for (name, shape) in shapes {
        let layer = name.rsplit_once('.').map_or("", |(layer, _)| layer);
        let count: usize = shape.iter().product();
        let constant = constants.iter().find(|(known, _)| known == name);
        let values: Vec<f32> = if let Some((_, value)) = constant {
            vec![*value; count]
        } else if layer.ends_with("_norm") {
            vec![if name.ends_with(".weight") { 1.0 } else { 0.0 }; count]
        } else {
            let inputs: usize = shapes[&format!("{layer}.weight")][1..].iter().product();
            let bound = 1.0 / (inputs as f32).sqrt();
            (0..count).map(|_| stream.random_range(-bound..bound)).collect()
        };
        weights.insert(name.clone(), Tensor::from_vec(values, shape.as_slice(), &Device::Cpu)?);
    }
    Ok(weights)
}

/// Adds the shapes of a convolution of 3 × 3 pixels.
pub(super) fn add_convolution(shapes: &mut Shapes, name: &str, inputs: usize, outputs: usize) {
    shapes.insert(format!("{name}.weight"), vec![outputs, inputs, 3, 3]);
    shapes.insert(format!("{name}.bias"), vec![outputs]);
}

/// Adds the shapes of a convolution whose result is normalised.
pub(super) fn add_normalised(shapes: &mut Shapes, name: &str, inputs: usize, outputs: usize) {
    add_convolution(shapes, name, inputs, outputs);
    for parameter in ["weight", "bias"] {
        shapes.insert(format!("{name}_norm.{parameter}"), vec![outputs]);
    }
}

/// Adds the shapes of a linear layer.
pub(super) fn add_linear(shapes: &mut Shapes, name: &str, inputs: usize, outputs: usize) {
    shapes.insert(format!("{name}.weight"), vec![outputs, inputs]);
    shapes.insert(format!("{name}.bias"), vec![outputs]);
}

/// The convolution of that name.
pub(super) fn convolved(weights: &Weights, name: &str, x: &Tensor) -> Result<Tensor> {
    let of = |what: &str| tensor(weights, &format!("{name}.{what}"));
    convolution(x, of("weight")?, of("bias")?)
}

/// The convolution of that name, normalised and rectified.
pub(super) fn normalised(weights: &Weights, name: &str, x: &Tensor) -> Result<Tensor> {
    let x = convolved(weights, name, x)?;
    let of = |what: &str| tensor(weights, &format!("{name}_norm.{what}"));
    group_norm_relu(&x, of("weight")?, of("bias")?, GROUPS)
}

/// Two convolutions, `first` and `second`, each normalised and rectified.
pub(super) fn pair(weights: &Weights, name: &str, x: &Tensor) -> Result<Tensor> {
    let x = normalised(weights, &format!("{name}.first"), x)?;
    normalised(weights, &format!("{name}.second"), &x)
}

/// The linear layer of that name.
pub(super) fn projected(weights: &Weights, name: &str, x: &Tensor) -> Result<Tensor> {
    let of = |what: &str| tensor(weights, &format!("{name}.{what}"));
    linear(x, of("weight")?, of("bias")?)
}

fn tensor<'a>(weights: &'a Weights, name: &str) -> Result<&'a Tensor> {
    match weights.get(name) {
        Some(tensor) => Ok(tensor),
        None => candle_core::bail!("the network lacks \"{name}\""),
    }
}
