//! Scores of patients, slices or segments against a binary ground truth.

use serde::{Deserialize, Serialize};

use super::bootstrap::{Estimate, Interval, Resamples};
use super::cases::RankedCases;
use super::{BestF1, Confusion, Ranking, RocPoint, Threshold, ThresholdRule};
use crate::Result;
use crate::context::Context;

/// Scores against a binary ground truth. Intervals are 95 %, by bootstrap over the patients; those of
/// AUROC and average precision need two patients with positives and two with negatives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    pub positives: usize,
    pub negatives: usize,
    /// `None` unless there are positives and negatives.
    pub auroc: Option<f64>,
    pub auroc_interval: Option<Interval>,
    /// `None` without positives.
    pub average_precision: Option<f64>,
    pub average_precision_interval: Option<Interval>,
    /// Chosen on the same cases and therefore optimistic; `None` without positives.
    pub best_f1: Option<BestF1>,
    /// `None` where the best F1 was asked for and there are no positives.
    pub threshold: Option<Threshold>,
    /// At `threshold`.
    pub confusion: Option<Confusion>,
    /// Of the positives, those that reach `threshold`; `None` without positives.
    pub sensitivity: Option<Estimate>,
    /// Of the negatives, those that stay below `threshold`; `None` without negatives.
    pub specificity: Option<Estimate>,
    /// At `threshold`.
    pub f1: Option<Estimate>,
    pub roc: Vec<RocPoint>,
}

impl Level {
    /// Why AUROC or average precision are not defined; `None` if they are.
    pub fn undefined(&self) -> Option<&'static str> {
        match (self.positives, self.negatives) {
            (0, 0) => Some("undefined: no cases"),
            (0, _) => Some("undefined: no case with lesion"),
            (_, 0) => Some("undefined: no case without a lesion"),
            _ => None,
        }
    }
}

/// Places in [`RankedCases::rates`].
const SENSITIVITY: usize = 0;
const SPECIFICITY: usize = 1;
const F1: usize = 2;

/// Evaluates the (score, ground truth) of each patient's cases. Intervals of sensitivity, specificity and F1 hold at
/// the threshold: it is not chosen again for each replicate.
///
/// # Errors
/// If a score is NaN, the rule makes no sense, or the user interrupts.
pub(super) fn level(
    patients: &[Vec<(f64, bool)>],
    ranked: &RankedCases,
    rule: &ThresholdRule,
    resamples: &Resamples,
    context: &Context,
) -> Result<Level> {
    let (scores, truth): (Vec<f64>, Vec<bool>) = patients.iter().flatten().copied().unzip();
    let ranking = Ranking::new(&scores, &truth)?;
    let threshold = rule.apply(&ranking)?;
    let confusion = threshold.as_ref().map(|threshold| ranking.at(threshold.value));
    let [auroc_interval, average_precision_interval] =
        ranking_intervals(ranked, resamples, context)?;
    let rate = |which: usize| -> Result<Option<Estimate>> {
        let Some(Confusion { true_positives, false_positives, .. }) = confusion else {
            return Ok(None);
        };
        let found = true_positives + false_positives;
        let patients = ranked.patients_with(which != SPECIFICITY);
        let estimate =
            resamples.estimate(patients, context, |counts| ranked.rates(found, counts)[which])?;
        Ok(match which {
            SENSITIVITY | SPECIFICITY => estimate.map(|estimate| estimate.of_share(patients)),
            _ => estimate,
        })
    };
    Ok(Level {
        positives: ranking.positives(),
        negatives: ranking.negatives(),
        auroc: ranking.auroc(),
        auroc_interval,
        average_precision: ranking.average_precision(),
        average_precision_interval,
        best_f1: ranking.best_f1(),
        sensitivity: rate(SENSITIVITY)?,
        specificity: rate(SPECIFICITY)?,
        f1: rate(F1)?,
        confusion,
        threshold,
        roc: ranking.roc(),
    })
}

/// The intervals of AUROC and average precision; `None` unless two patients have positives and two
/// have negatives.
///
/// # Errors
/// [`crate::Error::Cancelled`] if the user interrupts.
pub(super) fn ranking_intervals(
    ranked: &RankedCases,
    resamples: &Resamples,
    context: &Context,
) -> Result<[Option<Interval>; 2]> {
    if !ranked.are_resampled() {
        return Ok([None; 2]);
    }
    Ok([
        resamples.interval(context, |counts| ranked.auroc(counts))?,
        resamples.interval(context, |counts| ranked.average_precision(counts))?,
    ])
}
