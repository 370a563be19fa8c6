//! Thresholds between normal and abnormal, and where they come from.

use serde::{Deserialize, Serialize};

use super::Ranking;
use crate::context::counted;
use crate::{Error, Result};

/// How the threshold on the AnaScore is chosen. A case counts as found if its score reaches it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThresholdRule {
    /// This value.
    Value(f64),
    /// A percentile (0 to 100, linear interpolation) of the scores of subjects known to be
    /// healthy.
    NormalPercentile { reference: Vec<f64>, percentile: f64 },
    /// The lowest threshold with at most this share of positives expected among new healthy
    /// subjects, from the scores of some: see [`healthy_threshold`].
    HealthyFalsePositives { reference: Vec<f64>, allowed: f64 },
    /// The threshold with the best F1 on the cases being evaluated, which is optimistic.
    #[default]
    BestF1,
}

/// A threshold and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    pub value: f64,
    /// Such as "95th percentile of 5 healthy subjects".
    pub origin: String,
}

/// A word in the origin of thresholds that were chosen on the cases being evaluated.
pub(super) const OPTIMISTIC: &str = "optimistic";

impl Threshold {
    /// Whether it was chosen on the cases being evaluated.
    pub fn is_optimistic(&self) -> bool {
        self.origin.contains(OPTIMISTIC)
    }
}

impl ThresholdRule {
    /// The threshold for a ranking; `None` if the best F1 is asked for and there are no positives.
    ///
    /// # Errors
    /// If a value is not finite, a percentile not within 0 to 100, or there is no reference.
    pub fn apply(&self, ranking: &Ranking) -> Result<Option<Threshold>> {
        let threshold = match self {
            Self::Value(value) if value.is_finite() => {
                Threshold { value: *value, origin: "given".into() }
            }
            Self::Value(value) => {
                return Err(Error::input(format!("a threshold must be a number, not {value}")));
            }
            Self::NormalPercentile { reference, percentile } => Threshold {
                value: percentile_of(reference, *percentile)?,
                origin: format!(
                    "{percentile}{} percentile of {}",
                    ordinal(*percentile),
                    counted(reference.len(), "healthy subject")
                ),
            },
            Self::HealthyFalsePositives { reference, allowed } => {
                healthy_threshold(reference, *allowed)?
            }
            Self::BestF1 => match ranking.best_f1() {
                Some(best) => Threshold {
                    value: best.threshold,
                    origin: format!("{OPTIMISTIC}: best F1 here"),
                },
                None => return Ok(None),
            },
        };
        Ok(Some(threshold))
    }
}

/// The lowest threshold that at most the share `allowed` of new healthy subjects is expected to reach.
///
/// If `k` of `n` healthy subjects reach a threshold just above the next lower score, a new one from the
/// same population does so with a probability of at most `(k + 1) / (n + 1)` (conformal prediction). With
/// too few subjects for `allowed` it lies above all of them, and its origin says so.
///
/// # Errors
/// If `allowed` is not a number of at least 0, or there are no scores, or not finite ones.
pub fn healthy_threshold(scores: &[f64], allowed: f64) -> Result<Threshold> {
    check_allowed(allowed)?;
    check_reference(scores)?;
    let mut falling = scores.to_vec();
    falling.sort_unstable_by(|a, b| b.total_cmp(a));
    let few = |k: &usize| expected_false_positives(*k as f64, scores.len()) <= allowed;
    let above = (0..falling.len()).take_while(few).last().unwrap_or(0);
    Ok(Threshold { value: falling[above].next_up(), origin: healthy_origin(scores.len(), allowed) })
}

/// Expected false positives in a new healthy subject, `(of_all + 1) / (n + 1)`, where `n` healthy
/// subjects together have `of_all`.
pub(super) fn expected_false_positives(of_all: f64, n: usize) -> f64 {
    (of_all + 1.0) / (n as f64 + 1.0)
}

/// Where a threshold from `n` healthy subjects comes from, in words.
pub(super) fn healthy_origin(n: usize, allowed: f64) -> String {
    let subjects = counted(n, "healthy subject");
    if expected_false_positives(0.0, n) > allowed {
        format!("{subjects}: above all of them; 1 in {} new ones may reach it", n + 1)
    } else {
        format!("{subjects}: at most {allowed} false positives expected in a new one")
    }
}

pub(super) fn check_allowed(allowed: f64) -> Result<()> {
    if allowed.is_finite() && allowed >= 0.0 {
        return Ok(());
    }
    Err(Error::input(format!(
        "the false positives per healthy subject must be a number of at least 0, not {allowed}"
    )))
}

fn check_reference(scores: &[f64]) -> Result<()> {
    if scores.is_empty() || scores.iter().any(|score| !score.is_finite()) {
        return Err(Error::input(
            "a threshold from healthy subjects needs at least one subject, and finite scores",
        ));
    }
    Ok(())
}

