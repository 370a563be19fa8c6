//! How a comparison ends: its report and its exit code.

use std::process::ExitCode;

use crate::Result;
use crate::frontends::documentation::print_whole;

/// Exit code if the comparison was impossible.
const NOT_POSSIBLE: u8 = 2;

/// Prints a report: exit code 0 if everything is the same, 1 if something differs, 2 if it could not be
/// compared.
pub(super) fn print_comparison(compared: Result<(String, bool)>) -> Result<ExitCode> {
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
