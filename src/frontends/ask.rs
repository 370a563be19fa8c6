//! A line of text from standard input, for `ask("…")`.

use std::io::{ErrorKind, Write, stdin, stdout};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use crate::context::CancelToken;
use crate::{Error, Result};

/// How soon an interrupt is noticed.
const WAIT: Duration = Duration::from_millis(50);

/// Writes the prompt and reads a line; with `hidden`, a terminal does not show the typed text.
///
/// # Errors
/// [`Error::Input`] at the end of the input, or if the prompt cannot be written; [`Error::Cancelled`] if `cancel` is set
/// meanwhile; the line being typed is then lost.
pub(super) fn ask(prompt: &str, hidden: bool, cancel: &CancelToken) -> Result<String> {
    let mut out = stdout().lock();
    let shown = out.write_all(prompt.as_bytes()).and_then(|()| out.flush());
    drop(out);
    // Somebody may answer without having read it.
    if let Err(error) = shown
        && error.kind() != ErrorKind::BrokenPipe
    {
        return Err(Error::input(format!("ask: standard output cannot be written: {error}")));
    }
    #[cfg(unix)]
    let _echo = Echo::set(!hidden);
    #[cfg(not(unix))]
    let _ = hidden;
    // Reading cannot be interrupted, so another thread does it.
    let (sender, line) = channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        sender.send(stdin().read_line(&mut line).map(|length| (length, line))).ok();
    });
    loop {
        cancel.check()?;
        return match line.recv_timeout(WAIT) {
            Err(RecvTimeoutError::Timeout) => continue,
            Ok(Ok((1.., line))) => Ok(line.trim_end_matches(['\n', '\r']).to_owned()),
            Ok(Ok((0, _))) | Err(RecvTimeoutError::Disconnected) => {
                Err(Error::input("ask: standard input has no more lines"))
            }
            Ok(Err(error)) => Err(Error::input(format!("ask: standard input: {error}"))),
        };
    }
}

/// Sets whether the terminal shows the typed text, until this is dropped.
#[cfg(unix)]
struct Echo {
    before: Option<rustix::termios::Termios>,
    shown: bool,
}

#[cfg(unix)]
impl Echo {
    fn set(shown: bool) -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(std::io::stdin()).ok();
        if let Some(mut modes) = before.clone() {
            modes.local_modes.set(LocalModes::ECHO, shown);
            tcsetattr(std::io::stdin(), OptionalActions::Now, &modes).ok();
        }
        Self { before, shown }
    }
}

#[cfg(unix)]
impl Drop for Echo {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        let Some(before) = &self.before else { return };
        tcsetattr(std::io::stdin(), OptionalActions::Now, before).ok();
        if !self.shown {
            // The typed line break was not shown either.
            println!();
        }
    }
}
