//! A cell: the code that a session runs at one time.

use std::path::PathBuf;

/// A piece of source to run at once: a script, or what was typed.
#[derive(Clone, Debug)]
pub struct Cell {
    /// What errors call it: a path, or "cell 3".
    pub name: String,
    pub source: String,
    /// Where `load("…")` looks.
    pub folder: PathBuf,
}
