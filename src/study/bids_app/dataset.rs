//! The description of the output folder. Many processes may write it at once: each file is written
//! whole.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::files::{write_json, write_whole};
use crate::{Error, Result};

const DESCRIPTION: &str = "dataset_description.json";

const README: &str = "\
Anomalies that u2ad found in sagittal T2-weighted images of the spinal cord. Maps lie in the grid of their
source image; those with res-u2ad lie on the pixels that the method works on. The JSON file beside each map and
table says what it holds and in which unit. For research, not for diagnosis.

sub-01.html              report of a participant, or of one of its sessions
sub-01/anat              maps, tables, and sub-01_u2ad.json: what was done with what
group_findings.tsv       one row per image, once `u2ad bids BIDS_DIR OUTPUT_DIR group` has gathered them
group.html               the same as a page
";

/// Tables and pages for which BIDS has no names.
const IGNORED: &str = "\
*.html
group_*
*_u2ad.json
*_cases.json
*_scores.*
*_lesions.tsv
*_lesions.json
*_lesion_load.*
*_lesion_matches.*
*_curve.tsv
*_curve.json
";

/// Describes the output folder as derivatives of the tree.
///
/// # Errors
/// If it holds another dataset, or the disk refuses.
pub(super) fn describe(output: &Path, bids: &Path) -> Result<()> {
    let path = output.join(DESCRIPTION);
    let url = format!("file://{}", bids.display());
    let description = json!({
        "Name": "Findings of u2ad",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{ "Name": "u2ad", "Version": env!("CARGO_PKG_VERSION") }],
        "DatasetLinks": { "raw": url },
        "SourceDatasets": [{ "URL": url }],
    });
    if let Ok(there) = fs::read(&path) {
        let there: Value = serde_json::from_slice(&there).unwrap_or_default();
        if there["GeneratedBy"][0]["Name"] != "u2ad" || there["Name"] != description["Name"] {
            return Err(Error::file(
                output,
                "holds another dataset; choose a folder of its own for the results",
            ));
        }
        if there["DatasetLinks"] != description["DatasetLinks"] {
            return Err(Error::file(
                output,
                format!(
                    "holds the findings of another BIDS tree ({}); choose another folder, or remove {DESCRIPTION} if that \
                     tree was moved",
                    there["DatasetLinks"]["raw"]
                ),
            ));
        }
        if there == description {
            return Ok(());
        }
    }
    for (name, text) in [("README", README), (".bidsignore", IGNORED)] {
        let path = output.join(name);
        if fs::symlink_metadata(&path).is_err() {
            write_whole(&path, text.as_bytes())?;
        }
    }
    write_json(&path, &description)
}
