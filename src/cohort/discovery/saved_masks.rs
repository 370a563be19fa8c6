//! Recognises masks that the program itself found and saved, as long as nobody has changed them.

use std::path::Path;

use serde_json::Value;

use super::naming::nifti_stem;
use crate::cohort::found_labels::saved_notes;
use crate::cohort::found_masks::{MASK_CONFIDENCE, MASK_HASH, MASK_REMARKS};
use crate::cohort::note::Note;
use crate::files::{file_name, read_regular_unlogged, sha256_of};

/// What is known of a cord mask that the program found and that nobody has changed since it was saved.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SavedMask {
    /// Mean confidence of its pixels, 0 to 1.
    pub confidence: f32,
    /// What was remarked on when it was found, as clauses.
    remarks: Vec<String>,
}

impl SavedMask {
    /// Reads the JSON file of a cord mask, which holds the hash of what was written; `None` for all other masks.
    /// `discs` are the labels beside it: remarks on discs are no longer true once somebody labelled them.
    pub fn read(cord: &Path, discs: Option<&Path>) -> Option<Self> {
        let about = about_unchanged(cord)?;
        let confidence = about.get(MASK_CONFIDENCE)?.as_f64()? as f32;
        let remarks = about.get(MASK_REMARKS).and_then(Value::as_array);
        let remarks = remarks.into_iter().flatten().filter_map(Value::as_str);
        let labelled = discs.is_some_and(|discs| about_unchanged(discs).is_none());
        let is_true = |remark: &&str| !(labelled && remark.contains("disc"));
        Some(Self { confidence, remarks: remarks.filter(is_true).map(str::to_owned).collect() })
    }

    /// What a user should know about it, as when it was found.
    pub fn notes(&self) -> Vec<Note> {
        saved_notes(self.confidence, &self.remarks)
    }
}

/// The JSON file of a mask that the program wrote, if nobody has changed the mask since.
fn about_unchanged(mask: &Path) -> Option<Value> {
    let about = mask.with_file_name(format!("{}.json", nifti_stem(&file_name(mask))?));
    let about: Value = serde_json::from_slice(&read_regular_unlogged(&about).ok()?).ok()?;
    let hash = about.get(MASK_HASH)?.as_str()?;
    let (_, now) = sha256_of(mask).ok()?;
    (now == hash).then_some(about)
}
