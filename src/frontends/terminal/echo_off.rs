//! No echo while a cell runs: what is typed ahead, or Ctrl-C, must not tear the progress bars. It
//! waits in the terminal until the next prompt reads it.

#[cfg(unix)]
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Keeps the echo off until it is dropped.
pub(super) struct EchoOff {
    #[cfg(unix)]
    before: Option<Termios>,
}

impl EchoOff {
    /// Turns the echo off; where that fails the terminal stays as it is.
    pub fn new() -> Self {
        Self {
            #[cfg(unix)]
            before: turn_off(),
        }
    }
}

#[cfg(unix)]
fn turn_off() -> Option<Termios> {
    let before = tcgetattr(std::io::stdin()).ok()?;
    let mut modes = before.clone();
    modes.local_modes.remove(LocalModes::ECHO | LocalModes::ECHOCTL);
    tcsetattr(std::io::stdin(), OptionalActions::Now, &modes).ok()?;
    Some(before)
}

#[cfg(unix)]
impl Drop for EchoOff {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            tcsetattr(std::io::stdin(), OptionalActions::Now, before).ok();
        }
    }
}
