//! Evaluations side by side.

use super::{Cell, Column, Table};
use crate::Result;
use crate::evaluation::{Estimate, Evaluation, Interval, LesionLevel, Level, PixelLevel};

/// One row per metric, one column per evaluation, which a terminal has room for. A file holds one row per
/// evaluation instead, with a column for each number. Metrics that no evaluation has are left out.
///
/// # Errors
/// If a row does not fit the columns, which no evaluation causes.
pub fn evaluation_table(evaluations: &[&Evaluation]) -> Result<Table> {
    let mut columns = vec![Column::text("metric (95 % interval)")];
    columns.extend(evaluations.iter().map(|one| Column::number(&one.method, 3)));
    let mut table = Table::new("Evaluation", columns);
    for metric in METRICS {
        let mut row = vec![Cell::from(metric.label)];
        row.extend(evaluations.iter().map(|one| (metric.measure)(one).with_interval()));
        if row[1..].iter().any(|cell| *cell != Cell::Missing) {
            table.push(row)?;
        }
    }
    Ok(table.filed_as(evaluation_records(evaluations)?))
}

/// One row per evaluation: its method, then each metric as a number with the ends of its 95 % interval. A
/// metric that is undefined is missing.
///
/// # Errors
/// If a row does not fit the columns, which no evaluation causes.
fn evaluation_records(evaluations: &[&Evaluation]) -> Result<Table> {
    let mut columns = vec![Column::text("method")];
    let mut rows: Vec<Vec<Cell>> =
        evaluations.iter().map(|one| vec![Cell::from(&*one.method)]).collect();
    for metric in METRICS {
        let measured: Vec<Measured> = evaluations.iter().map(|one| (metric.measure)(one)).collect();
        let end = |of: fn(Interval) -> f64| {
            measured.iter().map(|one| Cell::from(one.interval.map(of))).collect()
        };
        let parts: [(String, Vec<Cell>); 3] = [
            (metric.column.into(), measured.iter().map(|one| one.number.clone()).collect()),
            (format!("{}_low", metric.column), end(|interval| interval.low)),
            (format!("{}_high", metric.column), end(|interval| interval.high)),
        ];
        for (name, cells) in parts {
            if cells.iter().all(|cell| *cell == Cell::Missing) {
                continue;
            }
            let is_text = cells.iter().any(|cell| matches!(cell, Cell::Text(_)));
            columns.push(if is_text { Column::text(name) } else { Column::number(name, 3) });
            rows.iter_mut().zip(cells).for_each(|(row, cell)| row.push(cell));
        }
    }
    let mut table = Table::new("Evaluation", columns);
    rows.into_iter().try_for_each(|row| table.push(row))?;
    Ok(table)
}

/// A metric of an evaluation.
struct Metric {
    /// Name in tables for readers.
    label: &'static str,
    /// Its column in files.
    column: &'static str,
    measure: fn(&Evaluation) -> Measured,
}

/// A metric's value in one evaluation.
struct Measured {
    /// The value, or the reason why there is none.
    shown: Cell,
    /// The value; missing where there is a reason instead.
    number: Cell,
    interval: Option<Interval>,
}

impl Measured {
    fn plain(value: impl Into<Cell>) -> Self {
        let value = value.into();
        Self { shown: value.clone(), number: value, interval: None }
    }

    fn missing() -> Self {
        Self::plain(Cell::Missing)
    }

    /// The cell for readers: the value with its interval.
    fn with_interval(self) -> Cell {
        match (&self.number, self.interval) {
            (Cell::Number(number), Some(Interval { low, high })) => {
                Cell::from(format!("{number:.3} ({low:.2}–{high:.2})"))
            }
            _ => self.shown,
        }
    }

    /// A number with its interval, or why it is undefined.
    fn defined(value: Option<f64>, interval: Option<Interval>, otherwise: &str) -> Self {
        let number = Cell::from(value);
        let shown = value.map_or_else(|| Cell::from(otherwise), Cell::from);
        Self { shown, number, interval }
    }
}

const fn metric(
    label: &'static str,
    column: &'static str,
    measure: fn(&Evaluation) -> Measured,
) -> Metric {
    Metric { label, column, measure }
}

