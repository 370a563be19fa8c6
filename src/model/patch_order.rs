//! Which patches of a batch are visible and which are hidden.

use candle_core::{Device, Result, Tensor};
use ndarray::{Array2, ArrayView1, ArrayView2};

/// For each image of a batch an order of its patches, the visible ones first. Every image shows
/// the same number of patches, so that their tokens stack into one tensor. Patches that are not in
/// the order take no part: the network neither sees nor draws them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchOrder {
    /// (N, tokens) patch indices; tokens ≤ L.
    order: Array2<u32>,
    /// Visible patches per image.
    keep: usize,
    /// Patches of an image: L.
    patches: usize,
}

impl PatchOrder {
    /// `order` holds a permutation of 0..L in each row; `keep` ≤ L.
    pub fn new(order: Array2<u32>, keep: usize) -> Self {
        debug_assert!(keep <= order.ncols());
        let patches = order.ncols();
        Self { order, keep, patches }
    }

    /// An order of `patches` patches of which only those in `order` take part; `None` if that cannot be.
    pub(crate) fn of_some(order: Array2<u32>, keep: usize, patches: usize) -> Option<Self> {
        let fits = keep <= order.ncols()
            && order.ncols() <= patches
            && order.iter().all(|patch| (*patch as usize) < patches);
        fits.then_some(Self { order, keep, patches })
    }

    /// The same order without the visible patches farthest from the region, so that `context`
    /// patches per image take part: the hidden ones and the nearest, of equally near ones the
    /// first. More take part where a region needs more; 0 keeps all. `region`: pixels of the
    /// region per patch, (N, L), or (1, L) for all images alike.
    pub fn near(self, region: ArrayView2<u32>, context: usize) -> Self {
        let inside = |counts: ArrayView1<u32>| counts.iter().filter(|pixels| **pixels > 0).count();
        let most_inside = region.rows().into_iter().map(inside).max().unwrap_or(0);
        let hidden = self.tokens() - self.keep;
        let tokens = context.max(most_inside).max(hidden + 1).min(self.tokens());
        let dropped = self.tokens() - tokens;
        if context == 0 || dropped == 0 {
            return self;
        }
        let distances: Vec<Vec<usize>> = region.rows().into_iter().map(distances).collect();
        let mut order = Array2::zeros((self.batch(), tokens));
        for (image, mut row) in order.rows_mut().into_iter().enumerate() {
            let distance = &distances[image.min(distances.len() - 1)];
            let mut visible: Vec<usize> = self.visible(image).collect();
            visible.sort_by_key(|patch| (distance[*patch], *patch));
            let mut far = vec![false; self.patches];
            visible.iter().rev().take(dropped).for_each(|patch| far[*patch] = true);
            let near = self.order.row(image).into_iter().filter(|patch| !far[**patch as usize]);
            row.iter_mut().zip(near).for_each(|(place, patch)| *place = *patch);
        }
        Self { order, keep: self.keep - dropped, patches: self.patches }
    }

    /// Images in the batch.
    pub fn batch(&self) -> usize {
        self.order.nrows()
    }

    /// Patches per image: L.
    pub fn patches(&self) -> usize {
        self.patches
    }

    /// Patches per image that take part.
    pub fn tokens(&self) -> usize {
        self.order.ncols()
    }

    /// Hidden patches of all images together.
    pub fn hidden_patches(&self) -> usize {
        self.batch() * (self.tokens() - self.keep)
    }

    /// Visible patches per image.
    pub fn keep(&self) -> usize {
        self.keep
    }

