//! Signals that ask a command to stop: Ctrl-C; SIGTERM, SIGHUP and SIGUSR1 for a cluster's time limit, a
//! shutdown, a closed window.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use crate::context::CancelToken;
use crate::files::remove_process_folders;
use crate::{Error, Result};

/// Exit code after Ctrl-C, as shells have it: 128 + SIGINT.
pub(super) const INTERRUPTED: u8 = 130;

/// A repeated signal within this time is the same wish: `timeout` and cluster managers signal a process and
/// its group.
pub(super) const REPEATED: Duration = Duration::from_secs(1);

/// Exit code after SIGTERM, as shells have it: 128 + 15.
pub(super) const TERMINATED: u8 = 143;

/// Which signal asked a command to stop, if one did.
#[derive(Clone, Debug, Default)]
pub(super) struct Stopped(Arc<AtomicU8>);

impl Stopped {
    /// The exit code that says so.
    pub fn code(&self) -> Option<u8> {
        Some(self.0.load(Ordering::SeqCst)).filter(|code| *code > 0)
    }

    /// Notes the first signal; whether this is another one.
    fn repeats(&self, code: u8) -> bool {
        self.0.compare_exchange(0, code, Ordering::SeqCst, Ordering::SeqCst).is_err()
    }
}

/// The first signal sets the token, so that the task stops at its next check and what is finished is kept; a
/// second one, a second or more later, ends the process.
///
/// # Errors
/// If the signals cannot be watched.
pub(super) fn cancel_on_signals(cancel: &CancelToken) -> Result<Stopped> {
    let stopped = Stopped::default();
    let (seen, token, first) = (stopped.clone(), cancel.clone(), OnceLock::new());
    let on_ctrl_c = move || {
        let first: &Instant = first.get_or_init(Instant::now);
        if seen.repeats(INTERRUPTED) && first.elapsed() >= REPEATED {
            end(INTERRUPTED);
        }
        token.cancel();
    };
    ctrlc::set_handler(on_ctrl_c)
        .map_err(|error| Error::input(format!("Ctrl-C cannot be watched: {error}")))?;
    let (seen, token, first) = (stopped.clone(), cancel.clone(), OnceLock::new());
    watch(move || {
        let first: &Instant = first.get_or_init(Instant::now);
        if seen.repeats(TERMINATED) && first.elapsed() >= REPEATED {
            end(TERMINATED);
        }
        token.cancel();
    })?;
    Ok(stopped)
}

fn end(code: u8) -> ! {
    remove_process_folders();
    std::process::exit(code.into())
}

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
    let mut warned = signal(SignalKind::user_defined1()).map_err(failed)?;
    drop(inside);
    let wait = move || loop {
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
                _ = warned.recv() => {}
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
