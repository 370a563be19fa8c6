//! `u2ad run FILE.star`: runs a script from start to end.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use super::Options;
use super::console::Console;
use super::record::{Record, Recorded, run_name};
use super::runs::overwriting::OtherRuns;
use super::termination::{self, INTERRUPTED, REPEATED, TERMINATED};
use crate::context::Checkpoints;
use crate::context::counted;
use crate::files::{LazyFolder, clear_abandoned, files_changed, remove_process_folders};
use crate::language::{CellError, parameters_of, source_text};
use crate::report::{RunRecord, RunStatus};
use crate::session::{Cell, Interrupter, Session, Settings};
use crate::{Error, Result};

/// The shortest time between two checkpoints of a training, unless the command line says otherwise.
pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(60);

/// The folder of checkpoints and snapshots in that of the run. It is hidden, so that it is no result, and goes
/// when the run ends well.
pub(super) const CHECKPOINTS: &str = ".checkpoints";

/// Runs the script at `path`, or the one on standard input for `-`. What it shows goes to the
/// console and into its folder, which is called `name` or else after the script.
///
/// The exit code is 0 on success, 1 on an error or if a result could not be written, 130 after Ctrl-C and 143 after SIGTERM, SIGHUP or
/// SIGUSR1.
///
/// # Errors
/// If the script cannot be read, its folder cannot be created, or the device cannot be opened.
pub fn run(
    path: &Path,
    name: Option<&str>,
    options: &Options,
    checkpoint_every: Duration,
) -> Result<ExitCode> {
    let script = read(path)?;
    let after_script = run_name(Path::new(&script.name));
    let name = name.unwrap_or(&after_script);
    let recorded = Recorded {
        runs: options.out.as_deref(),
        name,
        copy: &format!("{after_script}.star"),
        script_path: &path.display().to_string(),
        source: &script.source,
    };
    let settings = options.settings()?;
    let record = Record::new(&recorded, &settings);
    run_recorded(script.clone(), record, settings, Some(checkpoint_every))
}

/// Runs a script that was read, in the folder of its record. Its trainings leave checkpoints this often, if at
/// all, from which [`resume`](super::runs::resume) goes on.
///
/// # Errors
/// As [`run`].
pub(super) fn run_recorded(
    script: Cell,
    mut record: Record,
    mut settings: Settings,
    checkpoint_every: Option<Duration>,
) -> Result<ExitCode> {
    settings.folder = record.open()?.path().to_path_buf();
    let folder = settings.folder.clone();
    clear_abandoned(run_folders(&folder));
    let checkpoints = folder.join(CHECKPOINTS);
    match checkpoint_every {
        Some(every) => {
            settings.keep = LazyFolder::at(&folder).inside(CHECKPOINTS);
            settings.checkpoints = Checkpoints::inside(&checkpoints, every);
        }
        None => settings.keep = LazyFolder::temporary(Some(folder.clone())),
    }
    let parameters = settings.parameters.clone();
    let known = parameters_of(&script.source);
    let console = Arc::new(Console::new(Arc::new(Mutex::new(record)), None));
    // Before a long run that would go on without the parameter.
    let unknown: Vec<String> = match &known {
        Some(known) => {
            parameters.given().keys().filter(|name| !known.contains(*name)).cloned().collect()
        }
        None => Vec::new(),
    };
    if let Some(known) = &known {
        for name in &unknown {
            console.warn(&unknown_parameter(name, known));
        }
    }
    let session = Session::start(settings, console.clone())?;
    let terminated = Arc::new(AtomicBool::new(false));
    interrupt_on_ctrl_c(session.interrupter())?;
    interrupt_on_termination(session.interrupter(), terminated.clone())?;
    let outcome = session.run(script).and_then(|value| {
        // What has an identity, a job, still changes: its end is told below.
        let ended = value.iter().filter(|value| value.id.is_none());
        ended.for_each(|value| console.show(value));
        session.finish_jobs()?;
        check_unmixed(&folder)
    });
    session.stop_jobs();
    let (status, code) = match outcome {
        Ok(()) => (RunStatus::Completed, ExitCode::SUCCESS),
        Err(error) => {
            console.fail(&error);
            match error.interrupted {
                true if terminated.load(Ordering::SeqCst) => {
                    (RunStatus::Interrupted, ExitCode::from(TERMINATED))
                }
                true => (RunStatus::Interrupted, ExitCode::from(INTERRUPTED)),
                false => (RunStatus::Failed(error.sentence()), ExitCode::FAILURE),
            }
        }
    };
    if code == ExitCode::SUCCESS {
        for name in parameters.unasked().iter().filter(|name| !unknown.contains(name)) {
            console.warn(&format!("the script never asked for a parameter called \"{name}\""));
        }
    }
    let goes_on = match &status {
        RunStatus::Completed | RunStatus::Running => None,
        RunStatus::Interrupted => Some("go on with"),
        RunStatus::Failed(_) => Checkpoints::last_place(&checkpoints)
            .map(|_| "its trainings are kept; if the cause lies outside of the script, remove it and resume with"),
    };
    console.finish(status);
    tell_replaced(&folder, &console);
    match goes_on.filter(|_| checkpoint_every.is_some()) {
        Some(hint) => console.tell(&format!("{hint}: u2ad run --resume {}", folder.display())),
        // What cannot be removed only takes space.
        None => drop(fs::remove_dir_all(&checkpoints)),
    }
    // Whoever runs the next step on this one's results must know that some are missing.
    Ok(if code == ExitCode::SUCCESS && console.is_incomplete() { ExitCode::FAILURE } else { code })
}

