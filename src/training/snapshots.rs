//! Snapshots of a model after each epoch, for going back: weights, optimiser state and history, one
//! checkpoint file per epoch, so that memory holds none of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::Device;
use serde::{Deserialize, Serialize};

use super::history::History;
use super::snapshot_bound::{BoundMember, BoundSnapshot, SnapshotBound};
use crate::files::{LazyFolder, read_regular, write_whole};
use crate::{Error, Result};

/// What snapshots keep: a [`Model`](super::Model). This trait is all that they know of it, because a
/// model holds its snapshots.
pub trait Checkpointed: Sized {
    /// The epochs so far.
    fn history(&self) -> &History;

    /// Steps that the optimiser has made in this stage: tells an interrupted epoch from the end of the one before.
    fn steps(&self) -> usize;

    /// The complete model as a checkpoint file.
    ///
    /// # Errors
    /// If a tensor cannot be read.
    fn to_bytes(&self) -> Result<Vec<u8>>;

    /// Reads a checkpoint file.
    ///
    /// # Errors
    /// If it is not a checkpoint.
    fn load(path: &Path, device: &Device) -> Result<Self>;
}

/// Bytes that the snapshots of one model may take on disk.
const BUDGET: u64 = 2 << 30;

const INDEX: &str = "snapshots.json";

/// The snapshots of one model, in a folder of their own.
///
/// Beyond 2 GiB the least informative one is removed: of the snapshots before the last ten, the
/// one whose neighbours are closest for its age. The last of each stage stays, and the
/// first as long as there is room. Where even the rest is too much, the oldest that ends no stage goes.
/// [`Self::within`] sets a bound for several models together.
#[derive(Debug)]
pub struct Snapshots {
    folder: LazyFolder,
    index: SnapshotIndex,
    budget: u64,
    bound: Option<BoundMember>,
}

/// What the folder holds, as its file `snapshots.json` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotIndex {
    /// The epoch that the model is at; the file to load after a crash.
    current: Option<usize>,
    /// Bytes of the file of each epoch, and whether the next epoch began another stage.
    epochs: BTreeMap<usize, Entry>,
    /// The state in the middle of an interrupted epoch, if the model is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interrupted: Option<Interrupted>,
    /// Files written so far, where each has a number of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    written: Option<usize>,
}

