//! Progress as printed lines, few enough not to clutter a notebook.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::context::{Event, Reporter};
use crate::error::locked;
use crate::report::ProgressLines;

/// Between two lines of progress.
const INTERVAL: Duration = Duration::from_secs(15);

/// Prints a line from time to time while something runs, and every note and warning.
pub struct PrintedLines(Mutex<Printer>);

struct Printer {
    lines: ProgressLines,
    last_line: Instant,
}

impl Default for PrintedLines {
    fn default() -> Self {
        let (lines, last_line) = (ProgressLines::every(INTERVAL), Instant::now());
        Self(Mutex::new(Printer { lines, last_line }))
    }
}

impl Reporter for PrintedLines {
    fn report(&self, event: Event) {
        let mut printer = locked(&self.0);
        if let Some(line) = printer.line(event) {
            println!("{line}");
            printer.last_line = Instant::now();
        }
    }
}

impl Printer {
    fn line(&mut self, event: Event) -> Option<String> {
        match event {
            Event::Started { task, title, unit, total } => {
                self.lines.start(task, title, unit, total);
                None
            }
            Event::Advanced { task, done, figures } => {
                let line = self.lines.advance(task, done, &figures);
                // Many short tasks can also take long without a message.
                let silent = self.last_line.elapsed() >= INTERVAL;
                line.or_else(|| self.lines.current().filter(|_| silent))
            }
            Event::Finished { task } => self.lines.finish(task),
            Event::Note(text) | Event::Remark(text) => Some(text),
            Event::Warning(text) => Some(format!("warning: {text}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_tasks_are_silent_unless_there_are_many() {
        let PrintedLines(printer) = PrintedLines::default();
        let mut printer = printer.into_inner().unwrap();
        let short = |task, printer: &mut Printer| {
            let title = format!("epoch {task}");
            let started = Event::Started { task, title, unit: "batch", total: 2 };
            assert_eq!(printer.line(started), None);
            let line = printer.line(Event::Advanced { task, done: 1, figures: vec![] });
            assert_eq!(printer.line(Event::Finished { task }), None);
            line
        };
        assert_eq!(short(1, &mut printer), None);
        printer.last_line -= INTERVAL;
        assert_eq!(short(2, &mut printer).as_deref(), Some("epoch 2: 50 % (batch 1 of 2)"));
    }

    #[test]
    fn notes_and_warnings_are_always_told() {
        let PrintedLines(printer) = PrintedLines::default();
        let mut printer = printer.into_inner().unwrap();
        assert_eq!(printer.line(Event::Note("so".into())).as_deref(), Some("so"));
        let warning = printer.line(Event::Warning("left out".into()));
        assert_eq!(warning.as_deref(), Some("warning: left out"));
    }
}
