//! The method of the paper as a [`Reconstructor`]: the mean of Monte-Carlo redrawings.

use super::{Reconstructor, Redrawing};
use crate::Result;
use crate::cohort::{Frame, Slice};
use crate::context::Context;
use crate::model::Network;
use crate::training::Model;
use crate::uncertainty::MonteCarlo;

/// A trained network that redraws every patch of the region several times under different masks.
/// The reconstruction is their mean, the doubt their variance, the error |image − mean|.
pub struct MaskedAutoencoder {
    pub network: Network,
    pub monte_carlo: MonteCarlo,
    /// Gives each estimation its own random draws.
    pub round: u64,
}

impl MaskedAutoencoder {
    /// The model as it is now, with random draws that none of its estimations had before.
    ///
    /// # Errors
    /// If its tensors cannot be read.
    pub fn of(model: &mut Model, monte_carlo: MonteCarlo) -> Result<Self> {
        model.estimations += 1;
        Ok(Self { network: model.frozen()?, monte_carlo, round: model.estimations })
    }
}

impl Reconstructor for MaskedAutoencoder {
    fn name(&self) -> String {
        "U²AD".into()
    }

    fn frame(&self) -> Option<Frame> {
        let config = self.network.config();
        Some(Frame { size: config.image, field_mm: config.field_mm })
    }

    fn redraw(&self, slices: &[&Slice], context: &Context) -> Result<Vec<Redrawing>> {
        let maps = self.monte_carlo.estimate(&self.network, slices, self.round, context)?;
        let redrawing = |map: crate::uncertainty::Uncertainty| Redrawing {
            reconstruction: map.mean,
            error: map.error,
            variance: Some(map.variance),
        };
        Ok(maps.into_iter().map(redrawing).collect())
    }
}
