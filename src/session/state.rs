//! What the verbs of one session share.

use std::cell::{Cell, RefCell, RefMut};
use std::path::PathBuf;
use std::sync::Arc;

use candle_core::Device;
use starlark::any::ProvidesStaticType;
use starlark::environment::Module;
use starlark::eval::Evaluator;

use super::journal::Journal;
use super::output::SinkReporter;
use super::settings::Settings;
use super::status::SessionStatus;
use super::values::ModelValue;
use super::{ScriptParameters, Sink, panics};
use crate::context::{CancelToken, Context, Streams};
use crate::files::LazyFolder;
use crate::training::{Model, Snapshots};
use crate::{Error, Result};

/// Lives on the engine's thread as long as the session; verbs reach it with [`State::of`].
#[derive(ProvidesStaticType)]
pub(super) struct State {
    context: RefCell<Context>,
    sink: Arc<dyn Sink>,
    /// What the command line set for the script.
    pub parameters: ScriptParameters,
    /// Where the run's files go.
    pub folder: PathBuf,
    /// Where the snapshots of models go.
    keep: LazyFolder,
    /// Models made so far.
    models: Cell<usize>,
    journal: RefCell<Option<Journal>>,
    /// The Rust side of the session, which only `session::rust` knows.
    #[cfg(feature = "rust-cells")]
    rust: RefCell<Option<Box<dyn std::any::Any>>>,
    status: Arc<SessionStatus>,
}

impl State {
    pub fn new(
        settings: &Settings,
        sink: Arc<dyn Sink>,
        cancel: CancelToken,
        status: Arc<SessionStatus>,
    ) -> Self {
        let mut context = Context::new(settings.seed)
            .with_device(settings.device.clone())
            .with_reporter(Arc::new(SinkReporter(sink.clone())));
        context.cancel = cancel;
        let Settings { parameters, folder, keep, journal, .. } = settings.clone();
        let journal = RefCell::new(journal.then(|| Journal::new(keep.clone())));
        let (context, models) = (RefCell::new(context), Cell::new(0));
        Self {
            context,
            sink,
            parameters,
            folder,
            keep,
            models,
            journal,
            #[cfg(feature = "rust-cells")]
            rust: RefCell::default(),
            status,
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

    /// The reporter of tasks.
    pub fn sink(&self) -> &Arc<dyn Sink> {
        &self.sink
    }

    pub fn set_seed(&self, seed: u64) {
        self.context.borrow_mut().streams = Streams::new(seed);
    }

    /// Takes a model into the session, which keeps its snapshots from now on.
    pub fn adopt(&self, mut model: Model, make: fn(Model, usize) -> ModelValue) -> ModelValue {
        let number = self.models.get() + 1;
        self.models.set(number);
        model.snapshots = Some(Snapshots::new(self.model_folder(number)));
        make(model, number)
    }

    /// Takes a model back in that an earlier session left.
    ///
    /// # Errors
    /// If its snapshots cannot be read.
    pub fn readopt(&self, number: usize) -> Result<ModelValue> {
        let snapshots = Snapshots::open(self.model_folder(number))?;
        let mut model: Model = snapshots.current(&self.context().device)?;
        model.snapshots = Some(snapshots);
        self.models.set(self.models.get().max(number));
        Ok(ModelValue::new(model, number))
    }

    fn model_folder(&self, number: usize) -> LazyFolder {
        self.keep.inside(format!("models/model-{number}"))
    }

    /// Writes the journal of the user's names, if this session is to be resumed after a
    /// crash. If the disk cannot be written, the user is warned and the work continues.
    pub fn write_journal(&self, module: &Module) {
        let Ok(mut journal) = self.journal.try_borrow_mut() else { return };
        let Some(journal) = &mut *journal else { return };
        let transcript = self.status.lock().so_far();
        let written = panics::catch(|| journal.write(module, transcript, &self.context()));
        let written = written.unwrap_or_else(|message| Err(Error::input(message)));
        if let Err(error) = written {
            self.context().warn(format!("this session could not be resumed: {error}"));
        }
    }

    /// The session's journal, if it keeps one.
    pub fn journal(&self) -> RefMut<'_, Option<Journal>> {
        self.journal.borrow_mut()
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
