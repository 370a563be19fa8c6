//! What running code shows, sent to the front end as it happens.

use std::sync::Arc;

use crate::context::{CancelToken, Event, Reporter};
use crate::figures::SliceStack;
use crate::report::Display;
use crate::{Error, Result};

/// Something that running code shows on its way.
#[derive(Clone, Debug)]
pub enum Output {
    /// What `print` wrote, line break included.
    Text(String),
    /// What `warn` wrote, line break included: for standard error.
    ErrorText(String),
    /// A value shown richly.
    Display(Display),
    /// Clear what this cell has shown so far; with `wait`, only once something new is shown.
    Clear { wait: bool },
    /// What is shown under this identity has changed. Front ends that cannot replace it show nothing.
    Update(Display),
    /// Progress, a note or a warning of a long task.
    Event(Event),
}

/// Receives what a session shows, possibly from several threads, in order per thread.
pub trait Sink: Send + Sync {
    /// Takes one output. Must return quickly: the running code waits for it.
    fn emit(&self, output: Output);

    /// Whether nobody sees what is emitted now, such as what a program asks of a kernel behind its user's back. What is
    /// told once waits for another time then.
    fn is_muted(&self) -> bool {
        false
    }

    /// Asks the user for a line of text and waits for it; with `hidden`, what is typed does not
    /// show. The line comes back without its line break. Looks at `cancel` while it waits.
    ///
    /// # Errors
    /// [`Error::Input`] if the front end cannot ask; [`Error::Cancelled`] if the user interrupts
    /// instead.
    fn ask(&self, prompt: &str, hidden: bool, cancel: &CancelToken) -> Result<String> {
        let _ = (prompt, hidden, cancel);
        Err(Error::input("ask: questions cannot be asked here"))
    }

    /// Lets the user leaf through slices, and returns when they have seen enough. `false`: nobody can leaf here,
    /// and nothing was shown. Looks at `cancel` while it waits.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if the user interrupts; what was shown last then stays, too. [`Error::Figure`] if a
    /// slice cannot be drawn.
    fn leaf_through(&self, slices: &dyn SliceStack, cancel: &CancelToken) -> Result<bool> {
        let _ = (slices, cancel);
        Ok(false)
    }
}

/// Passes a task's events on to a sink.
pub(super) struct SinkReporter(pub Arc<dyn Sink>);

impl Reporter for SinkReporter {
    fn report(&self, event: Event) {
        self.0.emit(Output::Event(event));
    }
}
