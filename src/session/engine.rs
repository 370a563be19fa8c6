//! The thread behind a session: the module with the user's values lives here and nowhere else.

use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};

use starlark::PrintHandler;
use starlark::environment::{Globals, Module};
use starlark::eval::{Evaluator, FileLoader};
use starlark::syntax::AstModule;
use starlark::values::Value;

use super::diagnose::{diagnose, documented_parameters};
use super::handle::{Activity, Cell, Settings};
use super::loader::Loader;
use super::snapshot::{self, Name};
use super::state::State;
use super::{CellError, Display, Manual, Output, Sink, language, panics, show, verbs};

/// What a cell ended with.
pub(super) type Outcome = Result<Option<Display>, CellError>;

/// A cell to run and where its outcome goes.
pub(super) struct Request {
    pub cell: Cell,
    pub reply: Sender<Outcome>,
}

/// Everything the thread is given.
pub(super) struct Engine {
    pub settings: Settings,
    pub sink: Arc<dyn Sink>,
    pub activity: Arc<Activity>,
    pub names: Arc<Mutex<Vec<Name>>>,
}

/// What every evaluator of a session gets, in cells and in loaded files alike.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    state: &'a State,
    globals: &'a Globals,
    activity: &'a Activity,
}

impl Engine {
    /// Serves requests until the session is dropped.
    pub fn serve(self, requests: Receiver<Request>) {
        let globals = verbs::globals();
        let state = State::new(&self.settings, self.sink.clone(), self.activity.cancel.clone());
        let surroundings =
            Surroundings { state: &state, globals: &globals, activity: &self.activity };
        // The module is never frozen: its names stay changeable from cell to cell.
        Module::with_temp_heap(|module| {
            for Request { cell, reply } in requests {
                let outcome = panics::catch(|| surroundings.run(&module, &cell))
                    .unwrap_or_else(|message| Err(bug(&message)));
                *self.names.lock().unwrap_or_else(PoisonError::into_inner) =
                    snapshot::names(&module);
                self.activity.end();
                // Nobody may be waiting any more; the outcome is then of no use.
                reply.send(outcome).ok();
            }
        });
    }
}

impl Surroundings<'_> {
    fn run(&self, module: &Module, cell: &Cell) -> Outcome {
        let loader = Loader::new(*self, &cell.folder);
        language::parse(&cell.name, &cell.source)
            .and_then(|ast| self.evaluate(module, ast, &loader))
            .and_then(|value| show::display(value).map_err(show::failed))
            .map_err(|error| {
                if self.activity.cancel.is_cancelled() {
                    return CellError::interrupted();
                }
                diagnose(error, &|function| parameters(module, function))
            })
    }

    /// Runs parsed code in `module`; the value is the last statement's.
    pub fn evaluate<'v>(
        &self,
        module: &Module<'v>,
        ast: AstModule,
        loader: &dyn FileLoader,
    ) -> starlark::Result<Value<'v>> {
        let printer = Printer(&**self.state.sink());
        let mut eval = Evaluator::new(module);
        eval.extra = Some(self.state);
        eval.set_loader(loader);
        eval.set_print_handler(&printer);
        eval.set_check_cancelled(Box::new(|| self.activity.cancel.is_cancelled()));
        eval.set_max_callstack_size(language::MAX_CALL_DEPTH)?;
        eval.eval_module(ast, self.globals)
    }
}

/// Sends what `print` writes to the sink.
struct Printer<'a>(&'a dyn Sink);

impl PrintHandler for Printer<'_> {
    fn println(&self, text: &str) -> starlark::Result<()> {
        self.0.emit(Output::Text(format!("{text}\n")));
        Ok(())
    }
}

fn bug(message: &str) -> CellError {
    CellError {
        hint: Some("your variables are kept".to_owned()),
        ..CellError::new(format!("u2ad itself failed, which is a bug worth reporting: {message}"))
    }
}

/// The parameters of a function of the user or, failing that, of a verb or method.
fn parameters(module: &Module, function: &str) -> Vec<String> {
    match module.get(function) {
        Some(value) => documented_parameters(&value.documentation()),
        None => Manual::get().parameters(function),
    }
}
