//! How a reconstruction becomes an anomaly map.

use std::fmt;

use ndarray::{Array2, Zip};
use serde::{Deserialize, Serialize};

use super::Reconstruction;
use crate::cohort::{Slice, TissueIntensity};
use crate::options::Choice;
use crate::volume::gaussian_filter;

/// How a reconstruction becomes an anomaly map, and the map a score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scoring {
    /// The absolute error; the curve is its mean over the cord's width; the score is the curve's
    /// peak above its mean (paper section 3.4).
    #[default]
    Published,
    /// How much brighter the image is than its reconstruction, in units of the subject's contrast
    /// between fluid and cord, smoothed inside the cord; the curve is the highest value over the
    /// cord's width; the score is the curve's peak above its mean. T2 hyperintensities are bright,
    /// and what is darker than expected (flow voids, borders) is none.
    Residual,
    /// The lesion probability of a [`LesionScorer`](crate::scoring::LesionScorer); the curve is the
    /// highest value over the cord's width; the score is the curve's peak.
    Learned,
}

impl Choice for Scoring {
    const WHAT: &'static str = "scoring";
    const ALL: &'static [Self] = &[Self::Published, Self::Residual, Self::Learned];

    fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Residual => "residual",
            Self::Learned => "learned",
        }
    }
}

impl fmt::Display for Scoring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Standard deviations of the Gaussian that smooths the residual along the cord and across it, mm.
/// Lesions are longer than wide.
const SMOOTHING_MM: (f64, f64) = (1.5, 0.8);

impl Scoring {
    /// What its map and curve show, with the unit.
    pub fn quantity(self) -> &'static str {
        match self {
            Self::Published => "mean error (intensity)",
            Self::Residual => "highest positive residual (fluid − cord)",
            Self::Learned => "highest lesion probability",
        }
    }

    /// How a segment's score follows from the curve.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Published | Self::Residual => "its peak above the curve's mean",
            Self::Learned => "its peak",
        }
    }

    /// Whether the curve is the mean over the cord's width, instead of the highest value.
    pub(super) fn averages(self) -> bool {
        self == Self::Published
    }

    /// What a segment's peak is measured from, given the curve's mean.
    pub(super) fn baseline(self, mean: f64) -> f64 {
        match self {
            Self::Published | Self::Residual => mean,
            Self::Learned => 0.0,
        }
    }

    /// The anomaly map of a slice: 0 outside its scoring region.
    pub(super) fn anomaly(
        self,
        slice: &Slice,
        reconstruction: &Reconstruction,
        tissue: Option<TissueIntensity>,
    ) -> Array2<f32> {
        let values = match (self, &reconstruction.probability) {
            (Self::Learned, Some(probability)) => probability.clone(),
            (Self::Published | Self::Learned, _) => reconstruction.error.clone(),
            (Self::Residual, _) => residual(slice, reconstruction, tissue),
        };
        Zip::from(&values)
            .and(&slice.scoring)
            .map_collect(|&value, &scored| if scored { value } else { 0.0 })
    }
}

/// The positive residual, smoothed over the pixels of the scoring region alone.
fn residual(
    slice: &Slice,
    reconstruction: &Reconstruction,
    tissue: Option<TissueIntensity>,
) -> Array2<f32> {
    let contrast = tissue.map_or(1.0, |tissue| tissue.contrast);
    let weight = slice.scoring.mapv(|scored| if scored { 1.0 } else { 0.0 });
    let positive = Zip::from(&slice.image)
        .and(&reconstruction.reconstruction)
        .and(&weight)
        .map_collect(|image, normal, weight| weight * (image - normal).max(0.0) / contrast);
    let (row_mm, column_mm) = slice.pixel_spacing_mm;
    let deviation = (SMOOTHING_MM.0 / row_mm, SMOOTHING_MM.1 / column_mm);
    let (sum, weights) =
        (gaussian_filter(&positive, deviation), gaussian_filter(&weight, deviation));
    Zip::from(&sum).and(&weights).map_collect(|sum, weight| sum / weight.max(1e-3))
}
