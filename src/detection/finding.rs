//! What a method found: per slice, per subject, in a cohort.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;

use ndarray::Array2;

use super::made_by::MadeBy;
use super::{Reconstruction, Scoring};
use crate::cohort::{Slice, Subject};
use crate::context::counted;
use crate::scoring::{Calibration, MaskOrigins, SeenAs};
use crate::{Error, Result};

/// How a cord is divided into segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentBorders {
    /// At the disc labels C2/C3 … C7/T1.
    Discs,
    /// Into equal arc lengths, because the subject has no usable disc labels.
    EqualBins,
}

/// One segment of the cord and its score.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentScore {
    /// Vertebral level ("C2" … "T1") or "bin 1" ….
    pub name: String,
    /// Arc length along the cord from its upper end, mm.
    pub from_mm: f64,
    pub to_mm: f64,
    /// AnaScore: the curve's peak in the segment, minus the curve's mean unless the scoring is
    /// learned; never below 0.
    pub score: f64,
    /// Whether the ground truth has at least [`super::LESION_PIXELS`] lesion pixels here; `None`
    /// where the ground truth is unknown.
    pub lesion: Option<bool>,
}

/// The anomaly map along the cord's own axis in one slice.
#[derive(Clone, Debug, PartialEq)]
pub struct AnomalyCurve {
    /// What its values are.
    pub scoring: Scoring,
    /// Arc length of each point from the cord's upper end, mm; stretches without scoring pixels
    /// or with too narrow a scoring region have no points.
    pub position_mm: Vec<f64>,
    /// The map at each point: mean of the scoring pixels, lightly smoothed, of the published
    /// scoring; the highest of the others.
    pub error: Vec<f64>,
    /// Mean of `error` over the part that is scored.
    pub mean: f64,
    pub segments: Vec<SegmentScore>,
}

impl AnomalyCurve {
    /// The scored segment that a position along the cord lies in.
    pub fn segment_at(&self, position_mm: f64) -> Option<&SegmentScore> {
        let inside =
            |segment: &&SegmentScore| (segment.from_mm..=segment.to_mm).contains(&position_mm);
        self.segments.iter().find(inside)
    }
}

/// A connected group of pixels of high anomaly.
#[derive(Clone, Debug, PartialEq)]
pub struct Island {
    /// Pixels as (row, column).
    pub pixels: Vec<(usize, usize)>,
    pub mean_error: f64,
    pub total_error: f64,
    pub area_mm2: f64,
    /// Name of the segment its centre lies in, where the cord of the slice has an axis and a segment there.
    pub segment: Option<String>,
}

/// What was found in one slice.
#[derive(Clone, Debug)]
pub struct SliceFinding {
    /// Position in [`Subject::slices`].
    pub slice: usize,
    pub reconstruction: Reconstruction,
    /// The measure that is scored, inside the scoring region; 0 elsewhere.
    pub anomaly: Array2<f32>,
    /// Best first, by mean × total error.
    pub islands: Vec<Island>,
    /// `None` where the slice has too little cord to score.
    pub curve: Option<AnomalyCurve>,
}

impl SliceFinding {
    /// AnaScore of the slice: the highest of its segments; `None` where it could not be scored.
    pub fn score(&self) -> Option<f64> {
        let segments = &self.curve.as_ref()?.segments;
        segments.iter().map(|segment| segment.score).max_by(f64::total_cmp)
    }
}

/// What was found in one subject.
#[derive(Clone, Debug)]
pub struct Finding {
    pub subject: Arc<Subject>,
    pub segment_borders: SegmentBorders,
    /// AnaScore of the patient: the highest segment score over slices; 0 where none could be
    /// scored (see [`Self::is_scored`]).
    pub score: f64,
    /// Highest score per segment over slices, superior first, with the arc lengths of the slice
    /// it comes from.
    pub segments: Vec<SegmentScore>,
    /// Names of segments that the cord reaches, but in which it is too short or too narrow to be scored in any slice.
    pub unscored: Vec<String>,
    pub slices: Vec<SliceFinding>,
    /// As what the method learned from this subject, or from another image of the same person; `None` if it did not,
    /// or does not tell.
    pub seen: Option<SeenAs>,
}

impl Finding {
    /// Whether any slice has enough cord to be scored.
    pub fn is_scored(&self) -> bool {
        !self.segments.is_empty()
    }

    /// The segment with the highest score, the first of equals; `None` where none could be scored, or all
    /// scores are 0, which is no place in particular.
    pub fn highest_segment(&self) -> Option<&SegmentScore> {
        let scored = self.segments.iter().filter(|segment| segment.score > 0.0);
        scored.rev().max_by(|a, b| a.score.total_cmp(&b.score))
    }

    /// The slice that one of its segments was scored in.
    pub fn slice_of(&self, segment: &SegmentScore) -> Option<&Slice> {
        let is_it = |other: &SegmentScore| {
            let places = |of: &SegmentScore| (of.score, of.from_mm, of.to_mm);
            other.name == segment.name && places(other) == places(segment)
        };
        let has_it = |found: &&SliceFinding| {
            found.curve.as_ref().is_some_and(|curve| curve.segments.iter().any(is_it))
        };
        self.slices.iter().find(has_it).map(|found| &self.subject.slices[found.slice])
    }

    /// The slice with the highest score, the first of equals; `None` where none could be scored.
    pub fn highest_slice(&self) -> Option<&SliceFinding> {
        let mut highest: Option<(f64, &SliceFinding)> = None;
        for slice in &self.slices {
            if let Some(score) = slice.score()
                && highest.is_none_or(|(best, _)| score > best)
            {
                highest = Some((score, slice));
            }
        }
        highest.map(|(_, slice)| slice)
    }

