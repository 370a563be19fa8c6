//! Findings in images from one command: `u2ad screen`, and `u2ad bids` for whole trees of them.
//!
//! The work is that of [`crate::study::screening`] and [`crate::study::bids_app`]; these files read the command
//! line and print.

mod arguments;
mod bids;
mod memory_watch;
mod messages;
mod single;

use std::sync::Arc;

pub use arguments::{AnalysisLevel, BidsArguments, Computing, ScreenArguments};
pub use bids::run as run_bids;
pub(super) use messages::Messages;
pub use single::run as run_screen;

use super::termination::{Stopped, cancel_on_signals};
use crate::Result;
use crate::context::Context;
use crate::ops::{check_threads, thread_pool};
use crate::report::{Column, Table};
use crate::session::open_device;
use crate::study::screening::Detector;

/// What a command works with.
struct Work {
    context: Context,
    messages: Arc<Messages>,
    stopped: Stopped,
}

impl Work {
    /// Opens the device. From now on signals stop the work.
    ///
    /// # Errors
    /// If there is no such device, or too many threads are asked for.
    fn begin(computing: &Computing) -> Result<Self> {
        check_threads("--n-cpus", computing.n_cpus)?;
        let messages = Arc::new(Messages::new());
        let device = open_device(&computing.device)?;
        let context =
            Context::new(computing.seed).with_device(device).with_reporter(messages.clone());
        let stopped = cancel_on_signals(&context.cancel)?;
        Ok(Self { context, messages, stopped })
    }

    /// Loads what looks for anomalies, and says what it is.
    fn detector(&self, computing: &Computing) -> Result<Detector> {
        let detector = match &computing.model {
            Some(path) => Detector::load(path, &self.context.device)?,
            None => Detector::without_model(),
        };
        let file = computing.model.as_ref().map(|path| format!(", {}", path.display()));
        self.messages.tell(&format!("method: {}{}", detector.name(), file.unwrap_or_default()));
        if let Some(remark) = detector.remark() {
            self.messages.tell(remark);
        }
        Ok(detector)
    }
}

/// A table of the columns at these places.
fn columns_at(table: &Table, places: &[usize]) -> Result<Table> {
    let columns: Vec<Column> = places.iter().map(|place| table.columns()[*place].clone()).collect();
    let mut part = Table::new(&*table.title, columns);
    for row in table.rows() {
        part.push(places.iter().map(|place| row[*place].clone()).collect())?;
    }
    Ok(part)
}

/// Does something on so many threads; one per core if none are given.
///
/// # Errors
/// If there are far more than cores, or they cannot be started.
fn on_threads<R: Send>(threads: Option<usize>, work: impl FnOnce() -> R + Send) -> Result<R> {
    Ok(thread_pool("--n-cpus", threads)?.install(work))
}
