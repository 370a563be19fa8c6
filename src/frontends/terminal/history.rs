//! Where the shell remembers what was typed.

use std::env;
use std::path::PathBuf;

/// The history file in the user's state folder, `$XDG_STATE_HOME/u2ad/history.txt` or
/// `~/.local/state/u2ad/history.txt`; its folder is made if missing. `None` where there is no
/// such place: the shell then remembers nothing.
pub(super) fn file() -> Option<PathBuf> {
    let state = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = state.or_else(|| Some(env::home_dir()?.join(".local/state")))?.join("u2ad");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history.txt"))
}
