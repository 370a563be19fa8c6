//! The dataset as a whole: its folder, its description, its tables.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::detection::Findings;
use crate::files::{WholeFolder, write_whole};
use crate::report::Table;
use crate::{Error, Result};

const DESCRIPTION: &str = "dataset_description.json";
/// How the name of an export begins.
const NAME: &str = "Findings of ";
/// The name under which the description refers to the source dataset.
const RAW: &str = "raw";

/// The entry of a column in a data dictionary.
pub(super) fn described(name: &str, description: &str, unit: Option<&str>) -> (String, Value) {
    let mut entry = Map::from_iter([("Description".to_owned(), json!(description))]);
    entry.extend(unit.map(|unit| ("Units".to_owned(), json!(unit))));
    (name.to_owned(), Value::Object(entry))
}

/// A dataset that grows beside its place until it is complete.
pub(super) struct Dataset(WholeFolder);

impl Dataset {
    /// # Errors
    /// If something else than an earlier export is at `folder`, or the disk refuses.
    pub fn begin(folder: &Path) -> Result<Self> {
        if fs::symlink_metadata(folder).is_ok() && !may_be_replaced(folder) {
            return Err(Error::file(
                folder,
                "holds something else than an export of u2ad; choose another folder",
            ));
        }
        WholeFolder::begin(folder).map(Self)
    }

    /// Where it grows.
    pub fn path(&self) -> &Path {
        self.0.path()
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

    /// Writes what the dataset is and what it was made of.
    pub fn describe(&self, findings: &Findings, roots: &[PathBuf]) -> Result<()> {
        let url = |root: &PathBuf| {
            let root = fs::canonicalize(root).unwrap_or_else(|_| root.clone());
            format!("file://{}", root.display())
        };
        let sources: Vec<Value> = roots.iter().map(|root| json!({ "URL": url(root) })).collect();
        let mut description = json!({
            "Name": format!("{NAME}{}", findings.method),
            "BIDSVersion": "1.10.0",
            "DatasetType": "derivative",
            "GeneratedBy": [{
                "Name": "u2ad",
                "Version": env!("CARGO_PKG_VERSION"),
                "Description": format!("method {}, scoring \"{}\"", findings.method, findings.scoring),
            }],
        });
        if let [root] = roots {
            description["DatasetLinks"] = json!({ RAW: url(root) });
        }
        if !sources.is_empty() {
            description["SourceDatasets"] = sources.into();
        }
        write_whole(
            &self.path().join(".bidsignore"),
            b"scores.*\nlesions.*\nlesion_*\n*_curve.*\n",
        )?;
        write_json(&self.path().join(DESCRIPTION), &description)
    }

    /// Puts the complete dataset in its place.
    pub fn finish(self) -> Result<()> {
        self.0.finish()
    }
}

/// How a sidecar refers to a source image.
pub(super) fn source(image: &Path, root: &Path) -> String {
    let inside = image.strip_prefix(root).unwrap_or(image);
    format!("bids:{RAW}:{}", inside.display())
}

/// Writes JSON that people can read too.
pub(super) fn write_json(path: &Path, value: &Value) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| Error::file(path, error))?;
    text.push(b'\n');
    write_whole(path, &text)
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
    description["GeneratedBy"][0]["Name"] == "u2ad"
        && description["Name"].as_str().is_some_and(|name| name.starts_with(NAME))
        && folder.join("scores.tsv").is_file()
}
