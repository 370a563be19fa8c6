//! Thresholds that a method keeps from healthy subjects.

use super::threshold::healthy_threshold;
use super::{
    EvaluationOptions, HEALTHY_FALSE_POSITIVES, HealthyThreshold, LesionThresholdRule, Threshold,
    ThresholdRule,
};
use crate::Result;
use crate::detection::{Findings, Scoring};
use crate::options::Choice;
use crate::scoring::{CalibratedState, Calibration, MaskOrigins, SeenImages};

/// Lesion probability from which on a pixel is detected unless the user says otherwise.
const EVEN_ODDS: f64 = 0.5;

/// The calibration of a method: its scores in those of the subjects that are known to have no lesion,
/// and thresholds that allow [`HEALTHY_FALSE_POSITIVES`].
///
/// # Errors
/// If no scored subject is known to have no lesion.
pub fn calibration(healthy: &Findings, state: CalibratedState, round: u64) -> Result<Calibration> {
    let allowed = HEALTHY_FALSE_POSITIVES;
    let lesions = HealthyThreshold::new(healthy, allowed)?;
    Ok(Calibration {
        scoring: healthy.scoring.name().to_owned(),
        state,
        round,
        scores: healthy.healthy_scores(),
        subjects: SeenImages::of(healthy.healthy().map(|finding| &*finding.subject)),
        lesion_threshold: lesions.value,
        false_positives_per_subject: lesions.false_positives_per_subject,
        allowed,
        masks: Some(MaskOrigins::of(healthy.healthy().map(|one| one.subject.masks_found))),
    })
}

/// The threshold on the AnaScore that findings bring with them; `None` of a method that is not calibrated.
///
/// # Errors
/// If the calibration holds no scores.
pub fn calibrated_threshold(findings: &Findings) -> Result<Option<Threshold>> {
    let calibration = findings.calibration.as_ref();
    calibration.map(|one| healthy_threshold(&one.scores, one.allowed)).transpose()
}

/// The threshold of lesions on the anomaly map unless the user gives one: that of the calibration, else
/// even odds where the map is a probability; `None` where its scale has no natural threshold.
pub fn default_lesion_threshold(findings: &Findings) -> Option<Threshold> {
    match EvaluationOptions::of(findings).lesion_threshold {
        LesionThresholdRule::Healthy(healthy) => Some(healthy.threshold()),
        _ if findings.scoring == Scoring::Learned => {
            Some(Threshold { value: EVEN_ODDS, origin: "a probability of 0.5".to_owned() })
        }
        _ => None,
    }
}

impl EvaluationOptions {
    /// The thresholds that findings bring with them from healthy subjects; of a method that is not
    /// calibrated, those with the best F1, which is optimistic.
    pub fn of(findings: &Findings) -> Self {
        let Some(calibration) = &findings.calibration else { return Self::default() };
        Self {
            threshold: ThresholdRule::HealthyFalsePositives {
                reference: calibration.scores.clone(),
                allowed: calibration.allowed,
            },
            lesion_threshold: LesionThresholdRule::Healthy(HealthyThreshold {
                value: calibration.lesion_threshold,
                subjects: calibration.scores.len(),
                false_positives_per_subject: calibration.false_positives_per_subject,
                allowed: calibration.allowed,
            }),
        }
    }
}
