//! The trained network, applied to the sagittal slices of a volume.

use std::sync::OnceLock;

use candle_core::{DType, Device};
use ndarray::{Array2, Array3, Array4, ArrayView2, s};

use super::outputs::Outputs;
use super::sample::inputs;
use crate::context::CancelToken;
use crate::model::convolutional::{Weights, batch, deep_unet};
use crate::volume::gaussian_filter;
use crate::volume::resample::spline_zoom;
use crate::{Error, Result};

/// Slices that the network looks at together.
const BATCH: usize = 4;
/// Images smaller than this are padded, pixels.
const LEAST: usize = 64;

/// A network with its weights.
pub struct Segmenter {
    weights: Weights,
}

/// What the network says of every slice, on pixels of 1 mm.
pub(super) struct Maps {
    /// (output, slice, row, column), 0 to 1.
    pub probabilities: Array4<f32>,
}

impl Segmenter {
    /// The network that ships with the program.
    ///
    /// # Errors
    /// If its weights are damaged.
    pub fn shipped() -> Result<&'static Self> {
        static SHIPPED: OnceLock<Result<Segmenter, String>> = OnceLock::new();
        let load = || {
            Self::from_bytes(include_bytes!("weights.safetensors"))
                .map_err(|error| error.to_string())
        };
        SHIPPED.get_or_init(load).as_ref().map_err(|error| Error::input(error.clone()))
    }

    /// The network with the weights of a file that a training wrote.
    ///
    /// # Errors
    /// If these are no weights.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu)?;
        let weights = tensors
            .into_iter()
            .map(|(name, tensor)| Ok((name, tensor.to_dtype(DType::F32)?)))
            .collect::<candle_core::Result<_>>()?;
        Ok(Self { weights })
    }

    /// The weights by name.
    pub(super) fn into_weights(self) -> Weights {
        self.weights
    }

    /// Looks at every slice of canonical voxels (slice, row, column) with voxels of `spacing` mm.
    pub(super) fn maps(
        &self,
        voxels: &Array3<f32>,
        [slice_mm, row_mm, column_mm]: [f64; 3],
        cancel: &CancelToken,
    ) -> Result<Maps> {
        let (slices, rows, columns) = voxels.dim();
        let shape = (resampled(rows, row_mm), resampled(columns, column_mm));
        let padded = padded(shape);
        let mut prepared_slices = Vec::with_capacity(slices);
        for slice in voxels.outer_iter() {
            cancel.check()?;
            prepared_slices.push(prepared(slice, [row_mm, column_mm], shape, padded));
        }
        let missing = Array2::zeros(padded);
        let at = |slice: Option<usize>| {
            slice.and_then(|slice| prepared_slices.get(slice)).unwrap_or(&missing)
        };
        let mut probabilities = Array4::zeros((Outputs::COUNT, slices, shape.0, shape.1));
        let all: Vec<usize> = (0..slices).collect();
        for places in all.chunks(BATCH) {
            cancel.check()?;
            let images: Vec<Array3<f32>> = places
                .iter()
                .map(|slice| {
                    let three = [at(slice.checked_sub(1)), at(Some(*slice)), at(Some(slice + 1))];
                    inputs(&three, slice_mm as f32)
                })
                .collect();
            let logits = deep_unet::outputs(&self.weights, &batch(&images, &Device::Cpu)?)?;
            let sizes = logits.dims4()?;
            let logits = Array4::from_shape_vec(sizes, logits.flatten_all()?.to_vec1::<f32>()?)
                .map_err(|error| Error::input(error.to_string()))?;
            for (place, logits) in places.iter().zip(logits.outer_iter()) {
                for (row, column) in (0..shape.0).flat_map(|y| (0..shape.1).map(move |x| (y, x))) {
                    let mut p = std::array::from_fn(|output| logits[[output, row, column]]);
                    Outputs::probabilities(&mut p);
                    for (output, p) in p.into_iter().enumerate() {
                        probabilities[[output, *place, row, column]] = p;
                    }
                }
            }
        }
        Ok(Maps { probabilities })
    }
}

/// Pixels of 1 mm for this many of `spacing` mm.
fn resampled(count: usize, spacing: f64) -> usize {
    ((count as f64 * spacing).round() as usize).max(1)
}

fn padded((rows, columns): (usize, usize)) -> (usize, usize) {
    let edge = |length: usize| length.max(LEAST).next_multiple_of(deep_unet::STEP);
    (edge(rows), edge(columns))
}

/// One slice on pixels of 1 mm, padded with 0.
fn prepared(
    slice: ArrayView2<f32>,
    spacing: [f64; 2],
    shape: (usize, usize),
    padded: (usize, usize),
) -> Array2<f32> {
    // Finer pixels are smoothed first, so that resampling does not pick up their noise.
    let sigma = spacing.map(|mm| if mm < 1.0 { 0.4 * (1.0 / mm - 1.0) } else { 0.0 });
    let smooth = gaussian_filter(&slice.to_owned(), (sigma[0], sigma[1]));
    let image = spline_zoom(smooth.mapv(f64::from).view(), shape).mapv(|v| v as f32);
    let image = image.mapv(|value| value.max(0.0));
    let mut whole = Array2::zeros(padded);
    whole.slice_mut(s![..shape.0, ..shape.1]).assign(&image);
    whole
}
