//! Scores against a binary ground truth, for patients, segments or pixels.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Scores ranked against their ground truth: one sort gives every measure. A case is
/// found if its score is at least the threshold; equal scores are found together, as in
/// scikit-learn.
#[derive(Clone, Debug)]
pub struct Ranking {
    /// From the highest threshold to the lowest.
    steps: Vec<Step>,
    positives: usize,
    negatives: usize,
}

/// How many are found at a threshold.
#[derive(Clone, Copy, Debug)]
struct Step {
    threshold: f64,
    true_positives: usize,
    false_positives: usize,
}

/// A point of the ROC curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// Infinite for the first point, where nothing is found.
    #[serde(deserialize_with = "super::unbounded::unbounded")]
    pub threshold: f64,
    pub false_positive_rate: f64,
    pub true_positive_rate: f64,
}

/// The best F1 of all thresholds: optimistic, because the threshold is chosen on the same cases.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestF1 {
    pub f1: f64,
    /// The lowest threshold that reaches it.
    pub threshold: f64,
}

/// Counts at one threshold, and what follows from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    pub true_positives: usize,
    pub false_positives: usize,
    pub true_negatives: usize,
    pub false_negatives: usize,
}

impl Ranking {
    /// Ranks `scores` against the ground truth `truth` (`true`: positive).
    ///
    /// # Errors
    /// If the lengths differ or a score is NaN.
    pub fn new(scores: &[f64], truth: &[bool]) -> Result<Self> {
        if scores.len() != truth.len() {
            return Err(Error::input(format!(
                "there are {} scores for {} ground-truth values",
                scores.len(),
                truth.len()
            )));
        }
        if let Some(place) = scores.iter().position(|score| score.is_nan()) {
            return Err(Error::input(format!("score {} of {} is NaN", place + 1, scores.len())));
        }
        let mut ranked: Vec<(f64, bool)> =
            scores.iter().copied().zip(truth.iter().copied()).collect();
        ranked.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let (mut positives, mut negatives) = (0, 0);
        let mut steps: Vec<Step> = Vec::new();
        for (score, positive) in ranked {
            positives += usize::from(positive);
            negatives += usize::from(!positive);
            let step =
                Step { threshold: score, true_positives: positives, false_positives: negatives };
            match steps.last_mut() {
                // `==` on purpose: 0 and -0 are the same score.
                Some(last) if last.threshold == score => *last = step,
                _ => steps.push(step),
            }
        }
        Ok(Self { steps, positives, negatives })
    }

    /// Cases whose ground truth is positive.
    pub fn positives(&self) -> usize {
        self.positives
    }

    /// Cases whose ground truth is negative.
    pub fn negatives(&self) -> usize {
        self.negatives
    }

    /// Area under the ROC curve: the chance that a positive scores above a negative, ties
    /// counting half. `None` unless there are both.
    pub fn auroc(&self) -> Option<f64> {
        let pairs = self.positives as f64 * self.negatives as f64;
        let (mut area, mut found, mut wrong) = (0.0, 0, 0);
        for step in &self.steps {
            let width = (step.false_positives - wrong) as f64;
            area += width * (found + step.true_positives) as f64 / 2.0;
            (found, wrong) = (step.true_positives, step.false_positives);
        }
        (pairs > 0.0).then(|| area / pairs)
    }

    /// Average precision: precision at each threshold, weighted by the recall gained there.
    /// `None` without positives.
    pub fn average_precision(&self) -> Option<f64> {
        let (mut sum, mut found) = (0.0, 0);
        for step in &self.steps {
            sum += (step.true_positives - found) as f64 * step.precision();
            found = step.true_positives;
        }
        (self.positives > 0).then(|| sum / self.positives as f64)
    }

    /// The best F1 of all thresholds; `None` without positives.
    pub fn best_f1(&self) -> Option<BestF1> {
        let mut best: Option<BestF1> = None;
        for step in &self.steps {
            let found = step.true_positives + step.false_positives;
            let f1 = 2.0 * step.true_positives as f64 / (found + self.positives) as f64;
            if best.is_none_or(|best| f1 >= best.f1) {
                best = Some(BestF1 { f1, threshold: step.threshold });
            }
        }
        best.filter(|_| self.positives > 0)
    }

    /// Counts at a threshold.
    pub fn at(&self, threshold: f64) -> Confusion {
        let found = self.steps.partition_point(|step| step.threshold >= threshold);
        let (true_positives, false_positives) = match found.checked_sub(1) {
            Some(last) => (self.steps[last].true_positives, self.steps[last].false_positives),
            None => (0, 0),
        };
        Confusion {
            true_positives,
            false_positives,
            true_negatives: self.negatives - false_positives,
            false_negatives: self.positives - true_positives,
        }
    }

    /// The ROC curve from (0, 0) to (1, 1); empty unless there are positives and negatives.
    pub fn roc(&self) -> Vec<RocPoint> {
        if self.positives == 0 || self.negatives == 0 {
            return Vec::new();
        }
        let origin = Step { threshold: f64::INFINITY, true_positives: 0, false_positives: 0 };
        std::iter::once(&origin)
            .chain(&self.steps)
            .map(|step| RocPoint {
                threshold: step.threshold,
                false_positive_rate: step.false_positives as f64 / self.negatives as f64,
                true_positive_rate: step.true_positives as f64 / self.positives as f64,
            })
            .collect()
    }
}

impl Step {
    fn precision(&self) -> f64 {
        self.true_positives as f64 / (self.true_positives + self.false_positives) as f64
    }
}

impl Confusion {
    /// Share of the positives that are found; `None` without positives.
    pub fn sensitivity(&self) -> Option<f64> {
        ratio(self.true_positives, self.true_positives + self.false_negatives)
    }

    /// Share of the negatives that are not found; `None` without negatives.
    pub fn specificity(&self) -> Option<f64> {
        ratio(self.true_negatives, self.true_negatives + self.false_positives)
    }

    /// Share of positives among the cases found; `None` where nothing is found.
    pub fn precision(&self) -> Option<f64> {
        ratio(self.true_positives, self.true_positives + self.false_positives)
    }

    /// Harmonic mean of precision and sensitivity, for pixels the Dice coefficient; `None` without
    /// positives and findings.
    pub fn f1(&self) -> Option<f64> {
        let wrong = self.false_positives + self.false_negatives;
        ratio(2 * self.true_positives, 2 * self.true_positives + wrong)
    }
}

fn ratio(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
