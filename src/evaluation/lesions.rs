//! Detected lesions and false positives: the level at which a radiologist works.

use serde::{Deserialize, Serialize};

use super::bootstrap::{Estimate, Resamples};
use super::cases::Cases;
use super::froc::{FrocPoint, ThresholdSweep, Totals};
use super::patient_lesions::PatientLesions;
use super::threshold::{
    OPTIMISTIC, Threshold, check_allowed, expected_false_positives, healthy_origin,
};
use crate::context::Context;
use crate::detection::Findings;
use crate::{Error, Result};

/// False positives per healthy subject that a threshold from healthy subjects allows.
pub const HEALTHY_FALSE_POSITIVES: f64 = 0.1;

/// How the threshold on the anomaly map is chosen. A pixel of the scoring region belongs to a
/// detection if its value reaches it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LesionThresholdRule {
    /// This value, in the unit of the anomaly map.
    Value(f64),
    /// The lowest threshold that healthy subjects allow.
    Healthy(HealthyThreshold),
    /// The threshold with the best lesion F1 on the patients being evaluated, which is optimistic.
    #[default]
    BestF1,
}

/// The lowest threshold at and above which no more false positives than allowed are expected in a
/// new healthy subject.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HealthyThreshold {
    /// In the unit of the anomaly map.
    pub value: f64,
    /// Healthy subjects that it comes from.
    pub subjects: usize,
    /// Their mean number of false positives at the threshold.
    pub false_positives_per_subject: f64,
    /// The highest number that was allowed.
    pub allowed: f64,
}

/// Detected lesions and false positives.
///
/// A lesion is a connected component of the ground truth, a detection one of the pixels of the
/// scoring region whose anomaly reaches the threshold, both with 26 neighbours over neighbouring
/// slices. A detection has at least [`DETECTION_PIXELS`](super::DETECTION_PIXELS) pixels. It is a
/// true one if at least [`DETECTION_OVERLAP`](super::DETECTION_OVERLAP) of them are lesion, and then
/// detects every lesion that it overlaps; else it is a false positive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LesionLevel {
    /// Patients whose lesions are known, including those known to have none.
    pub patients: usize,
    pub lesions: usize,
    /// Lesions without a pixel in the scoring region. They cannot be detected and count as missed.
    pub lesions_outside: usize,
    /// On the anomaly map; `None` where the best F1 was asked for and no threshold detects a lesion.
    pub threshold: Option<Threshold>,
    /// The result in the healthy subjects, if the threshold comes from them.
    pub healthy: Option<HealthyThreshold>,
    /// Lesions detected at the threshold.
    pub detected: Option<usize>,
    /// False positives at the threshold, over all patients.
    pub false_positives: Option<usize>,
    /// Share of the lesions that are detected at the threshold; `None` without lesions.
    pub sensitivity: Option<Estimate>,
    /// Of lesions at the threshold: 2 TP / (2 TP + FP + FN); `None` without lesions.
    pub f1: Option<Estimate>,
    /// At the threshold.
    pub false_positives_per_patient: Option<Estimate>,
    /// Highest sensitivity of all thresholds with at most one false positive per patient, whatever
    /// `threshold` is; `None` without lesions.
    pub sensitivity_at_one: Option<Estimate>,
    /// The sensitivities that are reached with fewer false positives per patient than any other threshold needs for as
    /// high a one, each with the fewest; empty without lesions.
    pub froc: Vec<FrocPoint>,
}

