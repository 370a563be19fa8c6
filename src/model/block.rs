//! The layers of the network.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use crate::context::CancelToken;
use crate::ops::{self, Affine, BlockStack, BlockWeights};

/// A linear layer with bias.
pub(super) struct Linear(Affine);

impl Linear {
    pub(super) fn new(input: usize, output: usize, vb: VarBuilder) -> Result<Self> {
        Ok(Self(Affine {
            weight: vb.get((output, input), "weight")?,
            bias: vb.get(output, "bias")?,
        }))
    }

    /// The published patch embedding: a convolution with stride = kernel, which is a linear layer
    /// over the pixels of a patch.
    pub(super) fn from_convolution(patch: usize, output: usize, vb: VarBuilder) -> Result<Self> {
        let weight = vb.get((output, 1, patch, patch), "weight")?;
        let weight = weight.reshape((output, patch * patch))?;
        Ok(Self(Affine { weight, bias: vb.get(output, "bias")? }))
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::linear(x, &self.0.weight, &self.0.bias) // (…, in) -> (…, out)
    }
}

/// Layer normalisation over the last axis.
pub(super) struct LayerNorm(Affine);

impl LayerNorm {
    const EPSILON: f64 = 1e-5;

    pub(super) fn new(dim: usize, vb: VarBuilder) -> Result<Self> {
        Ok(Self(Affine { weight: vb.get(dim, "weight")?, bias: vb.get(dim, "bias")? }))
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::layer_norm(x, &self.0.weight, &self.0.bias, Self::EPSILON)
    }
}

/// Blocks one after another: attention and multilayer perceptron, each behind a norm and around a
/// residual.
pub(super) struct Blocks {
    heads: usize,
    stack: BlockStack,
}

impl Blocks {
    pub(super) fn new(
        depth: usize,
        dim: usize,
        heads: usize,
        mlp_ratio: usize,
        vb: VarBuilder,
    ) -> Result<Self> {
        let weights = (0..depth).map(|index| block_weights(dim, dim * mlp_ratio, vb.pp(index)));
        Ok(Self { heads, stack: BlockStack::new(weights.collect::<Result<_>>()?)? })
    }

    pub(super) fn forward(&self, x: &Tensor, cancel: &CancelToken) -> Result<Tensor> {
        ops::blocks(x, &self.stack, self.heads, LayerNorm::EPSILON, cancel) // (N, T, dim)
    }
}

fn block_weights(dim: usize, hidden: usize, vb: VarBuilder) -> Result<BlockWeights> {
    let linear = |input, output, name: &str| Linear::new(input, output, vb.pp(name));
    let norm = |name: &str| LayerNorm::new(dim, vb.pp(name));
    Ok(BlockWeights {
        norm1: norm("norm1")?.0,
        qkv: linear(dim, 3 * dim, "attn.qkv")?.0,
        proj: linear(dim, dim, "attn.proj")?.0,
        norm2: norm("norm2")?.0,
        fc1: linear(dim, hidden, "mlp.fc1")?.0,
        fc2: linear(hidden, dim, "mlp.fc2")?.0,
    })
}