/// A state that no epoch ended with. It is kept for a later session, and nobody can go back to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Interrupted {
    /// Complete epochs before it.
    epoch: usize,
    steps: usize,
    /// Number of the file, as in [`Entry`].
    number: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    bytes: u64,
    ends_stage: bool,
    /// Steps of the optimiser at the end of the epoch; unknown in snapshots of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    steps: Option<usize>,
    /// Number in the file name; 0: the file is named by its epoch alone.
    #[serde(default, skip_serializing_if = "is_zero")]
    number: usize,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Snapshots {
    /// No snapshots yet; the folder is made with the first.
    pub fn new(folder: LazyFolder) -> Self {
        Self { folder, index: SnapshotIndex::default(), budget: BUDGET, bound: None }
    }

    /// The snapshots that an earlier session left in a folder.
    ///
    /// # Errors
    /// If the folder holds none.
    pub fn open(folder: LazyFolder) -> Result<Self> {
        let path = folder.path()?.join(INDEX);
        let json = read_regular(&path)?;
        let index = serde_json::from_slice(&json).map_err(|error| Error::file(&path, error))?;
        Ok(Self { folder, index, budget: BUDGET, bound: None })
    }

    /// The same, which also keep a bound together with those of other models.
    pub fn within(mut self, bound: &SnapshotBound) -> Self {
        self.bound = Some(bound.join());
        self.note_in_bound();
        self
    }

    /// The same, in which no file takes the name of an earlier one. A script that runs again up to the place
    /// where it was killed then removes only what it had removed before.
    pub fn numbered(mut self) -> Self {
        self.index.written = Some(0);
        self
    }

    /// The present state of the snapshots, for [`Self::at`].
    pub fn index(&self) -> &SnapshotIndex {
        &self.index
    }

    /// The same folder as it was when `index` was taken. Files written since stay where they are.
    pub fn at(mut self, index: SnapshotIndex) -> Self {
        self.index = index;
        self
    }

    /// The snapshots that there are now, for a copy of the model that writes none.
    #[cfg(feature = "shell")]
    pub(super) fn view(&self) -> Self {
        let (folder, index) = (self.folder.clone(), self.index.clone());
        Self { folder, index, budget: self.budget, bound: None }
    }

    /// The folder's name handle.
    pub fn folder(&self) -> &LazyFolder {
        &self.folder
    }

    /// Epochs that can be gone back to, in order; 0 is the untrained or just loaded model.
    pub fn epochs(&self) -> impl DoubleEndedIterator<Item = usize> {
        self.index.epochs.keys().copied().filter(|epoch| !self.is_removed(*epoch))
    }

    /// Whether the bound of several models has removed a snapshot that the index names.
    fn is_removed(&self, epoch: usize) -> bool {
        self.bound.as_ref().is_some_and(|bound| !bound.holds(epoch))
    }

    /// Tells the bound what is kept.
    fn note_in_bound(&self) {
        let Some(bound) = &self.bound else { return };
        let first = self.index.epochs.keys().next();
        for (epoch, entry) in &self.index.epochs {
            let is_milestone = entry.ends_stage || Some(epoch) == first;
            let is_current = self.index.current == Some(*epoch);
            let snapshot = BoundSnapshot { bytes: entry.bytes, is_current, is_milestone };
            if let Ok(path) = self.file(*epoch) {
                bound.put(*epoch, path, snapshot);
            }
        }
    }

    /// Saves a snapshot of the model. Snapshots of later epochs, from training before going back,
    /// are removed because the model has continued differently. A model in the middle of an interrupted epoch gets a
    /// file of its own, so that the end of the epoch before stays.
    ///
    /// # Errors
    /// If a file cannot be written or removed.
    pub fn keep(&mut self, model: &impl Checkpointed) -> Result<()> {
        let epoch = model.history().epochs.len();
        let bytes = model.to_bytes()?;
        let number = self.index.written.map_or(0, |written| written + 1);
        let steps = model.steps();
        let ended = self.index.epochs.get(&epoch).filter(|_| self.has(epoch));
        // The same state, with something else than weights that is new, such as a calibration: no training went on.
        let is_same_state = self.index.current == Some(epoch)
            && ended.and_then(|ended| ended.steps).is_some_and(|ended| ended == steps);
        if ended.and_then(|ended| ended.steps).is_some_and(|ended| ended != steps) {
            let interrupted = Interrupted { epoch, steps, number };
            write_whole(&self.path_of_interrupted(interrupted)?, &bytes)?;
            self.index.written = self.index.written.map(|_| number);
            self.index.current = Some(epoch);
            return self.write_index_with(Some(interrupted));
        }
        write_whole(&self.path_of(epoch, number)?, &bytes)?;
        self.index.written = self.index.written.map(|_| number);
        if self.index.epochs.get(&epoch).is_some_and(|earlier| earlier.number != number) {
            self.forget(epoch);
        }
        let gone = |known: &usize| {
            (*known > epoch && !is_same_state) || (*known != epoch && self.is_removed(*known))
        };
        let gone: Vec<usize> = self.index.epochs.keys().copied().filter(gone).collect();
        gone.into_iter().for_each(|epoch| self.forget(epoch));
        let stages = &model.history().epochs;
        if let (Some(before), Some(last)) = (epoch.checked_sub(1), stages.last())
            && let Some(entry) = self.index.epochs.get_mut(&before)
        {
            let earlier = before.checked_sub(1).and_then(|at| stages.get(at));
            entry.ends_stage = earlier.is_some_and(|earlier| earlier.stage != last.stage);
        }
        let entry =
            Entry { bytes: bytes.len() as u64, ends_stage: false, steps: Some(steps), number };
        self.index.epochs.insert(epoch, entry);
        self.index.current = Some(epoch);
        while self.index.epochs.values().map(|entry| entry.bytes).sum::<u64>() > self.budget {
            let Some(epoch) = self.index.least_telling() else { break };
            self.forget(epoch);
        }
        self.note_in_bound();
        if let Some(bound) = &self.bound {
            bound.apply();
        }
        self.write_index_with(None)
    }

    /// Whether the state of this model is kept, also in the middle of an epoch.
    pub fn holds(&self, model: &impl Checkpointed) -> bool {
        let (epoch, steps) = (model.history().epochs.len(), model.steps());
        let ended = self.index.epochs.get(&epoch).filter(|_| self.has(epoch));
        let is_interrupted = |kept: Interrupted| (kept.epoch, kept.steps) == (epoch, steps);
        ended.is_some_and(|ended| ended.steps.is_none_or(|ended| ended == steps))
            || self.index.interrupted.is_some_and(is_interrupted)
    }

    /// Whether there is a snapshot of this epoch.
    pub fn has(&self, epoch: usize) -> bool {
        self.index.epochs.contains_key(&epoch) && !self.is_removed(epoch)
    }

    /// Loads the model as it was after `epoch`, and remembers that it is there now.
    ///
    /// # Errors
    /// If there is no such snapshot; the message names the nearest ones.
    pub fn go_to<C: Checkpointed>(&mut self, epoch: usize, device: &Device) -> Result<C> {
        if !self.has(epoch) {
            return Err(Error::input(self.missing(epoch)));
        }
        let model = C::load(&self.file(epoch)?, device)?;
        let removed: Vec<usize> =
            self.index.epochs.keys().copied().filter(|epoch| self.is_removed(*epoch)).collect();
        removed.into_iter().for_each(|epoch| self.forget(epoch));
        self.index.current = Some(epoch);
        self.note_in_bound();
        self.write_index_with(None)?;
        Ok(model)
    }

    /// Loads the model as the last snapshot or [`Self::go_to`] left it. If that file is damaged or
    /// missing, the one before it that can be read is loaded, and a sentence says so; the damaged file
    /// stays.
    ///
    /// # Errors
    /// If no snapshot can be read.
    pub fn current<C: Checkpointed>(&mut self, device: &Device) -> Result<(C, Option<String>)> {
        let Some(current) = self.index.current else {
            return Err(Error::file(
                self.folder.path()?,
                "holds no snapshot of the model; load a saved model, or train it anew",
            ));
        };
        // Behind the end of the current epoch, if the next one was interrupted.
        let (path, before) = match self.index.interrupted {
            Some(interrupted) => (self.path_of_interrupted(interrupted)?, current + 1),
            None => (self.file(current)?, current),
        };
        let failure = match C::load(&path, device) {
            Ok(model) => return Ok((model, None)),
            Err(failure) => failure,
        };
        let earlier: Vec<usize> = self.index.epochs.range(..before).map(|(e, _)| *e).collect();
        for epoch in earlier.into_iter().rev() {
            if let Ok(model) = C::load(&self.file(epoch)?, device) {
                // Not written: the index on disk still names the damaged one.
                (self.index.current, self.index.interrupted) = (Some(epoch), None);
                self.index.epochs.split_off(&(epoch + 1));
                let note = format!("{failure}; the snapshot of epoch {epoch} was taken instead");
                return Ok((model, Some(note)));
            }
        }
        Err(failure)
    }

    fn missing(&self, epoch: usize) -> String {
        let before = self.epochs().rfind(|known| *known < epoch);
        let after = self.epochs().find(|known| *known > epoch);
        let nearest = match (before, after) {
            (Some(before), Some(after)) => format!("; the nearest are {before} and {after}"),
            (Some(one), None) | (None, Some(one)) => format!("; the nearest is {one}"),
            (None, None) => String::new(),
        };
        // Only an epoch that was trained can have been removed.
        let newest = self.index.epochs.keys().next_back();
        let bound = match &self.bound {
            Some(bound) if newest.is_some_and(|newest| epoch < *newest) => format!(
                "; the oldest are removed when the snapshots of all models take more than {} MB",
                bound.limit() / 1_000_000
            ),
            _ => String::new(),
        };
        format!("there is no snapshot of epoch {epoch}{nearest}{bound}")
    }

    fn file(&self, epoch: usize) -> Result<PathBuf> {
        let number = self.index.epochs.get(&epoch).map_or(0, |entry| entry.number);
        self.path_of(epoch, number)
    }

    fn path_of(&self, epoch: usize, number: usize) -> Result<PathBuf> {
        Ok(self.folder.path()?.join(file_name(epoch, number)))
    }

    fn path_of_interrupted(&self, of: Interrupted) -> Result<PathBuf> {
        let path = self.path_of(of.epoch + 1, of.number)?;
        Ok(path.with_extension("interrupted.safetensors"))
    }

    fn forget(&mut self, epoch: usize) {
        // A file that cannot be removed only takes space.
        self.file(epoch).map(|file| fs::remove_file(file).ok()).ok();
        self.index.epochs.remove(&epoch);
        if let Some(bound) = &self.bound {
            bound.forget(epoch);
        }
    }

    /// Writes the index, with the model in the middle of an interrupted epoch or not. The file of an earlier interrupted
    /// epoch goes last, so that the index on the disk never names a file that is gone.
    fn write_index_with(&mut self, interrupted: Option<Interrupted>) -> Result<()> {
        let earlier = std::mem::replace(&mut self.index.interrupted, interrupted);
        let path = self.folder.path()?.join(INDEX);
        let json = serde_json::to_vec(&self.index).map_err(|error| Error::file(&path, error))?;
        write_whole(&path, &json)?;
        let file = |of: Option<Interrupted>| self.path_of_interrupted(of?).ok();
        if let Some(earlier) =
            file(earlier).filter(|earlier| file(interrupted).as_ref() != Some(earlier))
        {
            // A file that cannot be removed only takes space.
            fs::remove_file(earlier).ok();
        }
        Ok(())
    }
}

