//! The front ends. Each turns [`crate::session::Output`] into what the user sees.

mod ask;
pub mod bench;
mod commands;
pub mod completions;
mod console;
pub mod convert;
pub mod doctor;
mod images;
pub mod jupyter;
pub mod manual_pages;
mod progress;
mod record;
pub mod runs;
pub mod script;
mod state_folder;
pub mod terminal;
mod termination;

use std::path::PathBuf;

pub use images::Choice as ImageChoice;

use crate::Result;
use crate::files::clear_abandoned;
use crate::session::{ScriptParameters, Settings, open_device};

/// Options of a session, from the command line.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where run folders go; `runs` unless given.
    pub out: Option<PathBuf>,
    pub seed: u64,
    /// A name that [`open_device`] takes.
    pub device: String,
    /// Parameters of the script, each `name=value`.
    pub parameters: Vec<String>,
}

/// Options of a shell, from the command line.
#[derive(Clone, Debug)]
pub struct ShellOptions {
    pub session: Options,
    /// How figures are drawn.
    pub images: ImageChoice,
    /// Restore the session in this folder, or with an empty path the last one.
    pub resume: Option<PathBuf>,
}

impl Options {
    /// The settings of a session that starts. What killed sessions left in the temporary folder of
    /// the system goes meanwhile.
    fn settings(&self) -> Result<Settings> {
        clear_abandoned(vec![std::env::temp_dir()]);
        Ok(Settings {
            seed: self.seed,
            device: open_device(&self.device)?,
            parameters: ScriptParameters::from_pairs(&self.parameters)?,
            ..Settings::default()
        })
    }
}