impl HealthyThreshold {
    /// The threshold from those of the findings that are known to be without lesion. One false
    /// positive more than they have is counted, as if a new subject had it: k in n of them promise
    /// `(k + 1) / (n + 1)`, if hardly any subject has more than one. With too few of them for
    /// `allowed`, the threshold lies above all of them.
    ///
    /// # Errors
    /// If `allowed` is not a number of at least 0, or no subject is known to have no lesion.
    pub fn new(findings: &Findings, allowed: f64) -> Result<Self> {
        check_allowed(allowed)?;
        let healthy = findings
            .subjects
            .iter()
            .filter(|finding| finding.is_scored() && finding.subject.has_lesion() == Some(false));
        let healthy: Vec<Option<PatientLesions>> = healthy.map(PatientLesions::new).collect();
        if healthy.is_empty() {
            return Err(Error::input(
                "a threshold from healthy subjects needs at least one subject known to have no lesion",
            ));
        }
        // Starts at 0, below every anomaly; stops just above the first threshold with too many false
        // positives.
        let (mut value, mut false_positives_per_subject, mut ended) = (0.0, 0.0, false);
        ThresholdSweep::new(&healthy).walk(&vec![1; healthy.len()], |totals| {
            let now = totals.false_positives_per_patient().unwrap_or_default();
            let of_all = totals.false_positives as f64;
            let too_many =
                of_all > 0.0 && expected_false_positives(of_all, healthy.len()) > allowed;
            match too_many {
                _ if ended => {}
                true => (value, ended) = (totals.threshold.next_up(), true),
                false => false_positives_per_subject = now,
            }
        });
        let subjects = healthy.len();
        Ok(Self { value, subjects, false_positives_per_subject, allowed })
    }

    /// The threshold with its origin in words.
    pub fn threshold(&self) -> Threshold {
        Threshold { value: self.value, origin: healthy_origin(self.subjects, self.allowed) }
    }
}

impl LesionThresholdRule {
    /// The threshold for these patients; `None` if the best F1 is asked for and none detects a lesion.
    fn apply(&self, sweep: &ThresholdSweep<'_>, once: &[u32]) -> Result<Option<Threshold>> {
        Ok(match self {
            Self::Value(value) if value.is_finite() => {
                Some(Threshold { value: *value, origin: "given".into() })
            }
            Self::Value(value) => {
                return Err(Error::input(format!(
                    "a threshold of lesions must be a number, not {value}"
                )));
            }
            Self::Healthy(healthy) => Some(healthy.threshold()),
            Self::BestF1 => sweep.best_f1(once).map(|value| Threshold {
                value,
                origin: format!("best lesion F1 on the same patients: {OPTIMISTIC}"),
            }),
        })
    }
}

/// Evaluates the lesions of all patients whose lesions are known; `None` where none are.
///
/// # Errors
/// If the threshold is not a number, and [`Error::Cancelled`] if the user interrupts.
pub(super) fn lesion_level(
    cases: &Cases,
    rule: &LesionThresholdRule,
    resamples: &Resamples,
    context: &Context,
) -> Result<Option<LesionLevel>> {
    let known: Vec<&PatientLesions> = cases.lesions.iter().flatten().collect();
    if known.is_empty() {
        return Ok(None);
    }
    let sweep = ThresholdSweep::new(&cases.lesions);
    let once = vec![1; cases.lesions.len()];
    let threshold = rule.apply(&sweep, &once)?;
    let value = threshold.as_ref().map(|threshold| threshold.value);
    let estimate = |patients: usize, measure: fn(&Totals) -> Option<f64>| {
        resamples.estimate(patients, context, |counts| measure(&sweep.at(value?, counts)))
    };
    let with_lesions = cases.patients_with_lesions();
    let totals = value.map(|value| sweep.at(value, &once));
    Ok(Some(LesionLevel {
        patients: known.len(),
        lesions: known.iter().map(|of| of.lesions).sum(),
        lesions_outside: known.iter().map(|of| of.lesions_outside).sum(),
        healthy: match rule {
            LesionThresholdRule::Healthy(healthy) => Some(*healthy),
            _ => None,
        },
        detected: totals.map(|totals| totals.detected as usize),
        false_positives: totals.map(|totals| totals.false_positives as usize),
        sensitivity: estimate(with_lesions, Totals::sensitivity)?
            .map(|share| share.of_share(with_lesions)),
        f1: estimate(with_lesions, Totals::f1)?,
        false_positives_per_patient: estimate(known.len(), Totals::false_positives_per_patient)?,
        sensitivity_at_one: resamples
            .estimate(with_lesions, context, |counts| sweep.sensitivity_at(1.0, counts))?
            .map(|share| share.of_share(with_lesions)),
        froc: sweep.froc(&once),
        threshold,
    }))
}
