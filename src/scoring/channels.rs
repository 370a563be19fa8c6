//! The input channels of the scoring network.

use candle_core::{Device, Tensor};
use ndarray::{Array2, Array3, ArrayView2, Axis, s};

use super::unet::STEP;
use crate::cohort::{Slice, TissueIntensity, eroded};
use crate::uncertainty::Uncertainty;
use crate::{Error, Result};

/// Channels of its input: the slice and its two neighbours, the residual, the uncertainty, cord,
/// fluid, and the distance to the cord's edge.
pub(super) const CHANNELS: usize = 8;
/// How many of them are intensities of images.
pub(super) const INTENSITIES: usize = 3;
/// Columns of the part of a slice that is looked at, around the region of interest.
const WIDTH: usize = 64;
/// Intensities relative to cord and fluid are clipped here: fat, air and flow say nothing more.
const RANGE: (f32, f32) = (-2.0, 3.0);
/// Distances to the cord's edge beyond this many pixels are taken as equal.
const DEEPEST: usize = 6;
/// Brings standard deviations to about the size of the other channels.
const DEVIATION_SCALE: f32 = 3.0;

/// Where the part of a slice that is looked at begins, and its size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    column: usize,
    rows: usize,
    columns: usize,
}

impl Window {
    /// One window for all slices of a subject, around the middle of their regions.
    pub fn around(slices: &[&Slice]) -> Self {
        let size = slices.first().map_or(STEP, |slice| slice.size());
        let mut ends = (usize::MAX, 0);
        for slice in slices {
            for ((_, column), _) in slice.region.indexed_iter().filter(|(_, inside)| **inside) {
                ends = (ends.0.min(column), ends.1.max(column));
            }
        }
        let columns = WIDTH.min(size);
        let middle = if ends.0 > ends.1 { size / 2 } else { (ends.0 + ends.1) / 2 };
        let column = middle.saturating_sub(columns / 2).min(size - columns);
        Self { column, rows: size, columns }
    }

    /// Rows and columns, each a multiple of [`STEP`]; what lies beyond the slice is 0.
    pub fn padded(self) -> (usize, usize) {
        (self.rows.next_multiple_of(STEP), self.columns.next_multiple_of(STEP))
    }

    /// The window's part of a map.
    pub fn cut(self, map: ArrayView2<f32>) -> Array2<f32> {
        let mut part = Array2::zeros(self.padded());
        let inside = map.slice(s![.., self.column..self.column + self.columns]);
        part.slice_mut(s![..self.rows, ..self.columns]).assign(&inside);
        part
    }

    /// A map of a whole slice with `part` in the window and 0 elsewhere.
    pub fn paste(self, part: ArrayView2<f32>) -> Array2<f32> {
        let mut map = Array2::zeros((self.rows, self.rows));
        map.slice_mut(s![.., self.column..self.column + self.columns])
            .assign(&part.slice(s![..self.rows, ..self.columns]));
        map
    }
}

/// The network's inputs (channel, row, column) for the slices of one subject, in order, with
/// their window. Neighbours of the outer slices are these themselves.
///
/// # Errors
/// If the subject has no cord, or maps and slices differ in number or size.
pub(super) fn channels(
    slices: &[&Slice],
    maps: &[Uncertainty],
) -> Result<(Window, Vec<Array3<f32>>)> {
    let subject = slices.first().map_or("", |slice| &*slice.subject);
    let tissue = TissueIntensity::of(slices)
        .ok_or_else(|| Error::subject(subject, "has no cord, so its lesions cannot be scored"))?;
    let fits = |(slice, maps): (&&Slice, &Uncertainty)| {
        [&maps.mean, &maps.variance].iter().all(|map| map.dim() == slice.image.dim())
    };
    if slices.len() != maps.len() || !slices.iter().zip(maps).all(fits) {
        return Err(Error::subject(subject, "its slices and their maps do not fit together"));
    }
    let window = Window::around(slices);
    let relative: Vec<Array2<f32>> = slices
        .iter()
        .map(|slice| {
            let clipped = tissue.relative(&slice.image).mapv(|z| z.clamp(RANGE.0, RANGE.1));
            window.cut(clipped.view())
        })
        .collect();
    let last = slices.len() - 1;
    let one = |(place, (slice, maps)): (usize, (&&Slice, &Uncertainty))| {
        let inside = |mask: &Array2<bool>| mask.mapv(|inside| if inside { 1.0 } else { 0.0 });
        let residual = (&slice.image - &maps.mean) / tissue.contrast * inside(&slice.region);
        let deviation = maps.variance.mapv(|v| DEVIATION_SCALE * v.sqrt() / tissue.contrast);
        let mut parts = vec![
            relative[place].clone(),
            relative[place.saturating_sub(1)].clone(),
            relative[(place + 1).min(last)].clone(),
        ];
        for map in [residual, deviation, inside(&slice.cord), inside(&slice.csf), depth(slice)] {
            parts.push(window.cut(map.view()));
        }
        let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
        ndarray::stack(Axis(0), &views).expect("parts of one window")
    };
    Ok((window, slices.iter().zip(maps).enumerate().map(one).collect()))
}

/// Distance to the cord's edge in steps of one pixel, in [0, 1].
fn depth(slice: &Slice) -> Array2<f32> {
    let mut depth = Array2::zeros(slice.cord.dim());
    let mut core = slice.cord.clone();
    for _ in 0..DEEPEST {
        depth.zip_mut_with(&core, |depth, inside| *depth += f32::from(u8::from(*inside)));
        core = eroded(&core);
    }
    depth / DEEPEST as f32
}

/// A batch of equal arrays as one tensor.
pub(super) fn batch<D: ndarray::Dimension>(
    arrays: &[ndarray::Array<f32, D>],
    device: &Device,
) -> candle_core::Result<Tensor> {
    let mut shape = vec![arrays.len()];
    shape.extend(arrays.first().map_or(&[][..], |array| array.shape()));
    let values: Vec<f32> = arrays.iter().flat_map(|array| array.iter().copied()).collect();
    Tensor::from_vec(values, shape, device)
}
