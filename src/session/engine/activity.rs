//! Whether a cell is running, and how to stop it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::memory_budget::MemoryBudget;
use crate::context::CancelToken;
use crate::error::locked;

/// Cells that run or wait, the token that stops the running one, and the memory that it may use.
pub(in crate::session) struct Activity {
    pub cancel: CancelToken,
    pub budget: Arc<MemoryBudget>,
    cells: Mutex<Cells>,
    /// Rings when the first cell begins and when the session ends.
    changed: Condvar,
}

#[derive(Default)]
struct Cells {
    count: usize,
    has_ended: bool,
}

impl Activity {
    pub fn new(budget: MemoryBudget) -> Self {
        let (cancel, cells, changed) = Default::default();
        Self { cancel, budget: Arc::new(budget), cells, changed }
    }

    pub fn begin(&self) {
        let mut cells = self.cells();
        cells.count += 1;
        if cells.count == 1 {
            self.changed.notify_all();
        }
    }

    /// A cell is over; a request to stop it is forgotten.
    pub fn end(&self) {
        let mut cells = self.cells();
        cells.count = cells.count.saturating_sub(1);
        self.budget.forget();
        self.cancel.reset();
    }

    pub fn interrupt(&self) -> bool {
        let cells = self.cells();
        if cells.count > 0 {
            self.cancel.cancel();
        }
        cells.count > 0
    }

    /// The session is over: nobody watches any more.
    pub fn close(&self) {
        self.cells().has_ended = true;
        self.changed.notify_all();
    }

    /// Stops every cell that exceeds the budget, until the session is over. Looks at what the process
    /// holds after each `interval` while a cell runs, and sleeps otherwise.
    pub fn watch_memory(&self, interval: Duration) {
        let mut cells = self.cells();
        while !cells.has_ended {
            if cells.count == 0 {
                cells = self.changed.wait(cells).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let waited = self.changed.wait_timeout(cells, interval);
            cells = waited.unwrap_or_else(PoisonError::into_inner).0;
            // Asking the system takes a while, in which a cell may begin or end.
            drop(cells);
            let is_exceeded = self.budget.is_exceeded_now();
            cells = self.cells();
            match cells.count {
                0 => self.budget.forget(),
                _ if is_exceeded => self.cancel.cancel(),
                _ => {}
            }
        }
    }

    fn cells(&self) -> MutexGuard<'_, Cells> {
        locked(&self.cells)
    }
}
