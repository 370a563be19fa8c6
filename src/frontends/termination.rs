//! SIGTERM and SIGHUP: a cluster's time limit, a shutdown, a closed window.

use std::thread;

use crate::{Error, Result};

/// Exit code after SIGTERM, as shells have it: 128 + 15.
pub(super) const TERMINATED: u8 = 143;

/// Calls `act` on a thread of its own, once for each signal that asks the process to end.
///
/// # Errors
/// If the signals cannot be watched.
#[cfg(unix)]
pub(super) fn watch(act: impl Fn() + Send + 'static) -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed =
        |error| Error::input(format!("the signals that end a process cannot be watched: {error}"));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let inside = runtime.enter();
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(failed)?;
    drop(inside);
    let wait = move || loop {
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
        });
        act();
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop).map_err(failed)
}

/// Other systems end the process without asking.
#[cfg(not(unix))]
pub(super) fn watch(_act: impl Fn() + Send + 'static) -> Result<()> {
    Ok(())
}
