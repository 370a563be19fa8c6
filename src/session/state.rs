//! What the verbs of one session share.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;

use candle_core::Device;
use starlark::any::ProvidesStaticType;
use starlark::eval::Evaluator;

use super::handle::Settings;
use super::output::SinkReporter;
use super::{Parameters, Sink};
use crate::context::{CancelToken, Context, Streams};

/// Lives on the engine's thread as long as the session; verbs reach it with [`State::of`].
#[derive(ProvidesStaticType)]
pub(super) struct State {
    context: RefCell<Context>,
    sink: Arc<dyn Sink>,
    /// What the command line set for the script.
    pub parameters: Parameters,
    /// Where the run's files go.
    pub folder: PathBuf,
}

impl State {
    pub fn new(settings: &Settings, sink: Arc<dyn Sink>, cancel: CancelToken) -> Self {
        let mut context = Context::new(settings.seed)
            .with_device(settings.device.clone())
            .with_reporter(Arc::new(SinkReporter(sink.clone())));
        context.cancel = cancel;
        let Settings { parameters, folder, .. } = settings.clone();
        Self { context: RefCell::new(context), sink, parameters, folder }
    }

    /// The state behind a running evaluator.
    pub fn of<'a>(eval: &Evaluator<'_, 'a, '_>) -> &'a Self {
        eval.extra
            .and_then(|extra| extra.downcast_ref())
            .expect("the engine gives every evaluator its state")
    }

    /// The surroundings of a long task, as they are now.
    pub fn context(&self) -> Context {
        self.context.borrow().clone()
    }

    /// Who watches.
    pub fn sink(&self) -> &Arc<dyn Sink> {
        &self.sink
    }

    pub fn set_seed(&self, seed: u64) {
        self.context.borrow_mut().streams = Streams::new(seed);
    }

    pub fn set_device(&self, device: Device) {
        self.context.borrow_mut().device = device;
    }
}
