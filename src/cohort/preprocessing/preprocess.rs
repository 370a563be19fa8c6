//! The published preprocessing of a volume (paper section 3.1), with the transform kept so that any
//! map can be resampled to the grid of the source image.
//!
//! The steps: canonical sagittal axes by the affine; in-plane resampling to 1 mm (cubic spline
//! for the image, nearest neighbour for labels; slices are not resampled); the region of interest
//! on that grid; a centred field, cropped or zero-padded; scaling of the field to the preprocessed
//! size; clipping to percentiles and scaling to [0, 1] over the whole volume.
//!
//! It differs from the published scripts where these could fail silently:
//! - Axes come from the affine, not from a fixed storage order.
//! - The centred field is moved, per axis, where a moved one keeps at least 5 % more of the cord's
//!   pixels: tall fields of view would lose the cord's end otherwise.
//! - Padding counts as background whatever value resampling left in it, and has the smallest value
//!   of the image, so that adding a number to all voxels changes nothing.
//! - Masks need not be 0 and 1 ([`MaskValues`]); voxels far beyond all others are limited.
//! - The ground truth of lesions is sampled once, without the pixels of 1 mm in between.

use std::sync::Arc;

use ndarray::{Array2, Array3, ArrayView2, Axis};
use rayon::prelude::*;

use super::canal;
use super::cord_contrast::flat_cord;
use super::cord_shape;
use super::disc_labels::discs_in;
use super::disc_places::CordReach;
use super::field::{Field, FieldAxis};
use super::image_hash::image_hash;
use super::intensity::{normalise, settle_voxels};
use super::lesion_mask::LesionMask;
use super::mask_notes::{LESION, empty_cord, mask_notes};
use super::mask_relations;
use super::native_transform::NativeTransform;
use super::region::region_of_interest;
use super::slice_order;
use crate::cohort::note::Note;
use crate::cohort::{Disc, Slice, SliceGrid};
use crate::volume::{Geometry, LabelledVolume, MaskValues, Orientation, Volume, eroded};
use crate::{Error, Result};

/// The settings. The defaults are the published ones, with the rule for clinical volumes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preprocessing {
    pub grid: SliceGrid,
    /// Percentiles to clip at (0.2, 99.8), of the voxels that are not background.
    pub clip: (f64, f64),
}

/// The result of preprocessing.
#[derive(Clone, Debug)]
pub struct Preprocessed {
    /// Slices with a region of interest only, from the patient's right to left.
    pub slices: Vec<Slice>,
    /// Superior first.
    pub discs: Vec<Disc>,
    pub native_transform: NativeTransform,
    /// As [`Subject::image_hash`](crate::cohort::Subject::image_hash).
    pub image_hash: String,
    /// As [`Subject::lesion_marked`](crate::cohort::Subject::lesion_marked).
    pub lesion_marked: bool,
    /// Problems that were handled, such as a moved field.
    pub notes: Vec<Note>,
}

const CORD: &str = "cord mask";
const NO_CONTRAST: &str = "its image has the same value everywhere";
/// More than any scanner's field of view, in mm along an axis.
const MAX_RESAMPLED_MM: usize = 2048;
/// More sagittal slices than any spine image has.
const MAX_SLICES: usize = 512;

impl Default for Preprocessing {
    fn default() -> Self {
        Self { grid: SliceGrid::default(), clip: (0.2, 99.8) }
    }
}

