//! `u2ad completions`: files with which shells of the system complete u2ad's commands and options.

use std::io::{ErrorKind, Write, stdout};
use std::process::ExitCode;

use clap::Command;
pub use clap_complete::Shell;

use crate::{Error, Result};

/// Prints the completions of the command line for a shell.
///
/// # Errors
/// If standard output cannot be written to.
pub fn print(shell: Shell, command_line: &mut Command) -> Result<ExitCode> {
    let name = command_line.get_name().to_owned();
    let mut text = Vec::new();
    clap_complete::generate(shell, command_line, name, &mut text);
    print_whole(&text)
}

/// Writes a generated text to standard output. A reader that has seen enough, such as `head`, is no
/// error.
pub(super) fn print_whole(text: &[u8]) -> Result<ExitCode> {
    let mut out = stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::input(format!("standard output cannot be written to: {error}")))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}
