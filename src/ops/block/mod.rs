//! Pre-norm transformer blocks: a stack of blocks as one operation.
//!
//! Between single operations candle keeps every activation until the end, and gives every gradient
//! a tensor of zeros and a sum, on one thread. As one operation a block keeps its input, qkv, the
//! mixture of the heads and one float per token and head; everything else is computed again in the
//! backward pass, rows by rows in the cache. That is a sixth of the memory, and the norms,
//! residuals and activations cost hardly any traffic.

mod kernel;
mod parameters;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard};

use candle_core::{CpuStorage, CustomOp2, Device, Layout, Result, Shape, Tensor, bail};

use self::kernel::{Kernel, Saved, Written};
use self::parameters::Sizes;
pub use self::parameters::{Affine, BlockWeights};
use super::{
    InstructionSet,
    attention::{Geometry, attention},
    layer_norm, linear, mlp,
    operand::{floats, fused_on, gradient_of, with_floats},
};
use crate::context::CancelToken;
use crate::error::locked;

/// With y = x + proj(attention(qkv(norm1(x)))): y + fc2(gelu(fc1(norm2(y)))). As [`blocks`] of one.
pub fn block(
    x: &Tensor,
    weights: BlockWeights,
    heads: usize,
    epsilon: f64,
    cancel: &CancelToken,
) -> Result<Tensor> {
    blocks(x, &BlockStack::new(vec![weights])?, heads, epsilon, cancel)
}

/// The weights of blocks of one size, one after another.
///
/// Weights that record no graph are copied on construction into the order in which the kernels
/// take them, and count as they were then; others are as they are when [`blocks`] is called.
pub struct BlockStack {
    weights: Vec<BlockWeights>,
    sizes: Option<Sizes>,
    /// All weights, transposed, if none records a graph.
    frozen: Option<Tensor>,
}

impl BlockStack {
    /// # Errors
    /// If the shapes do not fit together.
    pub fn new(weights: Vec<BlockWeights>) -> Result<Self> {
        let Some(first) = weights.first() else {
            return Ok(Self { weights, sizes: None, frozen: None });
        };
        let sizes = first.sizes()?;
        for other in &weights {
            if other.sizes()? != sizes {
                bail!("blocks: {sizes:?} and {:?} in one stack", other.sizes()?);
            }
        }
        let is_constant = weights
            .iter()
            .flat_map(BlockWeights::tensors)
            .all(|tensor| fused_on(tensor) && !tensor.track_op());
        let frozen = if is_constant {
            let packed = BlockWeights::packed(&weights)?.to_vec1::<f32>()?;
            let mut transposed = vec![0.0; packed.len()];
            let size = packed.len() / weights.len();
            let blocks = packed.chunks_exact(size).zip(transposed.chunks_exact_mut(size));
            blocks.for_each(|(packed, transposed)| sizes.transpose(packed, transposed));
            Some(Tensor::from_vec(transposed, packed.len(), &Device::Cpu)?)
        } else {
            None
        };
        Ok(Self { weights, sizes: Some(sizes), frozen })
    }
}

/// [`block`] after block.
///
/// `x` and the result are (batch, tokens, dim); `epsilon` is that of all norms. Differentiable in
/// `x` and all weights, once: the backward pass frees what it has passed. With gradients wanted,
/// each block keeps its input, qkv, the mixture of the heads and one float per token and head;
/// the backward pass computes norms and hidden activations again.
///
/// # Errors
/// If the shapes do not fit together. If `cancel` is set, from before the operation until the end
/// of its backward pass: the fused kernels stop at their next loop; candle's own operations look
/// before each block of the forward pass only.
pub fn blocks(
    x: &Tensor,
    stack: &BlockStack,
    heads: usize,
    epsilon: f64,
    cancel: &CancelToken,
) -> Result<Tensor> {
    cancel.check()?;
    let (batch, tokens, dim) = x.dims3()?;
    let BlockStack { weights, sizes: Some(sizes), frozen } = stack else { return Ok(x.clone()) };
    if sizes.dim != dim || heads == 0 || dim % heads != 0 {
        bail!("block: x {:?}, a width of {} and {heads} heads do not fit", x.dims(), sizes.dim);
    }
    let all = || std::iter::once(x).chain(weights.iter().flat_map(BlockWeights::tensors));
    if !all().all(fused_on) {
        return weights.iter().try_fold(x.clone(), |x, weights| {
            cancel.check()?;
            composite(&x, weights, heads, epsilon)
        });
    }
    let kernel = Kernel {
        set: InstructionSet::detect(),
        geometry: Geometry { batch, tokens, heads, head_size: dim / heads },
        sizes: *sizes,
        epsilon: epsilon as f32,
        cancel: cancel.clone(),
    };
    let count = weights.len();
    let x = x.contiguous()?;
    match frozen {
        Some(transposed) if !x.track_op() => {
            x.apply_op2(transposed, Blocks { kernel, count, form: Form::Transposed })
        }
        _ => {
            let kept = all().any(Tensor::track_op).then(Mutex::default);
            let packed = BlockWeights::packed(weights)?;
            x.apply_op2(&packed, Blocks { kernel, count, form: Form::Plain { kept } })
        }
    }
}

