//! Settings with which a session starts.

use std::path::PathBuf;

use candle_core::Device;

use super::script_parameters::ScriptParameters;
use crate::files::LazyFolder;

/// Settings with which a session starts; `seed(…)` and `device(…)` change the first two later.
#[derive(Clone, Debug)]
pub struct Settings {
    pub seed: u64,
    pub device: Device,
    pub parameters: ScriptParameters,
    /// Where the run's figures and tables go, for scripts that keep files of their own there.
    pub folder: PathBuf,
    /// Where the snapshots of models and the journal go.
    pub keep: LazyFolder,
    /// Bytes that the snapshots of all models may take together. Without it, only the 2 GiB of each
    /// model count.
    pub snapshot_bytes: Option<u64>,
    /// Whether to write a journal, from which
    /// [`Session::resume`](super::Session::resume) restores the session
    /// after a crash.
    pub journal: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            device: Device::Cpu,
            parameters: ScriptParameters::default(),
            folder: PathBuf::from("."),
            keep: LazyFolder::temporary(None),
            snapshot_bytes: None,
            journal: false,
        }
    }
}
