//! The pre-norm transformer block.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;

use crate::ops;

/// A linear layer with bias.
pub(super) struct Linear {
    weight: Tensor, // (out, in)
    bias: Tensor,   // (out,)
}

impl Linear {
    pub(super) fn new(input: usize, output: usize, vb: VarBuilder) -> Result<Self> {
        Ok(Self { weight: vb.get((output, input), "weight")?, bias: vb.get(output, "bias")? })
    }

    /// The published patch embedding: a convolution with stride = kernel, which is a linear layer
    /// over the pixels of a patch.
    pub(super) fn from_convolution(patch: usize, output: usize, vb: VarBuilder) -> Result<Self> {
        let weight = vb.get((output, 1, patch, patch), "weight")?;
        Ok(Self { weight: weight.reshape((output, patch * patch))?, bias: vb.get(output, "bias")? })
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::linear(x, &self.weight, &self.bias) // (…, in) -> (…, out)
    }
}

/// Layer normalisation over the last axis.
pub(super) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
}

impl LayerNorm {
    const EPSILON: f64 = 1e-5;

    pub(super) fn new(dim: usize, vb: VarBuilder) -> Result<Self> {
        Ok(Self { weight: vb.get(dim, "weight")?, bias: vb.get(dim, "bias")? })
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::layer_norm(x, &self.weight, &self.bias, Self::EPSILON)
    }
}

struct Attention {
    heads: usize,
    qkv: Linear,
    proj: Linear,
}

impl Attention {
    fn new(dim: usize, heads: usize, vb: VarBuilder) -> Result<Self> {
        Ok(Self {
            heads,
            qkv: Linear::new(dim, 3 * dim, vb.pp("qkv"))?,
            proj: Linear::new(dim, dim, vb.pp("proj"))?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let qkv = self.qkv.forward(x)?; // (N, T, 3 · dim)
        let mixed = ops::attention(&qkv, self.heads)?; // (N, T, dim)
        self.proj.forward(&mixed)
    }
}

struct Mlp {
    fc1: Linear,
    fc2: Linear,
}

impl Mlp {
    fn new(dim: usize, hidden: usize, vb: VarBuilder) -> Result<Self> {
        Ok(Self {
            fc1: Linear::new(dim, hidden, vb.pp("fc1"))?,
            fc2: Linear::new(hidden, dim, vb.pp("fc2"))?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (fc1, fc2) = (&self.fc1, &self.fc2);
        ops::mlp(x, &fc1.weight, &fc1.bias, &fc2.weight, &fc2.bias)
    }
}

/// Attention and multilayer perceptron, each behind a norm and around a residual.
pub(super) struct Block {
    norm1: LayerNorm,
    attn: Attention,
    norm2: LayerNorm,
    mlp: Mlp,
}

impl Block {
    pub(super) fn new(dim: usize, heads: usize, mlp_ratio: usize, vb: VarBuilder) -> Result<Self> {
        Ok(Self {
            norm1: LayerNorm::new(dim, vb.pp("norm1"))?,
            attn: Attention::new(dim, heads, vb.pp("attn"))?,
            norm2: LayerNorm::new(dim, vb.pp("norm2"))?,
            mlp: Mlp::new(dim, dim * mlp_ratio, vb.pp("mlp"))?,
        })
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = (x + self.attn.forward(&self.norm1.forward(x)?)?)?; // (N, T, dim)
        &x + self.mlp.forward(&self.norm2.forward(&x)?)?
    }
}
