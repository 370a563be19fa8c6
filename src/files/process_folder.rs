//! Temporary folders that end with their process, also after a kill.
//!
//! Each folder holds a file that its process keeps locked. The system releases the lock when the
//! process ends, however that happens, so a free lock tells that nobody uses the folder any more. The
//! number of a process would not do: the system gives it to another one later. Some file systems keep locks on each
//! machine for itself, so the file also names its machine, and others leave the folder alone.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use tempfile::TempDir;

use super::work_lock;
use crate::error::locked;
use crate::{Error, Result};

/// Begin of the folders' names; those inside a folder of the user are hidden.
const PREFIX: &str = "u2ad-";
const HIDDEN_PREFIX: &str = ".u2ad-";
const LOCK: &str = "owner.lock";

/// The folders of this process.
static OWN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A temporary folder, removed when this is dropped, by [`remove_process_folders`], or, if its
/// process was killed, by [`clear_abandoned`] in a later one.
#[derive(Debug)]
pub(crate) struct ProcessFolder {
    path: PathBuf,
    /// `None` where the file system has no locks; then only this process can remove the folder.
    _lock: Option<File>,
}

impl ProcessFolder {
    /// A new folder inside `parent`, or else where the system keeps such folders.
    ///
    /// # Errors
    /// [`Error::Input`] if it cannot be created.
    pub fn create(parent: Option<&Path>) -> Result<Self> {
        let number = std::process::id();
        let folder = match parent {
            Some(parent) => TempDir::with_prefix_in(format!("{HIDDEN_PREFIX}{number}-"), parent),
            None => TempDir::with_prefix(format!("{PREFIX}{number}-")),
        };
        let failed =
            |error| Error::input(format!("a temporary folder could not be created: {error}"));
        let folder = folder.map_err(failed)?;
        let lock = lock(folder.path()).map_err(failed)?;
        let path = folder.keep();
        own().insert(path.clone());
        Ok(Self { path, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ProcessFolder {
    fn drop(&mut self) {
        own().remove(&self.path);
        remove(&self.path);
    }
}

/// Removes all temporary folders of this process: before `exit`, which drops no values.
pub fn remove_process_folders() {
    std::mem::take(&mut *own()).iter().for_each(|path| remove(path));
}

/// Removes, on a thread of its own, the user's folders directly inside `places` whose processes have
/// ended. Folders that cannot be read or removed only take space, so nothing is reported.
#[cfg(feature = "shell")]
pub(crate) fn clear_abandoned(places: Vec<PathBuf>) {
    std::thread::Builder::new()
        .name("cleaner".to_owned())
        .spawn(move || places.iter().for_each(|place| clear_abandoned_in(place)))
        .ok();
}

#[cfg(feature = "shell")]
fn clear_abandoned_in(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let path = entry.path();
        if is_named_as_ours(&entry.file_name())
            && entry.metadata().is_ok_and(|found| found.is_dir() && is_own(&found))
            // Read-only, so that a folder without this file is left alone.
            && let Ok(mut lock) = File::open(path.join(LOCK))
            && lock.try_lock().is_ok()
            && is_of_this_machine(&mut lock)
        {
            // The lock is held meanwhile, so that two processes do not do this at once.
            remove(&path);
        }
    }
}

#[cfg(feature = "shell")]
fn is_of_this_machine(lock: &mut File) -> bool {
    let mut machine = String::new();
    std::io::Read::read_to_string(lock, &mut machine).is_ok() && machine == work_lock::machine()
}

#[cfg(feature = "shell")]
fn is_named_as_ours(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with(PREFIX) || name.starts_with(HIDDEN_PREFIX)
}

/// Whether a folder belongs to the user of this process: others may share the temporary folder.
#[cfg(all(feature = "shell", unix))]
fn is_own(found: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(found) == rustix::process::geteuid().as_raw()
}

#[cfg(all(feature = "shell", not(unix)))]
fn is_own(_: &fs::Metadata) -> bool {
    true
}

/// Puts a locked file into a folder. It gets its name only once it is locked, because a file of that
/// name with a free lock would let another process remove the folder.
fn lock(folder: &Path) -> std::io::Result<Option<File>> {
    let path = folder.join("owner.unlocked");
    let mut file = File::create(&path)?;
    match file.try_lock() {
        Ok(()) => {
            file.write_all(work_lock::machine().as_bytes())?;
            fs::rename(&path, folder.join(LOCK))?;
            Ok(Some(file))
        }
        Err(_) => {
            fs::remove_file(&path)?;
            Ok(None)
        }
    }
}

/// Removes a folder, its lock last: if this is cut short, a later process can still tell whose it was.
fn remove(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_name() != OsStr::new(LOCK) {
            let path = entry.path();
            match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                true => fs::remove_dir_all(path).ok(),
                false => fs::remove_file(path).ok(),
            };
        }
    }
    fs::remove_dir_all(path).ok();
}

fn own() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    locked(&OWN)
}

#[cfg(all(test, feature = "shell"))]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_whose_lock_is_free_is_cleared() {
        let place = tempfile::tempdir().unwrap();
        let used = ProcessFolder::create(Some(place.path())).unwrap();
        fs::create_dir(used.path().join("models")).unwrap();
        let [dead, unlocked, foreign] =
            [".u2ad-1-dead", "u2ad-2-unlocked", "other"].map(|name| place.path().join(name));
        for folder in [&dead, &unlocked, &foreign] {
            fs::create_dir_all(folder.join("models/model-1")).unwrap();
        }
        for folder in [&dead, &foreign] {
            fs::write(folder.join(LOCK), work_lock::machine()).unwrap();
        }
        let elsewhere = place.path().join(".u2ad-3-elsewhere");
        fs::create_dir_all(&elsewhere).unwrap();
        fs::write(elsewhere.join(LOCK), "another-machine").unwrap();
        clear_abandoned_in(place.path());
        assert!(!dead.exists() && elsewhere.exists());
        assert!(used.path().join("models").exists() && unlocked.exists() && foreign.exists());
        let path = used.path().to_path_buf();
        drop(used);
        assert!(!path.exists() && !own().contains(&path));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_folder_is_not_followed() {
        let (place, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(elsewhere.path().join(LOCK), "").unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), place.path().join("u2ad-1-link")).unwrap();
        clear_abandoned_in(place.path());
        assert!(elsewhere.path().join(LOCK).exists());
    }
}
