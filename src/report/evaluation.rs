//! Evaluations side by side, and tests of their differences.

use super::{Cell, Column, Display, Part, Show, Table, Tabulate};
use crate::Result;
use crate::evaluation::{
    Comparison, Estimate, Evaluation, Interval, LesionLevel, Level, MethodSummary, PixelLevel,
};

/// One row per metric, one column per evaluation. Metrics that no evaluation has are left out.
///
/// # Errors
/// If a row does not fit the columns, which no evaluation causes.
pub fn evaluation_table(evaluations: &[&Evaluation]) -> Result<Table> {
    let mut columns = vec![Column::text("metric")];
    columns.extend(evaluations.iter().map(|one| Column::number(&one.method, 3)));
    let mut table = Table::new("Evaluation", columns);
    for (name, metric) in METRICS {
        let row: Vec<Cell> = evaluations.iter().map(|one| metric(one)).collect();
        if row.iter().any(|cell| *cell != Cell::Missing) {
            table.push([Cell::from(*name)].into_iter().chain(row).collect())?;
        }
    }
    Ok(table)
}

/// A metric's name and how to get it from an evaluation.
type Metric = (&'static str, fn(&Evaluation) -> Cell);

const INTERVAL: &str = "… its 95 % interval";

/// The rows of an evaluation table.
const METRICS: &[Metric] = &[
    ("patients with lesion", |e| Cell::from(e.subjects.with_lesion)),
    ("patients without a lesion", |e| Cell::from(e.subjects.without_lesion)),
    ("patient AUROC", |e| auroc(Some(&e.patients))),
    (INTERVAL, |e| interval(e.patients.auroc_interval)),
    ("patient average precision", |e| average_precision(Some(&e.patients))),
    (INTERVAL, |e| interval(e.patients.average_precision_interval)),
    ("threshold", |e| Cell::from(e.patients.threshold.as_ref().map(|t| t.value))),
    ("threshold from", |e| Cell::from(e.patients.threshold.as_ref().map(|t| t.origin.clone()))),
    ("patient F1", |e| value(e.patients.f1)),
    (INTERVAL, |e| interval_of(e.patients.f1)),
    ("patient sensitivity", |e| value(e.patients.sensitivity)),
    (INTERVAL, |e| interval_of(e.patients.sensitivity)),
    ("patient specificity", |e| value(e.patients.specificity)),
    (INTERVAL, |e| interval_of(e.patients.specificity)),
    ("slice AUROC", |e| auroc(e.slices.as_ref())),
    (INTERVAL, |e| interval(e.slices.as_ref().and_then(|level| level.auroc_interval))),
    ("slice average precision", |e| average_precision(e.slices.as_ref())),
    (INTERVAL, |e| interval(e.slices.as_ref().and_then(|l| l.average_precision_interval))),
    ("segment AUROC", |e| auroc(e.segments.as_ref())),
    (INTERVAL, |e| interval(e.segments.as_ref().and_then(|level| level.auroc_interval))),
    ("segment average precision", |e| average_precision(e.segments.as_ref())),
    (INTERVAL, |e| interval(e.segments.as_ref().and_then(|l| l.average_precision_interval))),
    ("lesions", |e| Cell::from(e.lesions.as_ref().map(|level| level.lesions))),
    ("detected lesions", |e| Cell::from(e.lesions.as_ref().and_then(|level| level.detected))),
    ("missed lesions", |e| {
        let missed = |level: &LesionLevel| Some(level.lesions.saturating_sub(level.detected?));
        Cell::from(e.lesions.as_ref().and_then(missed))
    }),
    ("false positives", |e| Cell::from(e.lesions.as_ref().and_then(|level| level.false_positives))),
    ("lesion threshold", |e| {
        let threshold = e.lesions.as_ref().and_then(|level| level.threshold.as_ref());
        Cell::from(threshold.map(|threshold| threshold.value))
    }),
    ("lesion threshold from", |e| {
        let threshold = e.lesions.as_ref().and_then(|level| level.threshold.as_ref());
        Cell::from(threshold.map(|threshold| threshold.origin.clone()))
    }),
    ("false positives per healthy subject", |e| {
        let healthy = e.lesions.as_ref().and_then(|level| level.healthy);
        Cell::from(healthy.map(|healthy| healthy.false_positives_per_subject))
    }),
    ("lesion sensitivity", |e| of_lesions(e, |level| level.sensitivity)),
    (INTERVAL, |e| lesion_interval(e, |level| level.sensitivity)),
    ("lesion F1", |e| of_lesions(e, |level| level.f1)),
    (INTERVAL, |e| lesion_interval(e, |level| level.f1)),
    ("false positives per patient", |e| {
        Cell::from(
            e.lesions.as_ref().and_then(|level| Some(level.false_positives_per_patient?.value)),
        )
    }),
    (INTERVAL, |e| lesion_interval(e, |level| level.false_positives_per_patient)),
    ("lesion sensitivity, ≤ 1 false positive", |e| {
        of_lesions(e, |level| level.sensitivity_at_one)
    }),
    (INTERVAL, |e| lesion_interval(e, |level| level.sensitivity_at_one)),
    ("pixel AUROC", |e| of_pixels(e, |level| level.auroc)),
    (INTERVAL, |e| interval(e.pixels.as_ref().and_then(|level| level.auroc_interval))),
    ("pixel average precision", |e| of_pixels(e, |level| level.average_precision)),
    (INTERVAL, |e| interval(e.pixels.as_ref().and_then(|level| level.average_precision_interval))),
    ("pixel Dice", |e| Cell::from(e.pixels.as_ref().and_then(|level| level.dice))),
    ("SSIM of normal tissue", |e| Cell::from(e.normal.map(|normal| normal.ssim))),
    ("PSNR of normal tissue, dB", |e| Cell::from(e.normal.map(|normal| normal.psnr_db))),
];

/// The AUROC, or why there is none.
fn auroc(level: Option<&Level>) -> Cell {
    let Some(level) = level else { return Cell::Missing };
    defined(level.auroc, level.undefined().unwrap_or("undefined"))
}

/// The average precision, or why there is none: it needs cases with lesion only.
fn average_precision(level: Option<&Level>) -> Cell {
    let Some(level) = level else { return Cell::Missing };
    defined(level.average_precision, level.undefined().unwrap_or("undefined"))
}

fn of_lesions(evaluation: &Evaluation, measure: fn(&LesionLevel) -> Option<Estimate>) -> Cell {
    let Some(level) = &evaluation.lesions else { return Cell::Missing };
    let why = match level.lesions {
        0 => "undefined: no lesion",
        _ => "undefined: no lesion is detected at any threshold",
    };
    defined(measure(level).map(|estimate| estimate.value), why)
}

fn of_pixels(evaluation: &Evaluation, measure: fn(&PixelLevel) -> Option<f64>) -> Cell {
    let Some(level) = &evaluation.pixels else { return Cell::Missing };
    let why = match level.lesion_pixels {
        0 => "undefined: no lesion pixel",
        _ => "undefined: no pixel without a lesion",
    };
    defined(measure(level), why)
}

fn defined(value: Option<f64>, otherwise: &str) -> Cell {
    value.map_or_else(|| Cell::from(otherwise), Cell::from)
}

fn value(estimate: Option<Estimate>) -> Cell {
    Cell::from(estimate.map(|estimate| estimate.value))
}

fn interval_of(estimate: Option<Estimate>) -> Cell {
    interval(estimate.and_then(|estimate| estimate.interval))
}

fn lesion_interval(evaluation: &Evaluation, measure: fn(&LesionLevel) -> Option<Estimate>) -> Cell {
    interval_of(evaluation.lesions.as_ref().and_then(measure))
}

fn interval(interval: Option<Interval>) -> Cell {
    Cell::from(interval.map(|interval| format!("{:.3} – {:.3}", interval.low, interval.high)))
}

/// One row per method and measure, with the difference from the reference where there is one.
///
/// # Errors
/// If a row does not fit the columns, which no summary causes.
pub fn summary_table(methods: &[MethodSummary], reference: Option<&str>) -> Result<Table> {
    let mut columns = vec![Column::text("method"), Column::number("seeds", 0)];
    columns.push(Column::text("measure"));
    columns.extend(["mean", "lowest", "highest"].map(|name| Column::number(name, 3)));
    columns.push(Column::text("95 % interval of the mean"));
    if let Some(reference) = reference {
        columns.push(Column::number(format!("minus {reference}"), 3));
        columns.push(Column::text("95 % interval of the difference"));
        columns.push(Column::number("p", 3));
    }
    let mut table = Table::new("Methods", columns);
    for method in methods {
        for measure in &method.measures {
            let mut row = vec![Cell::from(&*method.method), Cell::from(method.seeds)];
            row.push(Cell::from(measure.name));
            row.extend([measure.mean, measure.lowest, measure.highest].map(Cell::from));
            row.push(interval(measure.interval));
            if reference.is_some() {
                row.push(Cell::from(measure.difference));
                row.push(interval(measure.difference_interval));
                row.push(probability(measure.p_value));
            }
            table.push(row)?;
        }
    }
    Ok(table)
}

fn probability(p: Option<f64>) -> Cell {
    match p {
        Some(p) if p < 0.001 => Cell::from("< 0.001"),
        p => Cell::from(p),
    }
}

/// One row per measure.
impl Tabulate for Comparison {
    fn table(&self) -> Result<Table> {
        let mut columns = vec![
            Column::text("measure"),
            Column::number(&self.first, 3),
            Column::number(&self.second, 3),
        ];
        columns.extend([
            Column::number("difference", 3),
            Column::text("95 % interval of the difference"),
            Column::number("p", 3),
            Column::text("test"),
        ]);
        let title = format!(
            "Comparison: {} minus {}, same {} patients",
            self.first, self.second, self.patients
        );
        let mut table = Table::new(title, columns);
        for measure in &self.measures {
            let test = match measure.p_value {
                Some(_) => measure.test.name().to_owned(),
                None => format!("{}: undefined, too few or too uniform cases", measure.test.name()),
            };
            table.push(vec![
                Cell::from(measure.name),
                Cell::from(measure.first),
                Cell::from(measure.second),
                Cell::from(measure.difference),
                interval(measure.interval),
                probability(measure.p_value),
                Cell::from(test),
            ])?;
        }
        Ok(table)
    }
}

impl Show for Comparison {
    fn show(&self) -> Result<Display> {
        Ok(Display::of([Part::Table(self.table()?)]))
    }
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
