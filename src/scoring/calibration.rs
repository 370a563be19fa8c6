//! What a model shows in healthy subjects: the reference of its thresholds.

use serde::{Deserialize, Serialize};

use super::SeenImages;
use crate::uncertainty::MonteCarlo;

/// What a model in one state shows in healthy subjects. The model keeps it, so that one new patient
/// can be called positive or negative without a cohort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Name of the scoring.
    pub scoring: String,
    pub state: CalibratedState,
    /// The Monte-Carlo round of the detection.
    pub round: u64,
    /// AnaScores of the healthy subjects, at least one.
    pub scores: Vec<f64>,
    /// Whose images they are the scores of; unknown in files of earlier versions.
    #[serde(default, skip_serializing_if = "SeenImages::is_empty")]
    pub subjects: SeenImages,
    /// The lowest threshold on the anomaly map that the healthy subjects allow.
    pub lesion_threshold: f64,
    /// Their mean number of false positives at that threshold.
    pub false_positives_per_subject: f64,
    /// The highest number of false positives per healthy subject that was allowed.
    pub allowed: f64,
    /// Where the masks of the subjects of `scores` come from; `None` in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub masks: Option<MaskOrigins>,
}

/// How many subjects had cord masks that were given, and how many such that the program found: scores with one kind need
/// not be comparable to those with the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaskOrigins {
    pub given: usize,
    pub found: usize,
}

impl MaskOrigins {
    /// Counts subjects, each by whether the program found its masks.
    pub fn of(found: impl Iterator<Item = bool>) -> Self {
        found.fold(Self::default(), |all, found| match found {
            true => Self { found: all.found + 1, ..all },
            false => Self { given: all.given + 1, ..all },
        })
    }
}

impl Calibration {
    /// The false positive rate at an AnaScore: the probability of at most this size with which a new healthy
    /// subject reaches it, `(k + 1) / (n + 1)` where `k` of `n` healthy subjects do (conformal prediction). It
    /// is never below `1 / (n + 1)`.
    pub fn p_value(&self, score: f64) -> f64 {
        let reached = self.scores.iter().filter(|healthy| **healthy >= score).count();
        (reached + 1) as f64 / (self.scores.len() + 1) as f64
    }
}

/// How far a model was trained. An epoch that was interrupted leaves steps behind and does not count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingState {
    pub epochs: usize,
    /// Steps of the optimiser; `None` in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
}

impl TrainingState {
    /// Whether a model that was trained so far is in the same state, as far as is known.
    pub fn fits(&self, other: &Self) -> bool {
        let both = self.steps.zip(other.steps);
        self.epochs == other.epochs && both.is_none_or(|(one, other)| one == other)
    }
}

/// The state of a model on which its scores depend: a calibration holds for the same state only.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibratedState {
    pub monte_carlo: MonteCarlo,
    #[serde(flatten)]
    pub trained: TrainingState,
    /// First round of the scorer's training, which no other scorer of the model has.
    pub scorer: Option<u64>,
}

impl CalibratedState {
    /// Whether scores in one state hold in the other.
    pub fn fits(&self, other: &Self) -> bool {
        self.trained.fits(&other.trained)
            && (self.monte_carlo, self.scorer) == (other.monte_carlo, other.scorer)
    }
}
