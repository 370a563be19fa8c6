//! The trained network, applied to the sagittal slices of a volume.

use std::sync::OnceLock;

use candle_core::Device;
use ndarray::{Array2, Array3, Array4, ArrayView2, Axis, s};

use super::outputs::{DISCS, Outputs};
use super::sample::{inputs, scaled};
use crate::context::CancelToken;
use crate::model::convolutional::{Weights, batch, deep_unet, weights_of};
use crate::volume::gaussian_filter;
use crate::volume::resample::spline_zoom;
use crate::{Error, Result};

/// Slices that the network looks at together, if they have this many pixels at most.
const BATCH: usize = 4;
const BATCH_PIXELS: usize = 512 * 512;
/// Images smaller than this are padded, pixels.
const LEAST: usize = 64;

/// The two networks: one for cord and fluid, which looks at a slice with its neighbours, and one for discs, which
/// looks at single slices.
pub struct Segmenter {
    masks: Weights,
    discs: Weights,
}

/// A volume as the networks look at it: slices on pixels of 1 mm, padded with 0.
pub(super) struct Prepared {
    slices: Vec<Array2<f32>>,
    /// Rows and columns without the padding.
    shape: (usize, usize),
    /// Distance between slices, mm.
    slice_mm: f32,
    /// Slices without any signal, which stand for the mean of their neighbours here: they would cut the cord in two.
    pub empty: Vec<usize>,
}

impl Segmenter {
    /// The networks that ship with the program.
    ///
    /// # Errors
    /// If their weights are damaged.
    pub fn shipped() -> Result<&'static Self> {
        static SHIPPED: OnceLock<Result<Segmenter, String>> = OnceLock::new();
        let load = || {
            Self::from_bytes(
                include_bytes!("weights.safetensors"),
                include_bytes!("discs.safetensors"),
            )
            .map_err(|error| error.to_string())
        };
        SHIPPED.get_or_init(load).as_ref().map_err(|error| Error::input(error.clone()))
    }

    /// The networks for masks and for discs with the weights of files that a training wrote.
    ///
    /// # Errors
    /// If these are no weights.
    pub fn from_bytes(masks: &[u8], discs: &[u8]) -> Result<Self> {
        Ok(Self { masks: weights_of(masks)?, discs: weights_of(discs)? })
    }

    /// Probabilities (cord or fluid, slice, row, column) in every slice.
    pub(super) fn masks(&self, volume: &Prepared, cancel: &CancelToken) -> Result<Array4<f32>> {
        let (rows, columns) = volume.shape;
        let count = volume.slices.len();
        let mut probabilities = Array4::zeros((Outputs::FIRST_DISC, count, rows, columns));
        let missing = Array2::zeros(volume.slices.first().map_or((0, 0), Array2::dim));
        // A single slice stands for its neighbours, too.
        let beyond = if let [only] = &volume.slices[..] { only } else { &missing };
        let at = |slice: Option<usize>| slice.and_then(|s| volume.slices.get(s)).unwrap_or(beyond);
        let three = |slice: usize| [at(slice.checked_sub(1)), at(Some(slice)), at(Some(slice + 1))];
        let all: Vec<usize> = (0..count).collect();
        for places in all.chunks(at_once(volume.shape)) {
            cancel.check()?;
            let images: Vec<Array3<f32>> =
                places.iter().map(|slice| inputs(&three(*slice), volume.slice_mm)).collect();
            let logits = logits(&self.masks, &images)?;
            for (place, logits) in places.iter().zip(logits.outer_iter()) {
                let seen = logits.slice(s![..Outputs::FIRST_DISC, ..rows, ..columns]);
                probabilities.index_axis_mut(Axis(1), *place).assign(&seen.mapv(logistic));
            }
        }
        Ok(probabilities)
    }

    /// Heat-maps of the discs, 0 to 1, averaged over these slices.
    pub(super) fn heat(
        &self,
        volume: &Prepared,
        slices: &[usize],
        cancel: &CancelToken,
    ) -> Result<Vec<Array2<f32>>> {
        let (rows, columns) = volume.shape;
        let mut heat = vec![Array2::zeros((rows, columns)); DISCS.len()];
        for places in slices.chunks(at_once(volume.shape)) {
            cancel.check()?;
            let images: Vec<Array3<f32>> = places
                .iter()
                .filter_map(|slice| volume.slices.get(*slice))
                .map(|slice| scaled(slice).insert_axis(Axis(0)))
                .collect();
            for logits in logits(&self.discs, &images)?.outer_iter() {
                for (place, heat) in heat.iter_mut().enumerate() {
                    let seen = logits.slice(s![Outputs::FIRST_DISC + place, ..rows, ..columns]);
                    heat.zip_mut_with(&seen, |heat, logit| {
                        *heat += logistic(*logit) / slices.len() as f32;
                    });
                }
            }
        }
        Ok(heat)
    }
}

impl Prepared {
    /// Prepares canonical voxels (slice, row, column) of `spacing` mm.
    pub fn new(
        voxels: &Array3<f32>,
        [slice_mm, row_mm, column_mm]: [f64; 3],
        cancel: &CancelToken,
    ) -> Result<Self> {
        let (_, rows, columns) = voxels.dim();
        let shape = (resampled(rows, row_mm), resampled(columns, column_mm));
        let padded = padded(shape);
        let mut slices = Vec::with_capacity(voxels.len_of(Axis(0)));
        for slice in voxels.outer_iter() {
            cancel.check()?;
            slices.push(prepared(slice, [row_mm, column_mm], shape, padded));
        }
        let is_empty = |slice: &Array2<f32>| slice.iter().all(|value| *value == 0.0);
        let empty: Vec<usize> = (1..slices.len().saturating_sub(1))
            .filter(|at| {
                is_empty(&slices[*at])
                    && ![at - 1, at + 1].iter().any(|near| is_empty(&slices[*near]))
            })
            .collect();
        for at in &empty {
            slices[*at] = (&slices[at - 1] + &slices[at + 1]) / 2.0;
        }
        Ok(Self { slices, shape, slice_mm: slice_mm as f32, empty })
    }
}

fn logits(weights: &Weights, images: &[Array3<f32>]) -> Result<Array4<f32>> {
    let logits = deep_unet::outputs(weights, &batch(images, &Device::Cpu)?)?;
    let sizes = logits.dims4()?;
    Array4::from_shape_vec(sizes, logits.flatten_all()?.to_vec1::<f32>()?)
        .map_err(|error| Error::input(error.to_string()))
}

fn logistic(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// Pixels of 1 mm for this many of `spacing` mm.
fn resampled(count: usize, spacing: f64) -> usize {
    ((count as f64 * spacing).round() as usize).max(1)
}

/// Slices of this shape that are looked at together: fewer of large ones, for the memory and so that an interrupt is
/// heard.
fn at_once((rows, columns): (usize, usize)) -> usize {
    if rows * columns <= BATCH_PIXELS { BATCH } else { 1 }
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
