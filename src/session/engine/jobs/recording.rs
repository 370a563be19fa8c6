//! The steps that a function asks for while `start` calls it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use allocative::Allocative;
use starlark::StarlarkPagablePanic;
use starlark::typing::Ty;
use starlark::values::type_repr::StarlarkTypeRepr;
use starlark::values::{
    AllocValue, Heap, NoSerialize, ProvidesStaticType, StarlarkValue, Value, starlark_value,
};

use super::loan::Loan;
use crate::session::values::{ModelValue, handle};
use crate::study::Study;
use crate::training::Model;
use crate::{Error, Result};

/// The result of a step, which becomes a value of the language when it is asked for.
pub(in crate::session) trait StepResult: Send + Sync {
    fn value<'v>(&self, heap: Heap<'v>) -> Value<'v>;
}

impl<T> StepResult for T
where
    T: for<'v> AllocValue<'v> + Clone + Send + Sync,
{
    fn value<'v>(&self, heap: Heap<'v>) -> Value<'v> {
        heap.alloc(self.clone())
    }
}

/// The work of a step, on the models of its job.
type Work = Box<dyn FnOnce(&mut Loan, &Study) -> Result<Arc<dyn StepResult>> + Send>;

/// One long verb with its arguments.
pub(super) struct Step {
    pub verb: &'static str,
    pub run: Work,
}

/// The steps so far.
#[derive(Default)]
pub(in crate::session) struct Recording {
    pub(super) steps: Vec<Step>,
    models: Vec<Used>,
    /// Whether the function asked for the truth of what a step will return.
    is_asked: Arc<AtomicBool>,
}

/// A model that a step takes.
struct Used {
    model: ModelValue,
    verb: &'static str,
    /// How often it had been looked at when its first step was recorded.
    looks: usize,
}

impl Recording {
    /// Adds work without a model.
    pub fn add<T: StepResult + 'static>(
        &mut self,
        verb: &'static str,
        work: impl FnOnce(&Study) -> Result<T> + Send + 'static,
    ) -> Placeholder {
        self.push(verb, Box::new(move |_, study| Ok(Arc::new(work(study)?))))
    }

    /// Adds work on a model.
    ///
    /// # Errors
    /// If another job has the model.
    pub fn add_with<T: StepResult + 'static>(
        &mut self,
        verb: &'static str,
        model: &ModelValue,
        work: impl FnOnce(&mut Model, &Study) -> Result<T> + Send + 'static,
    ) -> Result<Placeholder> {
        model.check_free()?;
        let number = model.number;
        if self.models.iter().all(|used| used.model.number != number) {
            let (model, looks) = (model.clone(), model.looks());
            self.models.push(Used { model, verb, looks });
        }
        Ok(self.push(
            verb,
            Box::new(move |loan, study| {
                let model = loan.model(number)?;
                let context = study.context.clone().with_device(model.parameters.device());
                Ok(Arc::new(work(model, &context.into())?))
            }),
        ))
    }

    /// Whether a verb that works at once, with files or with the user, comes before the first step.
    ///
    /// # Errors
    /// If it comes behind one: it would find things as they are before that step.
    pub fn check_at_once(&self, verb: &str) -> Result<()> {
        let Some(last) = self.steps.last() else { return Ok(()) };
        Err(Error::input(format!(
            "start: `{verb}` works at once, before `{}`, which only runs once the function is over; use \
             `{verb}` before start or after wait(job)",
            last.verb
        )))
    }

    fn push(&mut self, verb: &'static str, run: Work) -> Placeholder {
        self.steps.push(Step { verb, run });
        Placeholder { step: self.steps.len(), is_asked: self.is_asked.clone() }
    }

    /// The models of all steps.
    pub(super) fn models(&self) -> impl Iterator<Item = &ModelValue> {
        self.models.iter().map(|used| &used.model)
    }

    /// The verbs in their order.
    pub(super) fn work(&self) -> String {
        self.steps.iter().map(|step| step.verb).collect::<Vec<_>>().join(", ")
    }

    /// Whether these steps are all that the function does, which returned `value`.
    ///
    /// # Errors
    /// If there is no step, the function returns something else than its last one, or it looked at a model
    /// that had yet to be trained or at what a step will return.
    pub fn check(&self, value: Value) -> Result<()> {
        let Some(last) = self.steps.last() else {
            return Err(Error::input(
                "start: the function calls no verb that can run in the background, such as `adapt` or `detect`; \
                 start? lists them",
            ));
        };
        if self.is_asked.load(Ordering::Relaxed) {
            return Err(Error::input(
                "start: the function asks whether a value is true that a job has yet to give; do that after wait(job)",
            ));
        }
        if let Some(used) = self.models.iter().find(|used| used.model.looks() != used.looks) {
            return Err(Error::input(format!(
                "start: the function looks at a model after `{}`, which only runs once the function is over; \
                 do that after wait(job)",
                used.verb
            )));
        }
        let returned = Placeholder::from_value(value);
        if value.is_none() || returned.is_some_and(|returned| returned.step == self.steps.len()) {
            return Ok(());
        }
        Err(Error::input(format!(
            "start: the function must return what its last step, `{}`, returns, or nothing",
            last.verb
        )))
    }
}

/// Stands for what a step will return.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct Placeholder {
    /// The number of the step, counted from 1.
    step: usize,
    #[allocative(skip)]
    is_asked: Arc<AtomicBool>,
}

handle!(Placeholder);

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<what a job has yet to do>")
    }
}

#[starlark_value(type = "Later")]
impl<'v> StarlarkValue<'v> for Placeholder {
    /// The language takes no error here, so `start` tells it.
    fn to_bool(&self) -> bool {
        self.is_asked.store(true, Ordering::Relaxed);
        true
    }

    fn equals(&self, _: Value<'v>) -> starlark::Result<bool> {
        Err(starlark::Error::new_native(Error::input(
            "a value that a job has yet to give cannot be compared; do that after wait(job)",
        )))
    }
}

/// What a long verb returns: its result, or inside `start` what stands for it. Documented as the result.
pub(in crate::session) enum Later<T> {
    Now(T),
    Later(Placeholder),
}

impl<T: StarlarkTypeRepr> StarlarkTypeRepr for Later<T> {
    type Canonical = T::Canonical;

    fn starlark_type_repr() -> Ty {
        T::starlark_type_repr()
    }
}

impl<'v, T: AllocValue<'v>> AllocValue<'v> for Later<T> {
    fn alloc_value(self, heap: Heap<'v>) -> Value<'v> {
        match self {
            Self::Now(value) => heap.alloc(value),
            Self::Later(placeholder) => heap.alloc(placeholder),
        }
    }
}
