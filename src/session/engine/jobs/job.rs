//! A job: its thread, its end.

use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::HumanDuration;

use super::loan::Loan;
use super::progress::JobProgress;
use super::recording::{Recording, Step, StepResult};
use crate::context::{CancelToken, Context, Event, Reporter};
use crate::session::engine::{STACK_BYTES, panics};
use crate::session::{Display, Output, Sink};
use crate::study::Study;
use crate::{Error, Result};

/// How often a display of a job is brought up to date.
const UPDATE_INTERVAL: Duration = Duration::from_millis(500);
/// How long an interrupt of a wait may go unnoticed.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Steps that run on a thread of their own.
pub(in crate::session) struct Job {
    /// Counts the session's jobs.
    pub number: usize,
    /// Its verbs, as in "pretrain, adapt".
    pub work: String,
    cancel: CancelToken,
    sink: Arc<dyn Sink>,
    started: Instant,
    facts: Mutex<Facts>,
    /// Rings at the end.
    ended: Condvar,
}

struct Facts {
    /// How it ended, and after how long.
    end: Option<(Outcome, Duration)>,
    progress: JobProgress,
    /// Whether its end was told.
    is_told: bool,
    /// When its display was last brought up to date; `None` while nothing shows it.
    updated: Option<Instant>,
}

/// How a job ended.
#[derive(Clone)]
pub(in crate::session) enum Outcome {
    /// With the result of its last step.
    Done(Arc<dyn StepResult>),
    Stopped,
    /// With an error, as a clause without a full stop.
    Failed(String),
}

