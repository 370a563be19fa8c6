//! Evaluations side by side.

use super::{Cell, Column, Table};
use crate::Result;
use crate::evaluation::{Confusion, Evaluation, Level};

/// Metrics below each other, one column per evaluation.
///
/// # Errors
/// If a row does not fit the columns, which no evaluation causes.
pub fn evaluation_table(evaluations: &[&Evaluation]) -> Result<Table> {
    let mut columns = vec![Column::text("metric")];
    columns.extend(evaluations.iter().map(|one| Column::number(&one.method, 3)));
    let mut table = Table::new("Evaluation", columns);
    for (name, metric) in METRICS {
        let row = evaluations.iter().map(|one| metric(one));
        table.push([Cell::from(*name)].into_iter().chain(row).collect())?;
    }
    Ok(table)
}

/// A metric's name and how it is read off.
type Metric = (&'static str, fn(&Evaluation) -> Cell);

/// The rows of an evaluation table.
const METRICS: &[Metric] = &[
    ("patients with lesion", |e| Cell::from(e.subjects.with_lesion)),
    ("patients without lesion", |e| Cell::from(e.subjects.without_lesion)),
    ("patient AUROC", |e| Cell::from(e.patients.auroc)),
    ("… its 95 % interval", |e| {
        let interval = e.patients.auroc_interval.as_ref();
        Cell::from(interval.map(|interval| format!("{:.3} – {:.3}", interval.low, interval.high)))
    }),
    ("patient average precision", |e| Cell::from(e.patients.average_precision)),
    ("threshold", |e| Cell::from(e.patients.threshold.as_ref().map(|t| t.value))),
    ("threshold from", |e| Cell::from(e.patients.threshold.as_ref().map(|t| t.origin.clone()))),
    ("patient F1", |e| Cell::from(confusion(&e.patients).and_then(Confusion::f1))),
    ("patient sensitivity", |e| {
        Cell::from(confusion(&e.patients).and_then(Confusion::sensitivity))
    }),
    ("patient specificity", |e| {
        Cell::from(confusion(&e.patients).and_then(Confusion::specificity))
    }),
    ("segment AUROC", |e| Cell::from(e.segments.as_ref().and_then(|level| level.auroc))),
    ("segment average precision", |e| {
        Cell::from(e.segments.as_ref().and_then(|level| level.average_precision))
    }),
    ("pixel average precision", |e| {
        Cell::from(e.pixels.as_ref().and_then(|level| level.average_precision))
    }),
    ("pixel Dice", |e| Cell::from(e.pixels.as_ref().and_then(|level| level.dice))),
    ("SSIM of normal tissue", |e| Cell::from(e.normal.map(|normal| normal.ssim))),
    ("PSNR of normal tissue, dB", |e| Cell::from(e.normal.map(|normal| normal.psnr_db))),
];

fn confusion(level: &Level) -> Option<&Confusion> {
    level.confusion.as_ref()
}