/// Refuses the results of a run that read a file as something else than this run wrote: most likely, another run writes the
/// same file. Whoever answered a question may have been asked to correct a file meanwhile.
fn check_unmixed(folder: &Path) -> std::result::Result<(), CellError> {
    let changed = files_changed();
    let was_asked = || RunRecord::read(folder).is_ok_and(|record| !record.answers.is_empty());
    match changed.iter().find(|path| !is_inside(path, folder)) {
        Some(path) if !was_asked() => Err(CellError::new(format!(
            "{}: something else changed it after this run wrote it and before this run read it, so the results may be \
             another run's; write to output_dir(), a folder of each run's own",
            path.display()
        ))),
        _ => Ok(()),
    }
}

fn is_inside(path: &Path, folder: &Path) -> bool {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    absolute(path).starts_with(absolute(folder))
}

/// What to say of a parameter that is set on the command line but that the script does not ask for.
pub(super) fn unknown_parameter(name: &str, known: &BTreeSet<String>) -> String {
    let asked: Vec<&str> = known.iter().map(String::as_str).collect();
    let asks = match asked.as_slice() {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    format!("the script never asks for a parameter called \"{name}\"; it asks for {asks}")
}

/// Warns about files outside of the run folder that were outputs of another run and have another content now.
fn tell_replaced(folder: &Path, console: &Console) {
    let Ok(record) = RunRecord::read(folder) else { return };
    if record.files_elsewhere.is_empty() {
        return;
    }
    for (run, files) in OtherRuns::beside(folder).replaced(&record) {
        let own = "output_dir() is a folder of each run's own";
        console.warn(&match files.as_slice() {
            [one] => {
                format!("{one} was an output of the run {run} and has another content now; {own}")
            }
            several => format!(
                "{}, the first {}, were outputs of the run {run} and have another content now; {own}",
                counted(several.len(), "file"),
                several[0]
            ),
        });
    }
}

/// The folders beside that of a run, where scripts that were killed left their snapshots.
fn run_folders(of: &Path) -> Vec<PathBuf> {
    let beside = of.parent().and_then(|runs| fs::read_dir(runs).ok());
    beside.into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn read(path: &Path) -> Result<Cell> {
    if path == Path::new("-") {
        let mut source = String::new();
        stdin().read_to_string(&mut source).map_err(|error| {
            Error::input(format!("the script on standard input cannot be read: {error}"))
        })?;
        return Ok(cell(path, source));
    }
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("ipynb")) {
        let script = path.with_extension("star");
        let reason = format!(
            "is a notebook; `u2ad convert {} {}` makes a script of it, which `u2ad run` runs",
            path.display(),
            script.display()
        );
        return Err(Error::file(path, reason));
    }
    if path.is_dir() {
        return Err(Error::file(path, "is a folder; give a script"));
    }
    let bytes = fs::read(path).map_err(|error| Error::file(path, error))?;
    let source = String::from_utf8(bytes)
        .map_err(|_| Error::file(path, "is not UTF-8 text; save it as UTF-8"))?;
    Ok(cell(path, source))
}

/// The script at `path`, which may be `-`.
pub(super) fn cell(path: &Path, source: String) -> Cell {
    let source = source_text(&source).to_owned();
    if path == Path::new("-") {
        return Cell { name: "standard input".into(), source, folder: PathBuf::new() };
    }
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    Cell { name: path.display().to_string(), source, folder }
}

/// The first Ctrl-C stops the script at its next batch; a second one, a second or more later, ends the process.
fn interrupt_on_ctrl_c(interrupter: Interrupter) -> Result<()> {
    let first = OnceLock::new();
    ctrlc::set_handler(move || {
        let asked: Option<&Instant> = first.get();
        // `timeout` signals a process and its group.
        if asked.is_some_and(|first| first.elapsed() < REPEATED) {
            return;
        }
        if asked.is_some() || !interrupter.interrupt() {
            remove_process_folders();
            std::process::exit(INTERRUPTED.into());
        }
        first.get_or_init(Instant::now);
    })
    .map_err(|error| Error::input(format!("Ctrl-C cannot be watched: {error}")))
}

/// The same for the signals of a cluster or of a window that closes, which send a signal that
/// cannot be caught soon after.
fn interrupt_on_termination(interrupter: Interrupter, asked: Arc<AtomicBool>) -> Result<()> {
    let first = OnceLock::new();
    termination::watch(move || {
        if asked.swap(true, Ordering::SeqCst) {
            if first.get().is_some_and(|first: &Instant| first.elapsed() >= REPEATED) {
                remove_process_folders();
                std::process::exit(TERMINATED.into());
            }
            return;
        }
        first.get_or_init(Instant::now);
        // The script is about to begin, or has ended and its record is being written: the process must not
        // end in between.
        while !interrupter.interrupt() {
            thread::sleep(Duration::from_millis(20));
        }
    })
}
