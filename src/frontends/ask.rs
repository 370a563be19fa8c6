//! A line of text from standard input, for `ask("…")`.

use std::io::{Write, stdout};

use crate::context::CancelToken;
use crate::{Error, Result};

/// Writes the prompt and reads a line; with `hidden`, a terminal does not show what is typed.
///
/// # Errors
/// [`Error::Input`] at the end of the input; [`Error::Cancelled`] if `cancel` is set meanwhile.
pub(super) fn ask(prompt: &str, hidden: bool, cancel: &CancelToken) -> Result<String> {
    let mut out = stdout().lock();
    out.write_all(prompt.as_bytes()).and_then(|()| out.flush()).ok();
    drop(out);
    let line = read_line(hidden, cancel)?;
    line.ok_or_else(|| Error::input("ask: there is nothing left on standard input"))
}

/// The next line; `None` at the end. Byte by byte and without a buffer, so that nothing behind the
/// line is taken and waiting can be interrupted.
#[cfg(unix)]
fn read_line(hidden: bool, cancel: &CancelToken) -> Result<Option<String>> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;

    /// How soon an interrupt is noticed.
    const WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

    let stdin = std::io::stdin();
    let _echo = Echo::set(!hidden);
    let refused = |error: Errno| Error::input(format!("ask: standard input: {error}"));
    let mut line = Vec::new();
    loop {
        cancel.check()?;
        match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&WAIT)) {
            Ok(0) | Err(Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(refused(error)),
        }
        let mut byte = [0];
        match rustix::io::read(&stdin, &mut byte) {
            Ok(0) if line.is_empty() => return Ok(None),
            Ok(0) => break,
            Ok(_) if byte == *b"\n" => break,
            Ok(_) => line.push(byte[0]),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(refused(error)),
        }
    }
    Ok(Some(String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned()))
}

#[cfg(not(unix))]
fn read_line(_: bool, _: &CancelToken) -> Result<Option<String>> {
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    let read = read.map_err(|error| Error::input(format!("ask: standard input: {error}")))?;
    Ok((read > 0).then(|| line.trim_end_matches(['\n', '\r']).to_owned()))
}

/// A terminal that shows what is typed, or not, until this is dropped.
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
            // The line break that was typed did not show either.
            println!();
        }
    }
}