/// The metrics, in the order of their rows and columns.
const METRICS: &[Metric] = &[
    metric("patients with lesion", "patients_with_lesion", |e| {
        Measured::plain(e.subjects.with_lesion)
    }),
    metric("patients without a lesion", "patients_without_lesion", |e| {
        Measured::plain(e.subjects.without_lesion)
    }),
    metric("patients without a score", "patients_without_score", |e| {
        Measured::plain((e.subjects.unscored > 0).then_some(e.subjects.unscored))
    }),
    metric("patients of unknown ground truth", "patients_of_unknown_ground_truth", |e| {
        Measured::plain((e.subjects.unknown > 0).then_some(e.subjects.unknown))
    }),
    metric("patient AUROC", "patient_auroc", |e| auroc(Some(&e.patients))),
    metric("patient average precision", "patient_average_precision", |e| {
        average_precision(Some(&e.patients))
    }),
    metric("threshold", "threshold", |e| {
        Measured::plain(e.patients.threshold.as_ref().map(|threshold| threshold.value))
    }),
    metric("threshold from", "threshold_origin", |e| {
        Measured::plain(e.patients.threshold.as_ref().map(|threshold| threshold.origin.clone()))
    }),
    metric("patient F1", "patient_f1", |e| estimate(e.patients.f1)),
    metric("patient sensitivity", "patient_sensitivity", |e| estimate(e.patients.sensitivity)),
    metric("patient specificity", "patient_specificity", |e| estimate(e.patients.specificity)),
    metric("slice AUROC", "slice_auroc", |e| auroc(e.slices.as_ref())),
    metric("slice average precision", "slice_average_precision", |e| {
        average_precision(e.slices.as_ref())
    }),
    metric("segment AUROC", "segment_auroc", |e| auroc(e.segments.as_ref())),
    metric("segment average precision", "segment_average_precision", |e| {
        average_precision(e.segments.as_ref())
    }),
    metric("lesions", "lesions", |e| {
        Measured::plain(e.lesions.as_ref().map(|level| level.lesions))
    }),
    metric("detected lesions", "detected_lesions", |e| {
        Measured::plain(e.lesions.as_ref().and_then(|level| level.detected))
    }),
    metric("missed lesions", "missed_lesions", |e| {
        let missed = |level: &LesionLevel| Some(level.lesions.saturating_sub(level.detected?));
        Measured::plain(e.lesions.as_ref().and_then(missed))
    }),
    metric("false positives", "false_positives", |e| {
        Measured::plain(e.lesions.as_ref().and_then(|level| level.false_positives))
    }),
    metric("lesion threshold", "lesion_threshold", |e| {
        let threshold = e.lesions.as_ref().and_then(|level| level.threshold.as_ref());
        Measured::plain(threshold.map(|threshold| threshold.value))
    }),
    metric("lesion threshold from", "lesion_threshold_origin", |e| {
        let threshold = e.lesions.as_ref().and_then(|level| level.threshold.as_ref());
        Measured::plain(threshold.map(|threshold| threshold.origin.clone()))
    }),
    metric("false positives per healthy subject", "false_positives_per_healthy_subject", |e| {
        let healthy = e.lesions.as_ref().and_then(|level| level.healthy);
        Measured::plain(healthy.map(|healthy| healthy.false_positives_per_subject))
    }),
    metric("lesion sensitivity", "lesion_sensitivity", |e| {
        of_lesions(e, |level| level.sensitivity)
    }),
    metric("lesion F1", "lesion_f1", |e| of_lesions(e, |level| level.f1)),
    metric("false positives per patient", "false_positives_per_patient", |e| {
        estimate(e.lesions.as_ref().and_then(|level| level.false_positives_per_patient))
    }),
    metric(
        "sensitivity, ≤ 1 false positive/patient",
        "lesion_sensitivity_at_1_false_positive",
        |e| of_lesions(e, |level| level.sensitivity_at_one),
    ),
    metric("pixel AUROC", "pixel_auroc", |e| {
        of_pixels(e, |level| (level.auroc, level.auroc_interval))
    }),
    metric("pixel average precision", "pixel_average_precision", |e| {
        of_pixels(e, |level| (level.average_precision, level.average_precision_interval))
    }),
    metric("pixel Dice, patients' threshold", "pixel_dice", |e| {
        Measured::plain(e.pixels.as_ref().and_then(|level| level.dice))
    }),
    metric("SSIM of normal tissue", "ssim", |e| Measured::plain(e.normal.map(|one| one.ssim))),
    metric("PSNR of normal tissue, dB", "psnr_db", |e| {
        Measured::plain(e.normal.map(|one| one.psnr_db))
    }),
];

/// The AUROC, or why there is none.
fn auroc(level: Option<&Level>) -> Measured {
    let Some(level) = level else { return Measured::missing() };
    let why = level.undefined().unwrap_or("undefined");
    Measured::defined(level.auroc, level.auroc_interval, why)
}

/// The average precision, or why there is none: it needs cases with lesion only.
fn average_precision(level: Option<&Level>) -> Measured {
    let Some(level) = level else { return Measured::missing() };
    let why = level.undefined().unwrap_or("undefined");
    Measured::defined(level.average_precision, level.average_precision_interval, why)
}

