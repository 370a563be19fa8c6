//! The journal, from which a session is restored after a crash, a kill or a closed window.
//!
//! After every cell, and before every training, the journal records how each of the user's
//! values can be restored: a cohort by where it came from, a model by its snapshots (which training
//! leaves after each epoch), maps by a file, plain values as they are, functions by their source.
//! [`Session::resume`](super::Session::resume) reads that back. Values that
//! cannot be restored are listed with the reason when the session is resumed.
//!
//! | file | what it holds |
//! |---|---|
//! | `recipe` | how one value is restored, as data |
//! | `keep` | from values to recipes; writes the files they need |
//! | `restore` | from recipes to values |
//! | `changes` | what is told of a folder that has changed |
//! | `functions` | functions defined again |
//! | `saved` | one value in a folder of its own |
//! | `maps` | maps of many slices in one file |
//! | `plain` | values that hold no others, and sets |
//!
//! On disk: `journal.json`, `maps/*.safetensors`, `models/model-N/`, and `session.lock`, which
//! distinguishes a running session from one that ended.

mod changes;
mod functions;
mod keep;
mod maps;
mod plain;
mod recipe;
mod restore;
mod saved;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use starlark::environment::Module;

use self::keep::ArtifactStore;
use self::recipe::Recipe;
pub(super) use self::restore::resume;
pub(super) use self::saved::{load, save};
use super::{device_name, snapshot};
use crate::context::Context;
use crate::files::{LazyFolder, read_regular, write_whole};
use crate::language::Transcript;
use crate::{Error, Result};

const FILE: &str = "journal.json";
const LOCK: &str = "session.lock";
const VERSION: u32 = 1;

/// When the journal in a folder was last written; `None` if there is no session to resume.
pub fn journal_time(folder: &Path) -> Option<SystemTime> {
    fs::metadata(folder.join(FILE)).and_then(|file| file.modified()).ok()
}

/// Whether a folder holds a session whose process has ended.
pub fn is_abandoned(folder: &Path) -> bool {
    let lock = File::open(folder.join(LOCK));
    journal_time(folder).is_some() && lock.is_ok_and(|lock| lock.try_lock().is_ok())
}

/// The journal of a running session.
pub(super) struct Journal {
    folder: LazyFolder,
    store: ArtifactStore,
    /// Held while the session runs; released when the process ends.
    lock: Option<File>,
    /// The current content of the file.
    written: Option<Vec<u8>>,
    /// Names that could not be restored, with what restoring them takes. They stay in the journal until
    /// the user gives the name another value: their folder may only be absent for now.
    pending: BTreeMap<String, Recipe>,
    /// Why nothing is written or removed: the session in the folder was not read.
    untouched: Option<String>,
}

/// Everything in the file.
#[derive(Serialize, Deserialize)]
struct Entries {
    version: u32,
    seed: u64,
    device: String,
    transcript: Transcript,
    names: BTreeMap<String, Recipe>,
    /// Names that cannot be restored, with the reason.
    lost: BTreeMap<String, String>,
}

impl Journal {
    pub fn new(folder: LazyFolder) -> Self {
        Self {
            store: ArtifactStore::new(folder.inside("maps")),
            folder,
            lock: None,
            written: None,
            pending: BTreeMap::new(),
            untouched: None,
        }
    }

