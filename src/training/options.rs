//! Settings of training.

use serde::{Deserialize, Serialize};

use crate::model::MASK_RATIO;
use crate::options::setters;
use crate::{Error, Result};

/// Learning rate at the start of a stage, unless the user chooses (published).
pub const LEARNING_RATE: f64 = 3e-3;

/// Settings of training; the defaults are the published ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingOptions {
    /// Slices per batch.
    #[serde(alias = "batch")]
    pub batch_size: usize,
    /// Share of the regions' patches that are hidden, on average over a batch.
    #[serde(alias = "ratio")]
    pub mask_ratio: f64,
    /// Learning rate at the start of a stage.
    pub learning_rate: f64,
    /// Epochs of a stage after which the learning rate falls to a tenth; 0: never.
    pub decay_every: usize,
    /// Whether images are augmented.
    pub augment: bool,
    /// Slices that go through the network together; `None` chooses by the network's size, or one if
    /// several ranks share a batch. The batch's gradient is summed over them, so this bounds memory, not
    /// the method.
    pub micro_batch: Option<usize>,
}

impl Default for TrainingOptions {
    fn default() -> Self {
        Self {
            batch_size: 10,
            mask_ratio: MASK_RATIO,
            learning_rate: LEARNING_RATE,
            decay_every: 50,
            augment: true,
            micro_batch: None,
        }
    }
}

setters!(TrainingOptions {
    /// With this many slices per batch.
    batch_size: usize,
    /// With this share of the region's patches hidden.
    mask_ratio: f64,
    /// With this learning rate at the start of a stage.
    learning_rate: f64,
    /// With the learning rate falling to a tenth after this many epochs of a stage; 0: never.
    decay_every: usize,
    /// With or without augmentation.
    augment: bool,
});

impl TrainingOptions {
    pub(super) fn validate(&self) -> Result<()> {
        if self.batch_size == 0 || self.micro_batch == Some(0) {
            return Err(Error::input("a batch needs at least 1 slice"));
        }
        if !(self.mask_ratio > 0.0 && self.mask_ratio < 1.0) {
            return Err(Error::input(format!(
                "mask_ratio must lie between 0 and 1, not {}",
                self.mask_ratio
            )));
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return Err(Error::input(format!(
                "the learning rate must be positive, not {}",
                self.learning_rate
            )));
        }
        Ok(())
    }

    /// The learning rate of an epoch of a stage, counted from 0.
    pub fn learning_rate_at(&self, epoch_in_stage: usize) -> f64 {
        let decays = epoch_in_stage.checked_div(self.decay_every).unwrap_or(0);
        self.learning_rate * 0.1f64.powi(decays as i32)
    }
}
