//! `u2ad man`: manual pages of the command line, for `man`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use clap::Command;
use clap_mangen::Man;

use super::completions::print_whole;
use crate::files::write_whole;
use crate::{Error, Result};

/// Prints the page of the program itself.
///
/// # Errors
/// If standard output cannot be written to.
pub fn print(command_line: Command) -> Result<ExitCode> {
    print_whole(&page(command_line)?)
}

/// Writes the pages of the program and of all its commands to a folder, which is made if need be,
/// and says so.
///
/// # Errors
/// If the folder or a page cannot be written.
pub fn write(mut command_line: Command, folder: &Path) -> Result<ExitCode> {
    // Gives every command the name of its page: `u2ad kernel install` is in u2ad-kernel-install.1.
    command_line.build();
    fs::create_dir_all(folder).map_err(|error| Error::file(folder, error))?;
    let mut left = vec![command_line];
    let mut written = 0;
    while let Some(command) = left.pop() {
        left.extend(
            command
                .get_subcommands()
                .filter(|command| !command.is_hide_set() && command.get_name() != "help")
                .cloned(),
        );
        let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
        write_whole(&folder.join(format!("{name}.1")), &page(command)?)?;
        written += 1;
    }
    println!("wrote {written} pages to {}; `man -l` shows one", folder.display());
    Ok(ExitCode::SUCCESS)
}

fn page(command: Command) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command)
        .render(&mut page)
        .map_err(|error| Error::input(format!("the manual page cannot be written: {error}")))?;
    Ok(page)
}