impl Preprocessing {
    /// Preprocesses one subject's volume.
    ///
    /// # Errors
    /// [`Error::Input`] for invalid settings. [`Error::Subject`] if labels are on
    /// another grid than the image, values are not finite, the cord is empty or outside the field,
    /// the image has no contrast, there or in the cord, or its field of view is unusable.
    pub fn preprocess(&self, subject: &Arc<str>, volume: &LabelledVolume) -> Result<Preprocessed> {
        self.check()?;
        let refuse = |reason: String| Error::subject(subject.as_ref(), reason);
        volume.check().map_err(refuse)?;

        let native = volume.image.geometry();
        let orientation = Orientation::to_sagittal(&native.affine);
        let canonical = orientation.canonical_geometry(&native);
        let mut field = self.field(&canonical).map_err(refuse)?;

        let mut notes = Vec::new();
        let mut canonical_mask = |label: &Volume, title: &str| -> Result<Array3<bool>> {
            let values = MaskValues::of(label);
            notes.extend(mask_notes(&values, title).map_err(refuse)?);
            Ok(orientation.apply(&values.inside))
        };
        let cord = canonical_mask(&volume.cord, CORD)?;
        let mut optional = |label: &Option<Volume>, title| {
            label.as_ref().map(|label| canonical_mask(label, title)).transpose()
        };
        let csf = optional(&volume.csf, "CSF mask")?;
        let lesion = optional(&volume.lesion, LESION)?;
        let mut voxels = orientation.apply(&volume.image.voxels);
        let [_, row_mm, column_mm] = canonical.affine.spacing();
        notes.extend(mask_relations::questions(&cord, csf.as_ref(), lesion.as_ref()));
        if let Some(fluid) = &csf {
            notes.extend(mask_relations::brightness(&voxels, &cord, fluid));
            notes.extend(canal::questions(&cord, fluid, column_mm));
        }
        let lesion = lesion.map(LesionMask::new);
        let reach = || CordReach::new(&cord, orientation, native.shape, [row_mm, column_mm]);
        let labels = volume.discs.as_ref().map(|labels| (labels, reach()));
        let resampled = |mask: &Array3<bool>| each_slice(mask, |slice| field.resample_mask(slice));
        let marked = cord;
        let (cord, csf) = (resampled(&marked), csf.as_ref().map(resampled));
        if cord.iter().flatten().all(|&inside| !inside) {
            return Err(refuse(empty_cord(&MaskValues::of(&volume.cord))));
        }
        notes.extend(cord_shape::question(&cord, canonical.affine.spacing()[0]));
        notes.extend(field.keep_cord(&cord));

        let image_hash = image_hash(&voxels);
        notes.extend(settle_voxels(&mut voxels).map_err(refuse)?);
        if let Some(reason) = flat_cord(&voxels, &marked) {
            return Err(refuse(reason));
        }
        notes.extend(slice_order::question(&voxels));
        let image = self.image(&field, voxels);
        let image = image.ok_or_else(|| refuse(NO_CONTRAST.to_string()))?;
        let native_transform = NativeTransform::new(native, orientation, field);
        let slices: Vec<Slice> = (0..canonical.shape[0])
            .into_par_iter()
            .filter_map(|index| {
                let labels = Labels {
                    cord: &cord[index],
                    csf: csf.as_ref().map(|csf| &csf[index]),
                    lesion: lesion.as_ref(),
                };
                let image = image.index_axis(Axis(0), index).mapv(|value| value as f32);
                let voxel = native_transform.slice_voxel(index);
                self.slice(subject, (index, voxel), image, &labels, &field)
            })
            .collect();
        if slices.is_empty() {
            return Err(refuse(
                "no slice has a region of interest: its cord mask is tiny or lies outside the field"
                    .to_string(),
            ));
        }
        if let Some(lesion) = &lesion {
            let has_cord = |index| {
                let mut slices = slices.iter().filter(|slice| slice.index == index);
                slices.any(|slice| slice.cord.iter().any(|inside| *inside))
            };
            notes.extend(lesion.lost(&field, has_cord));
        }
        let (discs, warnings) = match &labels {
            Some((labels, reach)) => discs_in(labels, &native_transform, reach),
            None => (Vec::new(), Vec::new()),
        };
        notes.extend(warnings);
        let lesion_marked = lesion.as_ref().is_some_and(LesionMask::marks_anything);
        Ok(Preprocessed { slices, discs, native_transform, image_hash, lesion_marked, notes })
    }

    /// Whether the settings are valid.
    fn check(&self) -> Result<()> {
        self.grid.check()?;
        let (low, high) = self.clip;
        if !(0.0 <= low && low < high && high <= 100.0) {
            return Err(Error::input(format!(
                "clip must be two increasing percentiles between 0 and 100, not ({low}, {high})"
            )));
        }
        Ok(())
    }

    /// The centred field of a canonical volume. The error is a clause.
    fn field(&self, canonical: &Geometry) -> Result<Field, String> {
        let spacing = canonical.affine.spacing();
        let SliceGrid { size, fov_mm, .. } = self.grid;
        let axis = |axis: usize, name: &str| {
            let (native, spacing) = (canonical.shape[axis], spacing[axis]);
            let along = FieldAxis::centred(native, spacing, fov_mm, size);
            if (2..=MAX_RESAMPLED_MM).contains(&along.resampled) {
                Ok(along)
            } else {
                Err(format!(
                    "its sagittal slices have {native} {name} of {spacing:.4} mm, which cannot be \
                     preprocessed; check the voxel size in its header"
                ))
            }
        };
        if canonical.shape[0] > MAX_SLICES {
            return Err(format!(
                "it has {} sagittal slices; at most {MAX_SLICES} can be preprocessed. Check the order of its axes",
                canonical.shape[0]
            ));
        }
        Ok(Field { rows: axis(1, "rows")?, columns: axis(2, "columns")? })
    }

