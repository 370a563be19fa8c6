//! What running code shows, sent to whoever watches as it happens.

use std::sync::Arc;

use super::Page;
use crate::context::{CancelToken, Event, Reporter};
use crate::figures::Figure;
use crate::report::Table;
use crate::{Error, Result};

/// Columns of plain text where nobody knows the width of the page.
const TEXT_WIDTH: usize = 100;

/// Something that running code shows on its way.
#[derive(Clone, Debug)]
pub enum Output {
    /// What `print` wrote, line break included.
    Text(String),
    /// What `warn` wrote, line break included: for standard error.
    ErrorText(String),
    /// A value shown richly.
    Display(Display),
    /// What this cell has shown so far may go; with `wait`, not before something new is there.
    Clear { wait: bool },
    /// Progress, a note or a warning of a long task.
    Event(Event),
}

/// Receives what a session shows, possibly from several threads, in order per thread.
pub trait Sink: Send + Sync {
    /// Takes one output. Must return quickly: the running code waits for it.
    fn emit(&self, output: Output);

    /// Asks the user for a line of text and waits for it; with `hidden`, what is typed does not
    /// show. The line comes back without its line break. Looks at `cancel` while it waits.
    ///
    /// # Errors
    /// [`Error::Input`] where nobody can be asked; [`Error::Cancelled`] if the user interrupts
    /// instead.
    fn ask(&self, prompt: &str, hidden: bool, cancel: &CancelToken) -> Result<String> {
        let _ = (prompt, hidden, cancel);
        Err(Error::input("ask: nobody can be asked here"))
    }
}

/// A value as its user sees it: parts from top to bottom. A front end shows each part in the best
/// form it can and never needs to know what the value was.
#[derive(Clone, Debug)]
pub struct Display {
    pub parts: Vec<Part>,
    /// A display with the same identity as an earlier one replaces it, where the front end can.
    pub id: Option<String>,
}

/// One part of a [`Display`].
#[derive(Clone, Debug)]
pub enum Part {
    /// Plain text, possibly of several lines, without a final line break.
    Text(String),
    /// A figure, drawn only in the format that the front end needs.
    Figure(Figure),
    /// A table, laid out by the front end.
    Table(Table),
    /// Documentation, laid out by the front end.
    Page(Page),
}

impl Display {
    /// A display of these parts.
    pub fn of(parts: impl IntoIterator<Item = Part>) -> Self {
        Self { parts: parts.into_iter().collect(), id: None }
    }

    /// A display of plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::of([Part::Text(text.into())])
    }

    /// The plain-text form of every part that has one.
    pub fn to_text(&self) -> String {
        let parts: Vec<_> = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Figure(figure) => format!("[figure: {}]", figure.title),
                Part::Table(table) => table.to_text(TEXT_WIDTH),
                Part::Page(page) => page.text(TEXT_WIDTH),
            })
            .collect();
        parts.join("\n")
    }
}

/// Passes a task's events on to a sink.
pub(super) struct SinkReporter(pub Arc<dyn Sink>);

impl Reporter for SinkReporter {
    fn report(&self, event: Event) {
        self.0.emit(Output::Event(event));
    }
}
