//! Folders that grow under a temporary name, so that errors name the place where they will stand.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use crate::error::locked;

/// Temporary and final paths.
static FOLDERS: Mutex<Vec<(PathBuf, PathBuf)>> = Mutex::new(Vec::new());

/// A folder that grows, as long as this lives.
#[derive(Debug)]
pub(super) struct Growing(PathBuf);

impl Growing {
    pub fn new(temporary: &Path, target: &Path) -> Self {
        lock().push((temporary.to_path_buf(), target.to_path_buf()));
        Self(temporary.to_path_buf())
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        lock().retain(|(temporary, _)| *temporary != self.0);
    }
}

/// Where a file will stand that is written now.
pub(super) fn final_path(path: &Path) -> PathBuf {
    let inside = |(temporary, target): &(PathBuf, PathBuf)| {
        path.strip_prefix(temporary).ok().map(|name| target.join(name))
    };
    lock().iter().find_map(inside).unwrap_or_else(|| path.to_path_buf())
}

fn lock() -> MutexGuard<'static, Vec<(PathBuf, PathBuf)>> {
    locked(&FOLDERS)
}
