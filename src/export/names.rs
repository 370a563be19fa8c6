//! Names of exported files.

use std::path::{Path, PathBuf};

use crate::cohort::dataset_root;
use crate::{Error, Result};

/// Folder and beginning of the names of one subject's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OutputName {
    /// Relative to the dataset: `sub-01/ses-1/anat`.
    pub folder: PathBuf,
    /// `sub-01_ses-1_acq-sag`, without suffix.
    pub stem: String,
}

impl OutputName {
    /// The entities of the source image, if it is named as BIDS has it, else those of the subject's name.
    ///
    /// # Errors
    /// If neither has a letter or digit that BIDS allows in a label.
    pub fn new(subject: &str, image: Option<&Path>) -> Result<Self> {
        let stem = image.and_then(entities).unwrap_or_else(|| {
            let label: String = subject
                .strip_prefix("sub-")
                .unwrap_or(subject)
                .chars()
                .filter(|c| c.is_ascii_alphanumeric())
                .collect();
            format!("sub-{label}")
        });
        if stem == "sub-" {
            return Err(Error::subject(
                subject,
                "BIDS labels take the letters a to z and digits only, and this name has none; rename it",
            ));
        }
        let mut folder = PathBuf::new();
        folder.extend(
            stem.split('_').filter(|part| ["sub-", "ses-"].iter().any(|of| part.starts_with(of))),
        );
        folder.push("anat");
        Ok(Self { folder, stem })
    }

    /// Path of the file with this ending, such as `_desc-anomaly_T2w.nii.gz`, relative to the dataset.
    pub fn file(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}{ending}", self.stem))
    }
}

/// `sub-01_acq-sag` of `…/sub-01_acq-sag_T2w.nii.gz`.
fn entities(image: &Path) -> Option<String> {
    let name = image.file_name()?.to_str()?;
    let lower = name.to_ascii_lowercase();
    let ending = [".nii.gz", ".nii", ".hdr", ".img"].into_iter().find(|e| lower.ends_with(e))?;
    let stem = name.get(..name.len() - ending.len())?;
    let (entities, _suffix) = stem.rsplit_once('_')?;
    let is_entity = |part: &str| {
        part.split_once('-').is_some_and(|(key, label)| {
            let plain =
                |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric());
            plain(key) && plain(label)
        })
    };
    (entities.starts_with("sub-") && entities.split('_').all(is_entity))
        .then(|| entities.to_owned())
}

/// The dataset that a source image belongs to: the folder above its `sub-…` folder, else its own folder.
pub(super) fn dataset_of(image: &Path) -> &Path {
    dataset_root(image).or_else(|| image.parent()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_of_the_source_are_kept_and_other_names_become_labels() {
        let of = |subject: &str, image: &str| {
            let image = Some(Path::new(image)).filter(|image| !image.as_os_str().is_empty());
            let name = OutputName::new(subject, image).unwrap();
            name.file("_desc-anomaly_T2w.nii.gz").to_string_lossy().into_owned()
        };
        assert_eq!(
            of("sub-01", "/bids/sub-01/ses-a/anat/sub-01_ses-a_acq-sag_T2w.nii.gz"),
            "sub-01/ses-a/anat/sub-01_ses-a_acq-sag_desc-anomaly_T2w.nii.gz"
        );
        assert_eq!(
            of("sub-01", "/bids/sub-01/anat/sub-01_acq-sag_T2w.HDR"),
            "sub-01/anat/sub-01_acq-sag_desc-anomaly_T2w.nii.gz"
        );
        assert_eq!(
            of("patient 7", "/data/patient 7.nii"),
            "sub-patient7/anat/sub-patient7_desc-anomaly_T2w.nii.gz"
        );
        assert_eq!(of("sub-01_x", ""), "sub-01x/anat/sub-01x_desc-anomaly_T2w.nii.gz");
        assert!(OutputName::new("患者", None).unwrap_err().to_string().contains("rename"));
        let root = |image: &str| dataset_of(Path::new(image)).to_string_lossy().into_owned();
        assert_eq!(root("/bids/sub-01/anat/sub-01_T2w.nii.gz"), "/bids");
        assert_eq!(root("/data/one.nii"), "/data");
    }
}
