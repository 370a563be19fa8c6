//! The reference for scaling the intensities of preprocessed slices.

use serde::{Deserialize, Serialize};

use super::TissueIntensity;
use crate::cohort::Slice;
use crate::options::Choice;

/// How scanner intensities become numbers in [0, 1].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntensityScale {
    /// Between the 0.2 and 99.8 percentiles of the volume, as published. Fat, air and the coil then
    /// decide how grey a cord is, and that differs between scanners.
    #[default]
    Percentile,
    /// The same, then scaled so that the cord's median is 0.3 and fluid is 0.65 in every subject
    /// ([`TissueIntensity`] says what counts as fluid), clipped to [0, 1].
    Tissue,
}

impl Choice for IntensityScale {
    const WHAT: &'static str = "intensity scale";
    const ALL: &'static [Self] = &[Self::Percentile, Self::Tissue];

    fn name(self) -> &'static str {
        match self {
            Self::Percentile => "percentile",
            Self::Tissue => "tissue",
        }
    }
}

/// Where [`IntensityScale::Tissue`] puts the cord, and how far above it the fluid.
const CORD: f32 = 0.3;
const CONTRAST: f32 = 0.35;

impl IntensityScale {
    /// Scales the slices of one subject, which are on the percentile scale.
    pub(in crate::cohort) fn apply(self, slices: &mut [Slice]) {
        if self == Self::Percentile {
            return;
        }
        let all: Vec<&Slice> = slices.iter().collect();
        let Some(tissue) = TissueIntensity::of(&all) else { return };
        for slice in slices {
            let relative = tissue.relative(&slice.image);
            slice.image = relative.mapv(|value| (CORD + CONTRAST * value).clamp(0.0, 1.0));
        }
    }
}
