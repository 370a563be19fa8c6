//! A run that ended too early, locked by the process that resumes it.

use std::fs::{self, TryLockError};
use std::path::{Path, PathBuf};

use super::run_files::{LOG, is_owned};
use super::{RunFolder, RunRecord};
use crate::files::remove_unfinished;
use crate::{Error, Result};

/// The run in a folder, in which no other process writes meanwhile.
#[derive(Debug)]
pub struct ClaimedRun {
    folder: PathBuf,
    log: fs::File,
    record: RunRecord,
}

impl ClaimedRun {
    /// Locks the run in a folder without changing it.
    ///
    /// # Errors
    /// If there is no run, or another process holds it.
    pub fn new(folder: &Path) -> Result<Self> {
        // First of all, so that no log is made where there is no run.
        let process = RunRecord::read(folder)?.process;
        let failed = |error| Error::file(folder, error);
        let folder = fs::canonicalize(folder).map_err(failed)?;
        let log = fs::File::options().append(true).create(true).open(folder.join(LOG));
        let log = log.map_err(failed)?;
        let is_free = match log.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            // A file system without locks.
            Err(TryLockError::Error(_)) => !is_owned(&folder, process),
        };
        if !is_free {
            let process =
                process.map_or(String::new(), |process| format!(", as process {process}"));
            return Err(Error::file(folder, format!("this run is still running{process}")));
        }
        // Read again: the process that held the lock may have ended the run meanwhile.
        let record = RunRecord::read(&folder)?;
        Ok(Self { folder, log, record })
    }

    /// The absolute path of the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is recorded so far.
    pub fn record(&self) -> &RunRecord {
        &self.record
    }

    /// Begins the run again, from its start and with an empty log. `path` is the folder as the run named it;
    /// `start` the record of this process; `from` says in words where it can go on.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn begin(self, path: &Path, start: RunRecord, from: String) -> Result<RunFolder> {
        let Self { folder, log, record } = self;
        remove_unfinished_below(&folder);
        log.set_len(0).map_err(|error| Error::file(folder.join(LOG), error))?;
        RunFolder::again(path, log, start.going_on_with(&record, from), record.inputs)
    }
}

/// Removes what a killed process was writing in a folder and below.
fn remove_unfinished_below(folder: &Path) {
    remove_unfinished(folder);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_unfinished_below(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{RecordedFile, RunStatus};

    fn record() -> RunRecord {
        RunRecord::new("demo.star", "print(1)\n", 3, "cpu")
    }

    #[test]
    fn a_run_begins_again_in_its_folder_and_says_from_where() {
        let runs = tempfile::tempdir().unwrap();
        let mut run = RunFolder::create(runs.path(), "demo", "print(1)\n", record()).unwrap();
        run.log("before").unwrap();
        let path = run.path().to_path_buf();
        let held = ClaimedRun::new(&path).unwrap_err().to_string();
        assert!(held.contains("this run is still running"), "{held}");
        drop(run);
        fs::create_dir_all(path.join("maps")).unwrap();
        fs::write(path.join("maps/.unfinished-x"), "half").unwrap();
        fs::write(path.join("maps/whole"), "whole").unwrap();
        let claimed = ClaimedRun::new(&path).unwrap();
        assert_eq!(claimed.record().status, RunStatus::Running);
        assert!(ClaimedRun::new(&path).is_err());
        let mut run = claimed.begin(&path, record(), "training 2".to_owned()).unwrap();
        run.log("again").unwrap();
        run.finish(RunStatus::Completed).unwrap();
        assert_eq!(fs::read_to_string(path.join(LOG)).unwrap(), "again\n");
        assert!(path.join("maps/whole").exists() && !path.join("maps/.unfinished-x").exists());
        let record = RunRecord::read(&path).unwrap();
        assert_eq!(record.resumptions.len(), 1);
        assert_eq!(record.resumptions[0].from, "training 2");
    }

    #[test]
    fn inputs_of_the_killed_process_stay_in_the_record_until_the_run_ends() {
        let runs = tempfile::tempdir().unwrap();
        let run = RunFolder::create(runs.path(), "demo", "", record()).unwrap();
        let path = run.path().to_path_buf();
        drop(run);
        let mut written = RunRecord::read(&path).unwrap();
        written.inputs.push(RecordedFile::named("image.nii"));
        fs::write(path.join("run.json"), serde_json::to_vec(&written).unwrap()).unwrap();
        let claimed = ClaimedRun::new(&path).unwrap();
        let run = claimed.begin(&path, record(), String::new()).unwrap();
        let has_input = |path: &Path| {
            let inputs = RunRecord::read(path).unwrap().inputs;
            inputs.iter().any(|input| input.path == "image.nii")
        };
        assert!(has_input(&path));
        run.finish(RunStatus::Interrupted).unwrap();
        assert!(has_input(&path));
        let claimed = ClaimedRun::new(&path).unwrap();
        let run = claimed.begin(&path, record(), String::new()).unwrap();
        run.finish(RunStatus::Completed).unwrap();
        assert!(!has_input(&path));
    }
}
