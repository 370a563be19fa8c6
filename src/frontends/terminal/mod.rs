//! The interactive shell.

mod editor;
mod history;
mod quiet;

use std::io::{IsTerminal, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use self::editor::{Editor, Line};
use self::quiet::Quiet;
use super::console::Console;
use super::record::Record;
use super::{Options, script};
use crate::report::RunStatus;
use crate::session::{Cell, Session};
use crate::{Error, Result};

/// Opens the shell. Ctrl-C clears what was typed, or stops what runs; Ctrl-D ends the shell.
/// Standard input that is no terminal is run as a script.
///
/// # Errors
/// If the terminal cannot be read or the device not be opened.
pub fn run(options: &Options) -> Result<ExitCode> {
    if !stdin().is_terminal() {
        return script::run(Path::new("-"), options);
    }
    let settings = options.settings()?;
    let record = Record::new("shell", "", options.out.as_deref(), &settings);
    let console = Arc::new(Console::new(record, true));
    let session = Arc::new(Session::start(settings, console.clone())?);
    let interrupter = session.interrupter();
    ctrlc::set_handler(move || {
        interrupter.interrupt();
    })
    .map_err(|error| Error::input(format!("Ctrl-C cannot be watched: {error}")))?;

    println!("u2ad {} · help() lists the verbs, Ctrl-D ends", env!("CARGO_PKG_VERSION"));
    let mut editor = Editor::new(session.clone())?;
    let mut number = 1;
    loop {
        let source = match editor.read()? {
            Line::Source(source) if source.trim().is_empty() => continue,
            Line::Source(source) => source,
            Line::Cleared => continue,
            Line::End => break,
        };
        console.log(&format!("[{number}] {source}"));
        let cell = Cell { name: format!("cell {number}"), source, folder: PathBuf::new() };
        let quiet = Quiet::new();
        let outcome = session.run(cell);
        drop(quiet);
        match outcome {
            Ok(value) => value.iter().for_each(|value| console.show(value)),
            Err(error) => console.fail(&error),
        }
        number += 1;
    }
    console.finish(RunStatus::Finished);
    Ok(ExitCode::SUCCESS)
}
