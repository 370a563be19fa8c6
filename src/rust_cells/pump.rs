//! What the child of evcxr prints, on its way to the session.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::sleep;
use std::time::{Duration, Instant};

use evcxr::EvalContextOutputs;

use super::protocol::{FromHost, send};
use super::source::BEGUN;
use crate::error::locked;
use crate::exchange::PARTIAL_LINE;

/// How long a line waits while a cell runs, and between cells.
const TURN: Duration = Duration::from_millis(2);
const IDLE_TURN: Duration = Duration::from_millis(50);
/// How long an error line may turn out to be what stopped the cell before it is shown as its own.
const UNDECIDED: Duration = Duration::from_millis(60);
/// How long the reason of a stop may be on its way.
const LATE: Duration = Duration::from_millis(400);

/// Passes lines on, on a thread of its own.
pub(super) struct Pump(Arc<Shared>);

struct Shared {
    outputs: EvalContextOutputs,
    active: AtomicBool,
    /// Times that everything there was has been passed on.
    turns: AtomicU64,
    errors: Mutex<Errors>,
}

impl Pump {
    pub fn start(outputs: EvalContextOutputs) -> Self {
        let shared = Arc::new(Shared {
            outputs,
            active: AtomicBool::default(),
            turns: AtomicU64::default(),
            errors: Mutex::default(),
        });
        let pump = Self(shared.clone());
        std::thread::spawn(move || shared.run());
        pump
    }

    /// A cell begins.
    pub fn begin(&self) {
        self.settle();
        *self.errors() = Errors::default();
        self.0.active.store(true, Ordering::SeqCst);
    }

    /// Waits until all that has been printed is passed on.
    pub fn settle(&self) {
        let before = self.0.turns.load(Ordering::SeqCst);
        // The turn that runs now may have looked already.
        while self.0.turns.load(Ordering::SeqCst) < before + 2 {
            sleep(TURN / 4);
        }
    }

    /// The cell is over; if it `stopped`, gives the reason that it printed.
    pub fn end(&self, stopped: bool) -> String {
        self.settle();
        let late = Instant::now() + LATE;
        while stopped && !self.errors().explains() && Instant::now() < late {
            sleep(TURN);
        }
        self.0.active.store(false, Ordering::SeqCst);
        self.errors().end(stopped)
    }

    fn errors(&self) -> MutexGuard<'_, Errors> {
        locked(&self.0.errors)
    }
}

impl Shared {
    fn run(&self) {
        loop {
            while let Ok(line) = self.outputs.stdout.try_recv() {
                printed(&line);
            }
            let mut errors = locked(&self.errors);
            while let Ok(line) = self.outputs.stderr.try_recv() {
                errors.take(line);
            }
            errors.decide();
            drop(errors);
            self.turns.fetch_add(1, Ordering::SeqCst);
            sleep(if self.active.load(Ordering::SeqCst) { TURN } else { IDLE_TURN });
        }
    }
}

fn printed(line: &str) {
    // What the cell before printed without ending the line may stand in front.
    let (text, begun) = match line.strip_suffix(BEGUN) {
        Some(text) => (text, true),
        None => (line, false),
    };
    match text.strip_suffix(PARTIAL_LINE) {
        Some("") => {}
        Some(text) => show(text.to_owned(), false),
        None if begun && text.is_empty() => {}
        None if begun => show(text.to_owned(), false),
        None => show(format!("{text}\n"), false),
    }
    if begun {
        send(&FromHost::Running);
    }
}

fn show(text: String, error: bool) {
    send(&FromHost::Printed { text, error });
}

/// What a cell writes to standard error, where panics and errors that `?` met are among it.
#[derive(Default)]
struct Errors {
    reading: Reading,
    /// The line that may be what stopped the cell, and since when.
    undecided: Option<(String, Instant)>,
    panic: Option<String>,
    /// What stopped the cell if it stopped.
    last: String,
}

#[derive(Default, PartialEq)]
enum Reading {
    #[default]
    Lines,
    /// The message of a panic, possibly of several lines.
    Panic(String),
    Backtrace,
}

impl Errors {
    fn take(&mut self, line: String) {
        let is_panic = line.starts_with("thread '") && line.contains(" panicked at ");
        if is_panic {
            self.flush();
            self.reading = Reading::Panic(String::new());
            return;
        }
        match &mut self.reading {
            Reading::Panic(message) if is_end_of_message(&line) => {
                let message = std::mem::take(message);
                self.reading = Reading::Backtrace;
                self.last.clone_from(&message);
                self.panic = Some(message);
            }
            Reading::Panic(message) => {
                if !message.is_empty() {
                    message.push('\n');
                }
                message.push_str(&line);
            }
            Reading::Backtrace if is_of_backtrace(&line) => {}
            Reading::Backtrace | Reading::Lines => {
                self.reading = Reading::Lines;
                self.flush();
                self.undecided = Some((line, Instant::now()));
            }
        }
    }

    /// Shows the line that waits.
    fn flush(&mut self) {
        if let Some((line, _)) = self.undecided.take() {
            // Panics begin with an empty line.
            if !line.is_empty() {
                show(format!("{line}\n"), true);
                self.last = line;
            }
        }
    }

    fn decide(&mut self) {
        if self.undecided.as_ref().is_some_and(|(_, since)| since.elapsed() > UNDECIDED) {
            self.flush();
        }
    }

    fn explains(&self) -> bool {
        self.undecided.is_some() || self.panic.is_some() || !self.last.is_empty()
    }

    fn end(&mut self, stopped: bool) -> String {
        if stopped {
            let waiting = self.undecided.take().map(|(line, _)| line);
            let waiting = waiting.filter(|line| !line.is_empty());
            return waiting.unwrap_or_else(|| std::mem::take(&mut self.last));
        }
        self.flush();
        if let Some(message) = self.panic.take() {
            show(format!("a thread panicked: {message}\n"), true);
        }
        String::new()
    }
}

fn is_end_of_message(line: &str) -> bool {
    line.starts_with("stack backtrace:") || line.starts_with("note: run with `RUST_BACKTRACE")
}

/// Whether this is one of the numbered lines, one of their places or the note below them.
fn is_of_backtrace(line: &str) -> bool {
    let text = line.trim_start();
    let numbered = text.split_once(": ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
    let indented = text.len() < line.len();
    indented && (numbered || text.starts_with("at ")) || line.starts_with("note: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_without_its_backtrace() {
        let mut errors = Errors::default();
        let lines = [
            "",
            "thread '<unnamed>' (8) panicked at src/lib.rs:4:1:",
            "index out of bounds",
            "the len is 2",
            "stack backtrace:",
            "   0: __rustc::rust_begin_unwind",
            "             at /rustc/x/library/std/src/panicking.rs:697:5",
            "note: Some details are omitted, run with `RUST_BACKTRACE=full`",
        ];
        lines.into_iter().for_each(|line| errors.take(line.to_owned()));
        assert!(errors.explains() && errors.undecided.is_none());
        assert_eq!(errors.end(true), "index out of bounds\nthe len is 2");
    }

    #[test]
    fn the_last_line_is_why_a_cell_stopped() {
        let mut errors = Errors::default();
        errors.take("no such file".to_owned());
        assert_eq!(errors.end(true), "no such file");
        assert_eq!(errors.end(true), "");
    }
}
