//! Which patches of a batch are visible and which are hidden.

use candle_core::{Device, Tensor};
use ndarray::Array2;

/// For each image of a batch an order of its patches, the visible ones first. Every image shows
/// the same number of patches, so that their tokens stack into one tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchOrder {
    /// (N, L) patch indices.
    order: Array2<u32>,
    /// Visible patches per image.
    keep: usize,
}

impl PatchOrder {
    /// `order` holds a permutation of 0..L in each row; `keep` ≤ L.
    pub fn new(order: Array2<u32>, keep: usize) -> Self {
        debug_assert!(keep <= order.ncols());
        Self { order, keep }
    }

    /// Images in the batch.
    pub fn batch(&self) -> usize {
        self.order.nrows()
    }

    /// Patches per image.
    pub fn patches(&self) -> usize {
        self.order.ncols()
    }

    /// Visible patches per image.
    pub fn keep(&self) -> usize {
        self.keep
    }

    /// The whole order, (N, L).
    pub fn order(&self) -> &Array2<u32> {
        &self.order
    }

    /// Visible patches of an image, in token order.
    pub fn visible(&self, image: usize) -> impl Iterator<Item = usize> + '_ {
        self.order.row(image).into_iter().take(self.keep).map(|patch| *patch as usize)
    }

    /// Hidden patches of an image.
    pub fn hidden(&self, image: usize) -> impl Iterator<Item = usize> + '_ {
        self.order.row(image).into_iter().skip(self.keep).map(|patch| *patch as usize)
    }

    /// Images `from..to` of the batch.
    pub fn images(&self, from: usize, to: usize) -> Self {
        Self { order: self.order.slice(ndarray::s![from..to, ..]).to_owned(), keep: self.keep }
    }

    /// (N, L): true where hidden.
    pub fn mask(&self) -> Array2<bool> {
        let mut mask = Array2::from_elem(self.order.dim(), true);
        for image in 0..self.batch() {
            for patch in self.visible(image) {
                mask[[image, patch]] = false;
            }
        }
        mask
    }

    /// Visible patches as rows of a (N · L, …) table: (N · keep,) `u32`.
    pub(super) fn visible_rows(&self, device: &Device) -> candle_core::Result<Tensor> {
        let patches = self.patches();
        let rows: Vec<u32> = (0..self.batch())
            .flat_map(|image| {
                self.visible(image).map(move |patch| (image * patches + patch) as u32)
            })
            .collect();
        Tensor::from_vec(rows, self.batch() * self.keep, device)
    }

    /// For each token of the decoder (class token, then patches in image order) its row in the
    /// encoder's output (N · (keep + 1) rows, class token first in each image) followed by one row
    /// for the mask token: (N · (L + 1),) `u32`.
    pub(super) fn decoder_rows(&self, device: &Device) -> candle_core::Result<Tensor> {
        let (batch, tokens, encoded) = (self.batch(), self.patches() + 1, self.keep + 1);
        let mut rows = vec![(batch * encoded) as u32; batch * tokens];
        for image in 0..batch {
            rows[image * tokens] = (image * encoded) as u32;
            for (rank, patch) in self.visible(image).enumerate() {
                rows[image * tokens + 1 + patch] = (image * encoded + 1 + rank) as u32;
            }
        }
        Tensor::from_vec(rows, batch * tokens, device)
    }
}