    /// The slice to look at first: the one with the highest score, else the first; `None` of a
    /// subject without slices.
    pub fn shown_slice(&self) -> Option<&SliceFinding> {
        self.highest_slice().or(self.slices.first())
    }
}

/// What a method found in a cohort.
#[derive(Clone, Debug)]
pub struct Findings {
    /// Name of the method: "U²AD", "intensity threshold", ….
    pub method: String,
    /// How its reconstructions were scored.
    pub scoring: Scoring,
    pub subjects: Vec<Finding>,
    /// Whether the method reconstructs images, as [`Reconstructor::reconstructs`](super::Reconstructor).
    pub reconstructs: bool,
    /// Which method it was, whatever it is called, and in which state. `None` of findings that an earlier version kept.
    pub made_by: Option<MadeBy>,
    /// What the same method shows in healthy subjects, if it was calibrated with any.
    pub calibration: Option<Arc<Calibration>>,
}

impl Findings {
    /// The same under another name in tables and figures.
    pub fn named(mut self, method: impl Into<String>) -> Self {
        self.method = method.into();
        self
    }

    /// These and those of the same method in other subjects, such as the folds of a cross-validation. Thresholds of a
    /// calibration stay if both have the same.
    ///
    /// # Errors
    /// If the names of the methods, their scorings or the fields of view of the slices differ, or a subject is in both.
    pub fn joined(&self, other: &Self) -> Result<Self> {
        let differ = |what: &str, one: &dyn Display, other: &dyn Display| {
            Err(Error::input(format!(
                "findings of different {what} cannot be joined: {one} and {other}"
            )))
        };
        if self.method != other.method || self.reconstructs != other.reconstructs {
            return differ("methods", &self.method, &other.method);
        }
        if self.scoring != other.scoring {
            return differ("scorings", &self.scoring, &other.scoring);
        }
        let pixels = |of: &Self| {
            let slice = of.subjects.iter().find_map(|one| one.subject.slices.first())?;
            Some(format!(
                "{} pixels for {:.0} mm",
                slice.size(),
                slice.size() as f64 * slice.pixel_spacing_mm.0
            ))
        };
        if let Some((one, other)) =
            pixels(self).zip(pixels(other)).filter(|(one, other)| one != other)
        {
            return differ("slices", &one, &other);
        }
        let names: BTreeSet<&str> = self.subjects.iter().map(|one| &*one.subject.name).collect();
        if let Some(twice) = other.subjects.iter().find(|one| names.contains(&*one.subject.name)) {
            return Err(Error::subject(
                &*twice.subject.name,
                "is in both findings, so they cannot be joined",
            ));
        }
        Ok(Self {
            method: self.method.clone(),
            scoring: self.scoring,
            subjects: self.subjects.iter().chain(&other.subjects).cloned().collect(),
            reconstructs: self.reconstructs,
            made_by: self.made_by.clone().filter(|one| other.made_by.as_ref() == Some(one)),
            calibration: self
                .calibration
                .clone()
                .filter(|one| other.calibration.as_ref() == Some(one)),
        })
    }

    /// Whether others are known to come from another method, or from the same one in another state, so that a
    /// threshold for one of them says nothing about the other.
    pub fn differ_in_method(&self, other: &Self) -> bool {
        let both = self.made_by.as_ref().zip(other.made_by.as_ref());
        both.is_some_and(|(one, other)| one.identity != other.identity)
    }

    /// The finding with the highest score, the first of equals.
    pub fn highest(&self) -> Option<&Finding> {
        self.subjects.iter().rev().max_by(|a, b| a.score.total_cmp(&b.score))
    }

    /// The highest value of all anomaly maps; 0 without any.
    pub fn highest_anomaly(&self) -> f32 {
        let slices = self.subjects.iter().flat_map(|finding| &finding.slices);
        slices.flat_map(|found| &found.anomaly).copied().fold(0.0, f32::max)
    }

    /// The scored subjects that are known to have no lesion.
    pub fn healthy(&self) -> impl Iterator<Item = &Finding> {
        let healthy =
            |finding: &&Finding| finding.is_scored() && finding.subject.has_lesion() == Some(false);
        self.subjects.iter().filter(healthy)
    }

    /// Their scores.
    pub fn healthy_scores(&self) -> Vec<f64> {
        self.healthy().map(|finding| finding.score).collect()
    }

    /// A sentence on subjects whose masks are of a kind, given or found by the program, that no subject of the
    /// calibration had; `None` without such subjects, and where the calibration does not tell.
    pub fn unlike_calibration(&self) -> Option<String> {
        let known = self.calibration.as_ref()?.masks?;
        let here = MaskOrigins::of(self.subjects.iter().map(|one| one.subject.masks_found));
        let (given, found) = ("given masks", "masks that the program found");
        let (theirs, count, ours) = match known {
            MaskOrigins { found: 0, .. } => (given, here.found, found),
            MaskOrigins { given: 0, .. } => (found, here.given, given),
            MaskOrigins { .. } => return None,
        };
        let (have, p_values) = match count {
            0 => return None,
            1 => ("has", "its p-value"),
            _ => ("have", "their p-values"),
        };
        Some(format!(
            "the model was calibrated on subjects with {theirs}; {} here {have} {ours}, so {p_values} may be too \
             small or too large",
            counted(count, "subject")
        ))
    }
}
