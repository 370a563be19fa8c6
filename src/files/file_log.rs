//! Which files this process has read and written, for the record of a run.
//!
//! Files are opened deep in the lower layers, where no session is known, so the log belongs to the
//! process. It is off until [`log_files`] or [`log_places`] is called, and never changes what is computed: the
//! record reads it, and verbs that must not replace an input. A file is hashed once, before it is read in full for the first time; of a
//! file whose header alone is read, only the size is kept. What the process itself wrote is no input, unless it was
//! changed by something else since.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::error::locked;
use crate::{Error, Result};

static LOG: Mutex<Option<Log>> = Mutex::new(None);

/// Bytes that are hashed at a time.
const CHUNK: usize = 1 << 18;

/// Keys are absolute, so that two ways to write a path are one file.
#[derive(Default)]
struct Log {
    /// Whether files are hashed.
    hashes: bool,
    read: BTreeMap<PathBuf, FileRead>,
    /// The files that were read, behind all symbolic links.
    #[cfg(any(feature = "shell", test))]
    read_behind_links: BTreeSet<PathBuf>,
    written: BTreeMap<PathBuf, FileWritten>,
    /// Files that this process wrote, and that were something else when it read them.
    changed: BTreeSet<PathBuf>,
    /// Files being hashed by some thread.
    busy: BTreeSet<PathBuf>,
    /// The folder of a run that goes on, and when it went on.
    #[cfg(feature = "shell")]
    resumed: Option<(PathBuf, SystemTime)>,
}

/// A file that was written.
struct FileWritten {
    /// As it was given.
    path: PathBuf,
    /// `None` if it cannot be looked at.
    stamp: Option<Stamp>,
}

/// Differs after another process has written the file.
#[derive(PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    /// Inode: differs after a file is replaced.
    number: u64,
}

impl Stamp {
    fn of(found: io::Result<fs::Metadata>) -> Option<Self> {
        let found = found.ok()?;
        #[cfg(unix)]
        let number = std::os::unix::fs::MetadataExt::ino(&found);
        #[cfg(not(unix))]
        let number = 0;
        Some(Self { bytes: found.len(), modified: found.modified().ok(), number })
    }
}

/// A file that was read, or a folder whose files were listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileRead {
    /// As it was given.
    pub path: PathBuf,
    /// Of a folder, the number of files.
    pub bytes: u64,
    /// In hexadecimal digits; `None` if only the file's header was read. Of a folder, that of the names of its files.
    pub sha256: Option<String>,
}

/// Begins to log. What is in the log already stays.
#[cfg(any(feature = "shell", test))]
pub(crate) fn log_files() {
    lock().get_or_insert_default().hashes = true;
}

/// Begins to log for [`check_no_input`] alone: nothing is hashed.
#[cfg(feature = "shell")]
pub(crate) fn log_places() {
    lock().get_or_insert_default();
}

/// Notes that a file is about to be read in full.
pub(crate) fn note_read(path: &Path) {
    let Some(key) = wanted(path) else { return };
    {
        let mut log = lock();
        let Some(log) = &mut *log else { return };
        if !log.hashes {
            log.read.entry(key).or_insert_with(|| FileRead {
                path: path.to_path_buf(),
                bytes: 0,
                sha256: None,
            });
            return;
        }
        let is_known = log.read.get(&key).is_some_and(|read| read.sha256.is_some());
        if is_known || !log.busy.insert(key.clone()) {
            return;
        }
    }
    // Without the lock: cohorts are loaded by many threads.
    let hashed = sha256_of(path);
    if let Some(log) = &mut *lock() {
        log.busy.remove(&key);
        if let Ok((bytes, sha256)) = hashed {
            let path = path.to_path_buf();
            log.read.insert(key, FileRead { path, bytes, sha256: Some(sha256) });
        }
    }
}

/// Notes that only the beginning of a file is read.
pub(crate) fn note_header_read(path: &Path) {
    let Some(key) = wanted(path) else { return };
    let Ok(found) = fs::metadata(path) else { return };
    if let Some(log) = &mut *lock() {
        let (path, bytes) = (path.to_path_buf(), found.len());
        log.read.entry(key).or_insert(FileRead { path, bytes, sha256: None });
    }
}

/// Notes which files a folder was found to hold: their number, and the SHA-256 of their names. New ones may change
/// what is computed, too.
pub(crate) fn note_listed(folder: &Path, files: u64, sha256: String) {
    let Ok(key) = std::path::absolute(folder) else { return };
    if let Some(log) = &mut *lock() {
        let listed = FileRead { path: folder.to_path_buf(), bytes: files, sha256: Some(sha256) };
        log.read.entry(key).or_insert(listed);
    }
}

