//! Lesions as rows of the language.

use starlark::values::dict::AllocDict;
use starlark::values::{Heap, Value};

use crate::detection::{Finding, Findings};
use crate::evaluation::default_lesion_threshold;
use crate::export::{
    detected_lesions, lesion_load, lesion_match_table, lesion_table, load_table, matched_lesions,
    true_lesions,
};
use crate::report::{Cell, Table};
use crate::{Error, Result};

/// Which lesions.
#[derive(Clone, Copy)]
pub(super) enum Lesions {
    Detected(f64),
    Truth,
    Matched(f64),
    Load(f64),
}

/// The rows of the lesions of some findings, with the columns that an export writes: `subject` is its
/// `participant_id`.
pub(super) fn lesion_rows<'v>(
    findings: &[Finding],
    which: Lesions,
    heap: Heap<'v>,
) -> Result<Vec<Value<'v>>> {
    let mut rows = Vec::new();
    for finding in findings {
        rows.extend(rows_of(&table(finding, which)?, heap));
    }
    Ok(rows)
}

fn table(finding: &Finding, which: Lesions) -> Result<Table> {
    let subject = &finding.subject;
    if subject.native_transform.is_none() {
        return Err(Error::subject(
            &*subject.name,
            "its slices came preprocessed and have no volume to measure lesions in",
        ));
    }
    let unknown = || Error::subject(&*subject.name, "its lesions are not known; give lesion masks");
    match which {
        Lesions::Detected(threshold) => {
            lesion_table(&detected_lesions(finding, threshold)?.unwrap_or_default())
        }
        Lesions::Truth => lesion_table(&true_lesions(finding)?.ok_or_else(unknown)?),
        Lesions::Matched(threshold) => {
            lesion_match_table(&matched_lesions(finding, threshold)?.ok_or_else(unknown)?)
        }
        Lesions::Load(threshold) => {
            load_table(&lesion_load(finding, threshold)?.unwrap_or_default())
        }
    }
}

/// Each row as a dictionary from column to value.
fn rows_of<'v>(table: &Table, heap: Heap<'v>) -> Vec<Value<'v>> {
    let names: Vec<&str> = table
        .columns()
        .iter()
        .map(|column| match column.name.as_str() {
            "participant_id" => "subject",
            name => name,
        })
        .collect();
    let value = |cell: &Cell| match cell {
        Cell::Missing => Value::new_none(),
        Cell::Integer(integer) => heap.alloc(*integer),
        Cell::Number(number) => heap.alloc(*number),
        Cell::Text(text) => heap.alloc(text.as_str()),
    };
    let row = |cells: &Vec<Cell>| {
        heap.alloc(AllocDict(names.iter().copied().zip(cells.iter().map(value))))
    };
    table.rows().iter().map(row).collect()
}

/// The threshold that was given, else that of the method.
pub(super) fn threshold_of(findings: &Findings, given: Option<f64>) -> Result<f64> {
    match given {
        Some(threshold) if threshold > 0.0 && threshold.is_finite() => Ok(threshold),
        Some(threshold) => Err(Error::input(format!(
            "lesions: `threshold` must be a number above 0, not {threshold}"
        ))),
        None => default_lesion_threshold(findings).map(|threshold| threshold.value).ok_or_else(|| {
            Error::input(format!(
                "lesions: the anomaly of {} has no natural threshold; give one, such as lesions(0.3)",
                findings.method
            ))
        }),
    }
}