impl Job {
    /// Starts recorded steps in this context, which holds the streams, the device and the checkpoints.
    ///
    /// # Errors
    /// If another job has one of the models, or the system cannot start a thread.
    pub fn start(
        number: usize,
        recording: Recording,
        context: Context,
        sink: Arc<dyn Sink>,
    ) -> Result<Arc<Self>> {
        let (progress, updated) = (JobProgress::default(), None);
        let facts = Facts { end: None, progress, is_told: false, updated };
        let job = Arc::new(Self {
            number,
            work: recording.work(),
            cancel: CancelToken::default(),
            sink,
            started: Instant::now(),
            facts: Mutex::new(facts),
            ended: Condvar::new(),
        });
        let mut context = context.with_reporter(job.clone());
        context.cancel = job.cancel.clone();
        context.checkpoints = context.checkpoints.of_job(number);
        let study = Study::from(context);
        // The thread exists before the models change hands, so that none is lost if there can be none.
        let (send, receive) = channel::<(Loan, Vec<Step>)>();
        let this = job.clone();
        std::thread::Builder::new()
            .name(format!("job {number}"))
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let Ok((mut loan, steps)) = receive.recv() else { return };
                let outcome = run(steps, &mut loan, &study);
                drop(loan);
                this.end(outcome);
            })
            .map_err(|error| Error::input(format!("start: there can be no job: {error}")))?;
        let loan = Loan::take(recording.models(), number)?;
        send.send((loan, recording.steps))
            .map_err(|_| Error::input("start: the job ended before it began"))?;
        Ok(job)
    }

    /// Asks it to stop at its next batch or operation.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Waits until it has ended. What it has to say goes to `listener` meanwhile, its progress too.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if `cancel` asks not to wait any longer; the job goes on.
    pub fn wait(&self, listener: Arc<dyn Reporter>, cancel: &CancelToken) -> Result<()> {
        let mut facts = self.facts();
        facts.progress.attach(listener);
        let waited = loop {
            if facts.end.is_some() {
                break Ok(());
            }
            if let Err(cancelled) = cancel.check() {
                break Err(cancelled);
            }
            let waited = self.ended.wait_timeout(facts, LOOK_INTERVAL);
            facts = waited.unwrap_or_else(PoisonError::into_inner).0;
        };
        facts.progress.detach();
        waited
    }

    /// How it ended; `None` while it runs.
    pub fn outcome(&self) -> Option<Outcome> {
        self.facts().end.as_ref().map(|(outcome, _)| outcome.clone())
    }

    /// The result of a job that has ended.
    ///
    /// # Errors
    /// If it was stopped or failed.
    pub fn result(&self) -> Result<Arc<dyn StepResult>> {
        match self.outcome() {
            Some(Outcome::Done(result)) => Ok(result),
            Some(Outcome::Failed(_)) => Err(Error::input(self.failure().unwrap_or_default())),
            Some(Outcome::Stopped) => Err(Error::input(format!("{} was stopped", self.name()))),
            None => Err(Error::input(format!("{} is still running", self.name()))),
        }
    }

    /// Why it failed, if it did.
    pub fn failure(&self) -> Option<String> {
        match self.outcome() {
            Some(Outcome::Failed(reason)) => Some(format!("{}: {reason}", self.name())),
            _ => None,
        }
    }

    /// "running", "done", "stopped" or "failed".
    pub fn state(&self) -> &'static str {
        match self.outcome() {
            None => "running",
            Some(Outcome::Done(_)) => "done",
            Some(Outcome::Stopped) => "stopped",
            Some(Outcome::Failed(_)) => "failed",
        }
    }

    /// Seconds that it has taken so far or, if it has ended, in all.
    pub fn seconds(&self) -> f64 {
        self.took().as_secs_f64()
    }

    /// A sentence about its end, once.
    pub fn tells_end(&self) -> Option<String> {
        let mut facts = self.facts();
        if facts.end.is_none() || std::mem::replace(&mut facts.is_told, true) {
            return None;
        }
        drop(facts);
        Some(self.headline())
    }

    /// The job as it is now, under an identity, so that a front end can bring it up to date.
    pub fn display(&self) -> Display {
        let lines = self.facts().progress.lines();
        let text = std::iter::once(self.headline()).chain(lines).collect::<Vec<_>>().join("\n");
        Display { id: Some(format!("u2ad-job-{}", self.number)), ..Display::text(text) }
    }

    /// Somebody sees the display: it is to be brought up to date from now on.
    pub fn is_shown(&self) {
        self.facts().updated = Some(Instant::now());
    }

    /// One line about it: "job 1 (adapt): running for 3 minutes".
    pub fn headline(&self) -> String {
        let (name, took) = (self.name(), HumanDuration(self.took()));
        match self.outcome() {
            None => format!("{name}: running for {took}"),
            Some(Outcome::Done(_)) => format!("{name}: done in {took}"),
            Some(Outcome::Stopped) => format!("{name}: stopped after {took}"),
            Some(Outcome::Failed(reason)) => format!("{name}: failed after {took}: {reason}"),
        }
    }

    fn name(&self) -> String {
        format!("job {} ({})", self.number, self.work)
    }

    fn took(&self) -> Duration {
        let end = self.facts().end.as_ref().map(|(_, took)| *took);
        end.unwrap_or_else(|| self.started.elapsed())
    }

    fn end(&self, outcome: Outcome) {
        let mut facts = self.facts();
        facts.end = Some((outcome, self.started.elapsed()));
        let is_shown = facts.updated.is_some();
        drop(facts);
        self.ended.notify_all();
        if is_shown {
            self.sink.emit(Output::Update(self.display()));
        }
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reporter for Job {
    fn report(&self, event: Event) {
        let mut facts = self.facts();
        facts.progress.take(event, self.cancel.is_cancelled());
        let is_due = facts.updated.is_some_and(|updated| updated.elapsed() >= UPDATE_INTERVAL);
        if is_due {
            facts.updated = Some(Instant::now());
        }
        drop(facts);
        if is_due {
            self.sink.emit(Output::Update(self.display()));
        }
    }
}

/// Takes the steps one after another.
fn run(steps: Vec<Step>, loan: &mut Loan, study: &Study) -> Outcome {
    let mut last = None;
    for step in steps {
        let done = panics::catch(|| {
            study.context.check()?;
            (step.run)(loan, study)
        });
        match done {
            Ok(Ok(result)) => last = Some(result),
            Ok(Err(Error::Cancelled)) => return Outcome::Stopped,
            Ok(Err(error)) => return Outcome::Failed(error.to_string()),
            Err(panic) => {
                return Outcome::Failed(format!(
                    "u2ad itself failed, which is a bug worth reporting: {panic}"
                ));
            }
        }
    }
    match last {
        Some(result) => Outcome::Done(result),
        None => Outcome::Stopped,
    }
}
