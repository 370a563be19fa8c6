//! The twelve tensors of a block, and the one tensor that packs them.

use candle_core::{Result, Tensor, bail};

#[cfg(doc)]
use crate::ops::linear::forward_rows;
use crate::ops::linear::transpose;

/// Weight and bias of a linear layer, (out, in) and (out), or of a norm, (dim) and (dim).
pub struct Affine {
    pub weight: Tensor,
    pub bias: Tensor,
}

/// The layers of a transformer block of width dim.
pub struct BlockWeights {
    /// (dim)
    pub norm1: Affine,
    /// (3 · dim, dim): queries, keys, values, each heads × head_size.
    pub qkv: Affine,
    /// (dim, dim)
    pub proj: Affine,
    /// (dim)
    pub norm2: Affine,
    /// (hidden, dim)
    pub fc1: Affine,
    /// (dim, hidden)
    pub fc2: Affine,
}

impl BlockWeights {
    /// Shapes of the tensors of a block of this width, in the order in which they are packed:
    /// norm1, qkv, proj, norm2, fc1, fc2, of each the weight and then the bias.
    pub fn shapes(dim: usize, hidden: usize) -> [Vec<usize>; 12] {
        [
            vec![dim],
            vec![dim],
            vec![3 * dim, dim],
            vec![3 * dim],
            vec![dim, dim],
            vec![dim],
            vec![dim],
            vec![dim],
            vec![hidden, dim],
            vec![hidden],
            vec![dim, hidden],
            vec![dim],
        ]
    }

    /// The tensors in the order in which they are packed.
    pub(super) fn tensors(&self) -> [&Tensor; 12] {
        let Self { norm1, qkv, proj, norm2, fc1, fc2 } = self;
        let mut tensors = [&norm1.weight; 12];
        for (pair, Affine { weight, bias }) in
            tensors.chunks_exact_mut(2).zip([norm1, qkv, proj, norm2, fc1, fc2])
        {
            pair.copy_from_slice(&[weight, bias]);
        }
        tensors
    }

    /// Width and hidden width, if all shapes agree on them.
    pub(super) fn sizes(&self) -> Result<Sizes> {
        let (hidden, dim) = self.fc1.weight.dims2()?;
        for (tensor, shape) in self.tensors().into_iter().zip(Self::shapes(dim, hidden)) {
            if tensor.dims() != shape || tensor.elem_count() == 0 {
                bail!("block: a weight has shape {:?}, not {shape:?}", tensor.dims());
            }
        }
        Ok(Sizes { dim, hidden })
    }

    /// All tensors of all blocks one after another. A custom operation takes at most three; candle
    /// hands the gradient of this one back to them. They are small beside the activations.
    pub(super) fn packed(blocks: &[Self]) -> Result<Tensor> {
        let flat = blocks.iter().flat_map(Self::tensors).map(Tensor::flatten_all);
        Tensor::cat(&flat.collect::<Result<Vec<_>>>()?, 0)
    }
}

/// Widths of tokens and of the hidden layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub dim: usize,
    pub hidden: usize,
}

/// The packed tensors as slices `S`. A norm's weight and bias stay in one slice.
pub(super) struct BlockParameters<S> {
    pub norm1: S,
    pub qkv: Layer<S>,
    pub proj: Layer<S>,
    pub norm2: S,
    pub fc1: Layer<S>,
    pub fc2: Layer<S>,
}

pub(super) struct Layer<S> {
    pub weight: S,
    pub bias: S,
}

impl Sizes {
    pub fn split(self, mut packed: &[f32]) -> BlockParameters<&[f32]> {
        self.split_with(|length| packed.split_off(..length).unwrap_or_default())
    }

    pub fn split_mut(self, mut packed: &mut [f32]) -> BlockParameters<&mut [f32]> {
        self.split_with(|length| packed.split_off_mut(..length).unwrap_or_default())
    }

    /// The same parameters with all weights transposed, as [`forward_rows`] takes them.
    pub fn transpose(self, packed: &[f32], transposed: &mut [f32]) {
        let Self { dim, hidden } = self;
        let (from, to) = (self.split(packed), self.split_mut(transposed));
        to.norm1.copy_from_slice(from.norm1);
        to.norm2.copy_from_slice(from.norm2);
        let layers = [
            (from.qkv, to.qkv, dim),
            (from.proj, to.proj, dim),
            (from.fc1, to.fc1, dim),
            (from.fc2, to.fc2, hidden),
        ];
        for (from, to, inputs) in layers {
            transpose(from.weight, inputs, to.weight);
            to.bias.copy_from_slice(from.bias);
        }
    }

    /// Takes slices off the packed tensors in their order.
    fn split_with<S>(self, mut take: impl FnMut(usize) -> S) -> BlockParameters<S> {
        let Self { dim, hidden } = self;
        BlockParameters {
            norm1: take(2 * dim),
            qkv: Layer { weight: take(3 * dim * dim), bias: take(3 * dim) },
            proj: Layer { weight: take(dim * dim), bias: take(dim) },
            norm2: take(2 * dim),
            fc1: Layer { weight: take(hidden * dim), bias: take(hidden) },
            fc2: Layer { weight: take(dim * hidden), bias: take(dim) },
        }
    }
}
