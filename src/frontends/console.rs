//! A sink that writes for people: text and values to standard output; progress, notes, warnings
//! and errors to standard error; figures and tables also to the run folder.

use std::io::{IsTerminal, Write, stderr, stdout};

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::progress::{Bars, Lines};
use super::record::Record;
use super::{ask, images};
use crate::Result;
use crate::context::{CancelToken, Event};
use crate::report::RunStatus;
use crate::session::{CellError, Display, Output, Part, Sink};

/// Columns of a table that goes to a file or another program.
const PAGE_WIDTH: usize = 120;

/// The console of a script or shell.
pub(super) struct Console {
    progress: Mutex<Progress>,
    record: Mutex<Record>,
    colour: bool,
    /// Whether figures are drawn in the terminal.
    images: bool,
}

enum Progress {
    Bars(Bars),
    Lines(Lines),
}

impl Console {
    /// Bars and colours where standard error is a terminal, unless `NO_COLOR` asks for plain
    /// text; with `images`, figures are drawn inline where standard output is one.
    pub fn new(record: Record, images: bool) -> Self {
        let terminal = stderr().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let progress =
            if terminal { Progress::Bars(Bars::new()) } else { Progress::Lines(Lines::default()) };
        Self {
            progress: Mutex::new(progress),
            record: Mutex::new(record),
            colour: terminal && !plain,
            images: images && !plain && stdout().is_terminal(),
        }
    }

    /// Shows a value.
    pub fn show(&self, display: &Display) {
        for part in &display.parts {
            match part {
                Part::Text(text) => self.write(&format!("{text}\n")),
                Part::Page(page) => self.write(&format!("{}\n", page.text(width()))),
                Part::Table(table) => {
                    self.write(&format!("{}\n", table.to_text(width()).trim_end()));
                    self.kept(|record| record.table(table));
                }
                Part::Figure(figure) => {
                    if self.images {
                        self.aside(|| images::draw(figure));
                    }
                    if let Some(path) = self.kept(|record| record.figure(figure)) {
                        self.tell(&format!("figure: {}", path.display()));
                    }
                }
            }
        }
    }

    /// Reports why a cell stopped.
    pub fn fail(&self, error: &CellError) {
        let report = error.to_string();
        self.log(&report);
        self.tell(&match report.strip_prefix("error:") {
            Some(rest) => format!("{}{rest}", self.painted("error:", "1;31")),
            None => report,
        });
    }

    /// Puts what was typed into the log.
    pub fn log(&self, text: &str) {
        self.kept(|record| record.log(text));
    }

    /// Closes the run folder and says where it is.
    pub fn finish(&self, status: RunStatus) {
        if let Some(Some(folder)) = self.kept(|record| record.finish(status)) {
            self.tell(&format!("kept in {}", folder.display()));
        }
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes to the run folder; a full disk must not stop the computation, but is said.
    fn kept<R>(&self, keep: impl FnOnce(&mut Record) -> Result<R>) -> Option<R> {
        let kept = keep(&mut self.record());
        kept.inspect_err(|error| self.warn(&format!("not kept on disk: {error}"))).ok()
    }

    /// Writes to standard output and the log. A reader that has gone away is no reason to fail.
    fn write(&self, text: &str) {
        self.log(text.trim_end_matches('\n'));
        self.aside(|| {
            let mut out = stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
        });
    }

    /// Writes to standard error and the log.
    fn write_error(&self, text: &str) {
        self.log(text.trim_end_matches('\n'));
        self.aside(|| write!(stderr().lock(), "{text}").ok());
    }

    /// Writes a line to standard error.
    fn tell(&self, line: &str) {
        self.aside(|| writeln!(stderr().lock(), "{line}").ok());
    }

    /// Says that something was worked around.
    pub fn warn(&self, warning: &str) {
        self.tell(&format!("{} {warning}", self.painted("warning:", "1;33")));
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
            Event::Note(note) => {
                self.log(&note);
                self.tell(&note);
            }
            Event::Warning(warning) => {
                self.log(&format!("warning: {warning}"));
                self.warn(&warning);
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
            Output::ErrorText(text) => self.write_error(&text),
            Output::Display(display) => self.show(&display),
            // What is on the console or in the log stays there.
            Output::Clear { .. } => {}
            Output::Event(event) => self.event(event),
        }
    }

    fn ask(&self, prompt: &str, hidden: bool, cancel: &CancelToken) -> Result<String> {
        self.aside(|| ask::ask(prompt, hidden, cancel))
    }
}

/// Columns of a table or page.
fn width() -> usize {
    if stdout().is_terminal() { images::columns() } else { PAGE_WIDTH }
}
