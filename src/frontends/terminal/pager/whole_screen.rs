//! The terminal's other screen: what is drawn there leaves no trace among the lines of the session.

use std::io::{Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the other screen is shown. There is one terminal, and a signal may have to leave it from a thread that
/// knows nothing of who entered it.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// To the other screen; without a cursor.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[2J\x1b[H";
const LEAVE: &[u8] = b"\x1b[0m\x1b[?25h\x1b[?1049l";

/// Shows the other screen until it is dropped.
pub(super) struct WholeScreen(());

impl WholeScreen {
    pub fn enter() -> Self {
        ENTERED.store(true, Ordering::SeqCst);
        write(ENTER);
        Self(())
    }
}

impl Drop for WholeScreen {
    fn drop(&mut self) {
        leave();
    }
}

/// Goes back to the lines of the session, if they are not shown.
pub(in crate::frontends::terminal) fn leave() {
    if ENTERED.swap(false, Ordering::SeqCst) {
        write(LEAVE);
    }
}

fn write(bytes: &[u8]) {
    let mut out = stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).ok();
}
