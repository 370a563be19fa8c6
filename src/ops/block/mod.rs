//! A whole pre-norm transformer block as one operation.
//!
//! Between single operations candle keeps every activation, and gives every gradient a tensor of
//! zeros and a sum. As one operation a block keeps its input, qkv, the mixture of the heads and one
//! float per token and head; everything else is computed anew in the backward pass, rows by rows
//! in the cache. That is a sixth of the memory, and the norms, residuals and activations cost
//! hardly any traffic.

mod kernel;
mod parameters;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

use self::kernel::{Kernel, Saved};
pub use self::parameters::{Affine, BlockWeights};
use super::{
    InstructionSet,
    attention::{Geometry, attention},
    layer_norm, linear, mlp,
    operand::{floats, fused_on, with_floats},
};
use crate::context::CancelToken;

/// With y = x + proj(attention(qkv(norm1(x)))): y + fc2(gelu(fc1(norm2(y)))).
///
/// `x` and the result are (batch, tokens, dim); `epsilon` is that of both norms. Differentiable in
/// `x` and all weights. Keeps qkv, the mixture of the heads and one float per token and head for the
/// backward pass, which computes norms and hidden activations anew.
///
/// # Errors
/// If the shapes do not fit together. If `cancel` is set, from before the operation until the end
/// of its backward pass: the fused kernels stop at their next loop; candle's own operations look
/// before the forward pass only.
pub fn block(
    x: &Tensor,
    weights: &BlockWeights,
    heads: usize,
    epsilon: f64,
    cancel: &CancelToken,
) -> Result<Tensor> {
    cancel.check()?;
    let (batch, tokens, dim) = x.dims3()?;
    let sizes = weights.sizes()?;
    if sizes.dim != dim || heads == 0 || dim % heads != 0 {
        bail!("block: x {:?}, a width of {} and {heads} heads do not fit", x.dims(), sizes.dim);
    }
    if !(fused_on(x) && weights.tensors().into_iter().all(fused_on)) {
        return composite(x, weights, heads, epsilon);
    }
    let kernel = Kernel {
        set: InstructionSet::detect(),
        geometry: Geometry { batch, tokens, heads, head_size: dim / heads },
        sizes,
        epsilon: epsilon as f32,
        cancel: cancel.clone(),
    };
    x.contiguous()?.apply_op2(&weights.packed()?, Block { kernel, saved: OnceLock::new() })
}

/// The same from this room's single operations: other devices and types, and the tests' oracle.
fn composite(x: &Tensor, weights: &BlockWeights, heads: usize, epsilon: f64) -> Result<Tensor> {
    let BlockWeights { norm1, qkv, proj, norm2, fc1, fc2 } = weights;
    let normed = layer_norm(x, &norm1.weight, &norm1.bias, epsilon)?;
    let mixed = attention(&linear(&normed, &qkv.weight, &qkv.bias)?, heads)?;
    let x = (x + linear(&mixed, &proj.weight, &proj.bias)?)?;
    let normed = layer_norm(&x, &norm2.weight, &norm2.bias, epsilon)?;
    &x + mlp(&normed, &fc1.weight, &fc1.bias, &fc2.weight, &fc2.bias)?
}

struct Block {
    kernel: Kernel,
    /// Left by the forward pass for the backward pass. Lives and dies with the graph: without
    /// one, candle drops the operation at once.
    saved: OnceLock<Saved>,
}

impl CustomOp2 for Block {
    fn name(&self) -> &'static str {
        "block"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        parameters: &CpuStorage,
        parameters_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, parameters) = (floats(x, x_layout)?, floats(parameters, parameters_layout)?);
        let (out, saved) = self.kernel.forward(x, parameters)?;
        // A second run of the same operation would leave the same numbers.
        let _ = self.saved.set(saved);
        Ok((CpuStorage::F32(out), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        parameters: &Tensor,
        _result: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let Some(saved) = self.saved.get() else {
            bail!("block: the backward pass needs the forward pass first");
        };
        let (grad_x, grad_parameters) = with_floats([x, parameters, grad], |[x, p, grad]| {
            self.kernel.backward(x, p, saved, grad)
        })??;
        Ok((
            Some(Tensor::from_vec(grad_x, x.shape(), x.device())?),
            Some(Tensor::from_vec(grad_parameters, parameters.shape(), x.device())?),
        ))
    }
}
