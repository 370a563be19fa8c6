//! A sink that writes text for the user: text and values to standard output; progress, notes, warnings
//! and errors to standard error; figures and tables also to the run folder.

use std::io::{ErrorKind, IsTerminal, Write, stderr, stdout};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use std::sync::{Arc, Mutex, MutexGuard};

use textwrap::{Options, WordSplitter, fill};
use unicode_width::UnicodeWidthStr;

use super::ask;
use super::images::{Choice, Images, Protocol, Window};
use super::progress::ProgressDisplay;
use super::record::Record;
use crate::Result;
use crate::context::{CancelToken, Event};
use crate::error::locked;
use crate::figures::Figure;
use crate::language::CellError;
use crate::report::RunStatus;
use crate::session::{Display, Output, Part, Sink};

/// Columns of a page that goes to a file or another program.
const PAGE_WIDTH: usize = 120;
/// Columns of a table there: all that it has.
const WHOLE_TABLE: usize = 1_000_000;

/// The console of a script or shell.
pub(super) struct Console {
    progress: Mutex<ProgressDisplay>,
    record: Arc<Mutex<Record>>,
    /// Whether standard error is a terminal.
    is_terminal: bool,
    colour: bool,
    /// Draws figures in the terminal; `None`: they only go to disk.
    images: Option<Mutex<Images>>,
    /// Whether something that was shown could not be written.
    incomplete: AtomicBool,
    /// The last failure of writing to the run folder that was told.
    last_failure: Mutex<Option<String>>,
}

impl Console {
    /// Bars and colours where standard error is a terminal, unless `NO_COLOR` asks for plain
    /// text; with a choice of `images`, figures are drawn as they are shown.
    pub fn new(record: Arc<Mutex<Record>>, images: Option<Choice>) -> Self {
        let terminal = stderr().is_terminal();
        let colour = terminal && !no_colour();
        Self {
            progress: Mutex::new(ProgressDisplay::new(terminal, colour)),
            record,
            is_terminal: terminal,
            colour,
            images: images.map(|choice| Mutex::new(Images::new(choice))),
            incomplete: AtomicBool::new(false),
            last_failure: Mutex::new(None),
        }
    }

    /// Draws figures another way from now on.
    pub fn choose_images(&self, choice: Choice) {
        if let Some(images) = &self.images {
            locked(images).choose(choice);
        }
    }

    /// How figures are drawn: as chosen, and what that means here.
    pub fn images(&self) -> (Choice, Protocol) {
        let none = (Choice::Protocol(Protocol::None), Protocol::None);
        self.images.as_ref().map_or(none, |images| {
            let mut images = locked(images);
            (images.choice(), images.protocol())
        })
    }

    /// Does something with the way in which figures are drawn, if they are.
    pub fn with_images<R>(&self, act: impl FnOnce(&mut Images) -> R) -> Option<R> {
        self.images.as_ref().map(|images| act(&mut locked(images)))
    }

    /// Draws progress bars no more, or again: while something else has the whole screen.
    pub fn hide_bars(&self, hidden: bool) {
        locked(&self.progress).hide_bars(hidden);
    }

    /// Shows a value.
    pub fn show(&self, display: &Display) {
        for part in &display.parts {
            match part {
                Part::Text(text) => {
                    self.log(text.trim_end_matches('\n'));
                    self.put(&format!("{}\n", folded(text, terminal_width())));
                }
                Part::Page(page) => self.write(&format!("{}\n", page.text(page_width()))),
                Part::Table(table) => {
                    self.log(table.to_text(WHOLE_TABLE).trim_end());
                    self.put(&format!("{}\n", table.to_text(table_width()).trim_end()));
                    self.kept(|record| record.table(table));
                }
                Part::Figure(figure) => self.figure(figure),
                Part::Markup(markup) => {
                    if !markup.text.is_empty() {
                        self.write(&format!("{}\n", markup.text));
                    }
                    markup.figures.iter().for_each(|figure| self.figure(figure));
                }
            }
        }
    }

