//! The published preparation of a volume (paper section 3.1), with the transform kept so that any
//! map goes back to the grid it came from.

use std::sync::Arc;

use ndarray::{Array2, Array3};

use super::{Disc, Slice};
use crate::Result;
use crate::volume::Volume;

/// An image with its labels, all on the image's grid.
#[derive(Clone, Debug)]
pub struct LabelledVolume {
    pub image: Volume,
    /// Spinal cord, non-zero inside.
    pub cord: Volume,
    /// Cerebrospinal fluid, non-zero inside.
    pub csf: Option<Volume>,
    /// One voxel per disc, valued by [`Disc::value`].
    pub discs: Option<Volume>,
    /// Lesion truth, non-zero inside.
    pub lesion: Option<Volume>,
}

/// Which components of a slice's region of interest are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionRule {
    /// The largest one: healthy volumes.
    LargestComponent,
    /// All but those of 20 pixels or fewer: clinical volumes.
    DropSmall,
}

/// The recipe. The defaults are the published ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preparation {
    /// Edge of the prepared square slice, pixels (256).
    pub size: usize,
    /// Edge of the square field kept around the centre, mm (200).
    pub field_mm: f64,
    /// Percentiles to clip at (0.2, 99.8), of the voxels that are not background.
    pub clip: (f64, f64),
    pub region: RegionRule,
}

/// Where prepared slices lie in the volume they came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {}

/// What preparation yields.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Slices with a region of interest only.
    pub slices: Vec<Slice>,
    pub discs: Vec<Disc>,
    pub placement: Placement,
}

impl Preparation {
    /// Prepares one subject's volume.
    pub fn prepare(&self, subject: &Arc<str>, volume: &LabelledVolume) -> Result<Prepared> {
        let _ = (subject, volume);
        unimplemented!()
    }
}

impl Placement {
    /// Carries maps of prepared slices, given as (slice index in the canonical volume, map), to
    /// the native grid: linear interpolation, 0 outside the field.
    pub fn to_native(&self, maps: &[(usize, &Array2<f32>)]) -> Array3<f32> {
        let _ = maps;
        unimplemented!()
    }
}
