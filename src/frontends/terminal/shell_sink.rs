//! Where the shell's session shows what it has to show: on the console or, of slices to leaf through, on a screen
//! of their own. What others say meanwhile waits.

use std::sync::{Arc, Mutex, MutexGuard};

use super::pager;
use crate::Result;
use crate::context::{CancelToken, Event};
use crate::error::locked;
use crate::figures::SliceStack;
use crate::frontends::console::Console;
use crate::session::{Output, Sink};

/// The console, with slices to leaf through.
pub(super) struct ShellSink {
    console: Arc<Console>,
    /// What is said while the screen shows slices; `None` at other times.
    waiting: Mutex<Option<Vec<Output>>>,
}

impl ShellSink {
    pub fn new(console: Arc<Console>) -> Self {
        Self { console, waiting: Mutex::new(None) }
    }

    fn waiting(&self) -> MutexGuard<'_, Option<Vec<Output>>> {
        locked(&self.waiting)
    }
}

/// Whether an output writes lines. Progress is counted at once; its bars are hidden.
fn is_lines(output: &Output) -> bool {
    match output {
        Output::Text(_) | Output::ErrorText(_) | Output::Display(_) => true,
        Output::Event(event) => {
            matches!(event, Event::Note(_) | Event::Remark(_) | Event::Warning(_))
        }
        Output::Clear { .. } | Output::Update(_) => false,
    }
}

impl Sink for ShellSink {
    fn emit(&self, output: Output) {
        if is_lines(&output)
            && let Some(waiting) = &mut *self.waiting()
        {
            return waiting.push(output);
        }
        self.console.emit(output);
    }

    fn ask(&self, prompt: &str, hidden: bool, cancel: &CancelToken) -> Result<String> {
        self.console.ask(prompt, hidden, cancel)
    }

    fn leaf_through(&self, slices: &dyn SliceStack, cancel: &CancelToken) -> Result<bool> {
        *self.waiting() = Some(Vec::new());
        let _held = Held(self);
        pager::leaf_through(slices, &self.console, cancel)
    }
}

/// Says what had to wait once it is dropped.
struct Held<'a>(&'a ShellSink);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let waiting = self.0.waiting().take();
        waiting.into_iter().flatten().for_each(|output| self.0.console.emit(output));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_wait_and_progress_does_not() {
        assert!(is_lines(&Output::Text("a line\n".to_owned())));
        assert!(is_lines(&Output::Event(Event::Warning("careful".to_owned()))));
        assert!(!is_lines(&Output::Event(Event::Finished { task: 1 })));
        assert!(!is_lines(&Output::Clear { wait: true }));
    }
}
