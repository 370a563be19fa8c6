//! A training of a model that goes on from its checkpoint.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::model::Model;
use super::snapshots::SnapshotIndex;
use crate::context::{BegunTraining, Context, Parts, counted};
use crate::files::Fingerprint;
use crate::scoring::LearnedFrom;
use crate::{Error, Result};

/// Parts of a checkpoint.
const MODEL: &str = "model";
const ESTIMATED: &str = "estimated";
const PROGRESS: &str = "progress";

/// A training that has begun on a model.
pub(super) struct ResumableTraining {
    begun: BegunTraining,
    is_finished: bool,
    progress: Progress,
    /// The model as it was when the uncertainty that guides the masks was estimated: masks that are in use
    /// when a process is killed are made again from it.
    estimated: Option<Vec<u8>>,
    /// Whose images it shows the model.
    people: LearnedFrom,
}

/// What a checkpoint holds beside the model.
#[derive(Default, Serialize, Deserialize)]
struct Progress {
    /// Epochs of the model before the training.
    first: usize,
    epoch: Option<EpochProgress>,
    snapshots: Option<SnapshotIndex>,
}

/// Progress within an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct EpochProgress {
    /// Batches done.
    pub batches: usize,
    /// Sums of their losses.
    pub sums: [f64; 3],
}

impl ResumableTraining {
    /// Begins the training `name`, which depends on the model and what `add` adds. If an earlier process
    /// left a checkpoint of it, the model becomes what it was then. `people` are those whose images it shows the model.
    ///
    /// # Errors
    /// Those of `add`, and if the model cannot be read.
    pub fn begin(
        name: &'static str,
        model: &mut Model,
        people: LearnedFrom,
        context: &Context,
        add: impl FnOnce(&mut Fingerprint) -> Result<()>,
    ) -> Result<Self> {
        let begun = BegunTraining::new(name, context, |all| {
            all.add(model.to_bytes()?);
            add(all)
        });
        let progress = Progress { first: model.history.epochs.len(), ..Progress::default() };
        let mut this =
            Self { begun: begun?, is_finished: false, progress, estimated: None, people };
        if let Some(restored) = this.begun.restored() {
            this.is_finished = restored.is_finished;
            this.restore(model, restored.parts)?;
        }
        Ok(this)
    }

    fn restore(&mut self, model: &mut Model, mut parts: Parts) -> Result<()> {
        let bad = |what: &str| self.begun.unusable(what);
        let progress =
            parts.remove(PROGRESS).ok_or_else(|| bad("lacks the training's progress"))?;
        let progress: Progress = serde_json::from_slice(&progress)
            .map_err(|_| bad("has a training's progress that cannot be read"))?;
        let bytes = parts.remove(MODEL).ok_or_else(|| bad("lacks the model"))?;
        let mut restored = read(&bytes, model)?;
        self.progress = progress;
        let snapshots = model.snapshots.take();
        restored.snapshots = match self.progress.snapshots.take() {
            Some(index) => snapshots.map(|snapshots| snapshots.at(index)),
            None => snapshots,
        };
        restored.observer = model.observer.take();
        *model = restored;
        self.estimated = parts.remove(ESTIMATED);
        Ok(())
    }

    /// Keeps the finished checkpoint however short the training was.
    pub fn essential(mut self) -> Self {
        self.begun = self.begun.essential();
        self
    }

    /// Why the checkpoint cannot be used: [`BegunTraining::unusable`].
    pub fn unusable(&self, what: &str) -> Error {
        self.begun.unusable(what)
    }

    /// Whether an earlier process completed it.
    pub fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// Epochs that the model had before it.
    pub fn first(&self) -> usize {
        self.progress.first
    }

    /// The context of the training.
    pub fn context(&self, context: &Context) -> Context {
        self.begun.context(context)
    }

    /// How far the epoch is that an earlier process began; `None` between two epochs.
    pub fn epoch(&self) -> Option<EpochProgress> {
        self.progress.epoch
    }

    /// Notes in the model that it has learned from the people of this training.
    pub fn note_people(&self, model: &mut Model) {
        model.learned_from.extend(&self.people);
    }

    /// Notes how far the current epoch is, and leaves a checkpoint if it is time for one.
    pub fn advance(&mut self, epoch: Option<EpochProgress>, model: &Model, context: &Context) {
        self.progress.epoch = epoch;
        if self.begun.is_due() {
            self.keep(model, context);
        }
    }

    /// Remembers the model before its uncertainty is estimated.
    ///
    /// # Errors
    /// If a tensor cannot be read.
    pub fn set_estimated(&mut self, model: &Model) -> Result<()> {
        if self.begun.is_kept() {
            self.estimated = Some(model.to_bytes()?);
        }
        Ok(())
    }

    /// The model with which the masks in use were made.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn estimated(&self, model: &Model) -> Result<Option<Model>> {
        self.estimated.as_ref().map(|bytes| read(bytes, model)).transpose()
    }

    /// Ends the training with its outcome: the checkpoint of a complete one stands for it, an interrupted
    /// one leaves where it can go on.
    pub fn end<T>(mut self, model: &Model, context: &Context, outcome: Result<T>) -> Result<T> {
        match &outcome {
            Ok(_) if self.is_finished => {}
            Ok(_) => {
                self.progress.epoch = None;
                self.estimated = None;
                let (progress, estimated) = (self.progress(model), None);
                self.begun.finish(context, || parts(model, estimated, &progress));
            }
            Err(Error::Cancelled) => self.keep(model, context),
            Err(_) => {}
        }
        outcome
    }

    fn keep(&mut self, model: &Model, context: &Context) {
        let trained = model.history.epochs.len();
        let place = match self.progress.epoch {
            Some(epoch) => {
                format!("epoch {}, after {}", trained + 1, counted(epoch.batches, "batch"))
            }
            None => format!("epoch {}", trained + 1),
        };
        let (progress, estimated) = (self.progress(model), self.estimated.as_deref());
        self.begun.keep(&place, context, || parts(model, estimated, &progress));
    }

    fn progress(&self, model: &Model) -> Progress {
        let snapshots = model.snapshots.as_ref().map(|snapshots| snapshots.index().clone());
        Progress { snapshots, first: self.progress.first, epoch: self.progress.epoch }
    }
}

/// A model on the device of another one.
fn read(bytes: &[u8], like: &Model) -> Result<Model> {
    Model::from_bytes(bytes, Path::new("the checkpoint"), &like.parameters.device())
}

fn parts(model: &Model, estimated: Option<&[u8]>, progress: &Progress) -> Result<Parts> {
    let json = serde_json::to_vec(progress).map_err(|error| Error::input(error.to_string()))?;
    let mut parts = Parts::from([(MODEL.into(), model.to_bytes()?), (PROGRESS.into(), json)]);
    if let Some(estimated) = estimated {
        parts.insert(ESTIMATED.into(), estimated.to_vec());
    }
    Ok(parts)
}
