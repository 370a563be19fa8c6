//! Earlier runs: `u2ad runs` lists them, `u2ad verify` runs one again and compares, `u2ad diff` compares two.
//!
//! | file | what it holds |
//! |---|---|
//! | `list` | the table of runs |
//! | `verify` | a second run and what it gave |
//! | `inputs` | whether the files that a run read are still the same |
//! | `work_folder` | a copy of the working folder, made of links, in which a second run may write |
//! | `rerun` | the second run itself, in a process of its own |
//! | `outputs` | the files of two runs side by side |
//! | `diff` | everything in which two runs differ |

mod diff;
mod inputs;
mod list;
mod outputs;
mod rerun;
mod verify;
mod work_folder;

use std::process::ExitCode;

pub use self::diff::diff;
pub use self::list::list;
pub use self::rerun::rerun;
pub use self::verify::verify;
use super::completions::print_whole;
use crate::Result;

/// Exit code of what could not be done.
const NOT_POSSIBLE: u8 = 2;

/// Prints a report: exit code 0 if everything is the same, 1 if something differs, 2 if it could not be
/// compared.
fn ended(compared: Result<(String, bool)>) -> Result<ExitCode> {
    match compared {
        Ok((report, same)) => {
            print_whole(report.as_bytes())?;
            Ok(if same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Err(error) => {
            eprintln!("error: {error}");
            Ok(ExitCode::from(NOT_POSSIBLE))
        }
    }
}
