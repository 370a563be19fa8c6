//! Where files stand: folders that must be there, and names without their folders.

use std::fs;
use std::path::Path;

use crate::{Error, Result};

/// Makes a folder, and those above it, where there is none.
///
/// # Errors
/// If it cannot be made.
pub(crate) fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| Error::file(folder, error))
}

/// The last part of a path, for names and sentences; empty where there is none.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
