//! Forward and backward pass on plain slices.
//!
//! # Blocking
//! - Attention needs all tokens of an image; everything before and after it works row by row.
//!   Each pass is therefore three parallel loops: rows, attention, rows.
//! - Row loops work on [`ROWS`] tokens at a time, whose norms and hidden activations (two of
//!   256 KiB at the published width) stay in the second-level cache from the norm to the residual.
//! - In the backward pass a **task** is several such groups with parameter gradients of its own,
//!   which are added in the order of the tasks: about [`TASKS`] of them, so that threads stay
//!   evenly loaded on small batches and the partial gradients stay few on large ones.

use candle_core::Result;
use rayon::prelude::*;

use super::parameters::{BlockParameters, Sizes};
use crate::context::CancelToken;
use crate::ops::{
    InstructionSet,
    attention::{self, Geometry},
    gelu::{gelu_gradient, gelu_slice},
    layer_norm::{normalise, normalise_gradient},
    linear::{
        add_forward_rows, add_parameter_gradients, differentiate_in_place, forward_rows,
        input_gradient,
    },
    reduction::add_in_order,
    scratch::{with_scratch, with_shared_scratch, zeros},
};

/// Tokens whose hidden activations exist at once.
const ROWS: usize = 128;
/// Backward tasks wanted of a small batch.
const TASKS: usize = 16;
/// Most tokens of a backward task.
const LARGEST_TASK: usize = 4 * ROWS;

/// What a block does, apart from its weights.
pub(super) struct Kernel {
    pub set: InstructionSet,
    pub geometry: Geometry,
    pub sizes: Sizes,
    pub epsilon: f32,
    /// Looked at between the loops, which take a tenth of a second at the published size.
    pub cancel: CancelToken,
}

/// What the forward pass leaves for the backward pass.
pub(super) struct Saved {
    /// (batch, tokens, 3 · dim). Computing it anew instead would save a third of the memory of
    /// training and take 3 % of the time.
    qkv: Vec<f32>,
    /// The heads' results before the projection, (batch, tokens, dim).
    mixed: Vec<f32>,
    /// Base-2 logarithm of each softmax denominator, (batch, heads, tokens).
    log_sum: Vec<f32>,
}

/// Where the forward pass writes; old contents do not matter. Without gradients one is enough for
/// all blocks: clearing fresh memory for each took 4 % of the samples of
/// `perf record u2ad bench image`.
pub(super) struct Written {
    /// The result, (batch, tokens, dim).
    pub out: Vec<f32>,
    pub saved: Saved,
}

impl Kernel {
    /// Memory for [`Self::forward`].
    pub fn room(&self) -> Written {
        let Geometry { batch, tokens, heads, .. } = self.geometry;
        let narrow = batch * tokens * self.sizes.dim;
        let log_sum = vec![0.0; batch * heads * tokens];
        let saved = Saved { qkv: zeros(3 * narrow), mixed: zeros(narrow), log_sum };
        Written { out: zeros(narrow), saved }
    }

    /// The result, of the shape of `x`, and what the backward pass needs.
    ///
    /// # Errors
    /// If the token is set.
    pub fn forward(&self, x: &[f32], packed: &[f32], to: &mut Written) -> Result<()> {
        with_shared_scratch([packed.len()], |[transposed]| {
            self.sizes.transpose(packed, transposed);
            self.forward_transposed(x, transposed, to)
        })
    }

    /// [`Self::forward`] from packed parameters with transposed weights.
    pub fn forward_transposed(&self, x: &[f32], packed: &[f32], to: &mut Written) -> Result<()> {
        let Sizes { dim, hidden } = self.sizes;
        let BlockParameters { norm1, qkv: layer, proj, norm2, fc1, fc2 } = self.sizes.split(packed);
        let Written { out, saved: Saved { qkv, mixed, log_sum } } = to;
        let rows = qkv.par_chunks_mut(ROWS * 3 * dim).zip(x.par_chunks(ROWS * dim));
        rows.for_each(|(qkv, x)| {
            with_scratch([x.len()], |[normed]| {
                self.norm_rows(norm1, x, normed);
                forward_rows(normed, layer.weight, layer.bias, qkv);
            });
        });
        self.cancel.check()?;
        attention::forward(self.set, self.geometry, qkv, mixed, log_sum);
        self.cancel.check()?;
        let rows = out.par_chunks_mut(ROWS * dim).zip(x.par_chunks(ROWS * dim));
        rows.zip(mixed.par_chunks(ROWS * dim)).for_each(|((out, x), mixed)| {
            out.copy_from_slice(x);
            let wide = out.len() / dim * hidden;
            with_scratch([out.len(), wide, wide], |[normed, before, after]| {
                add_forward_rows(mixed, proj.weight, proj.bias, out);
                self.norm_rows(norm2, out, normed);
                forward_rows(normed, fc1.weight, fc1.bias, before);
                gelu_slice(self.set, before, after);
                add_forward_rows(after, fc2.weight, fc2.bias, out);
            });
        });
        Ok(())
    }

