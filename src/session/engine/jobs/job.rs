//! A job: its thread, its end.

use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::HumanDuration;

use super::loan::Loan;
use super::progress::JobProgress;
use super::recording::{Recording, Step, StepResult};
use crate::context::{CancelToken, Context, Event, Reporter, panics};
use crate::error::locked;
use crate::session::engine::STACK_BYTES;
use crate::session::engine::memory_budget::MemoryBudget;
use crate::session::{Display, Output, Sink};
use crate::study::Study;
use crate::{Error, Result};

/// Interval at which the display of a job is updated.
const UPDATE_INTERVAL: Duration = Duration::from_millis(500);
/// Interval at which a wait checks for an interrupt.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// Interval at which the memory is checked.
const MEMORY_INTERVAL: Duration = Duration::from_millis(100);

/// Steps that run on a thread of their own.
pub(in crate::session) struct Job {
    /// Counts the session's jobs.
    pub number: usize,
    /// The verbs it runs, such as "pretrain, adapt".
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
    /// Why it is to stop, if not because the user wants it.
    excess: Option<String>,
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
        budget: Arc<MemoryBudget>,
    ) -> Result<Arc<Self>> {
        let (progress, excess, updated) = (JobProgress::default(), None, None);
        let facts = Facts { end: None, progress, excess, is_told: false, updated };
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
        let watched = job.clone();
        // Without this thread, the job runs as before; only its memory is not watched.
        std::thread::Builder::new()
            .name(format!("memory of job {number}"))
            .spawn(move || watched.watch_memory(&budget))
            .ok();
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
        let end = self.facts().end.as_ref().map(|(_, took)| *took);
        end.unwrap_or_else(|| self.started.elapsed()).as_secs_f64()
    }

    /// Tells what it had to say while nobody waited for it.
    pub fn tell(&self, listener: &dyn Reporter) {
        self.facts().progress.tell(listener);
    }

    /// A sentence about its end, once.
    pub fn tells_end(&self) -> Option<String> {
        let mut facts = self.facts();
        if facts.end.is_none() || std::mem::replace(&mut facts.is_told, true) {
            return None;
        }
        Some(self.headline_of(&facts))
    }

    /// The job as it is now, under an identity, so that a front end can bring it up to date.
    pub fn display(&self) -> Display {
        self.display_of(&self.facts())
    }

    /// Somebody sees the display: it is to be brought up to date from now on.
    pub fn is_shown(&self) {
        self.facts().updated = Some(Instant::now());
    }

    /// One line about it: "job 1 (adapt): running for 3 minutes".
    pub fn headline(&self) -> String {
        self.headline_of(&self.facts())
    }

    fn display_of(&self, facts: &Facts) -> Display {
        let (headline, lines) = (self.headline_of(facts), facts.progress.lines());
        let text = std::iter::once(headline).chain(lines).collect::<Vec<_>>().join("\n");
        Display { id: Some(format!("u2ad-job-{}", self.number)), ..Display::text(text) }
    }

    fn headline_of(&self, facts: &Facts) -> String {
        let name = self.name();
        let Some((outcome, took)) = &facts.end else {
            return format!("{name}: running for {}", HumanDuration(self.started.elapsed()));
        };
        let took = HumanDuration(*took);
        match outcome {
            Outcome::Done(_) => format!("{name}: done in {took}"),
            Outcome::Stopped => format!("{name}: stopped after {took}"),
            Outcome::Failed(reason) => format!("{name}: failed after {took}: {reason}"),
        }
    }

    pub(in crate::session) fn name(&self) -> String {
        format!("job {} ({})", self.number, self.work)
    }

    /// Stops the job if the process holds more memory than it may, until the job has ended.
    fn watch_memory(&self, budget: &MemoryBudget) {
        let mut facts = self.facts();
        while facts.end.is_none() {
            let waited = self.ended.wait_timeout(facts, MEMORY_INTERVAL);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
            // Asking the system takes a while.
            let excess = budget.excess();
            facts = self.facts();
            if excess.is_some() && facts.end.is_none() {
                facts.excess = excess;
                return self.cancel();
            }
        }
    }

    fn end(&self, outcome: Outcome) {
        let mut facts = self.facts();
        let outcome = match (outcome, facts.excess.take()) {
            (Outcome::Stopped, Some(excess)) => Outcome::Failed(excess),
            (outcome, _) => outcome,
        };
        facts.end = Some((outcome, self.started.elapsed()));
        // Before anybody who waits can know of the end.
        if facts.updated.is_some() {
            self.sink.emit(Output::Update(self.display_of(&facts)));
        }
        drop(facts);
        self.ended.notify_all();
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        locked(&self.facts)
    }
}

impl Reporter for Job {
    fn report(&self, event: Event) {
        let mut facts = self.facts();
        facts.progress.take(event, self.cancel.is_cancelled());
        let is_due = facts.updated.is_some_and(|updated| updated.elapsed() >= UPDATE_INTERVAL);
        if is_due {
            facts.updated = Some(Instant::now());
            self.sink.emit(Output::Update(self.display_of(&facts)));
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