fn of_lesions(evaluation: &Evaluation, measure: fn(&LesionLevel) -> Option<Estimate>) -> Measured {
    let Some(level) = &evaluation.lesions else { return Measured::missing() };
    let why = match level.lesions {
        0 => "undefined: no lesion",
        _ => "undefined: no lesion is detected at any threshold",
    };
    let estimate = measure(level);
    let interval = estimate.and_then(|estimate| estimate.interval);
    Measured::defined(estimate.map(|estimate| estimate.value), interval, why)
}

fn of_pixels(
    evaluation: &Evaluation,
    measure: fn(&PixelLevel) -> (Option<f64>, Option<Interval>),
) -> Measured {
    let Some(level) = &evaluation.pixels else { return Measured::missing() };
    let why = match level.lesion_pixels {
        0 => "undefined: no lesion pixel",
        _ => "undefined: no pixel without a lesion",
    };
    let (value, interval) = measure(level);
    Measured::defined(value, interval, why)
}

fn estimate(estimate: Option<Estimate>) -> Measured {
    let interval = estimate.and_then(|estimate| estimate.interval);
    Measured { interval, ..Measured::plain(estimate.map(|estimate| estimate.value)) }
}

/// An interval as text.
pub(super) fn interval_cell(interval: Option<Interval>) -> Cell {
    Cell::from(interval.map(|interval| format!("{:.3} – {:.3}", interval.low, interval.high)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baselines::IntensityThreshold;
    use crate::cohort::{Cohort, SliceGrid};
    use crate::context::Context;
    use crate::detection::{Findings, detect};
    use crate::evaluation::{EvaluationOptions, compare, evaluate};
    use crate::phantom::PhantomOptions;
    use crate::report::Tabulate as _;

    fn found(with_lesions: usize) -> [Findings; 2] {
        let context = Context::new(3);
        let options = PhantomOptions {
            subjects: 3,
            clinical: Some(3),
            with_lesions: Some(with_lesions),
            pixel_spacing_mm: 2.0,
            ..PhantomOptions::default()
        };
        let grid = SliceGrid::of_size(96);
        let cohort = Cohort::phantom(&options, grid, &context.streams).expect("options");
        let subjects = cohort.subjects(&context).expect("phantoms can be preprocessed");
        [None, Some(20.0)].map(|local_mm| {
            detect(&IntensityThreshold { local_mm }, &subjects, None, &context).expect("findings")
        })
    }

    #[test]
    fn what_is_not_defined_says_why_and_nothing_is_nan() {
        let context = Context::new(3);
        for with_lesions in [0, 1, 3] {
            let found = found(with_lesions);
            let evaluations = found.each_ref().map(|found| {
                evaluate(found, &EvaluationOptions::default(), &context).expect("ground truth")
            });
            let table = evaluation_table(&evaluations.each_ref()).expect("rows fit");
            let tsv = table.to_tsv();
            let mut lines = tsv.lines().map(|line| line.split('\t').collect::<Vec<_>>());
            let names = lines.next().expect("a line of names");
            assert_eq!(names[..2], ["method", "patients_with_lesion"], "{tsv}");
            for (one, row) in evaluations.iter().zip(lines.by_ref()) {
                assert_eq!((row[0], row.len()), (one.method.as_str(), names.len()), "{tsv}");
                let high = names.iter().position(|name| *name == "pixel_auroc_high");
                let pixels = one.pixels.as_ref().and_then(|level| level.auroc_interval);
                assert_eq!(
                    high.and_then(|at| row[at].parse().ok()),
                    pixels.map(|interval| interval.high),
                    "{tsv}"
                );
                let numbers = names.iter().zip(&row).filter(|(name, _)| !name.ends_with("_origin"));
                for (name, field) in numbers.skip(1) {
                    assert!(*field == "n/a" || field.parse::<f64>().is_ok(), "{name}: {field}");
                }
            }
            assert_eq!(lines.count(), 0, "{tsv}");
            let compared = compare(&evaluations[0], &evaluations[1], &context).expect("one cohort");
            let text = table.to_text(200) + &compared.table().expect("rows fit").to_text(200);
            assert!(!text.contains("NaN"), "{text}");
            assert!(text.contains("Comparison: intensity threshold minus "), "{text}");
            let why = match with_lesions {
                0 => "undefined: no case with lesion",
                1 => "DeLong test: undefined, too few or too uniform cases",
                _ => "undefined: no case without a lesion",
            };
            assert!(text.contains(why), "{why} in {text}");
        }
    }
}
