//! The method of the paper as a [`Reconstructor`]: the mean of Monte-Carlo reconstructions.

use std::sync::Arc;

use super::{MadeBy, ModelFacts, Reconstruction, Reconstructor, Scoring};
use crate::Result;
use crate::cohort::{Slice, SliceGrid};
use crate::context::{Context, counted};
use crate::model::{Network, tensor_file};
use crate::options::Choice;
use crate::scoring::{CalibratedState, Calibration, LearnedFrom, LesionScorer, TrainingState};
use crate::training::Model;
use crate::uncertainty::{MonteCarlo, Uncertainty};

/// A trained network that reconstructs every patch of the region several times under different
/// masks. The reconstruction is their mean, the uncertainty their variance, the error |image −
/// mean|.
pub struct MaskedAutoencoder {
    pub network: Network,
    pub monte_carlo: MonteCarlo,
    /// Gives each estimation its own random draws.
    pub round: u64,
    /// Turns reconstructions into lesion probabilities.
    pub scorer: Option<LesionScorer>,
    /// How far the network was trained.
    pub trained: TrainingState,
    /// The seeds that it was made and trained with, as [`History::seeds`](crate::training::History::seeds).
    pub seeds: Vec<u64>,
    /// Calibrations with healthy subjects, at most one of each scoring.
    pub calibrations: Vec<Calibration>,
    /// Whose images the network learned from, without those of the scorer.
    pub learned_from: LearnedFrom,
}

impl MaskedAutoencoder {
    /// The model as it is now, with random draws that none of its estimations had before.
    ///
    /// # Errors
    /// If its tensors cannot be read.
    pub fn of(model: &mut Model, monte_carlo: MonteCarlo) -> Result<Self> {
        let round = model.next_round();
        let (scorer, trained) = (model.scorer.clone(), model.trained());
        let calibrations = model.calibrations.clone();
        let (network, seeds) = (model.frozen()?, model.history.seeds());
        let learned_from = model.learned_from.clone();
        Ok(Self { network, monte_carlo, round, scorer, trained, seeds, calibrations, learned_from })
    }

    /// A hash of the weights of network and scorer.
    fn weights(&self) -> String {
        let mut tensors = self.network.tensors().clone();
        tensors.extend(self.scorer.iter().flat_map(LesionScorer::tensors));
        tensor_file::digest(&tensors)
    }

    fn identity_with(&self, weights: &str) -> String {
        format!("{}, {:?}, {weights}", self.name(), self.state())
    }

    fn facts_with(&self, weights: String) -> ModelFacts {
        ModelFacts {
            monte_carlo: self.monte_carlo,
            weights,
            seeds: self.seeds.clone(),
            epochs: self.trained.epochs,
        }
    }

    /// What its scores depend on, besides the images and the random draws of a round.
    pub fn state(&self) -> CalibratedState {
        CalibratedState {
            monte_carlo: self.monte_carlo,
            trained: self.trained,
            scorer: self.scorer.as_ref().map(|scorer| scorer.description().round),
        }
    }

    /// Warns if these reconstructions differ from those that the scorer learned from.
    fn warn_of_other_reconstructions(&self, scorer: &LesionScorer, context: &Context) {
        let learned = scorer.description();
        let (before, now) = (learned.model_epochs, self.trained.epochs);
        if before != now {
            context.warn(format!(
                "the scorer was trained after epoch {before}, but the model has {}: train the scorer again",
                counted(now, "epoch")
            ));
        } else if !scorer.model_trained().fits(&self.trained) {
            context.warn(
                "the model was trained on after its scorer, in an epoch that was interrupted: train the scorer again",
            );
        }
        let (then, now) = (learned.monte_carlo, self.monte_carlo);
        if then != now {
            context.warn(format!(
                "the scorer was trained with {} samples at a mask ratio of {}, but now gets {} at \
                 {}: its probabilities may be wrong",
                then.samples, then.mask_ratio, now.samples, now.mask_ratio
            ));
        }
    }
}

impl Reconstructor for MaskedAutoencoder {
    fn name(&self) -> String {
        "U²AD".into()
    }

    fn identity(&self) -> String {
        self.identity_with(&self.weights())
    }

    fn model_facts(&self) -> Option<ModelFacts> {
        Some(self.facts_with(self.weights()))
    }

    fn made_by(&self, seed: u64) -> MadeBy {
        let weights = self.weights();
        MadeBy {
            identity: self.identity_with(&weights),
            seed,
            model: Some(self.facts_with(weights)),
        }
    }

    fn grid(&self) -> Option<SliceGrid> {
        Some(self.network.config().slice_grid())
    }

    fn scoring(&self) -> Scoring {
        match self.scorer {
            Some(_) => Scoring::Learned,
            None => Scoring::Residual,
        }
    }

    fn calibration(&self, scoring: Scoring, context: &Context) -> Option<Arc<Calibration>> {
        let calibration = self.calibrations.iter().find(|one| one.scoring == scoring.name())?;
        let (then, mut now) = (calibration.state, self.state());
        if scoring != Scoring::Learned {
            // Other scorings do not look at the scorer.
            now.scorer = then.scorer;
        }
        if !then.fits(&now) {
            context.warn(
                "the model was calibrated in another state (training, scorer, samples or mask ratio), so \
                 its thresholds no longer hold and are not used: calibrate it again",
            );
            return None;
        }
        Some(Arc::new(calibration.clone()))
    }

    fn learned_from(&self, scoring: Scoring) -> LearnedFrom {
        let mut all = self.learned_from.clone();
        if let Some(scorer) = self.scorer.as_ref().filter(|_| scoring == Scoring::Learned) {
            all.extend(&scorer.description().learned_from);
        }
        all
    }

    fn reconstruct(&self, slices: &[&Slice], context: &Context) -> Result<Vec<Reconstruction>> {
        let maps = self.monte_carlo.estimate(&self.network, slices, self.round, context)?;
        let mut probabilities = match &self.scorer {
            Some(scorer) => {
                self.warn_of_other_reconstructions(scorer, context);
                scorer.score(slices, &maps, context)?
            }
            None => Vec::new(),
        }
        .into_iter();
        let reconstruction = |map: Uncertainty| Reconstruction {
            reconstruction: map.mean,
            error: map.error,
            variance: Some(map.variance),
            probability: probabilities.next(),
            anomaly: None,
        };
        Ok(maps.into_iter().map(reconstruction).collect())
    }
}
