//! The user's own editor, for cells that are too long for the prompt.

use std::process::Command;
use std::{env, fs};

use crate::{Error, Result};

/// Where neither `VISUAL` nor `EDITOR` names an editor.
const FALLBACK: &str = if cfg!(windows) { "notepad" } else { "vi" };

/// Opens a draft in the user's editor and returns the saved text.
///
/// # Errors
/// If the editor cannot be started or ends with an error, or the file cannot be read or written.
pub(super) fn edit_externally(draft: &str) -> Result<String> {
    let named = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = named("VISUAL").or_else(|| named("EDITOR")).unwrap_or_else(|| FALLBACK.into());
    let file = tempfile::Builder::new()
        .prefix("cell-")
        .suffix(".star")
        .tempfile()
        .map_err(|error| Error::input(format!("the editor needs a file: {error}")))?;
    let path = file.path();
    let lost = |error| Error::file(path, error);
    fs::write(path, draft).map_err(lost)?;
    // Such as `code --wait`: a program and its arguments.
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or(FALLBACK);
    let status = Command::new(program).args(words).arg(path).status().map_err(|error| {
        Error::input(format!("the editor `{editor}` cannot be started: {error}; set $EDITOR"))
    })?;
    if !status.success() {
        return Err(Error::input(format!("the editor `{editor}` failed: {status}")));
    }
    fs::read_to_string(path).map_err(lost)
}
