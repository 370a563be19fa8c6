//! `u2ad man`: manual pages of the command line, for `man`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use clap::Command;
use clap_mangen::{Man, generate_to};

use super::print_whole;
use crate::{Error, Result};

/// Prints the page of the program itself.
///
/// # Errors
/// If standard output cannot be written to.
pub fn print(command_line: Command) -> Result<ExitCode> {
    let mut page = Vec::new();
    // As in the written pages.
    Man::new(command_line.disable_help_subcommand(true))
        .render(&mut page)
        .map_err(|error| Error::input(format!("the manual page cannot be written: {error}")))?;
    print_whole(&page)
}

/// Writes the pages of the program and of all its commands to a folder, which is made if need be,
/// and says so. The page of `u2ad kernel install` is `u2ad-kernel-install.1`.
///
/// # Errors
/// If the folder or a page cannot be written.
pub fn write(command_line: Command, folder: &Path) -> Result<ExitCode> {
    let name = command_line.get_name().to_owned();
    fs::create_dir_all(folder)
        .and_then(|()| generate_to(command_line, folder))
        .map_err(|error| Error::file(folder, error))?;
    let said = format!("wrote the manual pages to {}; {name}.1 is the first\n", folder.display());
    print_whole(said.as_bytes())
}