/// Notes that a file was written, which is still open.
pub(super) fn note_written(path: &Path, file: &File) {
    if let Some(log) = &mut *lock()
        && let Ok(key) = std::path::absolute(path)
    {
        let stamp = Stamp::of(file.metadata());
        log.written.insert(key, FileWritten { path: path.to_path_buf(), stamp });
    }
}

/// Notes that a folder with everything in it was moved to its place.
pub(super) fn note_moved(from: &Path, to: &Path) {
    let (Ok(from), Ok(absolute)) = (std::path::absolute(from), std::path::absolute(to)) else {
        return;
    };
    if let Some(log) = &mut *lock() {
        let (moved, others): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut log.written)
            .into_iter()
            .partition(|(key, _)| key.starts_with(&from));
        log.written = others;
        for (key, FileWritten { stamp, .. }) in moved {
            let Ok(name) = key.strip_prefix(&from) else { continue };
            let written = FileWritten { path: to.join(name), stamp };
            log.written.insert(absolute.join(name), written);
        }
    }
}

/// Whether a file is one that this process has read and did not write.
#[cfg(any(feature = "shell", test))]
pub(super) fn is_input(path: &Path) -> bool {
    let mut keys: Vec<PathBuf> = std::path::absolute(path).into_iter().collect();
    // A file that is written replaces the one behind a link.
    keys.extend(fs::canonicalize(path));
    let is_read_only = lock().as_ref().is_some_and(|log| {
        let is_read = |key| log.read.contains_key(key) || log.read_behind_links.contains(key);
        keys.iter().any(is_read) && !keys.iter().any(|key| log.written.contains_key(key))
    });
    is_read_only && path.is_file()
}

/// Refuses a place for an output where an input lies: a file that this process has read and did not write, and a
/// table of participants in any case.
///
/// # Errors
/// If it is one.
#[cfg(any(feature = "shell", test))]
pub(crate) fn check_no_input(path: &Path) -> Result<()> {
    let is_table = |path: &Path| path.file_name().is_some_and(|name| name == "participants.tsv");
    // A link may be called otherwise.
    let behind = fs::canonicalize(path);
    let is_table = path.is_file() && (is_table(path) || behind.is_ok_and(|path| is_table(&path)));
    if is_table || is_input(path) {
        return Err(Error::file(
            path,
            "is an input of a study, so it is not replaced; choose another name",
        ));
    }
    Ok(())
}

/// Notes that a run goes on in this folder: what lies there is what the run wrote before it was stopped.
#[cfg(feature = "shell")]
pub(crate) fn note_resumed(folder: &Path) {
    if let (Some(log), Ok(folder)) = (&mut *lock(), std::path::absolute(folder)) {
        log.resumed = Some((folder, SystemTime::now()));
    }
}

/// Whether a file is one that this run wrote before it was stopped and has not written again. A script that runs again
/// from its start must not see it: it was not there when the script ran first.
#[cfg(feature = "shell")]
pub(crate) fn is_left_over(path: &Path) -> bool {
    let Ok(key) = std::path::absolute(path) else { return false };
    let log = lock();
    let Some(log) = &*log else { return false };
    let Some((folder, since)) = &log.resumed else { return false };
    let is_old =
        || fs::metadata(path).and_then(|found| found.modified()).is_ok_and(|at| at < *since);
    key.starts_with(folder) && !log.written.contains_key(&key) && is_old()
}

/// The files read so far, in the order of their paths.
pub(crate) fn files_read() -> Vec<FileRead> {
    lock().as_ref().map_or_else(Vec::new, |log| log.read.values().cloned().collect())
}

/// Paths of the files written so far, as they were given, in their order.
pub(crate) fn files_written() -> Vec<PathBuf> {
    let paths = |log: &Log| log.written.values().map(|file| file.path.clone()).collect();
    lock().as_ref().map_or_else(Vec::new, paths)
}

/// Files that this process wrote, that something else changed, and that this process then read, as they were given.
#[cfg(feature = "shell")]
pub(crate) fn files_changed() -> Vec<PathBuf> {
    let of = |log: &Log| {
        log.changed.iter().filter_map(|key| Some(log.written.get(key)?.path.clone())).collect()
    };
    lock().as_ref().map_or_else(Vec::new, of)
}

/// Size and SHA-256 of a file, read in pieces.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn sha256_of(path: &Path) -> Result<(u64, String)> {
    sha256_while(path, || Ok(()))
}

