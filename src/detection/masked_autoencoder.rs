//! The method of the paper as a [`Reconstructor`]: the mean of Monte-Carlo reconstructions.

use super::{Reconstruction, Reconstructor};
use crate::Result;
use crate::cohort::{Slice, SliceGrid};
use crate::context::Context;
use crate::model::Network;
use crate::scoring::LesionScorer;
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
}

impl MaskedAutoencoder {
    /// The model as it is now, with random draws that none of its estimations had before.
    ///
    /// # Errors
    /// If its tensors cannot be read.
    pub fn of(model: &mut Model, monte_carlo: MonteCarlo) -> Result<Self> {
        let round = model.next_round();
        Ok(Self { network: model.frozen()?, monte_carlo, round, scorer: model.scorer.clone() })
    }
}

impl Reconstructor for MaskedAutoencoder {
    fn name(&self) -> String {
        "U²AD".into()
    }

    fn grid(&self) -> Option<SliceGrid> {
        Some(self.network.config().slice_grid())
    }

    fn reconstruct(&self, slices: &[&Slice], context: &Context) -> Result<Vec<Reconstruction>> {
        let maps = self.monte_carlo.estimate(&self.network, slices, self.round, context)?;
        let mut probabilities = match &self.scorer {
            Some(scorer) => scorer.score(slices, &maps, context)?,
            None => Vec::new(),
        }
        .into_iter();
        let reconstruction = |map: Uncertainty| Reconstruction {
            reconstruction: map.mean,
            error: map.error,
            variance: Some(map.variance),
            probability: probabilities.next(),
        };
        Ok(maps.into_iter().map(reconstruction).collect())
    }
}
