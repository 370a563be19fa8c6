//! The record of one session: what its findings depend on, and what was found.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::place::Place;
use crate::cohort::Cohort;
use crate::detection::Scoring;
use crate::files::{read_json, sha256_of};
use crate::report::program_commit;
use crate::scoring::Calibration;
use crate::volume::voxel_file;
use crate::{Error, Result};

/// How the name of a record ends.
pub(super) const RECORD: &str = "_u2ad.json";

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Relative to the BIDS tree.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

/// Everything findings depend on; equal values give equal findings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionProvenance {
    /// Version of the program, with its commit where it was built from one.
    pub version: String,
    pub method: String,
    /// SHA-256 of the method's file or settings.
    pub method_sha256: String,
    pub seed: u64,
    /// Images and their labels, in order.
    pub inputs: Vec<Input>,
    /// The participant's row in the participants table: it decides who is healthy.
    pub participant: std::collections::BTreeMap<String, String>,
}

/// The version of this program, with its commit where it was built from one: two builds of a version may find different
/// things.
pub(super) fn program_version() -> String {
    let version = env!("CARGO_PKG_VERSION");
    match program_commit() {
        Some(commit) => format!("{version}, commit {commit}"),
        None => version.to_owned(),
    }
}

impl SessionProvenance {
    /// How this differs from an earlier one, as a clause; `None` if it does not.
    pub fn change(&self, earlier: &Self) -> Option<&'static str> {
        if self.method_sha256 != earlier.method_sha256 {
            Some("with another model or method")
        } else if self.inputs != earlier.inputs || self.participant != earlier.participant {
            Some("from other images, masks or columns of the participants table")
        } else if self.seed != earlier.seed {
            Some("with another seed")
        } else if self.version != earlier.version {
            Some("by another version of u2ad")
        } else {
            None
        }
    }
}

/// The result of one image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// As in the tables: `sub-01`, or `sub-01_run-1` of several.
    pub name: String,
    /// Relative to the BIDS tree; `None` where no image was found.
    pub image: Option<String>,
    /// Where its masks come from: "given", "found, confidence 0.93", "not usable".
    pub masks: String,
    /// AnaScore; `None` where nothing could be scored.
    pub score: Option<f64>,
    /// Vertebral level or bin of the highest score.
    pub level: Option<String>,
    /// The false positive rate at this score; `None` of a method that is not calibrated.
    pub p_value: Option<f64>,
    /// Detected lesions; `None` of a method without a threshold.
    pub lesions: Option<usize>,
    /// Their volume together, mm³.
    pub lesion_volume_mm3: Option<f64>,
    /// Whether the ground truth has a lesion, where it is known.
    pub has_lesion: Option<bool>,
    pub remarks: Vec<String>,
    /// Why it could not be screened, if so.
    pub failure: Option<String>,
}

/// The record of one session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionRecord {
    pub making: SessionProvenance,
    pub scoring: Option<Scoring>,
    /// What the method shows in healthy subjects, if it is calibrated.
    pub calibration: Option<Calibration>,
    pub images: Vec<ImageRecord>,
    /// Names of the files beside the record.
    pub files: Vec<String>,
    /// Their sizes, bytes; empty in records of earlier versions.
    #[serde(default)]
    pub sizes: Vec<u64>,
}

impl SessionRecord {
    /// The record of a session; `None` where there is none.
    ///
    /// # Errors
    /// If it is damaged.
    pub(super) fn read(place: &Place, output: &Path) -> Result<Option<Self>> {
        let path = place.file(output, RECORD);
        if std::fs::symlink_metadata(&path).is_err() {
            return Ok(None);
        }
        read_json(&path, "remove its folder").map(Some)
    }

    /// The first file that is not there any more, or not as it was written, as a clause; `None` if all are.
    pub(super) fn damage(&self, place: &Place, output: &Path) -> Option<String> {
        let folder = place.folder(output);
        let size_of = |name: &str| std::fs::metadata(folder.join(name)).map(|found| found.len());
        let sizes = self.sizes.iter().map(Some).chain(std::iter::repeat(None));
        let damaged = self.files.iter().zip(sizes).find_map(|(name, size)| match size_of(name) {
            Err(_) => Some(format!("its file {name} is missing")),
            Ok(now) if size.is_some_and(|size| *size != now) => {
                Some(format!("its file {name} was changed or is damaged"))
            }
            Ok(_) => None,
        });
        let is_reported = self.scoring.is_none() || place.report(output).is_file();
        damaged.or_else(|| {
            (!is_reported).then(|| format!("its page {} is missing", place.report_name()))
        })
    }

    /// Whether an image could not be screened.
    pub fn has_failures(&self) -> bool {
        self.images.iter().any(|image| image.failure.is_some())
    }
}

/// The files that the images of a cohort are made of, with their hashes.
///
/// # Errors
/// If one cannot be read.
pub(super) fn inputs(cohort: &Cohort, bids: &Path) -> Result<Vec<Input>> {
    let files = cohort.entries().flat_map(|entry| entry.files());
    // A `.hdr` file does not tell whether the voxels in its `.img` file changed.
    let files = files.flat_map(|path| std::iter::once(path.to_owned()).chain(voxel_file(path)));
    let input = |path: PathBuf| {
        let (_, sha256) = sha256_of(&path).map_err(|error| Error::file(&path, error))?;
        Ok(Input { path: relative(&path, bids), sha256 })
    };
    files.map(input).collect()
}

/// A path inside the tree.
pub(super) fn relative(path: &Path, bids: &Path) -> String {
    path.strip_prefix(bids).unwrap_or(path).display().to_string()
}
