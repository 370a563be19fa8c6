//! Runs one cell in the host process and reports how it ended.

use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::folder::CellFolder;
use super::process::Host;
use super::protocol::{Diagnostic, FromHost, Media, Outcome, ToHost};
use crate::{Error, Result};

/// How often the wait for a message checks for an interrupt.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Interval of the notes that a long compilation is still running.
const NOTE_INTERVAL: Duration = Duration::from_secs(20);
/// Between two signals to the compiler: cargo may start after the first.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(100);
/// How long after an interrupt the cell's process is killed, and then the host.
const KILL_CELL_AFTER: Duration = Duration::from_secs(3);
const KILL_HOST_AFTER: Duration = Duration::from_secs(8);

const VARIABLES_LOST: &str = "the variables of Rust cells are lost, what they define is kept";
const ALL_LOST: &str =
    "the variables and definitions of Rust cells are lost; the next one starts afresh";

/// What a running cell needs of its session.
pub trait Exchange {
    /// Takes what the cell prints, to standard output or standard error.
    fn printed(&mut self, text: &str, error: bool);

    /// Takes a note for the user.
    fn note(&mut self, note: String);

    /// Answers what the cell asks; `None` if the user interrupts instead.
    fn answer(&mut self, prompt: &str) -> Option<String>;

    /// Whether the cell is to stop.
    fn is_cancelled(&self) -> bool;
}

/// How a cell ended.
#[derive(Debug)]
pub enum Ended {
    Shown(Media),
    /// It does not compile.
    CompileErrors(Vec<Diagnostic>),
    /// It stopped; why, and what that cost.
    Stopped {
        message: String,
        lost: Option<&'static str>,
    },
    /// The user interrupted it; what that cost.
    Interrupted {
        lost: Option<&'static str>,
    },
}

/// The Rust side of one session. Nothing is started before the first cell.
#[derive(Default)]
pub struct RustCells {
    folder: Option<CellFolder>,
    host: Option<Host>,
}

impl RustCells {
    /// Runs a cell. Files of values are in the folder `exchange`.
    ///
    /// # Errors
    /// If there is no Rust on this machine, or its processes cannot be started.
    pub fn run(
        &mut self,
        code: &str,
        exchange: &Path,
        session: &mut dyn Exchange,
    ) -> Result<Ended> {
        let mut host = match self.host.take() {
            Some(host) => host,
            None => self.start(exchange, session)?,
        };
        host.send(&ToHost::Run { code: code.to_owned() });
        let (ended, host) = Watch::new(session).until_the_end(host)?;
        self.host = host;
        Ok(ended)
    }

    fn start(&mut self, exchange: &Path, session: &mut dyn Exchange) -> Result<Host> {
        super::toolchain::search_path()?;
        let folder = match &mut self.folder {
            Some(folder) => folder,
            empty => empty.insert(CellFolder::claim()?),
        };
        let path = folder.path.display();
        session.note(match folder.warm {
            true => format!("starting Rust cells; their code is kept in {path}"),
            false => format!(
                "starting Rust cells: the first time, this library is compiled for them, which \
                 takes minutes; it is kept in {path}"
            ),
        });
        let host = Host::start(folder, exchange)?;
        folder.warm = true;
        Ok(host)
    }
}

/// One running cell.
struct Watch<'a> {
    session: &'a mut dyn Exchange,
    started: Instant,
    last_note: Instant,
    /// The crate that is being compiled.
    compiling: Option<String>,
    running: bool,
    stopping: Option<Stopping>,
}

struct Stopping {
    since: Instant,
    signalled: Option<Instant>,
    killed: bool,
}

impl<'a> Watch<'a> {
    fn new(session: &'a mut dyn Exchange) -> Self {
        let now = Instant::now();
        Self {
            session,
            started: now,
            last_note: now,
            compiling: None,
            running: false,
            stopping: None,
        }
    }

