//! Which files belong to a run: its inputs, and what it wrote in its folder and elsewhere.

use std::fs;
use std::path::{Path, PathBuf};

use super::RecordedFile;
use super::run_record::RECORD;
use crate::Error;
use crate::files::{FileRead, file_name, files_written, sha256_of};

pub(super) const LOG: &str = "log.txt";

/// The inputs among the files that this process read. What lies in the run's folder is its own, such as
/// the snapshots of its models.
pub(super) fn inputs(folder: &Path, read: Vec<FileRead>) -> Vec<RecordedFile> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let own = absolute(folder);
    read.into_iter()
        .filter(|file| !absolute(&file.path).starts_with(&own))
        .map(|file| RecordedFile {
            path: file.path.display().to_string(),
            bytes: Some(file.bytes),
            sha256: file.sha256,
        })
        .collect()
}

/// Sizes and hashes of all files in a run's folder: first the known ones, then those that the script saved
/// there by itself. With the first error, if a file could not be read.
pub(super) fn written_inside(
    folder: &Path,
    known: &[RecordedFile],
) -> (Vec<RecordedFile>, Option<Error>) {
    let mut names: Vec<String> = known.iter().map(|file| file.path.clone()).collect();
    let mut found = Vec::new();
    list(folder, Path::new(""), &mut found);
    found.retain(|name| !names.contains(name));
    names.extend(found);
    names.retain(|name| folder.join(name).is_file());
    described(names.into_iter().map(|name| (folder.join(&name), name)))
}

/// Sizes and hashes of the files that this process wrote outside of the folder and that still exist.
pub(super) fn written_elsewhere(folder: &Path) -> (Vec<RecordedFile>, Option<Error>) {
    let own = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
    let is_outside = |path: &PathBuf| {
        path.is_file() && fs::canonicalize(path).is_ok_and(|path| !path.starts_with(&own))
    };
    let written = files_written().into_iter().filter(is_outside);
    described(written.map(|path| (path.clone(), path.display().to_string())))
}

fn described(files: impl Iterator<Item = (PathBuf, String)>) -> (Vec<RecordedFile>, Option<Error>) {
    let mut unread = None;
    let describe = |(path, name): (PathBuf, String)| match sha256_of(&path) {
        Ok((bytes, sha256)) => {
            RecordedFile { path: name, bytes: Some(bytes), sha256: Some(sha256) }
        }
        Err(error) => {
            unread.get_or_insert(error);
            RecordedFile::named(name)
        }
    };
    (files.map(describe).collect(), unread)
}

/// Whether a process still writes into a run folder, as far as its record says `process`.
pub fn is_owned(folder: &Path, process: Option<u32>) -> bool {
    use std::fs::TryLockError;
    let Ok(log) = fs::File::open(folder.join(LOG)) else { return false };
    match log.try_lock_shared() {
        Ok(()) => false,
        Err(TryLockError::WouldBlock) => true,
        // A file system without locks: the process itself is looked for.
        Err(TryLockError::Error(_)) => {
            process.is_some_and(|id| Path::new(&format!("/proc/{id}")).exists())
        }
    }
}

/// Collects the names of all files below a folder in alphabetical order, without the record and what is
/// hidden: temporary files.
fn list(folder: &Path, inside: &Path, names: &mut Vec<String>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder.join(inside))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| inside.join(entry.file_name()))
        .collect();
    entries.sort();
    for entry in entries {
        let name = file_name(&entry);
        if name.starts_with('.') || entry == Path::new(RECORD) {
            continue;
        }
        match fs::symlink_metadata(folder.join(&entry)) {
            Ok(found) if found.is_dir() => list(folder, &entry, names),
            Ok(found) if found.is_file() => names.push(entry.display().to_string()),
            _ => {}
        }
    }
}
