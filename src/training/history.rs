//! The training history of a model, epoch by epoch.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::masking::MaskingStrategy;
use crate::options::Choice;

/// One epoch of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Number of the epoch, counted from 1.
    pub epoch: usize,
    pub stage: Stage,
    pub masking: MaskingStrategy,
    /// Mean over batches: total = 10 × reconstruction + edge.
    pub loss: f64,
    pub reconstruction: f64,
    pub edge: f64,
    pub learning_rate: f64,
    /// Mean Monte-Carlo variance inside the regions, of the latest estimation before this epoch, if there was one.
    pub variance: Option<f64>,
    /// Mean Monte-Carlo |error| inside the regions, of the latest estimation before this epoch, if there was one.
    pub error: Option<f64>,
}

impl fmt::Display for EpochRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epoch, stage, masking, loss, .. } = self;
        let (stage, masking) = (stage.name(), masking.name());
        write!(f, "epoch {epoch} ({stage}, {masking} masks): loss {loss:.4}")
    }
}

/// The two stages of training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// On healthy volumes, with random masks.
    #[default]
    Pretrain,
    /// On the clinic's own volumes.
    Adapt,
}

impl Stage {
    /// "pretrain" or "adapt".
    pub fn name(self) -> &'static str {
        match self {
            Self::Pretrain => "pretrain",
            Self::Adapt => "adapt",
        }
    }
}

/// The training history of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    pub epochs: Vec<EpochRecord>,
}

impl History {
    /// Epochs at the end of the history that belong to `stage`.
    pub fn epochs_in_stage(&self, stage: Stage) -> usize {
        self.epochs.iter().rev().take_while(|record| record.stage == stage).count()
    }
}
