//! Recognises masks that the program itself found and saved, as long as nobody has changed them.

use std::path::Path;

use serde_json::Value;

use super::naming::nifti_stem;
use crate::cohort::found_masks::{MASK_CONFIDENCE, MASK_HASH};
use crate::files::{file_name, read_regular_unlogged, sha256_of};

/// The confidence, 0 to 1, of a cord mask that the program found and that nobody has changed since it was saved:
/// its JSON file holds the hash of what was written. `None` for all other masks.
pub(super) fn unchanged_confidence(mask: &Path) -> Option<f32> {
    let about = mask.with_file_name(format!("{}.json", nifti_stem(&file_name(mask))?));
    let about: Value = serde_json::from_slice(&read_regular_unlogged(&about).ok()?).ok()?;
    let hash = about.get(MASK_HASH)?.as_str()?;
    let (_, now) = sha256_of(mask).ok()?;
    (now == hash)
        .then(|| about.get(MASK_CONFIDENCE)?.as_f64().map(|confidence| confidence as f32))?
}