    /// The preprocessed image (slice, row, column) in [0, 1], or nothing if it has no contrast.
    fn image(&self, field: &Field, canonical: Array3<f32>) -> Option<Array3<f64>> {
        let slices = each_slice(&canonical, |slice| field.preprocess_image(slice));
        drop(canonical);
        let (rows, columns) = field.preprocessed_shape();
        let mut image = Array3::zeros((slices.len(), rows, columns));
        for (mut place, slice) in image.outer_iter_mut().zip(slices) {
            place.assign(&slice);
        }
        normalise(&mut image, &field.padding(), self.clip).then_some(image)
    }

    /// One slice, by its index and its voxel index in the file, if it has a region of interest inside the field.
    fn slice(
        &self,
        subject: &Arc<str>,
        (index, voxel): (usize, usize),
        image: Array2<f32>,
        labels: &Labels,
        field: &Field,
    ) -> Option<Slice> {
        let mut inside = labels.cord.clone();
        if let Some(csf) = labels.csf {
            inside |= csf;
        }
        if !inside.iter().any(|&inside| inside) {
            return None;
        }
        let region = field.preprocess_mask(&region_of_interest(&inside));
        if !region.iter().any(|&inside| inside) {
            return None;
        }
        let cord = field.preprocess_mask(labels.cord);
        let nothing = || Array2::from_elem(cord.dim(), false);
        Some(Slice {
            subject: subject.clone(),
            index,
            voxels: Some(voxel..=voxel),
            image,
            csf: labels.csf.map_or_else(nothing, |csf| field.preprocess_mask(csf)),
            scoring: eroded(&cord) & &region,
            lesion: labels.lesion.map(|lesion| lesion.preprocessed(index, field)),
            cord,
            region,
            pixel_spacing_mm: field.pixel_spacing_mm(),
        })
    }
}

/// The share of a cord that lies outside the field of each edge in mm, placed as preprocessing places it. The
/// error is a clause.
pub(super) fn cord_outside(cord: &Volume, edges_mm: &[usize]) -> Result<Vec<f64>, String> {
    let native = cord.geometry();
    let orientation = Orientation::to_sagittal(&native.affine);
    let canonical = orientation.canonical_geometry(&native);
    let of_edge = |fov_mm: usize| {
        let grid = SliceGrid { fov_mm, ..SliceGrid::default() };
        Preprocessing { grid, ..Preprocessing::default() }.field(&canonical)
    };
    let values = MaskValues::of(cord);
    let inside = orientation.apply(&values.inside);
    let field = of_edge(SliceGrid::default().fov_mm)?;
    let cord = each_slice(&inside, |slice| field.resample_mask(slice));
    if cord.iter().flatten().all(|&inside| !inside) {
        return Err(empty_cord(&values));
    }
    let outside = |edge: &usize| of_edge(*edge).map(|mut field| field.cord_outside(&cord));
    edges_mm.iter().map(outside).collect()
}

/// Labels of one slice: cord and fluid on 1 mm pixels.
struct Labels<'a> {
    cord: &'a Array2<bool>,
    csf: Option<&'a Array2<bool>>,
    lesion: Option<&'a LesionMask>,
}

impl LabelledVolume {
    /// Whether image and labels can be used together. The error is a clause.
    fn check(&self) -> Result<(), String> {
        let image = self.image.geometry();
        let labels = [
            (CORD, Some(&self.cord)),
            ("CSF mask", self.csf.as_ref()),
            ("disc labels", self.discs.as_ref()),
            (LESION, self.lesion.as_ref()),
        ];
        let labels = || labels.into_iter().filter_map(|(name, label)| Some((name, label?)));
        let size = |[i, j, k]: [usize; 3]| format!("{i} × {j} × {k}");
        for (name, label) in labels() {
            let label = label.geometry();
            if label.shape != image.shape {
                return Err(format!(
                    "grids differ: {name} {}, image {} voxels; bring the labels onto the image's grid",
                    size(label.shape),
                    size(image.shape)
                ));
            }
            if !label.matches(&image) {
                return Err(format!(
                    "grids differ: {name} and image both have {} voxels but another affine; bring \
                     the labels onto the image's grid",
                    size(image.shape)
                ));
            }
        }
        if is_constant(&self.image) {
            return Err(NO_CONTRAST.into());
        }
        Ok(())
    }
}

fn is_constant(image: &Volume) -> bool {
    image.voxels.iter().all(|value| Some(value) == image.voxels.first())
}

/// Applies `preprocess` to every slice of a canonical volume, in parallel and in order.
fn each_slice<T: Sync, R: Send>(
    canonical: &Array3<T>,
    preprocess: impl Fn(ArrayView2<T>) -> R + Sync,
) -> Vec<R> {
    (0..canonical.len_of(Axis(0)))
        .into_par_iter()
        .map(|slice| preprocess(canonical.index_axis(Axis(0), slice)))
        .collect()
}

#[cfg(test)]
#[path = "tests/preprocessing.rs"]
mod tests;
