//! Files outside of the run folders that several runs wrote.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::report::RunRecord;

/// A file that a run wrote outside of its folder.
struct Written {
    /// Absolute.
    path: PathBuf,
    sha256: Option<String>,
    run: String,
    /// When the run ended, in UTC.
    ended: String,
}

/// What the runs beside one run wrote outside of their folders.
pub(in crate::frontends) struct OtherRuns(Vec<Written>);

impl OtherRuns {
    /// Reads the records of the runs beside the one in `folder`. A damaged one says nothing.
    pub fn beside(folder: &Path) -> Self {
        let own = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
        let entries = own.parent().and_then(|runs| fs::read_dir(runs).ok());
        let mut folders: Vec<PathBuf> =
            entries.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        folders.retain(|other| *other != own);
        folders.sort();
        let written = folders.iter().filter_map(|other| {
            let record = RunRecord::read(other).ok()?;
            let run = other.file_name()?.to_string_lossy().into_owned();
            let ended = record.ended.clone()?;
            let files = record.files_elsewhere.clone().into_iter();
            Some(files.map(move |file| Written {
                path: absolute(&record, &file.path),
                sha256: file.sha256,
                run: run.clone(),
                ended: ended.clone(),
            }))
        });
        Self(written.flatten().collect())
    }

    /// The last other run that wrote a file of this run and left it as it is now, with this hash.
    pub fn owner(&self, record: &RunRecord, path: &str, sha256: &str) -> Option<&str> {
        let path = absolute(record, path);
        let is_it = |file: &&Written| file.path == path && file.sha256.as_deref() == Some(sha256);
        let last = self.0.iter().filter(is_it).max_by(|a, b| a.ended.cmp(&b.ended))?;
        Some(&last.run)
    }

    /// The files that this run wrote elsewhere, by the other run that had written them last and with another
    /// content.
    pub fn replaced(&self, record: &RunRecord) -> BTreeMap<&str, Vec<String>> {
        let mut replaced: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for file in &record.files_elsewhere {
            let path = absolute(record, &file.path);
            let others = self.0.iter().filter(|other| other.path == path);
            let last = others.max_by(|a, b| a.ended.cmp(&b.ended));
            if let Some(last) = last.filter(|last| last.sha256 != file.sha256) {
                replaced.entry(&last.run).or_default().push(file.path.clone());
            }
        }
        replaced
    }
}

/// A path of a record, which may be relative to the folder that the run was started in.
fn absolute(record: &RunRecord, path: &str) -> PathBuf {
    let path = Path::new(&record.working_folder).join(path);
    let folder = path.parent().and_then(|folder| fs::canonicalize(folder).ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path,
    }
}
