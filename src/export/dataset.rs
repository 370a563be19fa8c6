//! The dataset as a whole: its folder, its description, its tables.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::sources::Sources;
use crate::files::{
    WholeFolder, check_folder_place, file_name, read_regular_unlogged, write_json, write_whole,
};
use crate::report::Table;
use crate::{Error, Result};

const DESCRIPTION: &str = "dataset_description.json";

/// What an export holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Findings,
    Uncertainty,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Findings, Self::Uncertainty];

    /// How the name of the dataset begins.
    fn name(self) -> &'static str {
        match self {
            Self::Findings => "Findings of ",
            Self::Uncertainty => "Uncertainty of ",
        }
    }

    /// The tables that it may hold; it always holds the first.
    fn tables(self) -> &'static [&'static str] {
        match self {
            Self::Findings => &["scores", "lesions", "lesion_load", "lesion_matches"],
            Self::Uncertainty => &["uncertainty"],
        }
    }

    fn readme(self) -> &'static str {
        match self {
            Self::Findings => FINDINGS_README,
            Self::Uncertainty => UNCERTAINTY_README,
        }
    }
}

const FINDINGS_README: &str = "\
Anomalies that u2ad found in sagittal T2-weighted images of the spinal cord. Maps lie in the grid of their
source image; those with res-u2ad lie on the pixels that the method works on, at the same place in the scanner.
The JSON file beside each map and table says what it holds and in which unit.

scores.tsv           one row per patient and per segment of the cord
lesions.tsv          one row per detected lesion, where a threshold was given
lesion_load.tsv      number and volume of lesions per subject and segment
lesion_matches.tsv   lesions of the ground truth, detected or missed, and false positives
";

const UNCERTAINTY_README: &str = "\
Monte-Carlo uncertainty of a model that reconstructs sagittal T2-weighted images of the spinal cord. Maps lie in
the grid of their source image. The JSON file beside each map and table says what it holds and in which unit.

uncertainty.tsv      one row per subject: means over the regions of interest
";

/// The entry of a column in a data dictionary.
pub(super) fn described(name: &str, description: &str, unit: Option<&str>) -> (String, Value) {
    let mut entry = Map::from_iter([("Description".to_owned(), json!(description))]);
    entry.extend(unit.map(|unit| ("Units".to_owned(), json!(unit))));
    (name.to_owned(), Value::Object(entry))
}

/// A dataset that grows beside its place until it is complete.
pub(super) struct Dataset {
    growing: WholeFolder,
    folder: PathBuf,
}

impl Dataset {
    /// # Errors
    /// If something else than an earlier export is at `folder`, or files that an export did not write are
    /// inside, or the disk refuses.
    pub fn begin(folder: &Path) -> Result<Self> {
        check_export_folder(folder)?;
        Ok(Self { growing: WholeFolder::begin(folder)?, folder: folder.to_path_buf() })
    }

    /// Where it grows.
    pub fn path(&self) -> &Path {
        self.growing.path()
    }

    /// Writes a table as `NAME.tsv` with its data dictionary `NAME.json`: name and entry of each column.
    pub fn write_table(
        &self,
        name: &str,
        table: &Table,
        dictionary: impl IntoIterator<Item = (String, Value)>,
    ) -> Result<()> {
        write_whole(&self.path().join(format!("{name}.tsv")), table.to_tsv().as_bytes())?;
        let dictionary = Value::Object(dictionary.into_iter().collect());
        write_json(&self.path().join(format!("{name}.json")), &dictionary)
    }

    /// Writes what the dataset is and what it was made of. `settings` is a clause.
    pub fn describe(
        &self,
        kind: Kind,
        method: &str,
        settings: &str,
        sources: &Sources,
    ) -> Result<()> {
        let mut description = json!({
            "Name": format!("{}{method}", kind.name()),
            "BIDSVersion": "1.10.0",
            "DatasetType": "derivative",
            "GeneratedBy": [{
                "Name": "u2ad",
                "Version": env!("CARGO_PKG_VERSION"),
                "Description": format!("method {method}, {settings}"),
            }],
        });
        if let Some(links) = sources.links() {
            description["DatasetLinks"] = links;
        }
        if let Some(datasets) = sources.datasets() {
            description["SourceDatasets"] = datasets;
        }
        // BIDS has no names for tables of a whole dataset, nor for curves.
        let ignored: String = kind.tables().iter().map(|table| format!("{table}.*\n")).collect();
        write_whole(
            &self.path().join(".bidsignore"),
            format!("{ignored}*_curve.tsv\n*_curve.json\n").as_bytes(),
        )?;
        let readme = format!("{}{method}\n\n{}", kind.name(), kind.readme());
        write_whole(&self.path().join("README"), readme.as_bytes())?;
        write_json(&self.path().join(DESCRIPTION), &description)
    }

