//! Earlier sessions: those that can be resumed, and the last one if its process died.

use std::fs;
use std::path::{Path, PathBuf};

use crate::report::{RunRecord, RunStatus};
use crate::session::{is_abandoned, journal_time};
use crate::{Error, Result};

/// The folder of the session to resume: the one asked for or, for an empty path, the last one
/// among the runs.
///
/// # Errors
/// If there is no session to resume.
pub(super) fn to_resume(asked: &Path, runs: &Path) -> Result<PathBuf> {
    if asked.as_os_str().is_empty() {
        return last(runs).ok_or_else(|| {
            Error::file(runs, "there is no session to resume; --resume FOLDER names one elsewhere")
        });
    }
    match journal_time(asked) {
        Some(_) => Ok(asked.to_path_buf()),
        None => Err(Error::file(asked, "holds no session that can be resumed")),
    }
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