    /// The whole order, (N, tokens).
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
        Self { order: self.order.slice(ndarray::s![from..to, ..]).to_owned(), ..*self }
    }

    /// (N, L): true where hidden.
    pub fn mask(&self) -> Array2<bool> {
        let mut mask = Array2::from_elem((self.batch(), self.patches), false);
        for image in 0..self.batch() {
            for patch in self.hidden(image) {
                mask[[image, patch]] = true;
            }
        }
        mask
    }

    /// Visible patches as rows of a (N · L, …) table: (N · keep,) `u32`.
    pub(super) fn visible_rows(&self, device: &Device) -> Result<Tensor> {
        let rows: Vec<u32> = (0..self.batch())
            .flat_map(|image| {
                self.visible(image).map(move |patch| (image * self.patches + patch) as u32)
            })
            .collect();
        Tensor::from_vec(rows, self.batch() * self.keep, device)
    }

    /// For each token of the decoder (class token, then the patches that take part, in image
    /// order) its row in the encoder's output (N · (keep + 1) rows, class token first in each
    /// image) followed by one row for the mask token: (N · (tokens + 1),) `u32`.
    pub(super) fn decoder_rows(&self, device: &Device) -> Result<Tensor> {
        let (batch, tokens, encoded) = (self.batch(), self.tokens() + 1, self.keep + 1);
        let mask_token = (batch * encoded) as u32;
        let mut rows = Vec::with_capacity(batch * tokens);
        for image in 0..batch {
            let class = image * encoded;
            let mut row_of = vec![None; self.patches];
            self.hidden(image).for_each(|patch| row_of[patch] = Some(mask_token));
            for (rank, patch) in self.visible(image).enumerate() {
                row_of[patch] = Some((class + 1 + rank) as u32);
            }
            rows.push(class as u32);
            rows.extend(row_of.into_iter().flatten());
        }
        Tensor::from_vec(rows, batch * tokens, device)
    }

    /// The places of the decoder's tokens in a (L + 1, …) table of positions, class token first:
    /// (N · (tokens + 1),) `u32`. `None` if every patch takes part: all of them, in image order.
    pub(super) fn decoder_places(&self, device: &Device) -> Result<Option<Tensor>> {
        if self.tokens() == self.patches {
            return Ok(None);
        }
        let mut places = Vec::with_capacity(self.batch() * (self.tokens() + 1));
        for image in 0..self.batch() {
            places.push(0);
            places.extend(self.taking_part(image).into_iter().map(|patch| patch + 1));
        }
        let count = places.len();
        Tensor::from_vec(places, count, device).map(Some)
    }

    /// For each patch of each image its row in a table of the patches that take part (N · tokens
    /// rows, in image order), or the row after the last: (N · L,) `u32`. `None` if every patch
    /// takes part.
    pub(super) fn predicted_rows(&self, device: &Device) -> Result<Option<Tensor>> {
        let (batch, tokens) = (self.batch(), self.tokens());
        if tokens == self.patches {
            return Ok(None);
        }
        let mut rows = vec![(batch * tokens) as u32; batch * self.patches];
        for image in 0..batch {
            for (rank, patch) in self.taking_part(image).into_iter().enumerate() {
                rows[image * self.patches + patch as usize] = (image * tokens + rank) as u32;
            }
        }
        Tensor::from_vec(rows, batch * self.patches, device).map(Some)
    }

    /// The patches of an image that take part, in image order.
    fn taking_part(&self, image: usize) -> Vec<u32> {
        let mut patches = self.order.row(image).to_vec();
        patches.sort_unstable();
        patches
    }
}

/// Squared distance of each patch from the nearest one of the region; 0 without a region.
fn distances(region: ArrayView1<u32>) -> Vec<usize> {
    let grid = region.len().isqrt().max(1);
    let place = |patch: usize| (patch / grid, patch % grid);
    let inside: Vec<_> = (0..region.len()).filter(|p| region[*p] > 0).map(place).collect();
    let nearest = |(row, column): (usize, usize)| {
        let squared = |(r, c): &(usize, usize)| r.abs_diff(row).pow(2) + c.abs_diff(column).pow(2);
        inside.iter().map(squared).min().unwrap_or(0)
    };
    (0..region.len()).map(place).map(nearest).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::arr2;

    use super::*;

    #[test]
    fn only_the_region_and_what_is_nearest_to_it_take_part() {
        // A grid of 3 × 3 whose middle is the region, and one whose last row is.
        let region = arr2(&[[0, 0, 0, 0, 5, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 5, 5, 5]]);
        let order = arr2(&[[8, 7, 6, 5, 3, 2, 1, 0, 4], [0, 1, 2, 3, 4, 5, 8, 6, 7]]);
        let order = PatchOrder::new(order, 7);
        assert_eq!(order.clone().near(region.view(), 0), order);
        let near = order.near(region.view(), 5);
        assert_eq!((near.tokens(), near.keep(), near.patches()), (5, 3, 9));
        assert_eq!(near.visible(0).collect::<Vec<_>>(), [5, 3, 1]);
        assert_eq!(near.hidden(0).collect::<Vec<_>>(), [0, 4]);
        assert_eq!(near.visible(1).collect::<Vec<_>>(), [3, 4, 8]);
        assert_eq!(near.hidden(1).collect::<Vec<_>>(), [6, 7]);
        assert_eq!(near.hidden_patches(), 4);
        assert_eq!(near.mask().iter().filter(|hidden| **hidden).count(), 4);
    }
}
