//! Screening of whole BIDS trees by many processes at once, as BIDS Apps are called.
//!
//! The images of one session of one participant (or of one participant without sessions) belong together. What
//! was found in them appears at once, complete, in one folder:
//!
//! ```text
//! dataset_description.json, README, .bidsignore
//! sub-01.html                                  the report: sub-01_ses-1.html with sessions
//! sub-01/anat/                                 sub-01/ses-1/anat/ with sessions
//!     sub-01_desc-anomaly_T2w.nii.gz, …        maps, as crate::export writes them
//!     sub-01_scores.tsv, sub-01_lesions.tsv, … their tables
//!     sub-01_u2ad.json                         what was done with what, and what came out
//!     sub-01_cases.json                        scores with their ground truth, for the evaluation of the group
//! group_findings.tsv, group_scores.tsv, …      everything together, with data dictionaries
//! group_evaluation.tsv, group.html
//! ```
//!
//! A session is finished if its record names the same inputs, method, seed and version of the program, by their
//! SHA-256. A lock in the hidden folder `.u2ad` keeps two processes from working on one session at once.

mod dataset;
mod group;
mod outdated;
mod place;
mod record;
mod session;
#[cfg(test)]
mod tests;
mod tsv;

use std::fs;
use std::path::{Path, PathBuf};

pub use group::Group;
pub use record::{ImageRecord, SessionRecord};
pub use session::{ParticipantLevel, SessionOutcome, SessionResult};

use crate::cohort::{participant_folders, subject_name};
use crate::files::make_folder;
use crate::{Error, Result};

/// A BIDS tree and the folder that its findings go to.
pub struct BidsApp {
    bids: PathBuf,
    output: PathBuf,
}

impl BidsApp {
    /// Makes the output folder and describes it as a dataset.
    ///
    /// # Errors
    /// If the tree has no participants, a folder cannot be read or made, the output folder is the tree itself
    /// or lies in a participant's folder, or it holds another dataset.
    pub fn new(bids: &Path, output: &Path) -> Result<Self> {
        if participant_folders(bids)?.is_empty() {
            return Err(Error::file(bids, "is not a BIDS tree: it has no folder sub-…"));
        }
        let whole =
            |folder: &Path| fs::canonicalize(folder).map_err(|error| Error::file(folder, error));
        let bids = whole(bids)?;
        // Before it is made: the part of its path that exists.
        let absolute = std::path::absolute(output).map_err(|error| Error::file(output, error))?;
        if let Some(there) = absolute.ancestors().find(|above| above.exists()) {
            refuse_inside_participant(&bids, &whole(there)?)?;
        }
        make_folder(output)?;
        let output = whole(output)?;
        if bids == output {
            return Err(Error::file(
                output,
                "is the BIDS tree itself; choose another folder for the results, such as derivatives/u2ad in it",
            ));
        }
        refuse_inside_participant(&bids, &output)?;
        dataset::describe(&output, &bids)?;
        Ok(Self { bids, output })
    }

    /// The folders of participants, `sub-…`, that these labels with or without `sub-` stand for, in their
    /// order and without repeats; all of the tree if there is none.
    ///
    /// # Errors
    /// If a participant is not in the tree.
    pub fn participants(&self, labels: &[String]) -> Result<Vec<String>> {
        let there = participant_folders(&self.bids)?;
        if labels.is_empty() {
            return Ok(there);
        }
        let mut chosen: Vec<String> = Vec::new();
        for label in labels {
            let name = subject_name(label);
            if !there.contains(&name) {
                return Err(Error::file(
                    &self.bids,
                    format!(
                        "has no participant {name}; it has {} from {} to {}",
                        there.len(),
                        there[0],
                        there[there.len() - 1]
                    ),
                ));
            }
            if !chosen.contains(&name) {
                chosen.push(name);
            }
        }
        Ok(chosen)
    }

    /// The folder for files in the making, made if it is not there: `work`, or hidden in the output folder.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn temporary(&self, work: Option<&Path>) -> Result<PathBuf> {
        let folder = work.map_or_else(|| self.output.join(place::HIDDEN), Path::to_path_buf);
        make_folder(&folder)?;
        Ok(folder)
    }
}

fn refuse_inside_participant(bids: &Path, output: &Path) -> Result<()> {
    let inside = output.strip_prefix(bids).ok().and_then(|rest| rest.components().next());
    if inside.is_some_and(|first| first.as_os_str().to_string_lossy().starts_with("sub-")) {
        return Err(Error::file(
            output,
            "lies in the folder of a participant; choose a folder beside the participants, such as derivatives/u2ad",
        ));
    }
    Ok(())
}
