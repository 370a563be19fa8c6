//! Field of view, size and intensities of preprocessed slices.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::IntensityScale;
use crate::{Error, Result};

/// A square field of view on a square grid of pixels. The default is the published one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SliceGrid {
    /// Edge of the preprocessed square slice, pixels (256).
    pub size: usize,
    /// Edge of the square field kept around the centre, mm (200). With a smaller one,
    /// fewer pixels and less time are spent outside the spinal canal.
    #[serde(alias = "field_mm")]
    pub fov_mm: usize,
    /// Slice distance in mm to which thinner slices are averaged; 0: no averaging, as published.
    #[serde(default)]
    pub slice_mm: usize,
    /// The reference for scaling intensities.
    #[serde(default)]
    pub intensity: IntensityScale,
}

impl Default for SliceGrid {
    fn default() -> Self {
        Self { size: 256, fov_mm: 200, slice_mm: 0, intensity: IntensityScale::Percentile }
    }
}

impl SliceGrid {
    /// The published field on `size` pixels.
    pub fn of_size(size: usize) -> Self {
        Self { size, ..Self::default() }
    }

    /// Whether the grid is valid.
    ///
    /// # Errors
    /// [`Error::Input`] for an implausible size or field of view.
    pub(super) fn check(self) -> Result<()> {
        let Self { size, fov_mm, slice_mm, .. } = self;
        if !(8..=4096).contains(&size) {
            return Err(Error::input(format!("size must be 8 to 4096 pixels, not {size}")));
        }
        if !(8..=2048).contains(&fov_mm) {
            return Err(Error::input(format!("fov_mm must be 8 to 2048 mm, not {fov_mm}")));
        }
        if slice_mm > 100 {
            return Err(Error::input(format!("slice_mm must be 0 to 100 mm, not {slice_mm}")));
        }
        Ok(())
    }

    /// The same pixels with slices and intensities as preprocessing first has them.
    pub(super) fn as_acquired(self) -> Self {
        Self { size: self.size, fov_mm: self.fov_mm, ..Self::default() }
    }

    /// Whether slices show the same region on the same pixels, whatever their intensities and
    /// thickness.
    pub(super) fn has_the_pixels_of(self, other: Self) -> bool {
        self.as_acquired() == other.as_acquired()
    }
}

impl fmt::Display for SliceGrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pixels for {} mm", self.size, self.fov_mm)
    }
}
