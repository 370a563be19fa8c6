//! Whether a cell is running, and how to stop it.

use std::sync::{Mutex, PoisonError};

use crate::context::CancelToken;

/// Cells that run or wait, and the token that stops the running one.
#[derive(Default)]
pub(in crate::session) struct Activity {
    pub cancel: CancelToken,
    cells: Mutex<usize>,
}

impl Activity {
    pub fn begin(&self) {
        *self.cells.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }

    /// A cell is over, and with it the wish to stop it.
    pub fn end(&self) {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        *cells = cells.saturating_sub(1);
        self.cancel.reset();
    }

    pub fn interrupt(&self) -> bool {
        let cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        if *cells > 0 {
            self.cancel.cancel();
        }
        *cells > 0
    }
}
