//! NIfTI volumes in and out, behind guards; orientation and resampling.
//!
//! Voxels are always `f32`, always with their affine. Nothing here knows about anatomy beyond
//! the axes of the patient: right-left, anterior-posterior, superior-inferior.

mod affine;
mod components;
#[cfg(test)]
pub(crate) mod fixture;
mod gaussian;
mod gzip_members;
mod header;
mod image_header;
mod labelled_volume;
mod mask_values;
mod morphology;
mod orientation;
mod other_format;
mod read;
pub mod resample;
mod write;

pub use affine::{Affine, Geometry};
pub use components::{Connectivity, connected_components, connected_components_3d};
pub use gaussian::gaussian_filter;
pub(crate) use header::{MAX_EDGE, MAX_VOXELS};
pub use image_header::ImageHeader;
pub use labelled_volume::LabelledVolume;
pub use mask_values::{MaskKind, MaskValues};
pub use morphology::{dilated, eroded};
pub use orientation::Orientation;
pub(crate) use read::voxel_file;
pub use write::{write_labels, write_mask};

use ndarray::Array3;

/// A 3-D image with its place in the scanner.
#[derive(Clone, Debug, PartialEq)]
pub struct Volume {
    /// Indexed (i, j, k) as stored.
    pub voxels: Array3<f32>,
    pub affine: Affine,
}

impl Volume {
    /// Shape and affine.
    pub fn geometry(&self) -> Geometry {
        let (i, j, k) = self.voxels.dim();
        Geometry { shape: [i, j, k], affine: self.affine }
    }

    /// How many voxels are NaN or infinite. Reading accepts them; the caller decides what to do.
    pub fn non_finite_count(&self) -> usize {
        self.voxels.fold(0, |count, value| count + usize::from(!value.is_finite()))
    }
}
