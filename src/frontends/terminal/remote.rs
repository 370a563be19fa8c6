//! The shell on a running kernel: the same prompt, but the session is the kernel's.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::assistant::CompletionSource;
use super::echo_off::EchoOff;
use super::editor::{Editor, Line};
use crate::context::CancelToken;
use crate::frontends::ask::ask;
use crate::frontends::documentation::print_whole;
use crate::frontends::images::Images;
use crate::frontends::jupyter::client::{Client, KernelEvent, latest_connection_file};
use crate::frontends::{ImageChoice, commands};
use crate::session::Completions;
use crate::{Error, Result};

/// Opens the shell on the kernel of a connection file, or with an empty path on the one that
/// started last. Ctrl-C interrupts its cell, Ctrl-D leaves it running.
///
/// # Errors
/// If there is no such kernel, it does not answer any more, or the terminal cannot be read.
pub fn run_existing(connection_file: &Path, images: ImageChoice) -> Result<ExitCode> {
    let file = match connection_file.as_os_str().is_empty() {
        true => latest_connection_file()?,
        false => connection_file.to_path_buf(),
    };
    let client = Arc::new(Client::connect(&file)?);
    let cancel = CancelToken::default();
    let runs = Arc::new(AtomicBool::new(false));
    let (interrupted, asked, running) = (client.clone(), cancel.clone(), runs.clone());
    ctrlc::set_handler(move || {
        if running.load(Ordering::SeqCst) {
            asked.cancel();
            interrupted.interrupt();
        }
    })
    .map_err(|error| Error::input(format!("Ctrl-C cannot be watched: {error}")))?;

    let (banner, file) = (&client.banner, file.display());
    let line = format!("{banner} · connected to the kernel of {file}; Ctrl-D leaves it running\n");
    print_whole(line.as_bytes())?;
    let mut editor = Editor::new(client.clone())?;
    let mut screen = Screen { images: Images::new(images), progress: false, cancel };
    loop {
        match editor.read()? {
            Line::Text(text) if text.trim().is_empty() => {}
            Line::Text(text) if commands::command_line(&text) == Some("quit") => break,
            Line::Text(text) => {
                let echo_off = EchoOff::new();
                screen.cancel.reset();
                runs.store(true, Ordering::SeqCst);
                let outcome = client.run(&text, &mut |event| screen.take(event));
                runs.store(false, Ordering::SeqCst);
                screen.clear_progress();
                drop(echo_off);
                outcome?;
            }
            Line::Cleared => {}
            Line::End => break,
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl CompletionSource for Client {
    fn complete(&self, source: &str, cursor: usize) -> Completions {
        Client::complete(self, source, cursor)
    }
}

/// What the terminal shows of a remote cell.
struct Screen {
    images: Images,
    /// Whether the last line is progress, to be written over.
    progress: bool,
    cancel: CancelToken,
}

impl Screen {
    /// Shows what a cell does; gives the line that it asks for.
    fn take(&mut self, event: KernelEvent) -> Option<String> {
        self.clear_progress();
        match event {
            KernelEvent::Text(text) => write(&mut stdout().lock(), &text),
            KernelEvent::ErrorText(text) => write(&mut stderr().lock(), &text),
            KernelEvent::Shown { png: Some(png), text } => {
                self.images.draw_png(&png);
                write(&mut stdout().lock(), &format!("{text}\n"));
            }
            KernelEvent::Shown { png: None, text } | KernelEvent::Page(text) => {
                write(&mut stdout().lock(), &format!("{text}\n"));
            }
            KernelEvent::Failed(report) => write(&mut stderr().lock(), &format!("{report}\n")),
            KernelEvent::Progress(text) if stderr().is_terminal() => {
                let line = text.lines().last().unwrap_or_default();
                write(&mut stderr().lock(), line);
                self.progress = true;
            }
            KernelEvent::Progress(_) => {}
            KernelEvent::Asked { prompt, hidden } => {
                return ask(&prompt, hidden, &self.cancel).ok();
            }
        }
        None
    }

    fn clear_progress(&mut self) {
        if std::mem::take(&mut self.progress) {
            write(&mut stderr().lock(), "\r\x1b[K");
        }
    }
}

/// Writes at once. A closed output is ignored.
fn write(out: &mut impl Write, text: &str) {
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
}
