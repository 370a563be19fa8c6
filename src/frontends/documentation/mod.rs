//! What the program prints about itself: completions for the system's shells, manual pages, the reference.

pub mod completions;
pub mod manual_pages;
pub mod reference;

use std::io::{ErrorKind, Write, stdout};
use std::process::ExitCode;

use crate::{Error, Result};

/// Writes a generated text to standard output. A reader that has seen enough, such as `head`, is no
/// error.
pub(in crate::frontends) fn print_whole(text: &[u8]) -> Result<ExitCode> {
    let mut out = stdout().lock();
    whole(out.write_all(text).and_then(|()| out.flush()))
}

/// Shows help, the version, or what is wrong with a command line. The exit code is that of clap: 0, or 2 for
/// a wrong command line.
///
/// # Errors
/// If standard output cannot be written to.
pub fn print_command_line(told: &clap::Error) -> Result<ExitCode> {
    whole(told.print().and_then(|()| stdout().flush()))?;
    Ok(u8::try_from(told.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from))
}

fn whole(written: std::io::Result<()>) -> Result<ExitCode> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let error = error.to_string();
            let reason = error.split(" (os error").next().unwrap_or_default();
            Err(Error::input(format!("standard output cannot be written to: {reason}")))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}
