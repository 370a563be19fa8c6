//! Earlier sessions: those that can be resumed, and the last one if its process died.

use std::fs;
use std::path::{Path, PathBuf};

use crate::report::{RunRecord, RunStatus};
use crate::session::{check_resumable, is_abandoned, journal_time};
use crate::{Error, Result};

/// The folder of the session to resume: the one asked for or, for an empty path, the last one
/// among the runs.
///
/// # Errors
/// If there is no session to resume, it still runs, or its journal cannot be read. Nothing is touched then.
pub(super) fn to_resume(asked: &Path, runs: &Path) -> Result<PathBuf> {
    let folder = if asked.as_os_str().is_empty() {
        last(runs).ok_or_else(|| {
            Error::file(runs, "there is no session to resume; --resume FOLDER names one elsewhere")
        })?
    } else {
        match journal_time(asked) {
            Some(_) => asked.to_path_buf(),
            None => return Err(Error::file(asked, "holds no session that can be resumed")),
        }
    };
    check_resumable(&folder)?;
    Ok(folder)
}

/// The last session, if its process died before it ended.
pub(super) fn abandoned(runs: &Path) -> Option<PathBuf> {
    let folder = last(runs)?;
    let died = RunRecord::read(&folder).is_ok_and(|record| record.status == RunStatus::Running);
    (died && is_abandoned(&folder)).then_some(folder)
}

/// The session whose journal was written last.
fn last(runs: &Path) -> Option<PathBuf> {
    let folders = fs::read_dir(runs).ok()?.flatten().map(|entry| entry.path());
    let dated = folders.filter_map(|folder| Some((journal_time(&folder)?, folder)));
    dated.max().map(|(_, folder)| folder)
}