    /// The gradient of `x`; that of the packed parameters goes to `grad_packed`.
    ///
    /// # Errors
    /// If the token is set.
    pub fn backward(
        &self,
        x: &[f32],
        packed: &[f32],
        saved: &Saved,
        grad: &[f32],
        grad_packed: &mut [f32],
    ) -> Result<Vec<f32>> {
        self.cancel.check()?;
        let task = self.task(x.len() / self.sizes.dim) * self.sizes.dim;
        let partials = x.len().div_ceil(task) * packed.len();
        let sizes = [packed.len(), partials, 3 * x.len(), x.len()];
        let mut grad_x = zeros(x.len());
        with_shared_scratch(sizes, |[transposed, partials, grad_qkv, grad_mixed]| {
            self.sizes.transpose(packed, transposed);
            let work = BackwardWork { transposed, partials: &mut *partials, grad_qkv, grad_mixed };
            self.backward_with(x, packed, saved, grad, work, &mut grad_x)?;
            add_in_order(partials, grad_packed);
            Result::Ok(())
        })?;
        Ok(grad_x)
    }

    /// Rows of a backward task.
    fn task(&self, rows: usize) -> usize {
        rows.div_ceil(TASKS).next_multiple_of(ROWS).clamp(ROWS, LARGEST_TASK)
    }

    /// [`Self::backward`] up to the partial gradients of the parameters.
    fn backward_with(
        &self,
        x: &[f32],
        packed: &[f32],
        saved: &Saved,
        grad: &[f32],
        BackwardWork { transposed, partials, grad_qkv, grad_mixed }: BackwardWork<'_>,
        grad_x: &mut [f32],
    ) -> Result<()> {
        let dim = self.sizes.dim;
        let (parameters, transposed) = (self.sizes.split(packed), self.sizes.split(transposed));
        let task = self.task(x.len() / dim) * dim;
        grad_x
            .par_chunks_mut(task)
            .zip(grad_mixed.par_chunks_mut(task))
            .zip(x.par_chunks(task).zip(saved.mixed.par_chunks(task)).zip(grad.par_chunks(task)))
            .zip(partials.par_chunks_mut(packed.len()))
            .for_each(|(((grad_x, grad_mixed), ((x, mixed), grad)), partial)| {
                partial.fill(0.0);
                let mut sums = self.sizes.split_mut(partial);
                let group = ROWS * dim;
                let targets = grad_x.chunks_mut(group).zip(grad_mixed.chunks_mut(group));
                let sources = x.chunks(group).zip(mixed.chunks(group)).zip(grad.chunks(group));
                for ((grad_x, grad_mixed), ((x, mixed), grad)) in targets.zip(sources) {
                    let read = After { x, mixed, grad };
                    let write = BeforeAttention { residual: grad_x, mixed: grad_mixed };
                    self.differentiate_after(&parameters, &transposed, read, write, &mut sums);
                }
            });
        self.cancel.check()?;
        let Saved { qkv, mixed, log_sum } = saved;
        let read = attention::Saved { qkv, out: mixed, log_sum, grad: grad_mixed };
        attention::backward(self.set, self.geometry, read, grad_qkv);
        self.cancel.check()?;
        grad_x
            .par_chunks_mut(task)
            .zip(x.par_chunks(task).zip(grad_qkv.par_chunks(3 * task)))
            .zip(partials.par_chunks_mut(packed.len()))
            .for_each(|((grad_x, (x, grad_qkv)), partial)| {
                let mut sums = self.sizes.split_mut(partial);
                let group = ROWS * dim;
                let rows = grad_x.chunks_mut(group).zip(x.chunks(group));
                for ((grad_x, x), grad_qkv) in rows.zip(grad_qkv.chunks(3 * group)) {
                    self.differentiate_before(&parameters, x, grad_qkv, grad_x, &mut sums);
                }
            });
        Ok(())
    }