/// The same from this module's single operations: other devices and types, and the tests' oracle.
fn composite(x: &Tensor, weights: &BlockWeights, heads: usize, epsilon: f64) -> Result<Tensor> {
    let BlockWeights { norm1, qkv, proj, norm2, fc1, fc2 } = weights;
    let normed = layer_norm(x, &norm1.weight, &norm1.bias, epsilon)?;
    let mixed = attention(&linear(&normed, &qkv.weight, &qkv.bias)?, heads)?;
    let x = (x + linear(&mixed, &proj.weight, &proj.bias)?)?;
    let normed = layer_norm(&x, &norm2.weight, &norm2.bias, epsilon)?;
    &x + mlp(&normed, &fc1.weight, &fc1.bias, &fc2.weight, &fc2.bias)?
}

struct Blocks {
    kernel: Kernel,
    count: usize,
    form: Form,
}

/// How the weights come.
enum Form {
    /// Ready for the forward pass; there is no backward pass.
    Transposed,
    /// As they are.
    Plain {
        /// Left by the forward pass for the backward pass, which takes it; none without a graph.
        kept: Option<Mutex<Vec<Kept>>>,
    },
}

/// What the backward pass of one block needs.
struct Kept {
    /// None for the first block's, which candle keeps.
    x: Option<Vec<f32>>,
    saved: Saved,
}

impl Blocks {
    fn kept(&self) -> Option<MutexGuard<'_, Vec<Kept>>> {
        match &self.form {
            Form::Plain { kept: Some(kept) } => Some(locked(kept)),
            _ => None,
        }
    }

    fn forward(&self, x: &[f32], packed: &[f32]) -> Result<Vec<f32>> {
        let keeps = matches!(&self.form, Form::Plain { kept: Some(_) });
        let mut all = Vec::new();
        let mut input: Option<Vec<f32>> = None;
        let mut spare = None;
        for packed in packed.chunks_exact(packed.len() / self.count) {
            let mut to = spare.take().unwrap_or_else(|| self.kernel.room());
            let from = input.as_deref().unwrap_or(x);
            match self.form {
                Form::Transposed => self.kernel.forward_transposed(from, packed, &mut to)?,
                Form::Plain { .. } => self.kernel.forward(from, packed, &mut to)?,
            }
            let Written { out, saved } = to;
            let x = input.replace(out);
            if keeps {
                all.push(Kept { x, saved });
            } else if let Some(out) = x {
                spare = Some(Written { out, saved });
            }
        }
        if let Some(mut kept) = self.kept() {
            *kept = all;
        }
        Ok(input.unwrap_or_else(|| x.to_vec()))
    }

    /// Gradients of `x` and of the packed parameters.
    fn backward(&self, x: &[f32], packed: &[f32], grad: &[f32]) -> Result<(Vec<f32>, Vec<f32>)> {
        let mut all = self.kept().map(|mut kept| std::mem::take(&mut *kept)).unwrap_or_default();
        if all.len() != self.count {
            bail!("block: the backward pass needs a forward pass of its own first");
        }
        let size = packed.len() / self.count;
        let mut grad_x: Option<Vec<f32>> = None;
        let mut grads = vec![0.0; packed.len()];
        for (packed, grads) in packed.chunks_exact(size).zip(grads.chunks_exact_mut(size)).rev() {
            let Some(Kept { x: input, saved }) = all.pop() else { break };
            let (x, grad) = (input.as_deref().unwrap_or(x), grad_x.as_deref().unwrap_or(grad));
            grad_x = Some(self.kernel.backward(x, packed, &saved, grad, grads)?);
        }
        Ok((grad_x.unwrap_or_else(|| grad.to_vec()), grads))
    }
}

impl CustomOp2 for Blocks {
    fn name(&self) -> &'static str {
        "blocks"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        parameters: &CpuStorage,
        parameters_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, parameters) = (floats(x, x_layout)?, floats(parameters, parameters_layout)?);
        Ok((CpuStorage::F32(self.forward(x, parameters)?), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        parameters: &Tensor,
        _result: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (grad_x, grad_parameters) =
            with_floats([x, parameters, grad], |[x, p, grad]| self.backward(x, p, grad))??;
        Ok((gradient_of(x, grad_x)?, gradient_of(parameters, grad_parameters)?))
    }
}
