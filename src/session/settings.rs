//! Settings with which a session starts.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use candle_core::Device;

use super::script_parameters::ScriptParameters;
use crate::context::{Checkpoints, Ranks};
use crate::error::locked;
use crate::files::LazyFolder;

/// The seeds that verbs set in one session, in their order. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct SeedChanges(Arc<Mutex<Vec<u64>>>);

impl SeedChanges {
    /// All of them so far.
    pub fn all(&self) -> Vec<u64> {
        locked(&self.0).clone()
    }

    pub(super) fn add(&self, seed: u64) {
        locked(&self.0).push(seed);
    }
}

/// Settings with which a session starts; `seed(…)` and `device(…)` change the first two later.
#[derive(Clone, Debug)]
pub struct Settings {
    pub seed: u64,
    pub device: Device,
    /// Every seed that a verb sets, for the record of the run.
    pub seed_changes: SeedChanges,
    pub parameters: ScriptParameters,
    /// Where the run's figures and tables go, for scripts that keep files of their own there.
    pub folder: PathBuf,
    /// Where the snapshots of models and the journal go.
    pub keep: LazyFolder,
    /// Bytes that the snapshots of all models may take together. Without it, only the 2 GiB of each
    /// model count.
    pub snapshot_bytes: Option<u64>,
    /// Bytes that this process may hold before the running cell is stopped. Without it, 80 % of what the
    /// machine and the control group allow.
    pub memory_bytes: Option<u64>,
    /// Whether to write a journal, from which
    /// [`Session::resume`](super::Session::resume) restores the session
    /// after a crash.
    pub journal: bool,
    /// Where trainings leave checkpoints, from which a script that was killed goes on.
    pub checkpoints: Checkpoints,
    /// The processes that share the work of trainings and estimations.
    pub ranks: Option<Arc<dyn Ranks>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            device: Device::Cpu,
            seed_changes: SeedChanges::default(),
            parameters: ScriptParameters::default(),
            folder: PathBuf::from("."),
            keep: LazyFolder::temporary(None),
            snapshot_bytes: None,
            memory_bytes: None,
            journal: false,
            checkpoints: Checkpoints::default(),
            ranks: None,
        }
    }
}
