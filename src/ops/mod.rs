//! Tensor operations of the network, each with forward and backward. The model knows one call
//! per operation; what runs underneath is this room's business.

use candle_core::{D, Result, Tensor};

pub fn linear(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    x.broadcast_matmul(&weight.t()?)?.broadcast_add(bias)
}

pub fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
    let normed = centred.broadcast_div(&(variance + eps)?.sqrt()?)?;
    normed.broadcast_mul(weight)?.broadcast_add(bias)
}

pub fn attention(qkv: &Tensor, heads: usize) -> Result<Tensor> {
    let (n, t, c) = qkv.dims3()?;
    let dim = c / 3;
    let size = dim / heads;
    let part = |i: usize| {
        qkv.narrow(2, i * dim, dim)?.reshape((n, t, heads, size))?.transpose(1, 2)?.contiguous()
    };
    let (q, k, v) = (part(0)?, part(1)?, part(2)?);
    let scores = (q.matmul(&k.t()?)? * (size as f64).powf(-0.5))?;
    let p = candle_nn::ops::softmax(&scores, D::Minus1)?;
    p.matmul(&v)?.transpose(1, 2)?.reshape((n, t, dim))
}

pub fn gelu(x: &Tensor) -> Result<Tensor> {
    x.gelu_erf()
}
