//! A run in a process of its own: waiting for its end, and what it told.

use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::Duration;

use crate::frontends::termination::{Stopped, TERMINATED};

/// Interval at which a run is checked.
const LOOK: Duration = Duration::from_millis(50);

/// The warnings among the lines that a run wrote.
pub(super) fn warnings(told: &mut File) -> Vec<String> {
    let text = read_again(told);
    text.lines().filter_map(|line| line.strip_prefix("warning: ")).map(str::to_owned).collect()
}

/// What was written to a file, as far as it can be read.
pub(super) fn read_again(told: &mut File) -> String {
    let mut text = String::new();
    told.rewind().and_then(|()| told.read_to_string(&mut text)).ok();
    text
}

/// Waits for the end of a run. A signal that asks this process to stop is handed on.
pub(super) fn wait(mut child: Child, stopped: &Stopped) -> std::io::Result<ExitStatus> {
    let mut is_told = false;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if let Some(code) = stopped.code().filter(|_| !is_told) {
            is_told = true;
            stop(&mut child, code);
        }
        thread::sleep(LOOK);
    }
}

/// Asks a run to stop at its next batch, as the signal with this exit code asked this process.
#[cfg(unix)]
fn stop(child: &mut Child, code: u8) {
    use rustix::process::{Pid, Signal, kill_process};
    let signal = if code == TERMINATED { Signal::TERM } else { Signal::INT };
    // It may have ended meanwhile.
    kill_process(Pid::from_child(child), signal).ok();
}

#[cfg(not(unix))]
fn stop(child: &mut Child, _: u8) {
    child.kill().ok();
}
