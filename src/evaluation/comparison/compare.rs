//! Comparison of two methods on the same patients, with tests of the difference.

use serde::Serialize;

use super::delong::delong;
use super::pairing::{differences, places, warn_of_mixed_thresholds};
use crate::Result;
use crate::context::Context;
use crate::evaluation::Evaluation;
use crate::evaluation::bootstrap::{Interval, Resamples, warn_of_few};
use crate::evaluation::cases::{Cases, RankedCases};
use crate::evaluation::froc::{ThresholdSweep, Totals};

use DecidedBy::{KnownPatients, PatientsWithLesions, Ranked};

/// Two methods on the same patients.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Names of the methods.
    pub first: String,
    pub second: String,
    pub patients: usize,
    /// Measures that at least one of the two has, the AUROC of the patients first.
    pub measures: Vec<ComparedMeasure>,
}

/// One measure of both methods.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedMeasure {
    pub name: &'static str,
    /// `None` where it is not defined.
    pub first: Option<f64>,
    pub second: Option<f64>,
    /// First minus second; `None` unless both are defined.
    pub difference: Option<f64>,
    /// 95 % interval of the difference; `None` where the test is not defined: too few patients decide the measure, or
    /// both methods do equally well in all of them.
    pub interval: Option<Interval>,
    /// Two-sided; `None` where the test is not defined.
    pub p_value: Option<f64>,
    pub test: ComparisonTest,
}

/// Where the p-value and the interval of a difference come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ComparisonTest {
    /// DeLong, DeLong and Clarke-Pearson 1988; the interval from the normal distribution.
    DeLong,
    /// 1000 times the same patients for both methods, drawn with replacement. The interval reaches
    /// from percentile 2.5 to 97.5 of the differences; the p-value is twice the share of the
    /// differences on the rarer side of 0, counting 0 on both and one more draw, at most 1.
    PairedBootstrap,
}

impl ComparisonTest {
    /// "DeLong test" or "paired bootstrap".
    pub fn name(self) -> &'static str {
        match self {
            Self::DeLong => "DeLong test",
            Self::PairedBootstrap => "paired bootstrap",
        }
    }
}

/// The value of a measure when each patient is counted so many times.
type Value = fn(&Cases, &ThresholdSweep<'_>, &[u32]) -> Option<f64>;

/// A measure of a method.
pub(in crate::evaluation) struct Measure {
    pub name: &'static str,
    value: Value,
    decided_by: DecidedBy,
}

/// The patients who decide a measure.
enum DecidedBy {
    /// Those with and those without positive cases.
    Ranked(fn(&Cases) -> &RankedCases),
    PatientsWithLesions,
    /// Those whose lesions are known, if they have any.
    KnownPatients,
}

impl Measure {
    const fn new(name: &'static str, value: Value, decided_by: DecidedBy) -> Self {
        Self { name, value, decided_by }
    }

    /// With each patient counted so many times.
    pub fn value(&self, cases: &Cases, sweep: &ThresholdSweep<'_>, counts: &[u32]) -> Option<f64> {
        (self.value)(cases, sweep, counts)
    }

    /// Whether enough patients decide the measure for a bootstrap over them to make sense.
    pub fn is_resampled(&self, cases: &Cases) -> bool {
        match self.decided_by {
            Ranked(of) => of(cases).are_resampled(),
            PatientsWithLesions => cases.patients_with_lesions() > 1,
            KnownPatients => cases.patients_with_known_lesions() > 1,
        }
    }
}

/// All measures; the bootstrap compares those after the first.
const MEASURES: &[Measure] = &[
    Measure::new("patient AUROC", |c, _, n| c.patients.auroc(n), Ranked(|c| &c.patients)),
    Measure::new(
        "patient average precision",
        |c, _, n| c.patients.average_precision(n),
        Ranked(|c| &c.patients),
    ),
    Measure::new("slice AUROC", |c, _, n| c.slices.auroc(n), Ranked(|c| &c.slices)),
    Measure::new(
        "slice average precision",
        |c, _, n| c.slices.average_precision(n),
        Ranked(|c| &c.slices),
    ),
    Measure::new("segment AUROC", |c, _, n| c.segments.auroc(n), Ranked(|c| &c.segments)),
    Measure::new(
        "segment average precision",
        |c, _, n| c.segments.average_precision(n),
        Ranked(|c| &c.segments),
    ),
    Measure::new(
        "lesion sensitivity",
        |c, sweep, n| Totals::sensitivity(&sweep.at(c.lesion_threshold?, n)),
        PatientsWithLesions,
    ),
    Measure::new(
        "lesion F1",
        |c, sweep, n| Totals::f1(&sweep.at(c.lesion_threshold?, n)),
        PatientsWithLesions,
    ),
    Measure::new(
        "false positives per patient",
        |c, sweep, n| Totals::false_positives_per_patient(&sweep.at(c.lesion_threshold?, n)),
        KnownPatients,
    ),
    Measure::new(
        "sensitivity, ≤ 1 false positive/patient",
        |_, sweep, n| sweep.sensitivity_at(1.0, n),
        PatientsWithLesions,
    ),
    Measure::new("pixel AUROC", |c, _, n| c.pixels.auroc(n), Ranked(|c| &c.pixels)),
    Measure::new(
        "pixel average precision",
        |c, _, n| c.pixels.average_precision(n),
        Ranked(|c| &c.pixels),
    ),
];

/// The measure of this name.
pub(in crate::evaluation) fn measure(name: &str) -> Option<&'static Measure> {
    MEASURES.iter().find(|measure| measure.name == name)
}

