//! `u2ad rust-host`: evcxr in a process of its own.

use std::env;
use std::io::{BufRead, stdin};
use std::path::Path;
use std::process::{Child, ExitCode};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};

use evcxr::{CommandContext, CompilationError, EvalCallbacks};

use super::protocol::{Diagnostic, FromHost, Outcome, ToHost, send};
use super::pump::Pump;
use super::source::{COMPLETED, Source};
use crate::error::{locked, spaces_collapsed};

/// The process that loads compiled cells; known once evcxr has started.
type Runtime = Arc<OnceLock<Arc<Mutex<Child>>>>;

/// For the very beginning of `main`: if evcxr started this process to run cells in, does so and
/// does not come back.
pub fn hook() {
    if env::var_os("EVCXR_IS_RUNTIME").is_some() {
        ignore_interrupts();
    }
    evcxr::runtime_hook();
}

/// An interrupt goes to all processes of the host, but is for the compiler alone.
fn ignore_interrupts() {
    // Nothing to be done if the system refuses: an interrupt then costs the Rust side.
    ctrlc::set_handler(|| {}).ok();
}

/// Serves the session at the other end of standard input and output until it goes.
pub fn serve() -> ExitCode {
    ignore_interrupts();
    let (cells, inbox) = channel();
    let (answers, answered) = channel();
    let runtime = Runtime::default();
    std::thread::spawn({
        let runtime = runtime.clone();
        move || listen(&cells, &answers, &runtime)
    });
    match start() {
        Ok((mut context, pump)) => {
            runtime.set(context.process_handle()).ok();
            send(&FromHost::Ready);
            for cell in inbox {
                let outcome = run(&mut context, &pump, &answered, &cell);
                send(&FromHost::Ended { outcome });
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            send(&FromHost::Broken { reason: error.to_string() });
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<(CommandContext, Pump), evcxr::Error> {
    let library = Path::new(env!("CARGO_MANIFEST_DIR"));
    pin(library);
    let (mut context, outputs) = CommandContext::new()?;
    let pump = Pump::start(outputs);
    // From the source that this program was built from, as long as it is there.
    let place = match library.join("Cargo.toml").is_file() {
        true => format!("path = {:?}", library.display().to_string()),
        false => format!("version = \"={}\"", env!("CARGO_PKG_VERSION")),
    };
    context.execute(&format!(":dep u2ad = {{ {place}, default-features = false }}"))?;
    Ok((context, pump))
}

/// Lets the first build take the same versions of all crates as this program.
fn pin(library: &Path) {
    let Some(folder) = env::var_os("EVCXR_TMPDIR") else { return };
    let pinned = Path::new(&folder).join("Cargo.lock");
    if !pinned.exists() {
        // Without it, cargo chooses.
        std::fs::copy(library.join("Cargo.lock"), pinned).ok();
    }
}

/// Takes what the session says.
fn listen(cells: &Sender<String>, answers: &Sender<String>, runtime: &Runtime) {
    let kill = || {
        if let Some(child) = runtime.get() {
            locked(child).kill().ok();
        }
    };
    for line in stdin().lock().lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(ToHost::Run { code }) => drop(cells.send(code)),
            Ok(ToHost::Answer { text }) => drop(answers.send(text)),
            Ok(ToHost::Kill) => {
                kill();
                // Nobody answers what it had asked.
                answers.send(String::new()).ok();
            }
            Err(_) => {}
        }
    }
    kill();
    std::process::exit(0);
}

fn run(
    context: &mut CommandContext,
    pump: &Pump,
    answered: &Receiver<String>,
    cell: &str,
) -> Outcome {
    let source = Source::new(cell);
    // Of a question that was not waited for.
    while answered.try_recv().is_ok() {}
    pump.begin();
    let result = context.execute_with_callbacks(
        &source.code,
        &mut EvalCallbacks {
            input_reader: &|question| {
                pump.settle();
                send(&FromHost::Asked { prompt: question.prompt });
                answered.recv().unwrap_or_default()
            },
        },
    );
    let completed = || context.variables_and_types().any(|(name, _)| name == COMPLETED);
    let stopped = source.tells() && result.is_ok() && !completed();
    let message = pump.end(stopped);
    match result {
        Ok(_) if stopped => Outcome::Stopped { message },
        Ok(outputs) => Outcome::Shown { media: outputs.content_by_mime_type.into_iter().collect() },
        Err(evcxr::Error::CompilationErrors(errors)) => {
            Outcome::CompileErrors { diagnostics: diagnostics(&errors, &source) }
        }
        Err(evcxr::Error::SubprocessTerminated(text)) => {
            let status = text.lines().last().unwrap_or_default();
            let status = status.rsplit_once("with status: ").map_or(status, |(_, status)| status);
            Outcome::Died { status: status.to_owned() }
        }
        Err(error) => Outcome::Refused { message: error.to_string() },
    }
}

fn diagnostics(errors: &[CompilationError], source: &Source) -> Vec<Diagnostic> {
    let is_error = |error: &&CompilationError| error.level() != "warning";
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    for error in errors.iter().filter(is_error) {
        let diagnostic = diagnostic(error, source);
        if !diagnostics.contains(&diagnostic) {
            diagnostics.push(diagnostic);
        }
    }
    diagnostics.sort_by_key(|diagnostic| diagnostic.place.map_or(usize::MAX, |(line, ..)| line));
    diagnostics
}

fn diagnostic(error: &CompilationError, source: &Source) -> Diagnostic {
    let spanned = error.primary_spanned_message();
    let mut message = error.message();
    let label = spanned.map_or("", |spanned| spanned.label.as_str());
    // "mismatched types" alone does not say which types.
    if label.starts_with("expected ") && !message.contains(label) {
        message = format!("{message}: {label}");
    }
    let hint = match error.code() {
        Some("E0384" | "E0596") => {
            Some("an earlier variable becomes mutable by `let mut x = x;`".into())
        }
        _ => error.evcxr_extra_hint().map(str::to_owned),
    };
    let hint = hint.or_else(|| Some(spaces_collapsed(error.help().first()?)));
    let place = spanned.and_then(|spanned| spanned.span).and_then(|span| {
        let line = source.own_line(span.start_line)?;
        let width = match span.end_line == span.start_line {
            true => span.end_column.saturating_sub(span.start_column).max(1),
            // The rest of the line; the caller knows how long that is.
            false => usize::MAX,
        };
        Some((line, span.start_column, width))
    });
    Diagnostic { message: spaces_collapsed(&message), hint, place }
}
