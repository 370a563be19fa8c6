//! The BIDS dataset that images are imported into. Nothing that is there is changed.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::files::{WholeFolder, make_folder, write_json};
use crate::volume::Volume;
use crate::{Error, Result};

const DESCRIPTION: &str = "dataset_description.json";

/// The folder of a subject that grows beside its place until it is complete.
pub(super) struct NewSubject {
    growing: WholeFolder,
    name: String,
}

impl NewSubject {
    /// Begins the folder of `name`, such as `sub-001`.
    ///
    /// # Errors
    /// If the disk refuses.
    pub(super) fn begin(bids: &Path, name: &str) -> Result<Self> {
        Ok(Self { growing: WholeFolder::begin(&bids.join(name))?, name: name.to_owned() })
    }

    /// Writes an image with its sidecar, and gives the place of the image inside the dataset.
    ///
    /// # Errors
    /// If the disk refuses.
    pub(super) fn write(
        &self,
        session: Option<&str>,
        image: &Volume,
        sidecar: Map<String, Value>,
    ) -> Result<PathBuf> {
        let stem = [Some(self.name.as_str()), session].into_iter().flatten().collect::<Vec<_>>();
        let stem = stem.join("_");
        let folder = session.map_or_else(PathBuf::new, PathBuf::from).join("anat");
        let inside = self.growing.path().join(&folder);
        make_folder(&inside)?;
        let file = format!("{stem}_T2w.nii.gz");
        image.write(&inside.join(&file), None)?;
        write_json(&inside.join(format!("{stem}_T2w.json")), &Value::Object(sidecar))?;
        Ok(Path::new(&self.name).join(folder).join(file))
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// If the disk refuses.
    pub(super) fn finish(self) -> Result<()> {
        self.growing.finish()
    }
}

/// Refuses a place where something is.
///
/// # Errors
/// If something is there.
pub(super) fn refuse_existing(target: &Path) -> Result<()> {
    if fs::symlink_metadata(target).is_err() {
        return Ok(());
    }
    Err(Error::file(
        target,
        "is there already, and nothing is overwritten; choose another folder for the dataset",
    ))
}

/// Describes the dataset if nothing does yet.
///
/// # Errors
/// If the disk refuses.
pub(super) fn describe(bids: &Path) -> Result<()> {
    let path = bids.join(DESCRIPTION);
    if fs::symlink_metadata(&path).is_ok() {
        return Ok(());
    }
    let description = json!({
        "Name": "Sagittal T2-weighted images of the spinal cord",
        "BIDSVersion": "1.9.0",
        "DatasetType": "raw",
        "GeneratedBy": [{ "Name": env!("CARGO_PKG_NAME"), "Version": env!("CARGO_PKG_VERSION") }],
    });
    write_json(&path, &description)
}
