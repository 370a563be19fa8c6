//! A common bound on the disk space of the snapshots of several models.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use crate::error::locked;

/// A bound on the bytes that the snapshots of all models of a session take. Clones mean the same one.
///
/// Beyond it the oldest go first: those of models that no longer exist, then those of the others; the
/// first snapshot of a model and the last of each stage after all others. The current snapshot of
/// a model stays.
#[derive(Clone, Debug)]
pub struct SnapshotBound {
    limit: u64,
    kept: Arc<Mutex<Kept>>,
}

/// The snapshots on the disk.
#[derive(Debug, Default)]
struct Kept {
    models: u64,
    saved: u64,
    /// By model and epoch.
    files: BTreeMap<(u64, usize), KeptFile>,
}

#[derive(Debug)]
struct KeptFile {
    /// Gone once the model is.
    model: Weak<()>,
    path: PathBuf,
    snapshot: BoundSnapshot,
    /// How many were saved before.
    age: u64,
}

/// What the bound needs to know of one snapshot.
#[derive(Clone, Copy, Debug)]
pub(super) struct BoundSnapshot {
    pub bytes: u64,
    pub is_current: bool,
    /// The first of its model, or the last of a stage.
    pub is_milestone: bool,
}

/// One model's part of a [`SnapshotBound`].
#[derive(Debug)]
pub(super) struct BoundMember {
    bound: SnapshotBound,
    number: u64,
    alive: Arc<()>,
}

impl SnapshotBound {
    /// A bound of so many bytes.
    pub fn new(limit: u64) -> Self {
        Self { limit, kept: Arc::default() }
    }

    /// The part of one more model.
    pub(super) fn join(&self) -> BoundMember {
        let mut kept = self.lock();
        kept.models += 1;
        BoundMember { bound: self.clone(), number: kept.models, alive: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        locked(&self.kept)
    }
}

impl BoundMember {
    /// The bytes that all models may take.
    pub fn limit(&self) -> u64 {
        self.bound.limit
    }

    /// Whether the snapshot of an epoch is still there.
    pub fn holds(&self, epoch: usize) -> bool {
        self.bound.lock().files.contains_key(&(self.number, epoch))
    }

    /// Takes note of a snapshot that was saved, or of what changed about it.
    pub fn put(&self, epoch: usize, path: PathBuf, snapshot: BoundSnapshot) {
        let mut kept = self.bound.lock();
        let key = (self.number, epoch);
        kept.saved += 1;
        let age = kept.files.get(&key).map_or(kept.saved, |known| known.age);
        let model = Arc::downgrade(&self.alive);
        kept.files.insert(key, KeptFile { model, path, snapshot, age });
    }

    /// Forgets the snapshot of an epoch, whose file is gone.
    pub fn forget(&self, epoch: usize) {
        self.bound.lock().files.remove(&(self.number, epoch));
    }

    /// Removes snapshots, of any model, until the bound is kept.
    pub fn apply(&self) {
        let mut kept = self.bound.lock();
        while kept.files.values().map(|file| file.snapshot.bytes).sum::<u64>() > self.limit() {
            let may_go = kept.files.iter().filter_map(|(key, file)| {
                let lives = file.model.strong_count() > 0;
                let KeptFile { snapshot, age, .. } = file;
                (!lives || !snapshot.is_current)
                    .then_some(((lives, snapshot.is_milestone, *age), *key))
            });
            let Some((_, key)) = may_go.min() else { return };
            if let Some(file) = kept.files.remove(&key) {
                // A file that cannot be removed only takes space.
                fs::remove_file(file.path).ok();
            }
        }
    }
}