/// Compares two methods that were evaluated on the same patients: the AUROC of the patients by the
/// DeLong test, all other measures by a paired bootstrap over patients. Lesions are compared at the
/// threshold of each evaluation. The p-values are not corrected for the number of measures.
///
/// # Errors
/// If the patients or their ground truth differ, and [`crate::Error::Cancelled`] if the user interrupts.
pub fn compare(first: &Evaluation, second: &Evaluation, context: &Context) -> Result<Comparison> {
    let (a, b) = (&*first.cases, &*second.cases);
    let places = places(first, second)?;
    differences(first, second, &places).into_iter().for_each(|text| context.warn(text));
    warn_of_mixed_thresholds(&[first, second], context);
    let scores = |cases: &Cases| cases.scores.iter().map(|score| score.0).collect::<Vec<f64>>();
    let (of_a, of_b) = (scores(a), scores(b));
    let of_b: Vec<f64> = places.iter().map(|place| of_b[*place]).collect();
    let truth: Vec<bool> = a.scores.iter().map(|score| score.1).collect();
    let tested = delong(&of_a, &of_b, &truth);
    let mut measures = vec![ComparedMeasure {
        name: "patient AUROC",
        first: first.patients.auroc,
        second: second.patients.auroc,
        difference: difference(first.patients.auroc, second.patients.auroc),
        interval: tested.map(|test| {
            // The 97.5th percentile of the normal distribution.
            let reach = 1.959_963_984_540_054 * test.standard_error;
            let bounded = |difference: f64| difference.clamp(-1.0, 1.0);
            Interval {
                low: bounded(test.difference - reach),
                high: bounded(test.difference + reach),
            }
        }),
        p_value: tested.map(|test| test.p_value),
        test: ComparisonTest::DeLong,
    }];
    let sweeps = (ThresholdSweep::new(&a.lesions), ThresholdSweep::new(&b.lesions));
    warn_of_few(&a.scores, context);
    let resamples = Resamples::draw(a.names.len(), context);
    let once = vec![1; a.names.len()];
    // The same patients for both, wherever they stand in the second.
    let moved = |counts: &[u32]| {
        let mut moved = vec![0; counts.len()];
        places.iter().zip(counts).for_each(|(place, count)| moved[*place] = *count);
        moved
    };
    for measure in MEASURES.iter().skip(1) {
        let both = |counts: &[u32]| {
            let first = measure.value(a, &sweeps.0, counts);
            (first, measure.value(b, &sweeps.1, &moved(counts)))
        };
        let (of_first, of_second) = both(&once);
        if of_first.is_none() && of_second.is_none() {
            continue;
        }
        let mut differences = match difference(of_first, of_second) {
            Some(_) if measure.is_resampled(a) => resamples.values(context, |counts| {
                let (of_first, of_second) = both(counts);
                difference(of_first, of_second)
            })?,
            _ => Vec::new(),
        };
        let interval = Interval::of(&mut differences);
        measures.push(ComparedMeasure {
            name: measure.name,
            first: of_first,
            second: of_second,
            difference: difference(of_first, of_second),
            interval,
            p_value: interval.map(|_| p_value(&differences)),
            test: ComparisonTest::PairedBootstrap,
        });
    }
    Ok(Comparison {
        first: first.method.clone(),
        second: second.method.clone(),
        patients: a.names.len(),
        measures,
    })
}

fn difference(first: Option<f64>, second: Option<f64>) -> Option<f64> {
    Some(first? - second?)
}

/// Two-sided, of the replicates' differences; see [`ComparisonTest::PairedBootstrap`].
pub(in crate::evaluation) fn p_value(differences: &[f64]) -> f64 {
    let share = |on_side: fn(&&f64) -> bool| {
        (differences.iter().filter(on_side).count() + 1) as f64 / (differences.len() + 1) as f64
    };
    (2.0 * share(|d| **d <= 0.0).min(share(|d| **d >= 0.0))).min(1.0)
}
