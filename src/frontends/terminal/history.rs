//! The file with the shell's history.

use std::path::PathBuf;

use crate::frontends::state_folder::state_folder;

/// The history file in the user's state folder; `None` if there is no such folder: the shell
/// then keeps no history.
pub(super) fn file() -> Option<PathBuf> {
    Some(state_folder()?.join("history.txt"))
}
