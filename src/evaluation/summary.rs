//! Methods over several seeds, beside each other and against one of them.

use serde::Serialize;

use super::Evaluation;
use super::bootstrap::{Interval, Resamples, warn_of_few};
use super::cases::Cases;
use super::comparison::{
    Measure, measure, p_value, places, warn_of_mixed_thresholds, warn_unless_comparable,
};
use super::froc::ThresholdSweep;
use crate::context::Context;
use crate::{Error, Result, statistics};

/// Measures of a summary, in its order.
pub const SUMMARY_MEASURES: [&str; 7] = [
    "patient AUROC",
    "segment AUROC",
    "lesion sensitivity",
    "false positives per patient",
    "sensitivity, ≤ 1 false positive/patient",
    "pixel AUROC",
    "pixel average precision",
];

/// One method over its seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MethodSummary {
    pub method: String,
    /// Evaluations of it: seeds.
    pub seeds: usize,
    pub measures: Vec<SummaryMeasure>,
}

/// One measure of a method over its seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SummaryMeasure {
    pub name: &'static str,
    /// Over the seeds.
    pub mean: f64,
    pub lowest: f64,
    pub highest: f64,
    /// 95 % interval of the mean, by bootstrap over the patients; the seeds are kept. `None` where too few patients decide
    /// the measure, or all resamplings of them agree.
    pub interval: Option<Interval>,
    /// Mean minus the mean of the reference, on the same patients; `None` of the reference itself.
    pub difference: Option<f64>,
    /// By paired bootstrap over the patients.
    pub difference_interval: Option<Interval>,
    /// Two-sided, as of [`ComparisonTest::PairedBootstrap`](super::ComparisonTest::PairedBootstrap).
    pub p_value: Option<f64>,
}

/// An evaluation, and the positions in it of the patients of the first evaluation.
struct Run<'a> {
    cases: &'a Cases,
    sweep: ThresholdSweep<'a>,
    places: Vec<usize>,
}

impl Run<'_> {
    fn value(&self, measure: &Measure, counts: &[u32]) -> Option<f64> {
        let mut moved = vec![0; counts.len()];
        self.places.iter().zip(counts).for_each(|(place, count)| moved[*place] = *count);
        measure.value(self.cases, &self.sweep, &moved)
    }
}

