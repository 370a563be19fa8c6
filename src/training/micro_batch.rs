//! Gradients and losses of the images that pass through the network together.

use super::adam::{Gradients, accumulate, gradients};
use super::{Loss, Target};
use crate::Result;
use crate::context::Context;
use crate::model::{Network, Parameters, PatchOrder};

/// Gradients by name and the total, reconstruction and edge losses of a micro-batch, or of the sum of several.
#[derive(Default)]
pub(super) struct MicroBatch {
    pub gradients: Gradients,
    pub losses: [f64; 3],
}

impl MicroBatch {
    /// Forward and backward pass over the images of a target. `network` records a graph that ends at `parameters`.
    pub fn of(
        parameters: &Parameters,
        network: &Network,
        order: &PatchOrder,
        target: &Target,
        context: &Context,
    ) -> Result<Self> {
        let target = target.to_device(&context.device)?;
        let loss = Loss::new(&network.forward(&target.patches, order, &context.cancel)?, &target)?;
        let gradients = gradients(parameters, &loss.total.backward()?);
        let mut losses = [0.0; 3];
        let parts = [&loss.total, &loss.reconstruction, &loss.edge];
        for (to, part) in losses.iter_mut().zip(parts) {
            *to = f64::from(part.to_scalar::<f32>()?);
        }
        Ok(Self { gradients, losses })
    }

    /// Adds another micro-batch of the same batch.
    pub fn add(&mut self, other: Self) -> Result<()> {
        accumulate(&mut self.gradients, other.gradients)?;
        self.losses.iter_mut().zip(other.losses).for_each(|(sum, loss)| *sum += loss);
        Ok(())
    }
}
