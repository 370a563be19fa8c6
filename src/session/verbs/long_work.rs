//! Work that takes long: done at once or, inside `start`, made a step of a job.

use starlark::eval::Evaluator;

use crate::Result;
use crate::session::engine::jobs::{Later, StepResult};
use crate::session::state::State;
use crate::session::values::ModelValue;
use crate::study::Study;
use crate::training::Model;

/// Work that needs no model.
pub(super) fn work<T: StepResult + 'static>(
    verb: &'static str,
    eval: &Evaluator,
    work: impl FnOnce(&Study) -> Result<T> + Send + 'static,
) -> anyhow::Result<Later<T>> {
    let state = State::of(eval);
    if let Some(recording) = &mut *state.recording() {
        return Ok(Later::Later(recording.add(verb, work)));
    }
    Ok(Later::Now(work(&state.context().into())?))
}

/// Work that changes a model, which no other job may have.
pub(super) fn change<T: StepResult + 'static>(
    verb: &'static str,
    model: &ModelValue,
    eval: &Evaluator,
    work: impl FnOnce(&mut Model, &Study) -> Result<T> + Send + 'static,
) -> anyhow::Result<Later<T>> {
    if let Some(recording) = &mut *State::of(eval).recording() {
        return Ok(Later::Later(recording.add_with(verb, model, work)?));
    }
    // Before the model is locked: the study asks it for its device.
    let study = study_of(model, eval);
    Ok(Later::Now(work(&mut *model.exclusive()?, &study)?))
}

/// Training, which may take so long that the journal is written first.
pub(super) fn train<T: StepResult + 'static>(
    verb: &'static str,
    model: &ModelValue,
    eval: &Evaluator,
    work: impl FnOnce(&mut Model, &Study) -> Result<T> + Send + 'static,
) -> anyhow::Result<Later<T>> {
    State::of(eval).write_journal(eval.module());
    change(verb, model, eval, work)
}

/// Work that uses a model as it is. While a job trains the model, that is its last finished epoch.
pub(super) fn apply<T: StepResult + 'static>(
    verb: &'static str,
    model: &ModelValue,
    eval: &Evaluator,
    work: impl FnOnce(&mut Model, &Study) -> Result<T> + Send + 'static,
) -> anyhow::Result<Later<T>> {
    if model.job().is_none() || State::of(eval).recording().is_some() {
        return change(verb, model, eval, work);
    }
    // A copy, so that the job does not wait for this to show its next epoch.
    let mut copy = model.lock().duplicate()?;
    Ok(Later::Now(work(&mut copy, &study_of(model, eval))?))
}

/// Steps of a study on the device of a model.
fn study_of(model: &ModelValue, eval: &Evaluator) -> Study {
    model.surroundings(State::of(eval).context()).into()
}