/// The mean over runs; `None` where one of them does not define the measure.
fn mean(runs: &[Run<'_>], measure: &Measure, counts: &[u32]) -> Option<f64> {
    let values: Option<Vec<f64>> = runs.iter().map(|run| run.value(measure, counts)).collect();
    statistics::mean(values?)
}

/// Summarises evaluations on the same patients. Those with the same method name are its seeds; methods
/// keep the order in which they first appear. Lesions are measured at the threshold of each evaluation.
/// Measures that a seed does not define are left out.
///
/// # Errors
/// If there is no evaluation, the patients or their ground truth differ, no method has the name of the
/// reference, and [`Error::Cancelled`] if the user interrupts.
pub fn summarise(
    evaluations: &[&Evaluation],
    reference: Option<&str>,
    context: &Context,
) -> Result<Vec<MethodSummary>> {
    let Some(first) = evaluations.first() else {
        return Err(Error::input("there are no evaluations to summarise"));
    };
    let mut methods: Vec<(&str, Vec<Run<'_>>)> = Vec::new();
    for evaluation in evaluations {
        let run = Run {
            cases: &evaluation.cases,
            sweep: ThresholdSweep::new(&evaluation.cases.lesions),
            places: places(first, evaluation)?,
        };
        match methods.iter_mut().find(|(name, _)| *name == evaluation.method) {
            Some((_, runs)) => runs.push(run),
            None => methods.push((&evaluation.method, vec![run])),
        }
    }
    warn_unless_comparable(evaluations, context);
    warn_of_mixed_thresholds(evaluations, context);
    let against = match reference {
        Some(wanted) => match methods.iter().find(|(name, _)| *name == wanted) {
            Some((_, runs)) => Some(runs),
            None => {
                let names: Vec<&str> = methods.iter().map(|(name, _)| *name).collect();
                return Err(Error::input(format!(
                    "no evaluation is of the method \"{wanted}\"; there are: {}",
                    names.join(", ")
                )));
            }
        },
        None => None,
    };
    if against.is_some() {
        warn_of_few(&first.cases.scores, context);
    }
    let resamples = Resamples::draw(first.cases.names.len(), context);
    let once = vec![1; first.cases.names.len()];
    let summary = |(name, runs): &(&str, Vec<Run<'_>>)| {
        let mut measures = Vec::new();
        for measured in SUMMARY_MEASURES {
            let Some(of) = measure(measured) else { continue };
            let values: Vec<f64> = runs.iter().filter_map(|run| run.value(of, &once)).collect();
            let Some(value) = mean(runs, of, &once) else { continue };
            let other = against.filter(|_| reference != Some(*name));
            let is_resampled = of.is_resampled(&first.cases);
            let mut differences = match other {
                Some(other) if is_resampled => resamples.values(context, |counts| {
                    Some(mean(runs, of, counts)? - mean(other, of, counts)?)
                })?,
                _ => Vec::new(),
            };
            let interval = match is_resampled {
                true => resamples.interval(context, |counts| mean(runs, of, counts))?,
                false => None,
            };
            let difference_interval = Interval::of(&mut differences);
            measures.push(SummaryMeasure {
                name: measured,
                mean: value,
                lowest: values.iter().copied().fold(f64::INFINITY, f64::min),
                highest: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                interval,
                difference: other.and_then(|other| Some(value - mean(other, of, &once)?)),
                difference_interval,
                p_value: difference_interval.map(|_| p_value(&differences)),
            });
        }
        Ok(MethodSummary { method: (*name).to_owned(), seeds: runs.len(), measures })
    };
    methods.iter().map(summary).collect()
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;
    use crate::detection::{Findings, Scoring};
    use crate::evaluation::tests::finding;
    use crate::evaluation::{EvaluationOptions, evaluate};

    fn evaluated(method: &str, scores: &[f64]) -> Evaluation {
        let subjects = scores.iter().enumerate().map(|(place, score)| {
            let mut finding = finding(*score, Some(place % 2 == 0), true);
            let mut subject = (*finding.subject).clone();
            subject.name = format!("sub-{place}").into();
            finding.subject = subject.into();
            finding
        });
        let findings = Findings {
            method: method.into(),
            scoring: Scoring::Published,
            subjects: subjects.collect(),
            reconstructs: true,
            made_by: None,
            calibration: None,
        };
        evaluate(&findings, &EvaluationOptions::default(), &Context::new(0)).unwrap()
    }

    /// Patients 0, 2, 4 have lesions: nine pairs with 1, 3, 5.
    #[test]
    fn seeds_of_a_method_are_averaged_and_compared_with_the_reference() {
        let all_right = evaluated("good", &[0.9, 0.1, 0.8, 0.2, 0.7, 0.3]);
        // 0.25 loses against 0.3: eight of nine pairs.
        let one_wrong = evaluated("good", &[0.9, 0.1, 0.8, 0.2, 0.25, 0.3]);
        let poor = evaluated("poor", &[0.1, 0.9, 0.2, 0.8, 0.3, 0.7]);
        let context = Context::new(1);
        let found = summarise(&[&all_right, &poor, &one_wrong], Some("poor"), &context).unwrap();
        assert_eq!(found.len(), 2);
        let (good, auroc) = (&found[0], &found[0].measures[0]);
        assert_eq!((&*good.method, good.seeds, auroc.name), ("good", 2, "patient AUROC"));
        assert_relative_eq!(auroc.mean, (1.0 + 8.0 / 9.0) / 2.0);
        assert_eq!((auroc.lowest, auroc.highest), (8.0 / 9.0, 1.0));
        assert_relative_eq!(auroc.difference.unwrap(), auroc.mean);
        assert!(auroc.interval.unwrap().low <= auroc.mean && auroc.p_value.unwrap() < 0.05);
        let poor = &found[1].measures[0];
        assert_eq!((poor.mean, poor.difference, poor.p_value), (0.0, None, None));

        let error = summarise(&[&all_right], Some("other"), &context).unwrap_err().to_string();
        assert_eq!(error, "no evaluation is of the method \"other\"; there are: good");
        assert!(summarise(&[], None, &context).is_err());
        let four = evaluated("four", &[0.9, 0.1, 0.8, 0.2]);
        assert!(summarise(&[&all_right, &four], None, &context).is_err());
    }
}
