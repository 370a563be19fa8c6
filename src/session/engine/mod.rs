//! The thread behind a session, the only place that holds the module with the user's values.

pub(super) mod activity;
pub(super) mod evaluator_context;
pub(super) mod jobs;
mod limits;
pub(super) mod loader;
pub(super) mod memory_budget;

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use starlark::environment::Module;
use starlark::syntax::AstModule;
use starlark::values::Value;
use starlark_syntax::syntax::ast::Visibility;

use self::activity::Activity;
use self::evaluator_context::EvaluatorContext;
use self::jobs::{Job, Jobs};
use self::loader::Loader;
use super::catalogue::manual;
use super::cell::Cell;
use super::journal::{self, Journal};
use super::settings::Settings;
use super::show::{figures_of, warn_of_letters};
use super::snapshot;
use super::state::{JournalWriter, State};
use super::status::SessionStatus;
use super::{Display, Sink, device_name, rust, show, verbs};
use crate::Error;
use crate::context::panics;
use crate::language::{
    CellError, TypedCell, diagnose, dialect, documented_parameters, rust_cell, set_names,
};
use crate::ops::return_freed_memory;

/// Stack of the threads of the engine and of jobs. Walking a deep network's graph recurses, and so may the
/// user's functions; the pages are only used when touched.
pub(super) const STACK_BYTES: usize = 256 << 20;

/// The outcome of a cell: the value of its last statement, if any, or the error.
pub(super) type Outcome = Result<Option<Display>, CellError>;

/// Something to do and where its outcome goes.
pub(super) struct Request {
    pub task: Task,
    pub reply: Sender<Outcome>,
}

pub(super) enum Task {
    Run(Cell),
    /// Bring back what an earlier session left.
    Resume,
    /// Put the value of this name into a folder, or take it from there.
    Save(String),
    Load(String),
    /// Wait for the jobs, or stop them.
    FinishJobs,
    StopJobs,
    /// Bring the status up to date.
    Look,
}

/// Everything the thread is given.
pub(super) struct Engine {
    pub settings: Settings,
    pub sink: Arc<dyn Sink>,
    pub activity: Arc<Activity>,
    pub status: Arc<SessionStatus>,
    pub jobs: Arc<Jobs>,
}

impl Engine {
    /// Serves requests until the session is dropped.
    pub fn serve(self, requests: Receiver<Request>) {
        let globals = verbs::globals();
        let (sink, jobs) = (self.sink.clone(), self.jobs.clone());
        let state = State::new(&self.settings, sink, &self.activity, manual(), jobs);
        let Settings { journal, keep, .. } = &self.settings;
        let journal = Rc::new(RefCell::new(journal.then(|| Journal::new(keep.clone()))));
        state.set_journal_writer(journal_writer(journal.clone(), self.status.clone()));
        let evaluator =
            EvaluatorContext { state: &state, globals: &globals, activity: &self.activity };
        // The module is never frozen: its names stay changeable from cell to cell.
        Module::with_temp_heap(|module| {
            for Request { task, reply } in requests {
                let outcome = panics::catch(|| match task {
                    Task::Run(cell) => self.run(evaluator, &module, cell),
                    Task::Resume => journal::resume(
                        evaluator,
                        &module,
                        &self.status,
                        journal.borrow_mut().as_mut(),
                    ),
                    Task::Save(name) => journal::save(evaluator, &module, &self.status, &name),
                    Task::Load(name) => journal::load(evaluator, &module, &self.status, &name),
                    Task::FinishJobs => self.finish_jobs(&state),
                    Task::StopJobs => {
                        self.jobs.stop(&state.reporter());
                        Ok(None)
                    }
                    Task::Look => Ok(None),
                });
                let outcome = outcome.unwrap_or_else(|message| Err(panicked(&message)));
                if outcome.is_err() {
                    evaluator.free_memory(&module);
                }
                let mut status = self.status.lock();
                status.names = snapshot::names(&module, state.manual);
                status.device = device_name(&state.context().device).to_owned();
                status.unsaved = snapshot::unsaved(&module);
                drop(status);
                self.activity.end();
                // An error means that nobody waits any more; the outcome is then dropped.
                reply.send(outcome).ok();
                // After the reply, so that the user does not wait for the disk.
                state.write_journal(&module);
            }
            if !self.jobs.all().is_empty() {
                self.jobs.stop(&state.reporter());
                state.write_journal(&module);
            }
            if let Some(journal) = &mut *journal.borrow_mut() {
                journal.close();
            }
        });
    }

    /// Runs a cell and puts it into the transcript.
    fn run(&self, evaluator: EvaluatorContext, module: &Module, cell: Cell) -> Outcome {
        self.status.lock().running = Some(cell.source.clone());
        // The cell may take long, and may need what the job was to give.
        self.tell_ended(evaluator.state, |job| job.failure().is_some());
        let outcome = panics::catch(|| match rust_cell(&cell.source) {
            Some(code) => rust::run_cell(evaluator.state, module, &cell, code),
            None => evaluator.run(module, &cell),
        });
        let outcome = outcome.unwrap_or_else(|message| Err(panicked(&message)));
        let outcome = outcome.map_err(|error| self.with_reason(error));
        if let Ok(Some(display)) = &outcome {
            warn_of_letters(figures_of(display), &evaluator.state.context());
        }
        self.tell_ended(evaluator.state, |_| true);
        let mut status = self.status.lock();
        status.running = None;
        let stopped = outcome.as_ref().err().map(CellError::sentence);
        status.transcript.cells.push(TypedCell { source: cell.source, stopped });
        outcome
    }

