//! The interactive shell.
//!
//! | file | what it holds |
//! |---|---|
//! | `shell` | the session behind the prompt: cells and commands in, screens out |
//! | `editor` | the prompt: a cell from the keyboard |
//! | `assistant` | what the editor asks while the user types: completions, colours, hints |
//! | `keys` | Enter, Tab, Backspace and Ctrl-O |
//! | `external_editor` | the user's own editor |
//! | `earlier_sessions` | the sessions that can be resumed |
//! | `history` | where typed cells are remembered |
//! | `remote` | the same prompt on a running kernel |
//! | `echo_off` | no echo while a cell runs |
//! | `shell_sink` | where the session shows what it has to show |
//! | `pager` | slices, one at a time, by the keys |
//! | `raw_mode` | keys one by one; the terminal as it was, whatever ends the process |

mod assistant;
mod earlier_sessions;
mod echo_off;
mod editor;
mod external_editor;
mod history;
mod keys;
mod pager;
mod raw_mode;
mod remote;
mod shell;
mod shell_sink;

use std::io::{IsTerminal, stdin};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use self::editor::{Editor, Line};
use self::raw_mode::TerminalModes;
pub use self::remote::run_existing;
use self::shell::Shell;
use self::shell_sink::ShellSink;
use super::commands::Next;
use super::console::Console;
use super::documentation::print_whole;
use super::record::{RUNS, Record, Recorded};
use super::termination::{self, TERMINATED};
use super::{ShellOptions, script};
use crate::error::locked;
use crate::files::{LazyFolder, remove_process_folders};
use crate::session::Session;
use crate::{Error, Result};

/// How long a cell may take to end after SIGTERM or SIGHUP before the process does.
const INTERRUPT_TIMEOUT: Duration = Duration::from_secs(1);

/// Opens the shell. Ctrl-C clears the typed text or stops the running cell; Ctrl-D ends the shell.
/// If standard input is not a terminal, it is run as a script.
///
/// # Errors
/// If the terminal cannot be read, the device cannot be opened, or the session to resume is not
/// found.
pub fn run(options: &ShellOptions) -> Result<ExitCode> {
    if !stdin().is_terminal() {
        if options.resume.is_some() {
            return Err(Error::input(
                "--resume goes on with a session of the shell, which needs a terminal; `u2ad run --resume` goes \
                 on with a script",
            ));
        }
        return script::run(Path::new("-"), None, &options.session, script::CHECKPOINT_EVERY);
    }
    let runs = options.session.out.as_deref().unwrap_or(Path::new(RUNS));
    let mut settings = options.session.settings()?;
    let recorded = Recorded {
        runs: options.session.out.as_deref(),
        name: "shell",
        copy: shell::COPY,
        script_path: "",
        source: "",
    };
    let mut record = Record::new(&recorded, &settings);
    if let Some(folder) = &options.resume {
        record = record.going_on(&earlier_sessions::to_resume(folder, runs)?)?;
    }
    let record = Arc::new(Mutex::new(record));
    let console = Arc::new(Console::new(record.clone(), Some(options.images)));
    settings.journal = true;
    settings.keep = LazyFolder::new(move || {
        let mut record = locked(&record);
        Ok(record.open()?.path().to_path_buf())
    });
    let sink = Arc::new(ShellSink::new(console.clone()));
    let session = Arc::new(Session::start(settings, sink)?);
    let interrupter = session.interrupter();
    ctrlc::set_handler(move || {
        interrupter.interrupt();
    })
    .map_err(|error| Error::input(format!("Ctrl-C cannot be watched: {error}")))?;
    // The thread that watches never ends: it must not keep the session, which ends with its last user.
    let (ending, last, modes) =
        (Arc::downgrade(&session), console.clone(), TerminalModes::current());
    termination::watch(move || {
        // Without a session, the shell is just ending by itself.
        let Some(ending) = ending.upgrade() else { return };
        if ending.interrupter().interrupt() {
            // What the cell has kept is reported before the process ends.
            thread::sleep(INTERRUPT_TIMEOUT);
        }
        // Even if the cell has not ended yet.
        pager::leave();
        Shell::end_early(&ending, &last);
        modes.restore();
        remove_process_folders();
        std::process::exit(TERMINATED.into());
    })?;

    let version = env!("CARGO_PKG_VERSION");
    let banner =
        format!("u2ad {version} · help() lists the verbs, :help the commands, Ctrl-D ends\n");
    print_whole(banner.as_bytes())?;
    let mut editor = Editor::new(session.clone())?;
    let mut shell = Shell::new(session, console);
    match &options.resume {
        // Nothing more is written there, least of all an empty transcript.
        Some(_) if !shell.resume() => return Ok(ExitCode::FAILURE),
        Some(_) => {}
        None => earlier_sessions::abandoned(runs).iter().for_each(|folder| shell.offer(folder)),
    }
    loop {
        let next = match editor.read()? {
            Line::Text(text) => shell.take(&text),
            Line::Cleared => Next::Stay,
            Line::End => Next::Quit,
        };
        if next == Next::Quit && shell.may_end(&mut editor) {
            break;
        }
    }
    drop(editor);
    Ok(if shell.end() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
