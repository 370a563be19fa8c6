//! The loop of the paper: loss, Adam, augmentation, epochs, pretraining and adaptation.

use serde::{Deserialize, Serialize};

/// What one epoch did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Epochs of this model's life, counted from 1.
    pub epoch: usize,
    /// "pretrain" or "adapt".
    pub stage: String,
    /// Masking strategy: "random", "eu", "au", "eu-published", "au-published".
    pub masking: String,
    /// Mean over batches: total = 10 × reconstruction + edge.
    pub loss: f64,
    pub reconstruction: f64,
    pub edge: f64,
    pub learning_rate: f64,
    /// Mean Monte-Carlo variance inside the regions, if estimated before this epoch.
    pub variance: Option<f64>,
    /// Mean Monte-Carlo |error| inside the regions, if estimated before this epoch.
    pub error: Option<f64>,
}

/// A model's life so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    pub epochs: Vec<EpochRecord>,
}
