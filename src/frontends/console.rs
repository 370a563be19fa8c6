//! A sink that writes for people: text and values to standard output; progress, notes, warnings
//! and errors to standard error.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::sync::{Mutex, PoisonError};

use super::progress::{Bars, Lines};
use crate::context::Event;
use crate::session::{CellError, Display, Output, Part, Sink};

/// The console of a script or shell.
pub(super) struct Console {
    progress: Mutex<Progress>,
    colour: bool,
}

enum Progress {
    Bars(Bars),
    Lines(Lines),
}

impl Console {
    /// Bars and colours where standard error is a terminal, unless `NO_COLOR` asks for plain
    /// text.
    pub fn new() -> Self {
        let terminal = stderr().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let progress =
            if terminal { Progress::Bars(Bars::new()) } else { Progress::Lines(Lines::default()) };
        Self { progress: Mutex::new(progress), colour: terminal && !plain }
    }

    /// Shows a value.
    pub fn show(&self, display: &Display) {
        for part in &display.parts {
            match part {
                Part::Text(text) => self.write(&format!("{text}\n")),
            }
        }
    }

    /// Reports why a cell stopped.
    pub fn fail(&self, error: &CellError) {
        let report = error.to_string();
        let report = match report.strip_prefix("error:") {
            Some(rest) => format!("{}{rest}", self.painted("error:", "1;31")),
            None => report,
        };
        self.tell(&report);
    }

    /// Writes to standard output. A reader that has gone away is no reason to fail.
    fn write(&self, text: &str) {
        self.aside(|| {
            let mut out = stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
        });
    }

    /// Writes a line to standard error.
    fn tell(&self, line: &str) {
        self.aside(|| writeln!(stderr().lock(), "{line}").ok());
    }

    fn aside<R>(&self, write: impl FnOnce() -> R) -> R {
        match &*self.progress.lock().unwrap_or_else(PoisonError::into_inner) {
            Progress::Bars(bars) => bars.aside(write),
            Progress::Lines(_) => write(),
        }
    }

    fn painted(&self, text: &str, code: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn event(&self, event: Event) {
        match event {
            Event::Note(note) => self.tell(&note),
            Event::Warning(warning) => {
                self.tell(&format!("{} {warning}", self.painted("warning:", "1;33")));
            }
            progress => {
                if let Some(line) = self.advance(progress) {
                    self.tell(&line);
                }
            }
        }
    }

    /// Brings the progress display up to date; gives the plain line to write, if any.
    fn advance(&self, event: Event) -> Option<String> {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        match (&mut *progress, event) {
            (Progress::Bars(bars), Event::Started { task, title, unit, total }) => {
                bars.start(task, title, unit, total);
            }
            (Progress::Bars(bars), Event::Advanced { task, done, figures }) => {
                bars.advance(task, done, &figures);
            }
            (Progress::Bars(bars), Event::Finished { task }) => bars.finish(task),
            (Progress::Lines(lines), Event::Started { task, title, unit, total }) => {
                lines.start(task, title, unit, total);
            }
            (Progress::Lines(lines), Event::Advanced { task, done, figures }) => {
                return lines.advance(task, done, &figures);
            }
            (Progress::Lines(lines), Event::Finished { task }) => return lines.finish(task),
            (_, Event::Note(_) | Event::Warning(_)) => {}
        }
        None
    }
}

impl Sink for Console {
    fn emit(&self, output: Output) {
        match output {
            Output::Text(text) => self.write(&text),
            Output::Display(display) => self.show(&display),
            Output::Event(event) => self.event(event),
        }
    }
}
