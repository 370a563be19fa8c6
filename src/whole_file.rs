//! Files that are whole or absent.

use std::fs;
use std::path::Path;

use crate::{Error, Result};

/// Writes under a passing name, then renames: nobody ever sees half a file.
///
/// # Errors
/// If the disk refuses.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let written = fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, path));
    written.map_err(|error| {
        // What matters is the first error.
        let _ = fs::remove_file(&partial);
        Error::file(path, error)
    })
}