    fn norm_rows(&self, norm: &[f32], x: &[f32], normed: &mut [f32]) {
        let (weight, bias) = norm.split_at(self.sizes.dim);
        normalise(self.set, x, weight, bias, self.epsilon, normed);
    }

    /// Back from a group of rows of the result to the attention.
    fn differentiate_after(
        &self,
        parameters: &BlockParameters<&[f32]>,
        transposed: &BlockParameters<&[f32]>,
        After { x, mixed, grad }: After<'_>,
        to: BeforeAttention<'_>,
        sums: &mut BlockParameters<&mut [f32]>,
    ) {
        let Sizes { dim, hidden } = self.sizes;
        let BlockParameters { proj, norm2, fc1, fc2, .. } = parameters;
        let (narrow, wide) = (x.len(), x.len() / dim * hidden);
        with_scratch([narrow, narrow, wide, wide], |[residual, normed, before, after]| {
            residual.copy_from_slice(x);
            add_forward_rows(mixed, transposed.proj.weight, proj.bias, residual);
            self.norm_rows(norm2, residual, normed);
            forward_rows(normed, transposed.fc1.weight, fc1.bias, before);
            gelu_slice(self.set, before, after);

            // From here on `after` and `normed` hold their own gradients.
            differentiate_in_place(after, fc2.weight, grad, sums.fc2.weight, sums.fc2.bias);
            gelu_gradient(self.set, before, after);
            differentiate_in_place(normed, fc1.weight, after, sums.fc1.weight, sums.fc1.bias);
            let (weight, epsilon) = (&norm2[..dim], self.epsilon);
            normalise_gradient(
                self.set,
                residual,
                weight,
                normed,
                epsilon,
                to.residual,
                sums.norm2,
            );
            add(grad, to.residual);
            add_parameter_gradients(mixed, to.residual, sums.proj.weight, sums.proj.bias);
            input_gradient(proj.weight, to.residual, dim, to.mixed);
        });
    }

    /// Back from the attention to a group of rows of `x`: adds to `grad_x`, which holds what came
    /// past the attention.
    fn differentiate_before(
        &self,
        BlockParameters { norm1, qkv, .. }: &BlockParameters<&[f32]>,
        x: &[f32],
        grad_qkv: &[f32],
        grad_x: &mut [f32],
        sums: &mut BlockParameters<&mut [f32]>,
    ) {
        let dim = self.sizes.dim;
        with_scratch([x.len(), x.len()], |[normed, through]| {
            self.norm_rows(norm1, x, normed);
            // From here on `normed` holds its own gradient.
            differentiate_in_place(normed, qkv.weight, grad_qkv, sums.qkv.weight, sums.qkv.bias);
            let (weight, epsilon) = (&norm1[..dim], self.epsilon);
            normalise_gradient(self.set, x, weight, normed, epsilon, through, sums.norm1);
            add(through, grad_x);
        });
    }
}

/// Memory that the backward pass shares between its loops.
struct BackwardWork<'a> {
    /// The packed parameters with transposed weights.
    transposed: &'a [f32],
    /// Per task the gradient of the packed parameters.
    partials: &'a mut [f32],
    grad_qkv: &'a mut [f32],
    /// Gradient of the mixture of the heads.
    grad_mixed: &'a mut [f32],
}

/// A group of rows where the backward pass begins.
#[derive(Clone, Copy)]
struct After<'a> {
    x: &'a [f32],
    mixed: &'a [f32],
    /// Gradient of the result.
    grad: &'a [f32],
}

/// What the attention's backward pass starts from, for a group of rows.
struct BeforeAttention<'a> {
    /// Gradient of the sum of `x` and the projected mixture.
    residual: &'a mut [f32],
    /// Gradient of the mixture.
    mixed: &'a mut [f32],
}

/// to += from.
fn add(from: &[f32], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}