    /// Puts the complete dataset in its place.
    ///
    /// # Errors
    /// As [`Self::begin`]: somebody may have put a file there meanwhile.
    pub fn finish(self) -> Result<()> {
        refuse_foreign_files(&self.folder)?;
        self.growing.finish()
    }
}

/// Whether an export may be written to `folder`: before a long computation, so that it is not in vain.
///
/// # Errors
/// If something else than an earlier export is there, files that an export did not write are inside, or nothing can
/// be written there.
pub fn check_export_folder(folder: &Path) -> Result<()> {
    if fs::symlink_metadata(folder).is_ok() && !may_be_replaced(folder) {
        return Err(Error::file(
            folder,
            "holds something else than an export of u2ad; choose another folder",
        ));
    }
    refuse_foreign_files(folder)?;
    check_folder_place(folder)
}

/// The subjects of the export of findings at `folder`, if there is one, that are not among these, by name: who would be
/// lost if those replaced it.
pub fn subjects_to_be_lost(folder: &Path, replaced_by: &[&str]) -> Vec<String> {
    let table = folder.join(format!("{}.tsv", Kind::Findings.tables()[0]));
    let text = read_regular_unlogged(&table).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let names = text.lines().skip(1).filter_map(|line| line.split('\t').next());
    let lost: BTreeSet<&str> = names.filter(|name| !replaced_by.contains(name)).collect();
    lost.into_iter().map(str::to_owned).collect()
}

/// Whether a folder is empty or an earlier export. u2ad also writes phantoms, whose description names it
/// too: replacing those would lose data.
fn may_be_replaced(folder: &Path) -> bool {
    let Ok(mut inside) = fs::read_dir(folder) else { return false };
    if inside.next().is_none() {
        return true;
    }
    let description = fs::read(folder.join(DESCRIPTION)).unwrap_or_default();
    let description: Value = serde_json::from_slice(&description).unwrap_or_default();
    let name = description["Name"].as_str().unwrap_or_default();
    let is_one = |kind: &Kind| {
        name.starts_with(kind.name()) && folder.join(format!("{}.tsv", kind.tables()[0])).is_file()
    };
    description["GeneratedBy"][0]["Name"] == "u2ad" && Kind::ALL.iter().any(is_one)
}

/// How the names of the files of a subject end, before `.nii.gz`, `.json` or `.tsv`.
const ENDINGS: [&str; 11] = [
    "_desc-anomaly_T2w",
    "_desc-anomaly_curve",
    "_desc-reconstruction_T2w",
    "_desc-epistemic_T2w",
    "_desc-aleatoric_T2w",
    "_desc-variance_T2w",
    "_label-lesion_desc-u2ad_probseg",
    "_label-lesion_desc-u2ad_mask",
    "_desc-lesions_dseg",
    "_res-u2ad_desc-anomaly_T2w",
    "_res-u2ad_desc-curve_dseg",
];

/// Refuses to replace a folder that holds files which no export writes, such as notes or masks corrected by
/// hand: they would be lost.
fn refuse_foreign_files(folder: &Path) -> Result<()> {
    if fs::symlink_metadata(folder).is_err() {
        return Ok(());
    }
    let mut foreign = foreign_files(folder)?;
    foreign.sort();
    let Some(first) = foreign.first() else { return Ok(()) };
    let others = match foreign.len() - 1 {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    Err(Error::file(
        folder,
        format!(
            "holds files that no export wrote, which would be lost: {first}{others}; move them, or choose \
             another folder"
        ),
    ))
}

/// The files below an earlier export that no export writes, by their path in it.
///
/// # Errors
/// If a folder cannot be listed: what it holds is not known then.
fn foreign_files(folder: &Path) -> Result<Vec<String>> {
    let mut foreign = Vec::new();
    let mut below = vec![PathBuf::new()];
    while let Some(place) = below.pop() {
        let listed = folder.join(&place);
        let failed = |error| Error::file(&listed, error);
        for entry in fs::read_dir(&listed).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = place.join(entry.file_name());
            match entry.file_type().map_err(failed)?.is_dir() {
                true => below.push(path),
                false if is_written_by_export(&path) => {}
                false => foreign.push(path.display().to_string()),
            }
        }
    }
    Ok(foreign)
}

/// Whether an export writes a file of this path in its folder.
fn is_written_by_export(path: &Path) -> bool {
    let name = file_name(path);
    if path.components().count() == 1 {
        let is_table =
            |table: &&str| name == format!("{table}.tsv") || name == format!("{table}.json");
        return [DESCRIPTION, "README", ".bidsignore"].contains(&&*name)
            || Kind::ALL.iter().any(|kind| kind.tables().iter().any(&is_table));
    }
    let stem = [".nii.gz", ".json", ".tsv"].iter().find_map(|kind| name.strip_suffix(kind));
    let is_ours = |stem: &str| ENDINGS.iter().any(|ending| stem.ends_with(ending));
    name.starts_with("sub-") && stem.is_some_and(is_ours)
}
