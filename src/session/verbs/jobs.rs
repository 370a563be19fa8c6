//! Verbs for work in the background.

use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::Value;
use starlark::values::none::NoneType;

use crate::Error;
use crate::context::Event;
use crate::session::Output;
use crate::session::engine::jobs::{Job, JobValue, Recording};
use crate::session::show::failed;
use crate::session::state::State;

#[starlark_module]
pub(super) fn verbs(builder: &mut GlobalsBuilder) {
    /// Starts work in the background and returns at once.
    ///
    /// The prompt or the next cell is free meanwhile, and a script goes on. The function runs at once, but those of its verbs that take long (trainings, methods to compare with,
    /// `estimate_uncertainty`, `calibrate`, `detect`, `segment`, and with them `rewind` and `save_model`) become the
    /// steps of the job, which run one after another. So the function can neither look at their results nor
    /// at the models that they train; it returns what its last step returns, or nothing. Verbs that work with
    /// files at once, such as `load_model` and `export`, must come before the first step. The job takes the
    /// seed and the device of this moment and computes the same bits as its steps would here.
    ///
    /// A model belongs to one job at a time. Meanwhile it shows its last finished epoch, which `detect`,
    /// `plot` and `save_model` use, and no other training changes it. Several jobs share the processor's
    /// cores. A script waits for its jobs at its end; a session that ends stops them.
    ///
    /// # Arguments
    /// * `function`: a function without parameters, such as `lambda: adapt(model, clinic)`.
    ///
    /// Examples:
    /// ```python
    /// people = phantom_cohort(subjects = 2)
    /// model = u2ad()
    /// job = start(lambda: adapt(model, people.clinical, epochs = 1, samples = 2))
    /// history = wait(job)
    /// ```
    fn start<'v>(
        function: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<JobValue> {
        let state = State::of(eval);
        if !is_callable(function) {
            let given = function.get_type();
            let message = format!(
                "start: `function` must be a function, but is a value of type {given}: what gave it ran before start; \
                 write start(lambda: pretrain(…)), so that it runs in the background"
            );
            return Err(refused(&message));
        }
        if state.context().ranks.is_some() {
            return Err(refused("start: processes that share their work (mpirun) have no jobs"));
        }
        if state.recording().replace(Recording::default()).is_some() {
            return Err(refused("start: a job cannot start another one"));
        }
        let returned = eval.eval_function(function, &[], &[]);
        let recording = state.recording().take().unwrap_or_default();
        recording.check(returned?).map_err(failed)?;
        let number = state.jobs.next_number();
        let (context, sink) = (state.context(), state.sink().clone());
        let job = Job::start(number, recording, context, sink, state.budget.clone());
        let job = job.map_err(failed)?;
        state.jobs.add(job.clone());
        Ok(JobValue(job))
    }

    /// Waits for a job and returns the result of its last step.
    ///
    /// Shows its progress meanwhile. If the job failed, its error is raised here. An interrupt ends only the
    /// waiting; the job goes on.
    ///
    /// # Arguments
    /// * `job`: what `start` returned.
    ///
    /// Examples:
    /// ```python
    /// model = u2ad()
    /// job = start(lambda: pretrain(model, phantom_cohort(subjects = 2).healthy, epochs = 1))
    /// wait(job).losses
    /// ```
    fn wait<'v>(job: &JobValue, eval: &mut Evaluator<'v, '_, '_>) -> anyhow::Result<Value<'v>> {
        let state = State::of(eval);
        if state.recording().is_some() {
            return Err(Error::input("wait: a job cannot wait for another one").into());
        }
        let waited = job.0.wait(state.reporter(), &state.context().cancel);
        if matches!(waited, Err(Error::Cancelled)) {
            state.context().mention(format!("{} goes on; stop(…) ends it", job.0.name()));
        }
        waited?;
        state.jobs.forget(&job.0);
        Ok(job.0.result()?.value(eval.heap()))
    }

    /// Stops a job and waits until it has kept what it had.
    ///
    /// A training keeps its finished epochs and, of the epoch that it was in, the finished batches, as after
    /// an interrupt. Without effect on a job that has ended.
    ///
    /// # Arguments
    /// * `job`: what `start` returned.
    ///
    /// Examples:
    /// ```python
    /// model = u2ad()
    /// job = start(lambda: pretrain(model, phantom_cohort(subjects = 2).healthy))
    /// stop(job)
    /// job.state
    /// ```
    fn stop(job: &JobValue, eval: &mut Evaluator) -> anyhow::Result<NoneType> {
        let state = State::of(eval);
        if state.recording().is_some() {
            return Err(Error::input(
                "stop: a job cannot stop another one; use stop(job) outside of start",
            )
            .into());
        }
        let job = &job.0;
        job.cancel();
        job.wait(state.reporter(), &state.context().cancel)?;
        // A job that failed before is reported at the end of the script.
        if job.failure().is_none() {
            state.jobs.forget(job);
        }
        if let Some(end) = job.tells_end() {
            state.sink().emit(Output::Event(Event::Remark(end)));
        }
        Ok(NoneType)
    }

    /// Lists the jobs that run or whose result nobody has taken, in the order in which they were started.
    ///
    /// Examples:
    /// ```python
    /// for job in jobs():
    ///     print(job.number, job.work, job.state)
    /// ```
    fn jobs(eval: &mut Evaluator) -> anyhow::Result<Vec<JobValue>> {
        Ok(State::of(eval).jobs.all().into_iter().map(JobValue).collect())
    }
}

/// Whether a value is a function, as far as its type tells.
fn is_callable(value: Value) -> bool {
    ["function", "type"].contains(&value.get_type())
}

fn refused(reason: &str) -> starlark::Error {
    failed(Error::input(reason))
}
