//! What an anomaly map shows and how it is scored.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::options::Choice;

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
    /// The method's own measure of anomaly ([`Reconstruction::anomaly`](super::Reconstruction)), smoothed
    /// inside the cord; the curve is the highest value over the cord's width; the score is the curve's peak
    /// above its mean.
    Own,
}

impl Choice for Scoring {
    const WHAT: &'static str = "scoring";
    const ALL: &'static [Self] = &[Self::Published, Self::Residual, Self::Learned, Self::Own];

    fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Residual => "residual",
            Self::Learned => "learned",
            Self::Own => "own",
        }
    }
}

impl fmt::Display for Scoring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Scoring {
    /// What its map and curve show, with the unit.
    pub fn quantity(self) -> &'static str {
        match self {
            Self::Published => "mean error (intensity)",
            Self::Residual => "highest positive residual (in units of fluid − cord)",
            Self::Learned => "highest lesion probability",
            Self::Own => "highest anomaly (the method's unit)",
        }
    }

    /// What a pixel of its map holds.
    pub fn map_unit(self) -> &'static str {
        match self {
            Self::Published => "error (intensity)",
            Self::Residual => "positive residual (fluid − cord)",
            Self::Learned => "lesion probability",
            Self::Own => "anomaly (the method's unit)",
        }
    }

    /// How a segment's score follows from the curve.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Published | Self::Residual | Self::Own => "its peak above the curve's mean",
            Self::Learned => "its peak",
        }
    }

    /// Whether the curve is the mean over the cord's width, instead of the highest value.
    pub(super) fn averages(self) -> bool {
        self == Self::Published
    }

    /// What a segment's peak is measured from, given the curve's mean.
    pub(crate) fn baseline(self, mean: f64) -> f64 {
        match self {
            Self::Published | Self::Residual | Self::Own => mean,
            Self::Learned => 0.0,
        }
    }
}