fn percentile_of(scores: &[f64], percentile: f64) -> Result<f64> {
    if !(0.0..=100.0).contains(&percentile) {
        return Err(Error::input(format!(
            "the percentile of healthy scores must lie within 0 and 100, not {percentile}"
        )));
    }
    check_reference(scores)?;
    Ok(crate::statistics::percentile(&mut scores.to_vec(), percentile))
}

fn ordinal(number: f64) -> &'static str {
    if number.fract() != 0.0 {
        return "th";
    }
    match (number as u32 % 10, number as u32 % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threshold(rule: &ThresholdRule) -> Threshold {
        let ranking =
            Ranking::new(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true]).expect("no NaN");
        rule.apply(&ranking).expect("a valid rule").expect("positives")
    }

    #[test]
    fn a_threshold_says_where_it_comes_from() {
        let given = threshold(&ThresholdRule::Value(0.5));
        assert_eq!((given.value, given.origin.as_str()), (0.5, "given"));
        let reference = vec![4.0, 0.0, 1.0, 3.0, 2.0];
        let normal = threshold(&ThresholdRule::NormalPercentile { reference, percentile: 95.0 });
        assert!((normal.value - 3.8).abs() < 1e-12);
        assert_eq!(normal.origin, "95th percentile of 5 healthy subjects");
        let best = threshold(&ThresholdRule::BestF1);
        assert_eq!(best.value, 0.35);
        assert_eq!(best.origin, "optimistic: best F1 here");
    }

    #[test]
    fn a_new_healthy_subject_reaches_the_threshold_with_the_stated_probability() {
        let scores = |n: usize| (0..n).map(|place| (place * 7 % n) as f64).collect::<Vec<f64>>();
        // Of 19, one may: (1 + 1) / (19 + 1) = 0.1. Of 18, none may: 2 / 19 > 0.1.
        let nineteen = healthy_threshold(&scores(19), 0.1).expect("scores");
        assert!(nineteen.value > 17.0 && nineteen.value < 17.001, "{}", nineteen.value);
        assert_eq!(
            nineteen.origin,
            "19 healthy subjects: at most 0.1 false positives expected in a new one"
        );
        let eighteen = healthy_threshold(&scores(18), 0.1).expect("scores");
        assert!(eighteen.value > 17.0 && eighteen.value < 17.001);
        let four = healthy_threshold(&[0.3, 0.1, 0.4, 0.2], 0.1).expect("scores");
        assert!(four.value > 0.4);
        assert_eq!(
            four.origin,
            "4 healthy subjects: above all of them; 1 in 5 new ones may reach it"
        );
        assert_eq!(healthy_threshold(&[0.3, 0.1], 2.0).expect("scores").value, 0.1_f64.next_up());
        assert!(healthy_threshold(&[], 0.1).is_err() && healthy_threshold(&[0.1], -1.0).is_err());
    }

    /// Each of the subjects left out once: as many of them reach the threshold of the others as promised.
    #[test]
    fn held_out_subjects_reach_the_threshold_no_more_often_than_allowed() {
        for n in [10, 12, 20, 33, 50] {
            let scores: Vec<f64> = (0..n).map(|place| ((place * 37 + 5) % 101) as f64).collect();
            let reached = (0..n).filter(|&out| {
                let mut others = scores.clone();
                let score = others.remove(out);
                score >= healthy_threshold(&others, 0.1).expect("scores").value
            });
            assert!(reached.count() as f64 / n as f64 <= 0.1, "{n}");
        }
    }

    #[test]
    fn ordinals_are_english() {
        let words = [1.0, 2.0, 3.0, 11.0, 12.0, 21.0, 90.0, 97.5].map(ordinal);
        assert_eq!(words, ["st", "nd", "rd", "th", "th", "st", "th", "th"]);
    }

    #[test]
    fn impossible_rules_are_refused_and_the_best_f1_without_positives_gives_none() {
        let ranking = Ranking::new(&[0.1], &[false]).expect("no NaN");
        let apply = |rule: ThresholdRule| rule.apply(&ranking);
        assert!(apply(ThresholdRule::Value(f64::NAN)).is_err());
        let normal = |reference, percentile| {
            apply(ThresholdRule::NormalPercentile { reference, percentile })
        };
        assert!(normal(vec![], 95.0).is_err());
        assert!(normal(vec![0.1], 195.0).is_err());
        assert!(normal(vec![f64::NAN], 95.0).is_err());
        assert_eq!(normal(vec![0.3], 95.0).ok().flatten().map(|t| t.value), Some(0.3));
        assert_eq!(apply(ThresholdRule::BestF1).ok(), Some(None));
    }
}
