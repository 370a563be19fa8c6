//! Where the shell remembers what was typed.

use std::path::PathBuf;

use crate::frontends::state_folder::state_folder;

/// The history file in the user's state folder; `None` where there is no such place: the shell
/// then remembers nothing.
pub(super) fn file() -> Option<PathBuf> {
    Some(state_folder()?.join("history.txt"))
}
