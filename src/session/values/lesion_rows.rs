//! Lesions as rows of the language.

use starlark::values::{Heap, Value};

use super::rows::table_rows;
use crate::context::{Context, counted};
use crate::detection::{Finding, Findings};
use crate::evaluation::default_lesion_threshold;
use crate::export::{
    detected_lesions, has_known_lesions, lesion_load, lesion_match_table, lesion_table, load_table,
    matched_lesions, true_lesions,
};
use crate::report::Table;
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
        rows.extend(table_rows(&table(finding, which)?, heap));
    }
    Ok(rows)
}

/// As [`lesion_rows`] of what needs the ground truth. Subjects whose lesions are not known are left out, with one
/// warning.
///
/// # Errors
/// If the lesions of no subject are known.
pub(super) fn known_lesion_rows<'v>(
    findings: &[Finding],
    which: Lesions,
    heap: Heap<'v>,
    context: &Context,
) -> Result<Vec<Value<'v>>> {
    let (known, unknown): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().partition(|finding| has_known_lesions(&finding.subject));
    if known.is_empty() {
        return lesion_rows(findings, which, heap);
    }
    if let Some(first) = unknown.first() {
        let names: Vec<&str> = unknown.iter().map(|finding| &*finding.subject.name).collect();
        context.warn(match names.as_slice() {
            [_] => format!("{} is left out: its lesions are not known", first.subject.name),
            names => format!(
                "{} are left out, whose lesions are not known: {}",
                counted(names.len(), "subject"),
                names.join(", ")
            ),
        });
    }
    let mut rows = Vec::new();
    for finding in known {
        rows.extend(table_rows(&table(finding, which)?, heap));
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
