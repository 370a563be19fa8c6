//! NIfTI-1 volumes in and out, behind guards; orientation and resampling.
//!
//! Voxels are always `f32`, always with their affine. Nothing here knows about anatomy beyond
//! the axes of the patient: right-left, anterior-posterior, superior-inferior.

mod components;

pub use components::{Connectivity, connected_components};

use std::path::Path;

use ndarray::Array3;

use crate::Result;

/// Voxel index (i, j, k) to millimetres in RAS+ scanner space (x to the right, y to the front,
/// z to the head): the upper three rows of the NIfTI affine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine(pub [[f64; 4]; 3]);

/// Shape and affine of a volume: what two images must share to be on the same grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Geometry {
    pub shape: [usize; 3],
    pub affine: Affine,
}

/// A 3-D image with its place in the scanner.
#[derive(Clone, Debug, PartialEq)]
pub struct Volume {
    /// Indexed (i, j, k) as stored.
    pub voxels: Array3<f32>,
    pub affine: Affine,
}

/// A signed permutation of axes: how stored axes become canonical sagittal ones and back.
///
/// Canonical sagittal: axis 0 counts slices from the patient's right to left, axis 1 counts rows
/// from superior to inferior, axis 2 counts columns from anterior to posterior.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orientation {
    /// For each canonical axis the stored axis it comes from.
    pub source: [usize; 3],
    /// For each canonical axis whether the stored axis runs the other way.
    pub flipped: [bool; 3],
}

impl Volume {
    /// Reads a NIfTI-1 file (`.nii`, `.nii.gz`, recognised by content).
    pub fn read(path: &Path) -> Result<Self> {
        let _ = path;
        unimplemented!()
    }

    /// Writes atomically, as `.nii` or `.nii.gz` by the name of `path`. With `template` the
    /// header geometry (sform, qform, units) of that file is kept.
    pub fn write(&self, path: &Path, template: Option<&Path>) -> Result<()> {
        let _ = (path, template);
        unimplemented!()
    }

    /// Shape and affine.
    pub fn geometry(&self) -> Geometry {
        unimplemented!()
    }
}

impl Geometry {
    /// Reads the header only.
    pub fn read(path: &Path) -> Result<Self> {
        let _ = path;
        unimplemented!()
    }

    /// Whether two images are on the same grid, within a thousandth of a voxel.
    pub fn matches(&self, other: &Self) -> bool {
        let _ = other;
        unimplemented!()
    }
}

impl Affine {
    /// Edge lengths of a voxel in mm, per stored axis.
    pub fn spacing(&self) -> [f64; 3] {
        unimplemented!()
    }
}

impl Orientation {
    /// The orientation that brings a volume with this affine to canonical sagittal axes.
    pub fn to_sagittal(affine: &Affine) -> Self {
        let _ = affine;
        unimplemented!()
    }

    /// Stored array to canonical array.
    pub fn apply(&self, stored: &Array3<f32>) -> Array3<f32> {
        let _ = stored;
        unimplemented!()
    }

    /// Canonical array to stored array: the exact inverse of [`Self::apply`].
    pub fn undo(&self, canonical: &Array3<f32>) -> Array3<f32> {
        let _ = canonical;
        unimplemented!()
    }
}
