//! The part of a slice that a convolutional network looks at.

use candle_core::{Device, Tensor};
use ndarray::{Array2, ArrayView2, s};

use crate::cohort::Slice;
use crate::context::Context;

/// Columns of the part of a slice that is looked at, around the region of interest.
const WIDTH: usize = 64;

/// Where the part of a slice that is looked at begins, and its size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Window {
    column: usize,
    rows: usize,
    columns: usize,
    /// What its padded edges are multiples of.
    step: usize,
}

impl Window {
    /// One window for all slices of a subject, around the middle of their regions, for a network whose
    /// images have edges of multiples of `step` pixels.
    pub fn around(slices: &[&Slice], step: usize) -> Self {
        let size = slices.first().map_or(step, |slice| slice.size());
        let mut ends = (usize::MAX, 0);
        for slice in slices {
            for ((_, column), _) in slice.region.indexed_iter().filter(|(_, inside)| **inside) {
                ends = (ends.0.min(column), ends.1.max(column));
            }
        }
        let columns = WIDTH.min(size);
        let middle = if ends.0 > ends.1 { size / 2 } else { (ends.0 + ends.1) / 2 };
        let column = middle.saturating_sub(columns / 2).min(size - columns);
        Self { column, rows: size, columns, step }
    }

    /// Warns, once in a session, if it leaves out scoring pixels of its slices: nothing is found there.
    pub fn warn_of_left_out(self, slices: &[&Slice], context: &Context) {
        let inside = self.column..self.column + self.columns;
        let is_out = |slice: &&Slice| {
            slice
                .scoring
                .indexed_iter()
                .any(|((_, column), scored)| *scored && !inside.contains(&column))
        };
        if let Some(slice) = slices.iter().copied().find(is_out) {
            let edge_mm = self.columns as f64 * slice.pixel_spacing_mm.1;
            context.warn_once(format!(
                "the convolutional networks see {WIDTH} pixels ({edge_mm:.0} mm) from front to back, and some cords \
                 reach beyond, where nothing is found; larger pixels (a larger `fov_mm` or a smaller `size`) show more"
            ));
        }
    }

    /// Rows and columns of the window of slices of this size, with the padding.
    pub fn padded_on(size: usize, step: usize) -> (usize, usize) {
        (size.next_multiple_of(step), WIDTH.min(size).next_multiple_of(step))
    }

    /// Rows and columns, each a multiple of the step; what lies beyond the slice is 0.
    pub fn padded(self) -> (usize, usize) {
        Self::padded_on(self.rows, self.step)
    }

    /// The window's part of a map.
    pub fn cut(self, map: ArrayView2<f32>) -> Array2<f32> {
        let mut part = Array2::zeros(self.padded());
        let inside = map.slice(s![.., self.column..self.column + self.columns]);
        part.slice_mut(s![..self.rows, ..self.columns]).assign(&inside);
        part
    }

    /// The map of a whole slice with `part` in the window.
    pub fn paste(self, part: ArrayView2<f32>, mut map: Array2<f32>) -> Array2<f32> {
        map.slice_mut(s![.., self.column..self.column + self.columns])
            .assign(&part.slice(s![..self.rows, ..self.columns]));
        map
    }
}

/// A batch of equal arrays as one tensor.
pub(crate) fn batch<D: ndarray::Dimension>(
    arrays: &[ndarray::Array<f32, D>],
    device: &Device,
) -> candle_core::Result<Tensor> {
    let mut shape = vec![arrays.len()];
    shape.extend(arrays.first().map_or(&[][..], |array| array.shape()));
    let values: Vec<f32> = arrays.iter().flat_map(|array| array.iter().copied()).collect();
    Tensor::from_vec(values, shape, device)
}
