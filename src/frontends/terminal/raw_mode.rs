//! Keys one by one, without echo; and the terminal as it was, whatever ends the process.

use std::time::Duration;

#[cfg(unix)]
use rustix::termios::Termios;

/// What the terminal had to give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    Bytes(Vec<u8>),
    /// Nothing was typed in time.
    Nothing,
    /// Nothing will be typed any more: the terminal is gone.
    Ended,
}

/// Hands every key on at once, until it is dropped. Ctrl-C stays a signal, so that it stops the cell as always.
pub(super) struct RawMode {
    #[cfg(unix)]
    before: Termios,
}

impl RawMode {
    /// Begins it; `None` where standard input is no terminal.
    #[cfg(unix)]
    pub fn new() -> Option<Self> {
        use rustix::termios::{
            LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr,
        };

        let before = tcgetattr(std::io::stdin()).ok()?;
        let mut raw = before.clone();
        raw.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::IEXTEN);
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        // Ctrl-Z would leave a terminal behind whose screen belongs to a process that does not run.
        raw.special_codes[SpecialCodeIndex::VSUSP] = 0;
        tcsetattr(std::io::stdin(), OptionalActions::Now, &raw).ok()?;
        Some(Self { before })
    }

    #[cfg(not(unix))]
    pub fn new() -> Option<Self> {
        None
    }

    /// What is typed within this time.
    #[cfg(unix)]
    pub fn read(&self, wait: Duration) -> Input {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        use rustix::io::Errno;

        let terminal = std::io::stdin();
        let wait = Timespec {
            tv_sec: wait.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: wait.subsec_nanos().into(),
        };
        let mut ready = [PollFd::new(&terminal, PollFlags::IN)];
        match poll(&mut ready, Some(&wait)) {
            Ok(0) | Err(Errno::INTR) => return Input::Nothing,
            Ok(_) => {}
            Err(_) => return Input::Ended,
        }
        // Unbuffered, so that nothing behind the last key is swallowed.
        let mut bytes = [0; 64];
        match rustix::io::read(&terminal, &mut bytes) {
            Ok(0) => Input::Ended,
            Ok(length) => Input::Bytes(bytes[..length].to_vec()),
            Err(Errno::INTR | Errno::AGAIN) => Input::Nothing,
            Err(_) => Input::Ended,
        }
    }

    #[cfg(not(unix))]
    pub fn read(&self, _wait: Duration) -> Input {
        Input::Ended
    }
}

#[cfg(unix)]
impl Drop for RawMode {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        tcsetattr(std::io::stdin(), OptionalActions::Now, &self.before).ok();
    }
}

/// The modes of the terminal at one moment.
#[derive(Clone)]
pub(super) struct TerminalModes {
    #[cfg(unix)]
    modes: Option<Termios>,
}

impl TerminalModes {
    /// The modes as they are now.
    pub fn current() -> Self {
        Self {
            #[cfg(unix)]
            modes: rustix::termios::tcgetattr(std::io::stdin()).ok(),
        }
    }

    /// Brings them back: for a process that ends while others still hold the terminal in another mode. A process
    /// in the background leaves the terminal to those in the foreground, and would be stopped if it did not.
    #[cfg(unix)]
    pub fn restore(&self) {
        use rustix::process::getpgrp;
        use rustix::termios::{OptionalActions, tcgetpgrp, tcsetattr};

        let is_in_front = tcgetpgrp(std::io::stdin()).is_ok_and(|front| front == getpgrp());
        if let Some(modes) = self.modes.as_ref().filter(|_| is_in_front) {
            tcsetattr(std::io::stdin(), OptionalActions::Now, modes).ok();
        }
    }

    #[cfg(not(unix))]
    pub fn restore(&self) {}
}
