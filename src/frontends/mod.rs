//! The front ends. Each turns [`crate::session::Output`] into what the user sees.

mod ask;
pub mod command_line;
mod commands;
mod console;
pub mod doctor;
mod documentation;
mod images;
pub mod jupyter;
pub mod new_script;
mod progress;
pub mod ranks;
mod record;
pub mod runs;
pub mod screen;
pub mod script;
mod state_folder;
pub mod terminal;
mod termination;
pub mod tools;

use std::path::PathBuf;
use std::sync::Arc;

pub use documentation::{completions, manual_pages, print_command_line, reference};
pub use images::Choice as ImageChoice;

use crate::context::Ranks;
use crate::files::clear_abandoned;
use crate::session::{ScriptParameters, Settings, open_device};
use crate::{Error, Result};

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
    /// Gigabytes that the process may hold, as a number in text. The environment or, failing that, the
    /// machine decides unless given.
    pub memory: Option<String>,
    /// The processes that share the work.
    pub ranks: Option<Arc<dyn Ranks>>,
}

/// The environment variable that gives [`Options::memory`].
const MEMORY_VARIABLE: &str = "U2AD_MEMORY";

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
            memory_bytes: self.memory_bytes()?,
            ranks: self.ranks.clone(),
            ..Settings::default()
        })
    }

    fn memory_bytes(&self) -> Result<Option<u64>> {
        if let Some(text) = &self.memory {
            return gigabytes("--memory", text).map(Some);
        }
        let set = std::env::var(MEMORY_VARIABLE).ok().filter(|text| !text.is_empty());
        set.map(|text| gigabytes(MEMORY_VARIABLE, &text)).transpose()
    }
}

/// A number of gigabytes, in bytes. `source` is what gave it.
fn gigabytes(source: &str, text: &str) -> Result<u64> {
    let number = text.trim().parse::<f64>().ok().filter(|number| *number > 0.0);
    let bytes = number.map(|number| number * 1e9).filter(|bytes| bytes.is_finite());
    bytes.map(|bytes| bytes as u64).ok_or_else(|| {
        Error::input(format!(
            "{source} must be a number of gigabytes above 0, such as 8, not \"{text}\""
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_in_gigabytes() {
        assert_eq!(gigabytes("--memory", "1.5").unwrap(), 1_500_000_000);
        for wrong in ["", "0", "-1", "NaN", "inf", "1e300000", "4GB"] {
            let error = gigabytes("U2AD_MEMORY", wrong).unwrap_err().to_string();
            assert!(error.starts_with("U2AD_MEMORY must be a number of gigabytes"), "{error}");
        }
    }
}