    /// Watches until the cell is over; the host comes back if it is still there.
    fn until_the_end(mut self, mut host: Host) -> Result<(Ended, Option<Host>)> {
        loop {
            match host.messages.recv_timeout(POLL_INTERVAL) {
                Ok(Some(FromHost::Ended { outcome })) => {
                    return Ok((self.ended(outcome), Some(host)));
                }
                Ok(Some(FromHost::Broken { reason })) => {
                    if self.stopping.is_some() {
                        return Ok((Ended::Interrupted { lost: None }, None));
                    }
                    return Err(Error::input(format!("Rust cells cannot be started: {reason}")));
                }
                Ok(Some(message)) => self.take(message, &mut host),
                Ok(None) | Err(RecvTimeoutError::Disconnected) => {
                    let lost = Some(ALL_LOST);
                    let ended = match self.stopping {
                        Some(_) => Ended::Interrupted { lost },
                        None => {
                            let message = "the process of the Rust cells ended".to_owned();
                            Ended::Stopped { message, lost }
                        }
                    };
                    return Ok((ended, None));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.session.is_cancelled() && !self.stop(&mut host) {
                return Ok((Ended::Interrupted { lost: Some(ALL_LOST) }, None));
            }
            self.note_compilation();
        }
    }

    fn take(&mut self, message: FromHost, host: &mut Host) {
        match message {
            FromHost::Running => self.running = true,
            FromHost::Printed { text, error } => self.session.printed(&text, error),
            FromHost::Asked { prompt } => {
                if let Some(text) = self.session.answer(&prompt) {
                    host.send(&ToHost::Answer { text });
                }
            }
            FromHost::Compiling { name } => self.compiling = Some(name),
            FromHost::Ready | FromHost::Broken { .. } | FromHost::Ended { .. } => {}
        }
    }

    /// Goes on stopping the cell: the compiler by a signal, running code with its process. False
    /// if nothing helps.
    fn stop(&mut self, host: &mut Host) -> bool {
        let now = Instant::now();
        let stopping =
            self.stopping.get_or_insert(Stopping { since: now, signalled: None, killed: false });
        let waited = now - stopping.since;
        if !stopping.killed && (self.running || waited > KILL_CELL_AFTER) {
            host.send(&ToHost::Kill);
            stopping.killed = true;
        }
        if !self.running && stopping.signalled.is_none_or(|last| now - last >= SIGNAL_INTERVAL) {
            host.interrupt();
            stopping.signalled = Some(now);
        }
        waited <= KILL_HOST_AFTER
    }

    fn ended(&self, outcome: Outcome) -> Ended {
        let lost = match (&outcome, &self.stopping) {
            (Outcome::Died { .. }, _) => Some(VARIABLES_LOST),
            _ => None,
        };
        match outcome {
            Outcome::Shown { media } => Ended::Shown(media),
            _ if self.stopping.is_some() => Ended::Interrupted { lost },
            Outcome::CompileErrors { diagnostics } => Ended::CompileErrors(diagnostics),
            Outcome::Stopped { message } if message.is_empty() => {
                Ended::Stopped { message: "the Rust cell stopped at an error".to_owned(), lost }
            }
            Outcome::Stopped { message } | Outcome::Refused { message } => {
                Ended::Stopped { message, lost }
            }
            Outcome::Died { status } => {
                let message = format!("the process that the Rust cell ran in ended ({status})");
                Ended::Stopped { message, lost }
            }
        }
    }

    /// Reports from time to time that a long compilation is still running.
    fn note_compilation(&mut self) {
        if !self.running && self.last_note.elapsed() >= NOTE_INTERVAL {
            self.last_note = Instant::now();
            let seconds = self.started.elapsed().as_secs();
            let what = self.compiling.as_deref().unwrap_or("the cell");
            self.session.note(format!("still compiling: {what}, {seconds} s so far"));
        }
    }
}
