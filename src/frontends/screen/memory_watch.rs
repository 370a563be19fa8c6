//! A limit on the memory of the process, watched while it works.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::context::CancelToken;
use crate::ops::{resident_bytes, return_freed_memory};
use crate::{Error, Result};

/// How often the process looks at itself.
const EVERY: Duration = Duration::from_millis(100);
const MB: u64 = 1_000_000;

/// Whether the process held more than it may.
#[derive(Clone, Debug, Default)]
pub(super) struct MemoryWatch {
    limit_mb: u64,
    /// Megabytes that it held then; 0 if it did not.
    held_mb: Arc<AtomicU64>,
}

impl MemoryWatch {
    /// Why the work was stopped, if that is because of the memory.
    pub fn exceeded(&self) -> Option<String> {
        let held = self.held_mb.load(Ordering::SeqCst);
        (held > 0).then(|| {
            format!(
                "stopped before memory ran out: u2ad held {held} MB, and --mem-mb allows {}; finished \
                 participants are kept",
                self.limit_mb
            )
        })
    }
}

/// Stops the work by its token once the process holds more than so many megabytes; without a number, never.
///
/// # Errors
/// If the number is 0, the system does not tell how much a process holds, or no thread can be started.
pub(super) fn watch_memory(mem_mb: Option<u64>, cancel: &CancelToken) -> Result<MemoryWatch> {
    let Some(limit_mb) = mem_mb else { return Ok(MemoryWatch::default()) };
    if limit_mb == 0 || resident_bytes().is_none() {
        return Err(Error::input(match limit_mb {
            0 => "--mem-mb must be a number of megabytes above 0",
            _ => {
                "--mem-mb cannot be kept: this system does not tell how much memory a process holds"
            }
        }));
    }
    let watch = MemoryWatch { limit_mb, held_mb: Arc::default() };
    let (seen, cancel) = (watch.clone(), cancel.clone());
    let is_over = move |held: &u64| *held / MB > limit_mb;
    let look = move || loop {
        if resident_bytes().filter(is_over).is_some() {
            return_freed_memory();
            if let Some(held) = resident_bytes().filter(is_over) {
                seen.held_mb.store(held / MB, Ordering::SeqCst);
                return cancel.cancel();
            }
        }
        thread::sleep(EVERY);
    };
    thread::Builder::new()
        .name("memory".to_owned())
        .spawn(look)
        .map_err(|error| Error::input(format!("the memory cannot be watched: {error}")))?;
    Ok(watch)
}