    /// Draws a figure, if figures are drawn, and keeps it.
    fn figure(&self, figure: &Figure) {
        if let Some(images) = &self.images {
            self.aside(|| locked(images).draw(figure));
        }
        self.keep(figure);
    }

    /// Keeps a figure and says where.
    pub fn keep(&self, figure: &Figure) {
        if let Some(path) = self.kept(|record| record.figure(figure)) {
            self.tell(&format!("figure: {}", path.display()));
        }
    }

    /// Reports why a cell stopped.
    pub fn fail(&self, error: &CellError) {
        let report = error.to_string();
        self.log(&report);
        let width = self.is_terminal.then(|| Window::current().columns as usize);
        let report = folded_sentences(&report, width);
        self.tell(&match report.strip_prefix("error:") {
            Some(rest) => format!("{}{rest}", self.painted("error:", "1;31")),
            None => report,
        });
    }

    /// Writes the typed text into the log.
    pub fn log(&self, text: &str) {
        self.kept(|record| record.log(text));
    }

    /// Writes the session's script into the run folder, if there is one.
    pub fn keep_script(&self, script: &str) {
        self.kept(|record| record.script(script));
    }

    /// Closes the run folder and says where it is; gives it, if there is one.
    pub fn finish(&self, status: RunStatus) -> Option<PathBuf> {
        let folder = self.kept(|record| record.finish(status))??;
        self.tell(&format!("kept in {}", folder.display()));
        Some(folder)
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        locked(&self.record)
    }

    /// Writes to the run folder; a full disk must not stop the computation, but is reported: once where
    /// every line of the log fails alike.
    fn kept<R>(&self, keep: impl FnOnce(&mut Record) -> Result<R>) -> Option<R> {
        let kept = keep(&mut self.record());
        kept.inspect_err(|error| {
            self.incomplete.store(true, Ordering::Relaxed);
            let failure = error.to_string();
            let told = locked(&self.last_failure).replace(failure.clone());
            if told.as_ref() != Some(&failure) {
                self.warn(&format!("could not be saved: {failure}"));
            }
        })
        .ok()
    }

    /// Whether something that was shown could not be written: to the run folder, or to standard output.
    pub fn is_incomplete(&self) -> bool {
        self.incomplete.load(Ordering::Relaxed)
    }

    /// Writes to standard output and the log. An output that its reader has closed is ignored; one that
    /// takes no more, such as a file on a full disk, gives one warning.
    fn write(&self, text: &str) {
        self.log(text.trim_end_matches('\n'));
        self.put(text);
    }

    /// Writes to standard output alone.
    fn put(&self, text: &str) {
        let written = self.aside(|| {
            let mut out = stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        });
        if let Err(error) = written
            && error.kind() != ErrorKind::BrokenPipe
            && !self.incomplete.swap(true, Ordering::Relaxed)
        {
            self.warn(&format!("standard output cannot be written: {error}"));
        }
    }

    /// Writes to standard error and the log.
    fn write_error(&self, text: &str) {
        self.log(text.trim_end_matches('\n'));
        self.aside(|| write!(stderr().lock(), "{text}").ok());
    }

    /// Writes a line to standard error.
    pub fn tell(&self, line: &str) {
        self.aside(|| writeln!(stderr().lock(), "{line}").ok());
    }

    /// Writes a sentence to standard error; a terminal gets it in lines that end with whole words.
    fn say(&self, sentence: &str) {
        if !self.is_terminal {
            return self.tell(sentence);
        }
        let options = Options::new(Window::current().columns as usize)
            .break_words(false)
            .word_splitter(WordSplitter::NoHyphenation);
        self.tell(&fill(sentence, options));
    }

    /// Shows a warning.
    pub fn warn(&self, warning: &str) {
        self.say(&format!("{} {warning}", self.painted("warning:", "1;33")));
    }

