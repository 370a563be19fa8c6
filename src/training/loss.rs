//! The loss of a batch (paper section 3.1): squared error on hidden patches.

use candle_core::{Device, Tensor};
use ndarray::{Array2, Array3, ArrayView2, ArrayView3, Axis, s};
use rayon::prelude::*;

use crate::cohort::Slice;
use crate::model::{PatchOrder, Prediction, patchify};
use crate::ops::squared_error;

/// Weight of the reconstruction in the total loss.
const RECONSTRUCTION_WEIGHT: f64 = 10.0;

/// The three losses of a batch or micro-batch, each a scalar tensor.
pub struct Loss {
    /// 10 × reconstruction + edge.
    pub total: Tensor,
    pub reconstruction: Tensor,
    pub edge: Tensor,
}

/// What predictions are compared with; each (N, L, patch²).
pub struct Target {
    /// The image.
    pub patches: Tensor,
    /// Its Sobel magnitude.
    pub edges: Tensor,
    /// Weight of each pixel's squared error.
    pub weights: Tensor,
}

impl Target {
    /// Patches, edges and pixel weights of a micro-batch, on the CPU. `images` are those of
    /// `slices`, perhaps augmented; `hidden_in_batch` is as for [`pixel_weights`].
    pub fn new(
        images: &[Array2<f32>],
        slices: &[&Slice],
        order: &PatchOrder,
        hidden_in_batch: usize,
        patch: usize,
    ) -> candle_core::Result<Self> {
        let cut = |image: &Array2<f32>| patchify(image.view(), patch);
        let patches: Vec<_> = images.par_iter().map(cut).collect();
        let edges: Vec<_> = images.par_iter().map(|image| cut(&sobel(image.view()))).collect();
        let regions: Vec<_> =
            slices.iter().map(|slice| patchify(slice.region.view(), patch)).collect();
        let views: Vec<_> = regions.iter().map(|region| region.view()).collect();
        let region = ndarray::stack(Axis(0), &views)
            .map_err(|error| candle_core::Error::Msg(error.to_string()))?;
        let weights = pixel_weights(order, region.view(), hidden_in_batch);
        let shape = weights.dim();
        let cpu = &Device::Cpu;
        Ok(Self {
            patches: stack(&patches, cpu)?,
            edges: stack(&edges, cpu)?,
            weights: Tensor::from_iter(weights, cpu)?.reshape(shape)?,
        })
    }

    /// The same target on another device.
    pub fn to_device(&self, device: &Device) -> candle_core::Result<Self> {
        Ok(Self {
            patches: self.patches.to_device(device)?,
            edges: self.edges.to_device(device)?,
            weights: self.weights.to_device(device)?,
        })
    }
}

impl Loss {
    /// Compares a prediction with its target.
    pub fn new(prediction: &Prediction, target: &Target) -> candle_core::Result<Self> {
        let Target { patches, edges, weights } = target;
        let reconstruction = squared_error(&prediction.reconstruction, patches, weights)?;
        let edge = squared_error(&prediction.edges, edges, weights)?;
        Ok(Self {
            total: ((&reconstruction * RECONSTRUCTION_WEIGHT)? + &edge)?,
            reconstruction,
            edge,
        })
    }
}

/// The weight of each pixel's squared error, (N, L, patch²): 0 in visible patches and outside the
/// region (those pixels count as perfectly predicted); elsewhere 1 + the 3 × 3 mean of the hidden
/// mask around the patch, over patch² times the hidden patches of the whole batch, so that the
/// weighted sums of micro-batches add up to the batch's loss.
pub fn pixel_weights(
    order: &PatchOrder,
    region: ArrayView3<bool>,
    hidden_in_batch: usize,
) -> Array3<f32> {
    let mask = order.mask();
    let grid = order.patches().isqrt();
    let mut weights = Array3::zeros(region.dim());
    let share = 1.0 / (region.dim().2 * hidden_in_batch.max(1)) as f32;
    for image in 0..order.batch() {
        let hidden = mask.row(image);
        let hidden = hidden.to_shape((grid, grid)).expect("a square grid of patches");
        for patch in order.hidden(image) {
            let neighbours = neighbour_mean(hidden.view(), patch / grid, patch % grid);
            let inside = region.slice(s![image, patch, ..]);
            weights.slice_mut(s![image, patch, ..]).assign(
                &inside.mapv(|inside| if inside { (1.0 + neighbours) * share } else { 0.0 }),
            );
        }
    }
    weights
}

/// Share of hidden patches in the 3 × 3 patches around one; beyond the border counts as visible.
fn neighbour_mean(hidden: ArrayView2<bool>, row: usize, column: usize) -> f32 {
    let rows = row.saturating_sub(1)..hidden.nrows().min(row + 2);
    let columns = column.saturating_sub(1)..hidden.ncols().min(column + 2);
    hidden.slice(s![rows, columns]).iter().filter(|hidden| **hidden).count() as f32 / 9.0
}

/// Sobel gradient magnitude of an image in [0, 1] with replicated borders, capped at 1.
pub fn sobel(image: ArrayView2<f32>) -> Array2<f32> {
    let (rows, columns) = image.dim();
    let at = |row: isize, column: isize| {
        let row = row.clamp(0, rows as isize - 1) as usize;
        image[[row, column.clamp(0, columns as isize - 1) as usize]]
    };
    Array2::from_shape_fn(image.dim(), |(row, column)| {
        let (r, c) = (row as isize, column as isize);
        let x = at(r - 1, c + 1) + 2.0 * at(r, c + 1) + at(r + 1, c + 1)
            - at(r - 1, c - 1)
            - 2.0 * at(r, c - 1)
            - at(r + 1, c - 1);
        let y = at(r - 1, c - 1) + 2.0 * at(r - 1, c) + at(r - 1, c + 1)
            - at(r + 1, c - 1)
            - 2.0 * at(r + 1, c)
            - at(r + 1, c + 1);
        x.hypot(y).min(1.0)
    })
}

/// Stacks per-image arrays (L, patch²) into one tensor (N, L, patch²).
pub(super) fn stack(images: &[Array2<f32>], device: &Device) -> candle_core::Result<Tensor> {
    let (count, pixels) = images.first().map_or((0, 0), |image| image.dim());
    let mut values = Vec::with_capacity(images.len() * count * pixels);
    images.iter().for_each(|image| values.extend(image.iter().copied()));
    Tensor::from_vec(values, (images.len(), count, pixels), device)
}
