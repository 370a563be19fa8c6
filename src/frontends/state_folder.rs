//! The folder in which u2ad keeps its state between sessions.

use std::env;
use std::path::PathBuf;

/// The user's state folder, `$XDG_STATE_HOME/u2ad` or `~/.local/state/u2ad`, made if missing.
/// `None` if there is no such folder; then nothing is kept.
pub(super) fn state_folder() -> Option<PathBuf> {
    let state = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = state.or_else(|| Some(env::home_dir()?.join(".local/state")))?.join("u2ad");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder)
}
