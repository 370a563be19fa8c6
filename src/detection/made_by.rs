//! What findings were made by: for comparing them, and for the methods section of a paper.

use serde::{Deserialize, Serialize};

use crate::uncertainty::MonteCarlo;

/// A method in one state, and the seed with which it looked at images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MadeBy {
    /// [`Reconstructor::identity`](super::Reconstructor::identity).
    pub identity: String,
    /// The seed of the random draws of this detection.
    pub seed: u64,
    /// `None` for methods without a trained model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelFacts>,
}

/// What tells a model, and how it reconstructs, from others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelFacts {
    pub monte_carlo: MonteCarlo,
    /// SHA-256 of the weights of the network and of its scorer, by their names, in hexadecimal digits.
    pub weights: String,
    /// The seeds of its initial weights and of its trainings, each once, in the order in which they were used; empty
    /// where an earlier version or another program trained it.
    #[serde(default)]
    pub seeds: Vec<u64>,
    /// Epochs trained.
    pub epochs: usize,
}
