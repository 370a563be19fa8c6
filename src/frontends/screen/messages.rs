//! Progress, notes and warnings of a command on standard error.

use std::io::{IsTerminal, Write, stderr};
use std::sync::{Mutex, MutexGuard};

use crate::context::{Event, Reporter};
use crate::error::controls_escaped;
use crate::error::locked;
use crate::frontends::console::no_colour;
use crate::frontends::progress::ProgressDisplay;

/// Bars and colours where standard error is a terminal, plain lines elsewhere.
pub(in crate::frontends) struct Messages {
    progress: Mutex<ProgressDisplay>,
    colour: bool,
}

impl Messages {
    pub fn new() -> Self {
        let terminal = stderr().is_terminal();
        let colour = terminal && !no_colour();
        Self { progress: Mutex::new(ProgressDisplay::new(terminal, colour)), colour }
    }

    /// Writes a line.
    pub fn tell(&self, line: &str) {
        // Nobody may be there to read it.
        self.progress().aside(|| writeln!(stderr().lock(), "{}", escaped(line)).ok());
    }

    /// Writes a line behind a word such as "warning:".
    pub fn tell_after(&self, word: &str, line: &str) {
        let colour = if word == "error:" { "1;31" } else { "1;33" };
        match self.colour {
            true => self.tell(&format!("\x1b[{colour}m{word}\x1b[0m {line}")),
            false => self.tell(&format!("{word} {line}")),
        }
    }

    fn progress(&self) -> MutexGuard<'_, ProgressDisplay> {
        locked(&self.progress)
    }
}

/// A line without characters that would break it, such as those of a file's name. Colours stay.
fn escaped(line: &str) -> String {
    let coloured = line.strip_prefix("\x1b[").and_then(|rest| rest.split_once(' '));
    match coloured {
        Some((word, rest)) => format!("\x1b[{word} {}", controls_escaped(rest)),
        None => controls_escaped(line),
    }
}

impl Reporter for Messages {
    fn report(&self, event: Event) {
        match event {
            Event::Note(text) | Event::Remark(text) => self.tell(&text),
            Event::Warning(text) => self.tell_after("warning:", &text),
            progress => {
                let line = self.progress().advance(progress);
                line.iter().for_each(|line| self.tell(line));
            }
        }
    }
}
