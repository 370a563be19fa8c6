//! Settings of the scoring networks' training.

use serde::{Deserialize, Serialize};

use super::initial_weights::{InitialWeights, SHIPPED_WIDTH};
use crate::options::setters;
use crate::simulation::LesionSimulator;
use crate::{Error, Result};

/// The mask augmentation that fits masks which the program found.
pub const FOUND_MASK_AUGMENTATION: f64 = 0.5;

/// Settings of the training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScorerTraining {
    /// Networks whose log-odds are averaged.
    pub members: usize,
    /// Epochs of each: every painted slice once.
    pub epochs: usize,
    /// How often lesions are painted into every healthy subject, and into every clinical one.
    pub healthy_rounds: usize,
    pub clinical_rounds: usize,
    /// Which lesions are painted.
    pub lesions: LesionSimulator,
    /// Slices per batch.
    pub batch_size: usize,
    /// Learning rate at its highest; it falls to 0 along a cosine.
    pub learning_rate: f64,
    /// Channels of the network at full resolution; a multiple of 4.
    pub width: usize,
    /// Clinical pixels without painted lesion that the network gives at least this probability take
    /// no part: they may be real lesions. Above 0; at 1 all take part.
    pub trim_above: f64,
    /// Share of the training views in which the cord is drawn up to a pixel wider, narrower or aside, 0
    /// to 1. It makes the scorer ready for masks of another kind than its own, such as found ones, and
    /// costs sensitivity where masks are exact.
    pub mask_augmentation: f64,
    /// What the networks begin with. Records that do not name it are older than the choice.
    #[serde(default = "InitialWeights::of_old_records")]
    pub initial_weights: InitialWeights,
}

impl Default for ScorerTraining {
    fn default() -> Self {
        Self {
            members: 3,
            epochs: 30,
            healthy_rounds: 4,
            clinical_rounds: 2,
            lesions: LesionSimulator::default(),
            batch_size: 8,
            learning_rate: 3e-3,
            width: 12,
            trim_above: 0.15,
            mask_augmentation: 0.0,
            initial_weights: InitialWeights::Phantoms,
        }
    }
}

setters!(ScorerTraining {
    /// With this many networks whose log-odds are averaged.
    members: usize,
    /// With this many epochs of each network.
    epochs: usize,
    /// With lesions painted this often into every healthy subject.
    healthy_rounds: usize,
    /// With lesions painted this often into every clinical subject.
    clinical_rounds: usize,
    /// With these lesions.
    lesions: LesionSimulator,
    /// With this learning rate at its highest.
    learning_rate: f64,
    /// With the cord drawn differently in this share of the training views.
    mask_augmentation: f64,
    /// With networks that begin so.
    initial_weights: InitialWeights,
});

impl ScorerTraining {
    /// Whether the settings make sense.
    pub(super) fn validate(&self) -> Result<()> {
        self.lesions.validate()?;
        for (name, value) in [
            ("members", self.members),
            ("epochs", self.epochs),
            ("batch_size", self.batch_size),
            ("width", self.width),
        ] {
            if value == 0 {
                return Err(Error::input(format!("{name} of the scorer must be 1 or more, not 0")));
            }
        }
        if !self.width.is_multiple_of(4) {
            return Err(Error::input(format!(
                "width of the scorer must be a multiple of 4, not {}",
                self.width
            )));
        }
        if self.initial_weights == InitialWeights::Phantoms && self.width != SHIPPED_WIDTH {
            return Err(Error::input(format!(
                "the scorer's networks of phantoms have a width of {SHIPPED_WIDTH}, not {}; begin with random \
                 weights for another width",
                self.width
            )));
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return Err(Error::input(format!(
                "the learning rate must be positive, not {}",
                self.learning_rate
            )));
        }
        if !(self.trim_above > 0.0 && self.trim_above <= 1.0) {
            return Err(Error::input(format!(
                "trim_above is a probability, above 0 and up to 1, not {}",
                self.trim_above
            )));
        }
        if !(0.0..=1.0).contains(&self.mask_augmentation) {
            return Err(Error::input(format!(
                "mask_augmentation is a share, 0 to 1, not {}",
                self.mask_augmentation
            )));
        }
        Ok(())
    }

    /// Rounds of Monte-Carlo draws that training takes.
    pub fn rounds(&self) -> u64 {
        self.healthy_rounds.max(self.clinical_rounds) as u64 + 1
    }
}
