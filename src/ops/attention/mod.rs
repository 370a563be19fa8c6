//! Multi-head attention on packed queries, keys and values.

mod backward;
mod forward;
mod geometry;
mod narrow_heads;
mod packing;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp1, D, Layout, Result, Shape, Tensor, bail};

pub(super) use self::{
    backward::{Saved, backward},
    forward::forward,
    geometry::Geometry,
};
use super::{
    InstructionSet,
    operand::{floats, fused_on, gradient_of, with_floats},
};

/// Multi-head attention, softmax(q kᵀ / √head_size) v, each head on its own.
///
/// `qkv` is (batch, tokens, 3 · dim): queries, keys, values, each heads × head_size. The result is
/// (batch, tokens, dim). One input and no permutation: the kernel reads each head's columns where
/// they are. Differentiable; keeps one float per token and head for the backward pass.
///
/// # Errors
/// If `qkv` is not of rank 3 or its last dimension is not a multiple of 3 · `heads`.
pub fn attention(qkv: &Tensor, heads: usize) -> Result<Tensor> {
    let (batch, tokens, width) = qkv.dims3()?;
    if heads == 0 || width == 0 || width % (3 * heads) != 0 {
        bail!("attention: a last dimension of {width} does not hold q, k and v of {heads} heads");
    }
    let geometry = Geometry { batch, tokens, heads, head_size: width / (3 * heads) };
    if fused_on(qkv) {
        qkv.contiguous()?.apply_op1(Attention {
            set: InstructionSet::detect(),
            geometry,
            log_sum: OnceLock::new(),
        })
    } else {
        composite(qkv, geometry)
    }
}

/// The same from candle's own operations: other devices and types, and the tests' oracle.
fn composite(qkv: &Tensor, geometry: Geometry) -> Result<Tensor> {
    let Geometry { batch, tokens, heads, head_size } = geometry;
    // (3, batch, heads, tokens, head_size)
    let qkv = qkv
        .reshape((batch, tokens, 3, heads, head_size))?
        .permute((2, 0, 3, 1, 4))?
        .contiguous()?;
    let (q, k, v) = (qkv.get(0)?, qkv.get(1)?, qkv.get(2)?);
    let logits = (q.matmul(&k.transpose(2, 3)?)? * (1.0 / (head_size as f64).sqrt()))?;
    let probability = candle_nn::ops::softmax(&logits, D::Minus1)?;
    probability.matmul(&v)?.transpose(1, 2)?.contiguous()?.reshape((
        batch,
        tokens,
        heads * head_size,
    ))
}

struct Attention {
    set: InstructionSet,
    geometry: Geometry,
    /// Base-2 logarithm of each softmax denominator, left by the forward pass for the backward
    /// pass. Lives and dies with the graph: without one, candle drops the operation at once.
    log_sum: OnceLock<Vec<f32>>,
}

impl CustomOp1 for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let Geometry { batch, tokens, heads, .. } = self.geometry;
        let mut out = vec![0.0; batch * tokens * self.geometry.dim()];
        let mut log_sum = vec![0.0; batch * heads * tokens];
        let qkv = floats(storage, layout)?;
        forward(self.set, self.geometry, qkv, &mut out, &mut log_sum);
        // A second run of the same operation would leave the same numbers.
        let _ = self.log_sum.set(log_sum);
        Ok((CpuStorage::F32(out), (batch, tokens, self.geometry.dim()).into()))
    }

    fn bwd(&self, qkv: &Tensor, out: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let Some(log_sum) = self.log_sum.get() else {
            bail!("attention: the backward pass needs the forward pass first");
        };
        let mut grad_qkv = vec![0.0; qkv.elem_count()];
        with_floats([qkv, out, grad], |[qkv, out, grad]| {
            let saved = Saved { qkv, out, log_sum, grad };
            backward(self.set, self.geometry, saved, &mut grad_qkv);
        })?;
        gradient_of(qkv, grad_qkv)
    }
}
