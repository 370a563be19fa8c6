//! What a recorded run needs to run again: its script and the folder that it was started in.

use std::fs;
use std::path::{Path, PathBuf};

use crate::files::sha256;
use crate::frontends::record::RUNS;
use crate::language::rerun_command;
use crate::report::RunRecord;
use crate::{Error, Result};

/// The folder of a run that a user names: by its path, or as `u2ad runs` lists it.
pub(super) fn run_folder(given: &Path) -> PathBuf {
    let listed = Path::new(RUNS).join(given);
    let is_name = given.components().count() == 1;
    match is_name && !given.exists() && listed.is_dir() {
        true => listed,
        false => given.to_path_buf(),
    }
}

/// The script's copy in the run folder.
///
/// # Errors
/// If it cannot be run again: it is no script, was recorded by an earlier version, or its copy was changed.
pub(super) fn script_source(folder: &Path, record: &RunRecord) -> Result<String> {
    let refuse = |reason: &str| Err(Error::file(folder, reason));
    if record.working_folder.is_empty() {
        return refuse("was recorded by an earlier version, without what is needed to repeat it");
    }
    if record.script_path.is_empty() {
        let script = folder.join(&record.script).display().to_string();
        let command = rerun_command(&script, record.seed_at_start(), &record.parameters);
        return refuse(&format!(
            "is a session of the shell, which is not verified; its transcript repeats it: {command}"
        ));
    }
    let path = folder.join(&record.script);
    let source = fs::read_to_string(&path).map_err(|error| Error::file(&path, error))?;
    match sha256(source.as_bytes()) == record.script_sha256 {
        true => Ok(source),
        false => Err(Error::file(path, "is no longer the script that ran: its hash differs")),
    }
}

/// The folder that the run was started in. If it is gone, that in which the run folder lies in the same
/// place: a study that was moved as a whole.
///
/// # Errors
/// If neither is there.
pub(super) fn working_folder(folder: &Path, record: &RunRecord) -> Result<PathBuf> {
    let recorded = PathBuf::from(&record.working_folder);
    if recorded.is_dir() {
        return Ok(recorded);
    }
    let levels = Path::new(&record.folder).components().count();
    let moved = fs::canonicalize(folder).ok().filter(|path| path.ends_with(&record.folder));
    moved.and_then(|path| path.ancestors().nth(levels).map(Path::to_path_buf)).ok_or_else(|| {
        Error::file(recorded, "the run was started in this folder, which is no longer there")
    })
}
