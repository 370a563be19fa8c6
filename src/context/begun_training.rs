//! A training that has begun, and the checkpoint from which it goes on.
//!
//! A run that was killed runs again from its start. Each training asks for the checkpoint of its fingerprint, which
//! is that of everything its result depends on: a finished one stands for the training, an unfinished one is where it
//! goes on. A training without one is done again, so that a checkpoint saves time and never changes a result.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::checkpoint_file::{self, Header, Note, Parts};
use super::checkpoints::Store;
use super::context::Context;
use super::progress::{Event, Reporter};
use crate::error::locked;
use crate::files::{Fingerprint, read_regular_unlogged, write_whole};
use crate::{Error, Result};

/// A training that took less time is done again instead of being kept.
const WORTH_KEEPING: Duration = Duration::from_secs(1);

/// A checkpoint that an earlier process left.
pub(crate) struct Restored {
    /// Whether the training is complete.
    pub is_finished: bool,
    pub parts: Parts,
}

/// A training that has begun.
pub(crate) struct BegunTraining {
    kept: Option<Kept>,
    training: &'static str,
    /// What the training told so far.
    notes: Arc<Mutex<Vec<Note>>>,
    restored: Option<Restored>,
    began: Instant,
    /// When the last checkpoint was written.
    last: Instant,
    /// Seconds that earlier processes spent on it.
    before: f64,
    is_essential: bool,
    /// Whether the user knows that a checkpoint could not be written.
    has_warned: bool,
}

struct Kept {
    store: Arc<Store>,
    path: PathBuf,
    fingerprint: String,
}

impl BegunTraining {
    /// Begins the next training of a script, which is called `training` and depends on the seed, the device
    /// and what `add` adds.
    ///
    /// # Errors
    /// Those of `add`.
    pub fn new(
        training: &'static str,
        context: &Context,
        add: impl FnOnce(&mut Fingerprint) -> Result<()>,
    ) -> Result<Self> {
        let mut this = Self::unkept(training);
        let Some(store) = &context.checkpoints.0 else { return Ok(this) };
        let mut all = Fingerprint::default();
        all.add(training).add(context.streams.seed().to_le_bytes());
        all.add(format!("{:?}", context.device.location()));
        add(&mut all)?;
        let fingerprint = all.finish();
        let (number, path) = store.next(&fingerprint);
        let kept = Kept { store: store.clone(), path, fingerprint };
        this.restored = kept.restored(number, &mut this, context);
        this.kept = Some(kept);
        Ok(this)
    }

    /// A training that leaves no checkpoints.
    pub fn unkept(training: &'static str) -> Self {
        let began = Instant::now();
        Self {
            kept: None,
            training,
            notes: Arc::default(),
            restored: None,
            began,
            last: began,
            before: 0.0,
            is_essential: false,
            has_warned: false,
        }
    }

    /// The checkpoint to go on from, once.
    pub fn restored(&mut self) -> Option<Restored> {
        self.restored.take()
    }

    /// Why the checkpoint to go on from cannot be used, with its file and what to do; `what` is a clause about the
    /// file, such as "lacks the model".
    pub fn unusable(&self, what: &str) -> Error {
        let reason = format!("{what}; remove this checkpoint, and the training starts anew");
        match &self.kept {
            Some(kept) => Error::file(&kept.path, reason),
            None => Error::input(format!("the checkpoint of this training {reason}")),
        }
    }

    /// Whether checkpoints are written at all.
    pub fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// The context of the training, which remembers what it tells.
    pub fn context(&self, context: &Context) -> Context {
        if self.kept.is_none() {
            return context.clone();
        }
        let (notes, reporter) = (self.notes.clone(), context.reporter.clone());
        context.clone().with_reporter(Arc::new(Remembering { notes, reporter }))
    }