    /// Records how each name's value is restored. Nothing is written until there is something worth
    /// saving.
    ///
    /// # Errors
    /// If the file cannot be written, or another process uses the folder.
    pub fn write(
        &mut self,
        module: &Module,
        transcript: Transcript,
        context: &Context,
    ) -> Result<()> {
        if self.untouched.is_some() {
            return Ok(());
        }
        let mut entries = Entries {
            version: VERSION,
            seed: context.streams.seed(),
            device: device_name(&context.device).to_owned(),
            transcript,
            names: BTreeMap::new(),
            lost: BTreeMap::new(),
        };
        self.store.forget_models();
        for (name, value) in snapshot::values(module) {
            match self.store.recipe((&name, value), module.heap(), &entries.transcript, context) {
                Ok(recipe) => drop(entries.names.insert(name, recipe)),
                Err(reason) => drop(entries.lost.insert(name, reason)),
            }
        }
        self.pending.retain(|name, _| {
            !entries.names.contains_key(name) && !entries.lost.contains_key(name)
        });
        entries.names.extend(self.pending.clone());
        if self.folder.made().is_none() && !entries.names.values().any(Recipe::is_worth_a_folder) {
            return Ok(());
        }
        let folder = self.folder.path()?;
        self.hold(&folder)?;
        let path = folder.join(FILE);
        let json = serde_json::to_vec(&entries).map_err(|error| Error::file(&path, error))?;
        if self.written.as_ref() != Some(&json) {
            write_whole(&path, &json)?;
            let mut files = Vec::new();
            entries.names.values().for_each(|recipe| recipe.needs(&mut files));
            self.store.clear_except(&files);
            self.written = Some(json);
        }
        Ok(())
    }

    /// Removes the models that no name needs. Those that one needs keep all of their snapshots, so that
    /// `rewind` reaches the same epochs after the session is resumed.
    pub fn close(&mut self) {
        if self.untouched.is_some() {
            return;
        }
        let Some(folder) = self.folder.made() else { return };
        let mut pending = BTreeSet::new();
        self.pending.values().for_each(|recipe| recipe.models(&mut pending));
        let mut kept: BTreeSet<String> =
            pending.into_iter().map(|number| format!("model-{number}")).collect();
        for model in self.store.models() {
            kept.insert(format!("model-{}", model.number));
        }
        let models = fs::read_dir(folder.join("models")).into_iter().flatten().flatten();
        for entry in models {
            if !entry.file_name().to_str().is_some_and(|name| kept.contains(name)) {
                fs::remove_dir_all(entry.path()).ok();
            }
        }
    }

    /// Keeps other sessions out of the folder.
    fn hold(&mut self, folder: &Path) -> Result<()> {
        if self.lock.is_some() {
            return Ok(());
        }
        let path = folder.join(LOCK);
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| Error::file(&path, error))?;
        match file.try_lock() {
            Ok(()) => self.lock = Some(file),
            Err(TryLockError::WouldBlock) => {
                return Err(Error::file(folder, RUNNING));
            }
            // The file system has no locks: continue without one.
            Err(TryLockError::Error(_)) => {}
        }
        Ok(())
    }

    /// Reads the file of the session that ended in this folder. If that fails, the folder stays as it is
    /// to the end of this session.
    fn read(&mut self) -> Result<(PathBuf, Entries)> {
        let read = self.folder.path().and_then(|folder| {
            let entries = entries_in(&folder)?;
            self.hold(&folder)?;
            Ok((folder, entries))
        });
        if let Err(error) = &read {
            self.untouched = Some(error.to_string());
        }
        read
    }
}

/// Checks that the session in a folder has ended and can be read, without touching anything.
///
/// # Errors
/// If it still runs, or its journal is missing, damaged or of a newer version.
pub fn check_resumable(folder: &Path) -> Result<()> {
    entries_in(folder)?;
    if let Ok(lock) = File::open(folder.join(LOCK))
        && let Err(TryLockError::WouldBlock) = lock.try_lock()
    {
        return Err(Error::file(folder, RUNNING));
    }
    Ok(())
}

const RUNNING: &str = "the session there is still running";

fn entries_in(folder: &Path) -> Result<Entries> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let path = folder.join(FILE);
    let json = read_regular(&path)?;
    // A newer version may have other fields.
    if serde_json::from_slice(&json).is_ok_and(|Version { version }| version > VERSION) {
        return Err(Error::newer_version(&path));
    }
    serde_json::from_slice(&json).map_err(|error| {
        Error::file(&path, format!("is not a journal that this version can read: {error}"))
    })
}
