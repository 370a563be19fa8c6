//! Convolutional networks in training that are kept in a checkpoint.

use std::sync::{Mutex, MutexGuard};

use super::{TrainableWeights, Weights};
use crate::context::{BegunTraining, Context, Parts};
use crate::error::locked;
use crate::{Error, Result};

/// The part of a checkpoint that holds the mean loss of every epoch so far.
const LOSSES: &str = "losses";

/// The networks of one training, each trained on a thread of its own perhaps.
pub(crate) struct KeptNetworks(Mutex<Kept>);

struct Kept {
    begun: BegunTraining,
    /// Each network as it was last put.
    parts: Parts,
    is_finished: bool,
}

impl KeptNetworks {
    /// The networks of a training that has begun; those of an earlier process, if it left a checkpoint.
    pub fn new(mut begun: BegunTraining) -> Self {
        let restored = begun.restored();
        let is_finished = restored.as_ref().is_some_and(|restored| restored.is_finished);
        let parts = restored.map(|restored| restored.parts).unwrap_or_default();
        Self(Mutex::new(Kept { begun, parts, is_finished }))
    }

    /// The network `name` as an earlier process left it, and the epochs that it had trained it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn restored(&self, name: &str) -> Result<Option<(TrainableWeights, usize)>> {
        let kept = self.lock();
        let read = |bytes: &Vec<u8>| {
            TrainableWeights::from_bytes(bytes)
                .map_err(|error| kept.begun.unusable(&format!("is damaged in {name}: {error}")))
        };
        kept.parts.get(name).map(read).transpose()
    }

    /// The trained networks of these names, if an earlier process completed all of them.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn finished(&self, names: impl Iterator<Item = String>) -> Result<Option<Vec<Weights>>> {
        if !self.lock().is_finished {
            return Ok(None);
        }
        let weights =
            |name: String| Ok(self.restored(&name)?.map(|(network, _)| network.detached()));
        names.map(weights).collect()
    }

    /// The context of the training.
    pub fn context(&self, context: &Context) -> Context {
        self.lock().begun.context(context)
    }

    /// Keeps a network that has been trained for `epochs`, at a place from which nothing else is needed to
    /// go on.
    ///
    /// # Errors
    /// If its tensors cannot be read.
    pub fn put(
        &self,
        name: &str,
        network: &TrainableWeights,
        epochs: usize,
        context: &Context,
    ) -> Result<()> {
        let mut kept = self.lock();
        if !kept.begun.is_kept() {
            return Ok(());
        }
        kept.parts.insert(name.to_owned(), network.to_bytes(epochs)?);
        let Kept { begun, parts, .. } = &mut *kept;
        if begun.is_due() {
            begun.keep(&format!("{name}, epoch {}", epochs + 1), context, || Ok(parts.clone()));
        }
        Ok(())
    }

    /// Keeps the mean loss of every epoch so far, with the next network that is put.
    ///
    /// # Errors
    /// If one cannot be written as text.
    pub fn set_losses(&self, losses: &[f64]) -> Result<()> {
        let json = serde_json::to_vec(losses)
            .map_err(|error| Error::input(format!("the losses cannot be kept: {error}")))?;
        self.lock().parts.insert(LOSSES.to_owned(), json);
        Ok(())
    }

    /// What an earlier process gave [`Self::set_losses`]; nothing if it did not.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn losses(&self) -> Result<Vec<f64>> {
        let kept = self.lock();
        let Some(json) = kept.parts.get(LOSSES) else { return Ok(Vec::new()) };
        serde_json::from_slice(json)
            .map_err(|_| kept.begun.unusable("is damaged: its losses cannot be read"))
    }

    /// Ends the training with its outcome.
    pub fn end<T>(&self, outcome: Result<T>, context: &Context) -> Result<T> {
        let Kept { begun, parts, is_finished } = &mut *self.lock();
        match &outcome {
            Ok(_) if *is_finished => {}
            Ok(_) => begun.finish(context, || Ok(parts.clone())),
            Err(Error::Cancelled) if !parts.is_empty() => {
                begun.keep("where it was interrupted", context, || Ok(parts.clone()));
            }
            Err(_) => {}
        }
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        locked(&self.0)
    }
}