    fn aside<R>(&self, write: impl FnOnce() -> R) -> R {
        locked(&self.progress).aside(write)
    }

    fn painted(&self, text: &str, code: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn event(&self, event: Event) {
        match event {
            Event::Note(note) => {
                self.log(&note);
                self.say(&note);
            }
            Event::Remark(remark) => self.say(&remark),
            Event::Warning(warning) => {
                self.log(&format!("warning: {warning}"));
                self.warn(&warning);
            }
            progress => {
                let line = locked(&self.progress).advance(progress);
                if let Some(line) = line {
                    self.tell(&line);
                }
            }
        }
    }
}

/// Whether `NO_COLOR` (<https://no-color.org>) asks for plain text, or the terminal says that it understands nothing else.
pub(super) fn no_colour() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|value| value == "dumb")
}

impl Sink for Console {
    fn emit(&self, output: Output) {
        match output {
            Output::Text(text) => self.write(&text),
            Output::ErrorText(text) => self.write_error(&text),
            Output::Display(display) => self.show(&display),
            // What is on the console or in the log stays there.
            Output::Clear { .. } | Output::Update(_) => {}
            Output::Event(event) => self.event(event),
        }
    }

    fn ask(&self, prompt: &str, hidden: bool, cancel: &CancelToken) -> Result<String> {
        let answer = self.aside(|| ask::ask(prompt, hidden, cancel))?;
        // What is hidden stays out of the record, even as a hash.
        if !hidden && self.kept(|record| record.answered(prompt, &answer)) == Some(true) {
            self.event(Event::Warning(format!(
                "\"{}\" got another answer before this run was resumed; what it kept from then rests on that one",
                prompt.trim()
            )));
        }
        Ok(answer)
    }
}

/// A text whose lines end with whole words where a terminal of `width` columns has no room for them. What a line is
/// indented by, its continuation is, too.
fn folded(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return text.to_owned() };
    let fold = |line: &str| {
        if line.width() <= width {
            return line.to_owned();
        }
        let indent = &line[..line.len() - line.trim_start_matches(' ').len()];
        let options = Options::new(width)
            .initial_indent(indent)
            .subsequent_indent(indent)
            .break_words(false)
            .word_splitter(WordSplitter::NoHyphenation);
        fill(line.trim_start_matches(' '), options)
    };
    text.lines().map(fold).collect::<Vec<_>>().join("\n")
}

/// A report on an error, folded but for the lines of source and the marks below them, whose columns must match.
fn folded_sentences(report: &str, width: Option<usize>) -> String {
    let is_source =
        |line: &str| line.contains(" | ") || line.contains("-->") || line.ends_with('|');
    let fold = |line: &str| if is_source(line) { line.to_owned() } else { folded(line, width) };
    report.lines().map(fold).collect::<Vec<_>>().join("\n")
}

/// Columns of a page.
fn page_width() -> usize {
    terminal_width().unwrap_or(PAGE_WIDTH)
}

/// Columns of a table: a file or another program gets all of it.
pub(super) fn table_width() -> usize {
    terminal_width().unwrap_or(WHOLE_TABLE)
}

/// Columns of the terminal that standard output goes to.
fn terminal_width() -> Option<usize> {
    stdout().is_terminal().then(|| Window::current().columns as usize)
}

#[cfg(test)]
mod tests {
    use super::{folded, folded_sentences};

    #[test]
    fn lines_end_with_whole_words_and_source_stays_as_it_is() {
        assert_eq!(folded("  one two three\nfour", Some(10)), "  one two\n  three\nfour");
        assert_eq!(folded("one two three", None), "one two three");
        let report = "error: one two three\n --> cell 1:1:1\n1 | a long line of source\n  | ^^^^";
        let expected =
            "error: one\ntwo three\n --> cell 1:1:1\n1 | a long line of source\n  | ^^^^";
        assert_eq!(folded_sentences(report, Some(10)), expected);
    }
}
