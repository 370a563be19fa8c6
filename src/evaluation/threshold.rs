//! Thresholds between normal and abnormal, and where they come from.

use serde::{Deserialize, Serialize};

use super::Ranking;
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
    /// The threshold with the best F1 on the cases being evaluated, which is optimistic.
    #[default]
    BestF1,
}

/// A threshold and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Threshold {
    pub value: f64,
    /// Such as "95th percentile of 5 healthy subjects".
    pub origin: String,
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
                    "{percentile}{} percentile of {} healthy {}",
                    ordinal(*percentile),
                    reference.len(),
                    if reference.len() == 1 { "subject" } else { "subjects" }
                ),
            },
            Self::BestF1 => match ranking.best_f1() {
                Some(best) => Threshold {
                    value: best.threshold,
                    origin: "best F1 on the same cases: optimistic".into(),
                },
                None => return Ok(None),
            },
        };
        Ok(Some(threshold))
    }
}

fn percentile_of(scores: &[f64], percentile: f64) -> Result<f64> {
    if !(0.0..=100.0).contains(&percentile) {
        return Err(Error::input(format!(
            "the percentile of healthy scores must lie within 0 and 100, not {percentile}"
        )));
    }
    if scores.is_empty() || scores.iter().any(|score| !score.is_finite()) {
        return Err(Error::input(
            "a threshold from healthy subjects needs at least one subject, and finite scores",
        ));
    }
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
        assert_eq!(best.origin, "best F1 on the same cases: optimistic");
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
