//! The way between the original voxel grid and preprocessed slices, in both directions.

use ndarray::{Array2, Array3, Axis};
use rayon::prelude::*;

use super::field::{Field, FieldAxis};
use crate::volume::resample::sample_linear;
use crate::volume::{Affine, Geometry, Orientation};
use crate::{Error, Result};

/// Where preprocessed slices lie in the volume they came from. Coordinates are continuous and count
/// pixel centres: native ones are stored voxels (i, j, k), preprocessed ones (slice, row, column)
/// of the canonical volume.
#[derive(Clone, Debug, PartialEq)]
pub struct NativeTransform {
    geometry: Geometry,
    orientation: Orientation,
    field: Field,
}

impl NativeTransform {
    pub(in crate::cohort) fn new(
        geometry: Geometry,
        orientation: Orientation,
        field: Field,
    ) -> Self {
        Self { geometry, orientation, field }
    }

    /// Shape and affine of the original volume.
    pub fn native_geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// True edge lengths of a preprocessed pixel in mm (rows, columns).
    pub fn pixel_spacing_mm(&self) -> (f64, f64) {
        self.field.pixel_spacing_mm()
    }

    /// Distance between slice centres in mm.
    pub fn slice_mm(&self) -> f64 {
        self.geometry.affine.spacing()[self.orientation.source[0]]
    }

    /// Edge length of a native voxel along the rows' axis (superior to inferior), mm.
    pub fn row_spacing_mm(&self) -> f64 {
        self.geometry.affine.spacing()[self.orientation.source[1]]
    }

    /// Edge length of a native voxel along the columns' axis (anterior to posterior), mm.
    pub fn column_spacing_mm(&self) -> f64 {
        self.geometry.affine.spacing()[self.orientation.source[2]]
    }

    /// The stored axes along which slices, rows and columns are counted.
    pub fn stored_axes(&self) -> [usize; 3] {
        self.orientation.source
    }

    /// The stored voxel index of a slice, along the axis that slices lie on.
    pub fn slice_voxel(&self, index: usize) -> usize {
        let axis = self.orientation.source[0];
        self.preprocessed_to_voxel([index as f64, 0.0, 0.0])[axis].round() as usize
    }

    /// Preprocessed (slice, row, column) of a native voxel coordinate (i, j, k).
    pub fn voxel_to_preprocessed(&self, voxel: [f64; 3]) -> [f64; 3] {
        let [slice, row, column] = self.orientation.to_canonical(voxel, self.geometry.shape);
        [slice, self.field.rows.to_preprocessed(row), self.field.columns.to_preprocessed(column)]
    }

    /// Native voxel coordinate (i, j, k) of a preprocessed (slice, row, column): the inverse of
    /// [`Self::voxel_to_preprocessed`].
    pub fn preprocessed_to_voxel(&self, [slice, row, column]: [f64; 3]) -> [f64; 3] {
        let canonical =
            [slice, self.field.rows.to_canonical(row), self.field.columns.to_canonical(column)];
        self.orientation.to_stored(canonical, self.geometry.shape)
    }

    /// Where the pixels of preprocessed slices lie in the scanner, for an image of slices × rows × columns
    /// whose first slice has its centre at `first`, counted as acquired slices are, and whose slices are
    /// `step` acquired ones apart.
    pub fn slices_affine(&self, first: f64, step: f64) -> Affine {
        let position =
            |place: [f64; 3]| self.geometry.affine.position(self.preprocessed_to_voxel(place));
        let origin = position([first, 0.0, 0.0]);
        let steps = [[first + step, 0.0, 0.0], [first, 1.0, 0.0], [first, 0.0, 1.0]].map(position);
        Affine([0, 1, 2].map(|row| {
            let [across, down, back] = steps.map(|step| step[row] - origin[row]);
            [across, down, back, origin[row]]
        }))
    }

    /// Carries maps of preprocessed slices, given as (slice index in the canonical volume, map), to
    /// the native grid: linear interpolation, 0 outside the field and on other slices.
    ///
    /// # Errors
    /// If a map has not the preprocessed size, or a slice index lies beyond the volume.
    pub fn to_native(&self, maps: &[(usize, &Array2<f32>)]) -> Result<Array3<f32>> {
        self.gather(maps, |map, row, column| sample_linear(map.view(), row, column).unwrap_or(0.0))
    }

    /// As [`Self::to_native`] for masks, by nearest neighbour; false outside.
    ///
    /// # Errors
    /// As [`Self::to_native`].
    pub fn mask_to_native(&self, masks: &[(usize, &Array2<bool>)]) -> Result<Array3<bool>> {
        self.gather(masks, nearest)
    }

    /// As [`Self::to_native`] by nearest neighbour, for maps that end at the border of a region: interpolation would take
    /// them for 0 beside it, and lower whatever lies there.
    ///
    /// # Errors
    /// As [`Self::to_native`].
    pub fn nearest_to_native(&self, maps: &[(usize, &Array2<f32>)]) -> Result<Array3<f32>> {
        self.gather(maps, nearest)
    }

    /// Fills the native grid from preprocessed slices with `sample` at preprocessed (row, column).
    fn gather<T: Copy + Default + Send + Sync>(
        &self,
        slices: &[(usize, &Array2<T>)],
        sample: impl Fn(&Array2<T>, f64, f64) -> T + Sync,
    ) -> Result<Array3<T>> {
        let shape = self.orientation.source.map(|axis| self.geometry.shape[axis]);
        let places = |axis: &FieldAxis| -> Vec<f64> {
            (0..axis.native).map(|pixel| axis.to_preprocessed(pixel as f64)).collect()
        };
        let (rows, columns) = (places(&self.field.rows), places(&self.field.columns));
        let (pixels, depth) = (self.field.preprocessed_shape(), shape[0]);
        for (index, slice) in slices {
            if slice.dim() != pixels || *index >= depth {
                let (rows, columns) = slice.dim();
                return Err(Error::input(format!(
                    "a map of {rows} × {columns} pixels in slice {index} does not fit the volume of \
                     {depth} slices that were preprocessed to {} × {} pixels",
                    pixels.0, pixels.1
                )));
            }
        }
        let filled: Vec<(usize, Array2<T>)> = slices
            .par_iter()
            .map(|&(index, slice)| {
                let native = Array2::from_shape_fn((shape[1], shape[2]), |(row, column)| {
                    sample(slice, rows[row], columns[column])
                });
                (index, native)
            })
            .collect();
        let mut canonical = Array3::from_elem(shape, T::default());
        for (index, slice) in filled {
            canonical.index_axis_mut(Axis(0), index).assign(&slice);
        }
        Ok(self.orientation.undo(&canonical))
    }
}

/// The value of the nearest pixel; the default outside.
fn nearest<T: Copy + Default>(map: &Array2<T>, row: f64, column: f64) -> T {
    let (row, column) = (row.round(), column.round());
    // A negative coordinate would become index 0, so it is tested before the conversion.
    let is_inside = row >= 0.0 && column >= 0.0;
    let value = || map.get((row as usize, column as usize)).copied();
    if is_inside { value().unwrap_or_default() } else { T::default() }
}

#[cfg(test)]
#[path = "tests/native_transform.rs"]
mod tests;
