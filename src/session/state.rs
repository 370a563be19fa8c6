//! What the verbs of one session share.

use std::cell::{Cell, OnceCell, RefCell, RefMut};
use std::path::PathBuf;
use std::sync::Arc;

use candle_core::Device;
use starlark::any::ProvidesStaticType;
use starlark::environment::Module;
use starlark::eval::Evaluator;

use super::engine::activity::Activity;
use super::engine::jobs::{Jobs, Recording};
use super::engine::memory_budget::MemoryBudget;
use super::manual::Manual;
use super::output::SinkReporter;
use super::settings::{SeedChanges, Settings};
use super::{ScriptParameters, Sink};
use crate::context::{Context, Reporter, Streams};
use crate::files::LazyFolder;
use crate::training::{Model, SnapshotBound, Snapshots};
use crate::{Error, Result};

/// Writes down what the names of a module stand for.
pub(super) type JournalWriter = Box<dyn Fn(&Module, &Context)>;

/// Lives on the engine's thread as long as the session; verbs reach it with [`State::of`].
#[derive(ProvidesStaticType)]
pub(super) struct State {
    context: RefCell<Context>,
    sink: Arc<dyn Sink>,
    /// What verbs that make large values ask first.
    pub budget: Arc<MemoryBudget>,
    seed_changes: SeedChanges,
    /// What the command line set for the script.
    pub parameters: ScriptParameters,
    /// Where the run's files go.
    pub folder: PathBuf,
    /// Where the snapshots of models go.
    keep: LazyFolder,
    snapshot_bound: Option<SnapshotBound>,
    /// Models made so far.
    models: Cell<usize>,
    /// The documentation for `help`.
    pub manual: &'static Manual,
    /// The engine owns the journal; verbs only ask for it to be written.
    journal_writer: OnceCell<JournalWriter>,
    /// The work in the background.
    pub jobs: Arc<Jobs>,
    /// The steps of the job that `start` is about to begin.
    recording: RefCell<Option<Recording>>,
    /// The Rust side of the session, which only `session::rust` knows.
    #[cfg(feature = "rust-cells")]
    rust: RefCell<Option<Box<dyn std::any::Any>>>,
}

impl State {
    pub fn new(
        settings: &Settings,
        sink: Arc<dyn Sink>,
        activity: &Activity,
        manual: &'static Manual,
        jobs: Arc<Jobs>,
    ) -> Self {
        let mut context = Context::new(settings.seed)
            .with_device(settings.device.clone())
            .with_reporter(Arc::new(SinkReporter(sink.clone())));
        context.checkpoints = settings.checkpoints.clone();
        context.cancel = activity.cancel.clone();
        context.ranks = settings.ranks.clone();
        let Settings { seed_changes, parameters, folder, keep, snapshot_bytes, .. } =
            settings.clone();
        let snapshot_bound = snapshot_bytes.map(SnapshotBound::new);
        let (context, models) = (RefCell::new(context), Cell::new(0));
        Self {
            context,
            sink,
            budget: activity.budget.clone(),
            seed_changes,
            parameters,
            folder,
            keep,
            snapshot_bound,
            models,
            manual,
            journal_writer: OnceCell::new(),
            jobs,
            recording: RefCell::default(),
            #[cfg(feature = "rust-cells")]
            rust: RefCell::default(),
        }
    }

    /// The state behind a running evaluator.
    pub fn of<'a>(eval: &Evaluator<'_, 'a, '_>) -> &'a Self {
        eval.extra
            .and_then(|extra| extra.downcast_ref())
            .expect("the engine gives every evaluator its state")
    }

    /// The context of a long task, as it is now.
    pub fn context(&self) -> Context {
        self.context.borrow().clone()
    }

    /// [`crate::Error::Cancelled`] if the running cell should stop.
    pub fn check(&self) -> Result<()> {
        self.context.borrow().check()
    }

    /// The reporter of tasks.
    pub fn sink(&self) -> &Arc<dyn Sink> {
        &self.sink
    }

    /// What tells the user how a task goes on.
    pub fn reporter(&self) -> Arc<dyn Reporter> {
        Arc::new(SinkReporter(self.sink.clone()))
    }

    /// The steps of the job that `start` is about to begin; `None` outside of `start`.
    pub fn recording(&self) -> RefMut<'_, Option<Recording>> {
        self.recording.borrow_mut()
    }

    /// Whether a verb that works at once, with files or with the user, may do so now: not behind a step of a
    /// job, which has yet to run.
    ///
    /// # Errors
    /// If it may not.
    pub fn check_at_once(&self, verb: &str) -> Result<()> {
        self.recording().as_ref().map_or(Ok(()), |recording| recording.check_at_once(verb))
    }

    /// Whether a verb that changes the whole session may do so now: not inside the function of a job.
    ///
    /// # Errors
    /// If it may not.
    pub fn check_outside_job(&self, verb: &str) -> Result<()> {
        match self.recording().is_some() {
            true => Err(Error::input(format!(
                "start: `{verb}` is for the whole session, not for one job; use it before start"
            ))),
            false => Ok(()),
        }
    }

    pub fn set_seed(&self, seed: u64) {
        self.context.borrow_mut().streams = Streams::new(seed);
        self.seed_changes.add(seed);
    }

    /// Takes a model into the session, which keeps its snapshots from now on, and numbers it.
    pub fn adopt(&self, mut model: Model) -> (Model, usize) {
        let number = self.models.get() + 1;
        self.models.set(number);
        let snapshots = self.bounded(Snapshots::new(self.model_folder(number)));
        model.snapshots = Some(match self.context.borrow().checkpoints.are_kept() {
            true => snapshots.numbered(),
            false => snapshots,
        });
        (model, number)
    }

    /// Takes a model back in that an earlier session left.
    ///
    /// # Errors
    /// If its snapshots cannot be read.
    pub fn readopt(&self, number: usize) -> Result<Model> {
        self.reserve(number);
        let mut snapshots = Snapshots::open(self.model_folder(number))?;
        let (mut model, note): (Model, _) = snapshots.current(&self.context().device)?;
        if let Some(note) = note {
            self.context().warn(note);
        }
        model.snapshots = Some(self.bounded(snapshots));
        Ok(model)
    }

    /// Leaves the numbers up to this one to models of an earlier session, so that no new model writes into
    /// their folders.
    pub fn reserve(&self, number: usize) {
        self.models.set(self.models.get().max(number));
    }

    fn bounded(&self, snapshots: Snapshots) -> Snapshots {
        match &self.snapshot_bound {
            Some(bound) => snapshots.within(bound),
            None => snapshots,
        }
    }

    fn model_folder(&self, number: usize) -> LazyFolder {
        self.keep.inside(format!("models/model-{number}"))
    }

    /// Sets what writes the journal. Only the first call counts.
    pub fn set_journal_writer(&self, writer: JournalWriter) {
        self.journal_writer.set(writer).ok();
    }

    /// Writes down what the user's names stand for, as after every cell and before long work.
    pub fn write_journal(&self, module: &Module) {
        if let Some(write) = self.journal_writer.get() {
            write(module, &self.context());
        }
    }

    /// What runs cells in Rust, once there was one.
    #[cfg(feature = "rust-cells")]
    pub fn rust(&self) -> &RefCell<Option<Box<dyn std::any::Any>>> {
        &self.rust
    }

    pub fn set_device(&self, device: Device) {
        self.context.borrow_mut().device = device;
    }
}
