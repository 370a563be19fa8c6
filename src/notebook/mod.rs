//! Rust notebooks: what evcxr needs to show this crate's values, and progress that its cells can
//! print.
//!
//! evcxr keeps one block per MIME type and cell, the last one. [`EvcxrDisplay`] therefore sends
//! everything that a cell has shown so far each time, as one block of HTML and one of text.

mod display;
mod progress;

use std::sync::Arc;

pub use display::{EvcxrDisplay, html, show};
pub use progress::PrintedLines;

use crate::context::Context;
use crate::study::Study;

/// A study on the CPU whose long tasks print a line from time to time.
pub fn study(seed: u64) -> Study {
    Context::new(seed).with_reporter(Arc::new(PrintedLines::default())).into()
}
