//! No echo while a cell runs: what is typed ahead, or Ctrl-C, must not tear the progress bars. It
//! waits in the terminal until the next prompt reads it.

#[cfg(unix)]
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Keeps the terminal quiet until it is dropped.
pub(super) struct Quiet {
    #[cfg(unix)]
    before: Option<Termios>,
}

impl Quiet {
    /// Turns the echo off; where that fails the terminal stays as it is.
    pub fn new() -> Self {
        Self {
            #[cfg(unix)]
            before: silence(),
        }
    }
}

#[cfg(unix)]
fn silence() -> Option<Termios> {
    let before = tcgetattr(std::io::stdin()).ok()?;
    let mut quiet = before.clone();
    quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ECHOCTL);
    tcsetattr(std::io::stdin(), OptionalActions::Now, &quiet).ok()?;
    Some(before)
}

#[cfg(unix)]
impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            tcsetattr(std::io::stdin(), OptionalActions::Now, before).ok();
        }
    }
}