    /// Whether it is time for a checkpoint.
    pub fn is_due(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| self.last.elapsed() >= kept.store.every)
    }

    /// Writes a checkpoint: how far the training is, in words, and what it takes to go on. One that cannot
    /// be written gives a warning; the training goes on.
    pub fn keep(&mut self, place: &str, context: &Context, parts: impl FnOnce() -> Result<Parts>) {
        self.write(place, false, context, parts);
    }

    /// Writes the checkpoint that stands for the complete training, if it took long enough.
    pub fn finish(&mut self, context: &Context, parts: impl FnOnce() -> Result<Parts>) {
        let Some(kept) = &self.kept else { return };
        let took = self.before + self.began.elapsed().as_secs_f64();
        let least = kept.store.every.min(WORTH_KEEPING).as_secs_f64();
        if self.is_essential || took >= least || kept.path.exists() {
            self.write("", true, context, parts);
        }
    }

    /// Keeps the finished checkpoint however short the training was, and whatever space others take.
    pub fn essential(mut self) -> Self {
        self.is_essential = true;
        self
    }

    fn write(
        &mut self,
        place: &str,
        finished: bool,
        context: &Context,
        parts: impl FnOnce() -> Result<Parts>,
    ) {
        let Some(kept) = &self.kept else { return };
        let header = Header {
            training: self.training.to_owned(),
            fingerprint: kept.fingerprint.clone(),
            finished,
            is_essential: self.is_essential,
            place: place.to_owned(),
            seconds: self.before + self.began.elapsed().as_secs_f64(),
            notes: locked(&self.notes).clone(),
            ..Header::default()
        };
        let written = parts().and_then(|parts| kept.write(header, &parts));
        // Warn once: the next checkpoint mostly fails for the same reason, such as a full disk.
        if let Err(error) = written
            && !std::mem::replace(&mut self.has_warned, true)
        {
            context.warn(format!("a checkpoint of this training was not kept: {error}"));
        }
        self.last = Instant::now();
    }
}

impl Kept {
    /// The checkpoint of this training, if there is one that belongs to it.
    fn restored(
        &self,
        number: usize,
        begun: &mut BegunTraining,
        context: &Context,
    ) -> Option<Restored> {
        // Only for the user of this process: the log of a run must not depend on how often it was killed.
        let refuse = |reason: &str| {
            let training = begun.training;
            context.mention(format!("training {number} ({training}) starts anew: {reason}"));
        };
        if !self.path.exists() {
            if self.store.has(number) {
                refuse("its checkpoint belongs to other data, settings or weights");
            }
            return None;
        }
        let Ok(bytes) = read_regular_unlogged(&self.path) else {
            refuse("its checkpoint cannot be read");
            return None;
        };
        let Some((header, parts)) = checkpoint_file::read(&bytes) else {
            refuse("its checkpoint is damaged, or of another version");
            return None;
        };
        if header.fingerprint != self.fingerprint {
            refuse("its checkpoint belongs to other data, settings or weights");
            return None;
        }
        begun.before = header.seconds;
        for note in &header.notes {
            context.reporter.report(match note.clone() {
                Note::Note(text) => Event::Note(text),
                Note::Warning(text) => Event::Warning(text),
            });
        }
        *locked(&begun.notes) = header.notes;
        let (training, place) = (&header.training, &header.place);
        context.mention(match header.finished {
            true => format!("training {number} ({training}): taken from its checkpoint"),
            false => format!("training {number} ({training}) goes on at {place}"),
        });
        Some(Restored { is_finished: header.finished, parts })
    }

    fn write(&self, header: Header, parts: &Parts) -> Result<()> {
        let finished = header.finished;
        let failed = |error: &dyn std::fmt::Display| Error::file(&self.path, error.to_string());
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        }
        let bytes = checkpoint_file::write(header, parts).map_err(|error| failed(&error))?;
        write_whole(&self.path, &bytes)?;
        if finished {
            self.store.make_room(&self.path);
        }
        Ok(())
    }
}

/// Remembers notes and warnings on their way to the user.
struct Remembering {
    notes: Arc<Mutex<Vec<Note>>>,
    reporter: Arc<dyn Reporter>,
}

impl Reporter for Remembering {
    fn report(&self, event: Event) {
        let note = match &event {
            Event::Note(text) => Some(Note::Note(text.clone())),
            Event::Warning(text) => Some(Note::Warning(text.clone())),
            _ => None,
        };
        locked(&self.notes).extend(note);
        self.reporter.report(event);
    }
}

#[cfg(test)]
mod tests;
