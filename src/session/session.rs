//! The session itself: a cell in, a value or an error out.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::cell::Cell;
use super::engine::activity::Activity;
use super::engine::jobs::Jobs;
use super::engine::memory_budget::MemoryBudget;
use super::engine::{Engine, Outcome, Request, STACK_BYTES, Task};
use super::settings::Settings;
use super::status::SessionStatus;
use super::{Completions, Display, Name, Page, Sink, assist, device_name};
use crate::context::panics;
use crate::language::{CellError, Question, Transcript, rust_cell, source_text};
use crate::{Error, Result};

/// How often to look at the memory of a running cell. In this time a loop takes some ten megabytes.
const MEMORY_INTERVAL: Duration = Duration::from_millis(20);

/// Named values that live from cell to cell, on a thread of their own. Cells run one at a time,
/// in the order they come.
pub struct Session {
    /// `None` only while the session is being dropped.
    requests: Option<Sender<Request>>,
    engine: Option<JoinHandle<()>>,
    activity: Arc<Activity>,
    status: Arc<SessionStatus>,
    jobs: Arc<Jobs>,
}

impl Session {
    /// Starts an empty session whose output goes to `sink`.
    ///
    /// # Errors
    /// [`Error::Input`] if the system cannot start a thread.
    pub fn start(settings: Settings, sink: Arc<dyn Sink>) -> Result<Self> {
        let (requests, inbox) = channel();
        let activity = Arc::new(Activity::new(MemoryBudget::new(settings.memory_bytes)));
        let status = Arc::new(SessionStatus::default());
        {
            let mut status = status.lock();
            status.device = device_name(&settings.device).to_owned();
            status.transcript.seed = settings.seed;
            status.transcript.parameters = settings.parameters.given().clone();
        }
        let jobs = Arc::<Jobs>::default();
        let engine = Engine {
            settings,
            sink,
            activity: activity.clone(),
            status: status.clone(),
            jobs: jobs.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("engine".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || engine.serve(inbox))
            .map_err(|error| Error::input(format!("the engine cannot be started: {error}")))?;
        let watched = activity.clone();
        // Without this thread, cells run as before; only what grows slowly is not stopped.
        std::thread::Builder::new()
            .name("memory".to_owned())
            .spawn(move || watched.watch_memory(MEMORY_INTERVAL))
            .ok();
        Ok(Self { requests: Some(requests), engine: Some(thread), activity, status, jobs })
    }

    /// Runs a cell and waits for it. The value of its last statement comes back displayed, if
    /// there is one; what the cell shows on its way goes to the sink.
    ///
    /// # Errors
    /// Why the cell stopped. Names assigned before that stay.
    pub fn run(&self, cell: Cell) -> Result<Option<Display>, CellError> {
        let source = source_text(&cell.source).to_owned();
        self.submit(Task::Run(Cell { source, ..cell }))
    }

    /// Restores what an earlier session left in this one's folder ([`Settings::keep`]): its
    /// names, transcript, seed and device. Shows what was restored and what was not.
    ///
    /// # Errors
    /// If there is no journal, or that session still runs. Missing or damaged values are not an
    /// error: they are listed, and the rest is restored.
    pub fn resume(&self) -> Result<Option<Display>, CellError> {
        self.submit(Task::Resume)
    }

    /// Saves one value in the folder `NAME.u2ad`, replacing what was saved there before.
    ///
    /// # Errors
    /// If no value has this name, its type cannot be saved, or a file cannot be written.
    pub fn save(&self, name: &str) -> Result<Option<Display>, CellError> {
        self.submit(Task::Save(name.to_owned()))
    }

    /// Loads what [`Self::save`] saved, under the same name.
    ///
    /// # Errors
    /// If nothing was saved, or something that it needs is missing.
    pub fn load(&self, name: &str) -> Result<Option<Display>, CellError> {
        self.submit(Task::Load(name.to_owned()))
    }

    /// Waits for the jobs that cells started, as the end of a script does. Their progress and their
    /// sentences go to the sink. An interrupt stops them.
    ///
    /// # Errors
    /// If a job failed, or after an interrupt.
    pub fn finish_jobs(&self) -> Result<(), CellError> {
        self.submit(Task::FinishJobs).map(drop)
    }

    /// Stops the jobs that cells started, and waits until they have kept what they had.
    pub fn stop_jobs(&self) {
        self.submit(Task::StopJobs).ok();
    }

    /// Sentences about the jobs whose outcome no cell has taken, such as "job 1 (adapt): running for 3
    /// minutes". Never waits.
    pub fn jobs(&self) -> Vec<String> {
        self.jobs.all().iter().map(|job| job.headline()).collect()
    }

    fn submit(&self, task: Task) -> Outcome {
        let stopped = || Err(CellError::new("the engine has stopped"));
        let (reply, outcome) = channel();
        self.activity.begin();
        let sent = self.requests.as_ref().map(|requests| requests.send(Request { task, reply }));
        match sent {
            Some(Ok(())) => outcome.recv().unwrap_or_else(|_| stopped()),
            Some(Err(_)) | None => stopped(),
        }
    }

    /// Says that a cell comes: an interrupt from now on stops it, even one that arrives before the
    /// cell begins. Hold the value until the cell is over.
    pub fn expect_cell(&self) -> ExpectedCell {
        self.activity.begin();
        ExpectedCell(self.activity.clone())
    }

    /// What stops the running cell from another thread.
    pub fn interrupter(&self) -> Interrupter {
        Interrupter(self.activity.clone())
    }

    /// What could stand before the character `cursor` of `source`, counted from 0. Never waits for
    /// a running cell and runs nothing.
    pub fn complete(&self, source: &str, cursor: usize) -> Completions {
        if rust_cell(source).is_some() {
            return Completions::default();
        }
        let names = self.names();
        panics::catch(|| assist::complete(&names, source, cursor)).unwrap_or_default()
    }

    /// The page about what stands at the character `cursor` of `source`, counted from 0. Never
    /// waits for a running cell and runs nothing.
    pub fn inspect(&self, source: &str, cursor: usize) -> Option<Page> {
        if rust_cell(source).is_some() {
            return None;
        }
        let names = self.names();
        panics::catch(|| assist::inspect(&names, source, cursor)).ok().flatten()
    }

    /// The page that answers a question. Never waits for a running cell and runs nothing.
    ///
    /// # Errors
    /// If nothing is known about what it asks.
    pub fn answer(&self, question: &Question) -> Result<Page, CellError> {
        let names = self.names();
        panics::catch(|| assist::answer(&names, question))
            .unwrap_or_else(|_| Err(CellError::new("this question cannot be answered")))
    }

    /// The user's names as the last cell left them, in alphabetical order. Never waits.
    pub fn names(&self) -> Vec<Name> {
        self.status.lock().names.clone()
    }

    /// Name of the device that the next cell computes on, as [`open_device`](super::open_device)
    /// takes it. Never waits.
    pub fn device(&self) -> String {
        self.status.lock().device.clone()
    }

    /// Names of models that have learned something that is not in a file of the user.
    pub fn unsaved_models(&self) -> Vec<String> {
        // Jobs train while no cell runs.
        if !self.jobs.all().is_empty() {
            self.submit(Task::Look).ok();
        }
        self.status.lock().unsaved.clone()
    }

    /// The transcript so far. Never waits.
    pub fn transcript(&self) -> Transcript {
        self.status.lock().transcript.clone()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.interrupter().interrupt();
        self.activity.close();
        self.requests = None;
        if let Some(engine) = self.engine.take() {
            engine.join().ok();
        }
    }
}

/// A cell that comes or runs, as [`Session::expect_cell`] announces it.
pub struct ExpectedCell(Arc<Activity>);

impl Drop for ExpectedCell {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Stops the running cell; every value stays usable.
#[derive(Clone)]
pub struct Interrupter(Arc<Activity>);

impl Interrupter {
    /// Asks the running cell to stop at its next batch or operation. False if nothing runs: a
    /// later cell is not affected.
    pub fn interrupt(&self) -> bool {
        self.0.interrupt()
    }
}
