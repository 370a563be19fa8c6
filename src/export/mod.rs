//! Findings as files that others read: BIDS derivatives in the grid of the source images, for programs, and
//! pages of HTML ([`html_report`]), for people.
//!
//! A folder of derivatives:
//!
//! ```text
//! dataset_description.json, README
//! scores.tsv, scores.json        one row per patient and per segment
//! lesions.tsv, lesions.json      one row per detected lesion
//! lesion_load.tsv, …             one row per subject and per segment: number, volume
//! lesion_matches.tsv, …          lesions of the ground truth, detected or missed, and false positives
//! sub-01/anat/sub-01_desc-anomaly_T2w.nii.gz                what the scores are made of
//!             sub-01_desc-reconstruction_T2w.nii.gz
//!             sub-01_desc-epistemic_T2w.nii.gz              where the method has an uncertainty
//!             sub-01_desc-aleatoric_T2w.nii.gz
//!             sub-01_label-lesion_desc-u2ad_probseg.nii.gz  where it has a lesion probability
//!             sub-01_label-lesion_desc-u2ad_mask.nii.gz     what was detected, at a threshold
//!             sub-01_desc-lesions_dseg.nii.gz               the same, numbered as in lesions.tsv
//!             sub-01_desc-anomaly_curve.tsv                 the anomaly along the cord
//!             sub-01_res-u2ad_desc-anomaly_T2w.nii.gz       on the pixels that the method works on
//!             sub-01_res-u2ad_desc-curve_dseg.nii.gz        which of them make which point of the curve
//! ```
//!
//! The maps with `res-u2ad` are not interpolated: scores can be computed again from them. They lie in the
//! scanner where the others do.
//!
//! [`export_uncertainty`] writes the maps of `estimate_uncertainty` alone, with `uncertainty.tsv`.
//!
//! Every map has a JSON file beside it that says what it holds, in which unit, and where it comes from.
//! The folder appears when it is complete; an export that fails or is interrupted leaves what was there.

mod curve_file;
mod dataset;
mod findings_export;
mod found_masks;
pub mod html_report;
mod lesions;
mod map_files;
mod maps;
mod names;
mod sources;
mod tables;
mod uncertainty_maps;

use std::fs;
use std::path::{Path, PathBuf};

use crate::cohort::Cohort;
use crate::context::{Context, counted};
use crate::detection::{Finding, Findings};
use crate::evaluation::Threshold;
use crate::{Error, Result};

pub use self::dataset::{check_export_folder, subjects_to_be_lost};
pub use self::findings_export::FindingsExport;
pub use self::found_masks::save_found_masks;
pub use self::lesions::{
    LESION_COLUMNS, LOAD_COLUMNS, Lesion, LesionMatch, LevelLoad, MATCH_COLUMNS, MatchStatus,
    MeasureColumn, detected_lesions, has_known_lesions, lesion_load, lesion_match_table,
    lesion_table, load_table, matched_lesions, true_lesions,
};
use self::names::OutputName;
pub use self::uncertainty_maps::{SubjectUncertainty, export_uncertainty};

/// What was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    pub folder: PathBuf,
    /// Subjects with maps.
    pub subjects: usize,
    /// Detected lesions; `None` without a threshold.
    pub lesions: Option<usize>,
}

/// Writes findings as BIDS derivatives into `folder`, which is made, or replaced if it holds an earlier
/// export. `cohort` is the one that the findings are of: it knows the source images. Pixels of the anomaly
/// map at or above `threshold` are detected; without one there are no detections.
///
/// Subjects whose slices came preprocessed have no grid to go back to: they are in the scores only, and a
/// warning says so.
///
/// # Errors
/// If the folder holds something else, two subjects would have the same file names, a source image has
/// changed its grid or is gone, or the disk refuses; and [`Error::Cancelled`] if the user interrupts.
pub fn export(
    findings: &Findings,
    cohort: &Cohort,
    threshold: Option<&Threshold>,
    folder: &Path,
    context: &Context,
) -> Result<Export> {
    let of = |finding: &Finding| source_image(&finding.subject.name, cohort);
    let images = findings.subjects.iter().map(of).collect::<Result<Vec<_>>>()?;
    let images = images.iter().flatten().map(|image| image.as_path());
    let mut export = FindingsExport::begin(folder, findings, threshold, images)?;
    let names: Vec<&str> = findings.subjects.iter().map(|one| &*one.subject.name).collect();
    let lost = subjects_to_be_lost(folder, &names);
    let progress = context.progress("export", "subject", findings.subjects.len());
    for finding in &findings.subjects {
        context.check()?;
        export.push(findings, finding, cohort)?;
        progress.advance(1, &[]);
    }
    let written = export.finish(context)?;
    if !lost.is_empty() {
        context.warn(format!(
            "{} held the findings of {}, which this export replaced",
            folder.display(),
            counted(lost.len(), "other subject")
        ));
    }
    Ok(written)
}

/// The image file of a subject; `None` of a synthetic or preprocessed one.
fn source_image(name: &str, cohort: &Cohort) -> Result<Option<PathBuf>> {
    let entry = cohort.entry(cohort.find(name)?)?;
    let Some(image) = entry.image() else { return Ok(None) };
    match fs::metadata(image) {
        Ok(_) => Ok(Some(image.to_path_buf())),
        Err(error) => Err(Error::subject(
            name,
            format!(
                "its image {} lends its geometry, but cannot be read ({error})",
                image.display()
            ),
        )),
    }
}

/// The file names of some subjects, each with its image.
fn distinct_names<'a>(
    subjects: impl Iterator<Item = (&'a str, Option<&'a Path>)>,
) -> Result<Vec<OutputName>> {
    let mut names: Vec<OutputName> = Vec::new();
    for (subject, image) in subjects {
        names.push(distinct_name(subject, image, &names)?);
    }
    Ok(names)
}

/// The positions of subjects that cannot be exported beside the others, each with the reason: before a long computation, so
/// that it is not in vain. Of two with the same name it is the second one. Subjects that cannot be used anyway are not
/// among them.
pub fn unexportable(cohort: &Cohort) -> Vec<(usize, String)> {
    let (usable, mut names) = (cohort.usable(), Vec::new());
    let mut found = Vec::new();
    for (position, entry) in cohort.entries().enumerate() {
        if !entry.is_unsegmented() && usable.binary_search(&position).is_err() {
            continue;
        }
        match distinct_name(&entry.name, entry.image(), &names) {
            Ok(name) => names.push(name),
            Err(Error::Subject { reason, .. }) => {
                found.push((position, format!("it cannot be exported: {reason}")));
            }
            Err(error) => found.push((position, format!("it cannot be exported: {error}"))),
        }
    }
    found
}

/// The file name of a subject, which none of the others may have.
fn distinct_name(subject: &str, image: Option<&Path>, others: &[OutputName]) -> Result<OutputName> {
    let name = OutputName::new(subject, image)?;
    if others.contains(&name) {
        return Err(Error::subject(
            subject,
            format!("another subject is exported as {} already; rename one of them", name.stem),
        ));
    }
    Ok(name)
}

fn warn_without_grid(subjects: &[&str], context: &Context) {
    if !subjects.is_empty() {
        context.warn(format!(
            "slices that came preprocessed have no grid to go back to; no maps of {}",
            subjects.join(", ")
        ));
    }
}

#[cfg(test)]
mod tests;