    /// Tells the user of those jobs that have ended, once.
    fn tell_ended(&self, state: &State, of: impl Fn(&Job) -> bool) {
        if !self.sink.is_muted() {
            self.jobs.tell_ended(&*state.reporter(), of);
        }
    }

    /// Waits for all jobs. An interrupt stops them.
    fn finish_jobs(&self, state: &State) -> Outcome {
        let Ok(failed) = self.jobs.finish(&state.reporter(), &state.context().cancel) else {
            self.jobs.stop(&state.reporter());
            return Err(self.with_reason(CellError::interrupted()));
        };
        let mut failed = failed.into_iter();
        match failed.next() {
            None => Ok(None),
            Some(first) => {
                let also = failed.map(CellError::new).collect();
                Err(CellError { also, ..CellError::new(first) })
            }
        }
    }

    /// An interrupt that came from the memory budget says so.
    fn with_reason(&self, error: CellError) -> CellError {
        match self.activity.budget.exceeded() {
            Some((message, hint)) if error.interrupted => {
                CellError { message, hint: Some(hint), interrupted: false, ..error }
            }
            _ => error,
        }
    }
}

impl EvaluatorContext<'_> {
    /// Runs a cell; the value of its last statement comes back displayed.
    pub fn run(&self, module: &Module, cell: &Cell) -> Outcome {
        let loader = Loader::new(*self, &cell.folder);
        for name in set_names(&cell.source) {
            if panics::catch(|| module.get(&name)).is_ok_and(|value| value.is_none()) {
                module.set(&name, Value::new_none());
            }
        }
        dialect::parse_in_session(&cell.name, &cell.source, &|name| is_session_name(module, name))
            .and_then(|ast| {
                self.warn_of_hidden_verbs(&ast);
                self.evaluate(module, ast, &loader)
            })
            .and_then(|value| show::display(value).map_err(show::failed))
            .map_err(|error| {
                let is_interrupted = self.activity.cancel.is_cancelled();
                let by_user = self.activity.budget.exceeded().is_none();
                if is_interrupted && by_user {
                    return CellError::interrupted();
                }
                let error = diagnose(error, &|function| parameters(module, function));
                CellError { interrupted: error.interrupted || is_interrupted, ..error }
            })
    }

    /// Tells once per name that a cell gives the name of a verb another value.
    fn warn_of_hidden_verbs(&self, ast: &AstModule) {
        let names = dialect::assigned_names(ast).into_iter();
        for name in names.filter(|name| self.state.manual.verb(name).is_some()) {
            self.state.context().warn_once(format!(
                "this gives `{name}` another value, which hides the verb `{name}`; a new session brings the verb back"
            ));
        }
    }

    /// Frees what no name holds any more and hands it back to the system, after a cell that failed.
    fn free_memory(&self, module: &Module) {
        // The language collects garbage before a statement at the top of a module.
        let statement = dialect::parse("nothing", "None");
        let loader = Loader::new(*self, Path::new(""));
        panics::catch(|| statement.and_then(|ast| self.evaluate(module, ast, &loader))).ok();
        return_freed_memory();
    }
}

/// Whether the user gave this name a value, and did not load it from a file.
pub(in crate::session) fn is_session_name(module: &Module, name: &str) -> bool {
    let is_own = |visibility| visibility == Visibility::Public || name.starts_with('_');
    module
        .names_and_visibilities()
        .any(|(known, visibility)| known.as_str() == name && is_own(visibility))
}

/// Writes down what the user's names stand for, so that this session can be resumed after a crash. A
/// disk that refuses does not stop the work, but a warning says so.
fn journal_writer(
    journal: Rc<RefCell<Option<Journal>>>,
    status: Arc<SessionStatus>,
) -> JournalWriter {
    Box::new(move |module, context| {
        let Ok(mut journal) = journal.try_borrow_mut() else { return };
        let Some(journal) = &mut *journal else { return };
        let transcript = status.lock().so_far();
        let written = panics::catch(|| journal.write(module, transcript, context));
        let written = written.unwrap_or_else(|message| Err(Error::input(message)));
        if let Err(error) = written {
            context.warn(format!("this session could not be resumed: {error}"));
        }
    })
}

/// A panic as an error: what is too large for the language is none of ours, anything else is a bug.
fn panicked(message: &str) -> CellError {
    if let Some(sentence) = limits::sentence(message) {
        return CellError::new(sentence);
    }
    CellError {
        hint: Some("your variables are kept".to_owned()),
        ..CellError::new(format!("u2ad itself failed, which is a bug worth reporting: {message}"))
    }
}

/// The parameters of a function of the user or, failing that, of a verb or method.
fn parameters(module: &Module, function: &str) -> Vec<String> {
    match module.get(function) {
        Some(value) => documented_parameters(&value.documentation()),
        None => manual().parameters(function),
    }
}
