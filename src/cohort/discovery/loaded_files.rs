//! What the files of a cohort were like when it was loaded: subjects are read later, and files may change meanwhile.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;
#[cfg(feature = "shell")]
use std::time::UNIX_EPOCH;

use crate::context::{Context, counted};
#[cfg(feature = "shell")]
use crate::files::sha256;

/// Digits of the hash of an entry's stamps. They tell changes apart, not contents.
#[cfg(feature = "shell")]
const DIGITS: usize = 16;

/// Size and modification time of a file; `None` of one that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FileStamp {
    path: PathBuf,
    found: Option<(u64, Option<SystemTime>)>,
}

impl FileStamp {
    fn of(path: &Path) -> Self {
        let found = fs::metadata(path).ok().map(|found| (found.len(), found.modified().ok()));
        Self { path: path.to_path_buf(), found }
    }

    fn has_changed(&self) -> bool {
        Self::of(&self.path) != *self
    }

    #[cfg(feature = "shell")]
    fn words(&self) -> String {
        let (bytes, modified) = self.found.unwrap_or_default();
        let since = modified.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        format!("{} {bytes} {}", self.path.display(), since.unwrap_or_default().as_nanos())
    }
}

/// The folder of a cohort when it was loaded. Its entries share it.
#[derive(Debug)]
pub(in crate::cohort) struct LoadedFolder {
    path: PathBuf,
    table: Option<FileStamp>,
    /// Whether the user was told that something changed.
    told: AtomicBool,
}

impl LoadedFolder {
    /// `table` is the participants table, if there is one.
    pub(in crate::cohort) fn new(path: &Path, table: Option<&Path>) -> Arc<Self> {
        let (path, table) = (path.to_path_buf(), table.map(FileStamp::of));
        Arc::new(Self { path, table, told: AtomicBool::new(false) })
    }
}

/// The files of one entry when its cohort was loaded.
#[derive(Clone, Debug)]
pub(in crate::cohort) struct LoadedFiles {
    own: Vec<FileStamp>,
    folder: Arc<LoadedFolder>,
}

impl LoadedFiles {
    pub(in crate::cohort) fn new(files: &[&Path], folder: &Arc<LoadedFolder>) -> Self {
        let own = files.iter().map(|path| FileStamp::of(path)).collect();
        Self { own, folder: folder.clone() }
    }

    /// The participants table and its stamp.
    #[cfg(feature = "shell")]
    pub(in crate::cohort) fn table_stamp(&self) -> Option<(String, String)> {
        let table = self.folder.table.as_ref()?;
        Some((table.path.display().to_string(), short(&table.words())))
    }

    /// A short hash of names, sizes and times of the files.
    #[cfg(feature = "shell")]
    pub(in crate::cohort) fn stamp(&self) -> String {
        let words: Vec<String> = self.own.iter().map(FileStamp::words).collect();
        short(&words.join("\n"))
    }
}

#[cfg(feature = "shell")]
fn short(text: &str) -> String {
    sha256(text.as_bytes()).chars().take(DIGITS).collect()
}

/// Warns, once for each folder that was loaded, if files of these entries, or the participants table, are no longer what
/// they were then: some subjects may come from the old files and others from the new ones.
pub(in crate::cohort) fn tell_changes<'a>(
    entries: impl Iterator<Item = &'a LoadedFiles>,
    context: &Context,
) {
    let mut changed: BTreeMap<*const LoadedFolder, (&LoadedFolder, Vec<&Path>)> = BTreeMap::new();
    for files in entries.filter(|files| !files.folder.told.load(Ordering::Relaxed)) {
        let folder = &*files.folder;
        let (_, found) = changed.entry(std::ptr::from_ref(folder)).or_insert_with(|| {
            let table = folder.table.as_ref().filter(|table| table.has_changed());
            (folder, table.map(|table| &*table.path).into_iter().collect())
        });
        found.extend(files.own.iter().filter(|file| file.has_changed()).map(|file| &*file.path));
    }
    let mut changed: Vec<_> =
        changed.into_values().filter(|(_, found)| !found.is_empty()).collect();
    changed.sort_by_key(|(folder, _)| &folder.path);
    for (folder, found) in changed {
        if !folder.told.swap(true, Ordering::Relaxed) {
            context.warn(format!(
                "{} of {} changed since it was loaded (first: {}), so old and new ones may be mixed; load it again",
                counted(found.len(), "file"),
                folder.path.display(),
                found[0].display()
            ));
        }
    }
}
