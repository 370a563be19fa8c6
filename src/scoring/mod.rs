//! A network that turns the masked autoencoder's reconstruction of a slice into lesion probabilities. It
//! learns from simulated lesions and never sees the label of a real one.
//!
//! The residual of a reconstruction is large in lesions, but also at the cord's border, in
//! truncation lines and beside flow voids. Shape and surroundings distinguish them. So
//! lesions are painted ([`crate::simulation`]) into healthy subjects and into the unlabelled
//! clinical ones, the autoencoder reconstructs these images, and a small U-Net learns to find the
//! painted pixels from image, neighbouring slices, residual and uncertainty. The idea is that of
//! DRAEM (Zavrtanik et al. 2021) and of anomaly segmentation with simulated lesions in medical
//! images (Georgescu 2023, arXiv 2307.07534).
//!
//! Clinical subjects may have real lesions that nobody marked. The loss leaves out clinical pixels
//! that the network itself classifies as lesion in the unpainted image. For the same reason
//! the first third of the training uses healthy subjects only.
//!
//! Several networks are trained from different starts, and their log-odds are averaged.

mod calibration;
mod channels;
mod initial_weights;
mod samples;
mod scorer_training;
mod seen;
mod train;

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

pub use calibration::{CalibratedState, Calibration, MaskOrigins, TrainingState};
use channels::{CHANNELS, channels};
pub use initial_weights::InitialWeights;
pub use scorer_training::{FOUND_MASK_AUGMENTATION, ScorerTraining};
pub(crate) use seen::seen_names;
pub use seen::{LearnedFrom, SeenAs, SeenImages};

use crate::cohort::Slice;
use crate::context::Context;
use crate::model::convolutional::{Weights, batch, unet};
use crate::uncertainty::{MonteCarlo, Uncertainty};
use crate::{Error, Result};

/// Trained scoring networks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LesionScorer {
    members: Arc<Vec<Weights>>,
    description: ScorerDescription,
}

/// How a scorer was trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScorerDescription {
    pub training: ScorerTraining,
    /// Settings of the reconstructions that it learned from; later ones must use the same.
    pub monte_carlo: MonteCarlo,
    /// Epochs of the autoencoder when the scorer was trained.
    pub model_epochs: usize,
    /// Steps of its optimiser; `None` in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_steps: Option<usize>,
    /// First round of Monte-Carlo draws of the training; no other training of the model has it.
    pub round: u64,
    /// Subjects it learned from.
    pub healthy: usize,
    pub clinical: usize,
    /// Their images; unknown in files of earlier versions.
    #[serde(default, skip_serializing_if = "LearnedFrom::is_empty")]
    pub learned_from: LearnedFrom,
}

impl LesionScorer {
    /// How it was trained.
    pub fn description(&self) -> &ScorerDescription {
        &self.description
    }

    /// How far the autoencoder was trained when the scorer was.
    pub fn model_trained(&self) -> TrainingState {
        TrainingState { epochs: self.description.model_epochs, steps: self.description.model_steps }
    }

    /// Lesion probability of every pixel of some slices with their reconstructions, in order.
    /// Slices of one subject must stand together, from right to left. 0 outside the part of a
    /// slice that the network looks at.
    ///
    /// # Errors
    /// If a subject has no cord, if slices and maps do not fit together, and [`Error::Cancelled`] if
    /// the user interrupts.
    pub fn score(
        &self,
        slices: &[&Slice],
        maps: &[Uncertainty],
        context: &Context,
    ) -> Result<Vec<Array2<f32>>> {
        let mut scores = Vec::with_capacity(slices.len());
        let mut rest = maps;
        for subject in slices.chunk_by(|a, b| a.subject == b.subject) {
            context.check()?;
            let (own, others) = rest.split_at(subject.len().min(rest.len()));
            rest = others;
            let (window, inputs) = channels(subject, own)?;
            window.warn_of_left_out(subject, context);
            let input = batch(&inputs, &self.device())?;
            let mean = self.mean_logits(&input)?;
            for (place, slice) in subject.iter().enumerate() {
                let logits = mean.get(place)?.to_vec2::<f32>()?;
                let probability = Array2::from_shape_fn(window.padded(), |(row, column)| {
                    1.0 / (1.0 + (-logits[row][column]).exp())
                });
                let nothing = Array2::zeros(slice.image.dim());
                scores.push(window.paste(probability.view(), nothing));
            }
        }
        Ok(scores)
    }

    /// Log-odds averaged over the networks, and over the image and its mirror image upside down.
    fn mean_logits(&self, input: &Tensor) -> candle_core::Result<Tensor> {
        let mut sum: Option<Tensor> = None;
        let turned = input.flip(&[2])?;
        for weights in self.members.iter() {
            let both =
                (unet::outputs(weights, input)? + unet::outputs(weights, &turned)?.flip(&[1])?)?;
            sum = Some(match sum {
                Some(sum) => (sum + both)?,
                None => both,
            });
        }
        let Some(sum) = sum else { candle_core::bail!("a scorer without networks") };
        sum / (2 * self.members.len()) as f64
    }

    fn device(&self) -> Device {
        let tensor = self.members.first().and_then(|weights| weights.values().next());
        tensor.map_or(Device::Cpu, |tensor| tensor.device().clone())
    }

    /// Its weights by name, `scorer.<network>.<name>`.
    pub fn tensors(&self) -> BTreeMap<String, Tensor> {
        let named = |(member, weights): (usize, &Weights)| {
            let name = move |(name, tensor): (&String, &Tensor)| {
                (format!("{PREFIX}{member}.{name}"), tensor.clone())
            };
            weights.iter().map(name).collect::<Vec<_>>()
        };
        self.members.iter().enumerate().flat_map(named).collect()
    }

    /// Takes the weights out of a checkpoint's tensors, leaving the rest.
    ///
    /// # Errors
    /// If any is missing or has another shape.
    pub fn from_tensors(
        description: ScorerDescription,
        tensors: &mut BTreeMap<String, Tensor>,
    ) -> Result<Self> {
        let mut members = Vec::new();
        for member in 0..description.training.members {
            members.push(take_network(member, description.training.width, tensors)?);
        }
        Ok(Self { members: Arc::new(members), description })
    }
}

/// Takes the weights of one network out of a checkpoint's tensors.
///
/// # Errors
/// If any is missing or has another shape.
fn take_network(
    member: usize,
    width: usize,
    tensors: &mut BTreeMap<String, Tensor>,
) -> Result<Weights> {
    let mut weights = Weights::new();
    for (name, shape) in unet::shapes(CHANNELS, width) {
        let full = format!("{PREFIX}{member}.{name}");
        let tensor = tensors
            .remove(&full)
            .ok_or_else(|| Error::input(format!("the scoring network lacks \"{full}\"")))?;
        if tensor.dims() != shape {
            let found = tensor.dims();
            return Err(Error::input(format!("\"{full}\" has shape {found:?}, not {shape:?}")));
        }
        weights.insert(name, tensor);
    }
    Ok(weights)
}

const PREFIX: &str = "scorer.";

#[cfg(test)]
mod tests;