/// The same, as long as `go_on` says so before each piece.
///
/// # Errors
/// If it cannot be read, and the error of `go_on`.
pub(crate) fn sha256_while(path: &Path, go_on: impl Fn() -> Result<()>) -> Result<(u64, String)> {
    let failed = |error| Error::file(path, error);
    let mut file = File::open(path).map_err(failed)?;
    let (mut hash, mut total) = (Sha256::new(), 0);
    let mut chunk = vec![0; CHUNK];
    loop {
        go_on()?;
        match file.read(&mut chunk).map_err(failed)? {
            0 => return Ok((total, digits(&hash.finalize()))),
            count => {
                hash.update(&chunk[..count]);
                total += count as u64;
            }
        }
    }
}

/// The SHA-256 of bytes in memory.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    digits(&Sha256::digest(bytes))
}

pub(super) fn digits(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The key of a file that would be an input; `None` without a log, and of a file as this process wrote it.
fn wanted(path: &Path) -> Option<PathBuf> {
    let mut log = lock();
    let log = log.as_mut()?;
    let key = std::path::absolute(path).ok()?;
    if let Some(written) = log.written.get(&key) {
        if written.stamp == Stamp::of(fs::metadata(path)) {
            return None;
        }
        log.changed.insert(key.clone());
    }
    #[cfg(any(feature = "shell", test))]
    log.read_behind_links.extend(fs::canonicalize(path));
    Some(key)
}

fn lock() -> MutexGuard<'static, Option<Log>> {
    locked(&LOG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{WholeFolder, read_regular, write_whole};

    #[test]
    fn hashes_are_those_of_the_standard() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        fs::write(&path, "abc").unwrap();
        assert_eq!(sha256_of(&path).unwrap(), (3, abc.to_owned()));
        assert_eq!(sha256(b"abc"), abc);
    }

    #[test]
    #[cfg(feature = "shell")]
    fn what_a_stopped_run_left_is_not_there_for_it() {
        log_files();
        let folder = tempfile::tempdir().unwrap();
        let [old, new] = ["old", "new"].map(|name| folder.path().join(name));
        fs::write(&old, "abc").unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        note_resumed(folder.path());
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(&new, "abc").unwrap();
        assert!(is_left_over(&old) && !is_left_over(&new));
        write_whole(&old, b"def").unwrap();
        assert!(!is_left_over(&old) && !is_left_over(&folder.path().join("none")));
    }

    #[test]
    fn what_was_read_is_an_input_unless_the_process_wrote_it() {
        log_files();
        let folder = tempfile::tempdir().unwrap();
        let [given, own, header] = ["given", "own", "header"].map(|name| folder.path().join(name));
        fs::write(&given, "abc").unwrap();
        fs::write(&header, "long").unwrap();
        write_whole(&own, b"abc").unwrap();
        for path in [&given, &own] {
            assert!(check_no_input(path).is_ok());
        }
        for path in [&given, &own, &given] {
            read_regular(path).unwrap();
        }
        assert!(check_no_input(&own).is_ok());
        assert!(check_no_input(&given).unwrap_err().to_string().contains("is not replaced"));
        note_header_read(&header);
        note_header_read(&given);
        let whole = WholeFolder::begin(&folder.path().join("tree")).unwrap();
        write_whole(&whole.path().join("leaf"), b"").unwrap();
        whole.finish().unwrap();
        let read: Vec<FileRead> =
            files_read().into_iter().filter(|read| read.path.starts_with(folder.path())).collect();
        let expected = [
            FileRead { path: given, bytes: 3, sha256: Some(sha256(b"abc")) },
            FileRead { path: header, bytes: 4, sha256: None },
        ];
        assert_eq!(read, expected);
        let written: Vec<PathBuf> =
            files_written().into_iter().filter(|path| path.starts_with(folder.path())).collect();
        let leaf = folder.path().join("tree/leaf");
        assert_eq!(written, [own.clone(), leaf.clone()]);
        read_regular(&leaf).unwrap();
        #[cfg(feature = "shell")]
        assert!(!files_changed().contains(&leaf) && !files_changed().contains(&own));
        // Another run writes the same file.
        fs::write(&own, "another").unwrap();
        read_regular(&own).unwrap();
        #[cfg(feature = "shell")]
        assert!(files_changed().contains(&own));
        assert!(files_read().iter().any(|read| read.path == own && read.bytes == 7));
        assert!(check_no_input(&own).is_ok());
    }
}