/// The checkpoint of an epoch.
fn file_name(epoch: usize, number: usize) -> impl AsRef<Path> {
    match number {
        0 => format!("epoch-{epoch:04}.safetensors"),
        _ => format!("epoch-{epoch:04}-{number}.safetensors"),
    }
}

impl SnapshotIndex {
    /// The epoch whose loss leaves the smallest gap for its age.
    fn least_telling(&self) -> Option<usize> {
        const NEWEST: usize = 10;
        let epochs: Vec<(usize, Entry)> =
            self.epochs.iter().map(|(e, entry)| (*e, *entry)).collect();
        let newest = epochs.last()?.0;
        let older = epochs.len().saturating_sub(NEWEST);
        let gap = |at: usize| {
            let (before, here, after) = (epochs[at - 1].0, epochs[at].0, epochs[at + 1].0);
            (after - before) as f64 / (newest - here) as f64
        };
        let may_go = |at: &usize| {
            let (epoch, entry) = epochs[*at];
            !entry.ends_stage && Some(epoch) != self.current
        };
        // If even ten are too many, the oldest removable one is removed.
        let candidates = (1..older).filter(may_go);
        let least = candidates.min_by(|a, b| gap(*a).total_cmp(&gap(*b)));
        let least = least.or_else(|| (0..epochs.len() - 1).find(may_go));
        least.map(|at| epochs[at].0)
    }
}

#[cfg(test)]
mod tests;
