//! Training of the scoring networks.

use std::sync::Arc;

use candle_core::{Device, Tensor, Var};
use ndarray::{Array2, Array3};
use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::channels::{CHANNELS, batch};
use super::options::ScorerTraining;
use super::samples::{Painter, Sample, Shown};
use super::unet::{self, Weights};
use super::{LesionScorer, ScorerDescription};
use crate::cohort::{Subject, dilated};
use crate::context::{Context, Progress};
use crate::model::Network;
use crate::ops::{AdamState, AdamStep};
use crate::uncertainty::MonteCarlo;
use crate::{Error, Result};

/// Share of the epochs that use healthy subjects only, where there are any.
const HEALTHY_SHARE: f64 = 1.0 / 3.0;
/// Epochs between two passes over the unpainted clinical slices.
const TRIM_EVERY: usize = 4;
/// Pixels by which the left-out area is dilated.
const TRIM_GROWTH: usize = 2;
/// Steps over which the learning rate rises.
const WARM_UP: f64 = 50.0;
/// Weight of the overlap (Dice) beside the cross-entropy.
const OVERLAP_WEIGHT: f64 = 0.3;
const BETA: [f64; 2] = [0.9, 0.999];
const EPSILON: f64 = 1e-8;

impl ScorerTraining {
    /// Trains scoring networks for a masked autoencoder. `round` is the first of as many rounds
    /// of Monte-Carlo draws as there are rounds of painting, and one for the clinical slices as
    /// they are ([`Self::rounds`]).
    ///
    /// # Errors
    /// If a setting is invalid or there are no subjects, and [`Error::Cancelled`] if the user
    /// interrupts.
    pub fn train(
        &self,
        (network, model_epochs): (&Network, usize),
        (healthy, clinical): (&[Arc<Subject>], &[Arc<Subject>]),
        (monte_carlo, round): (MonteCarlo, u64),
        context: &Context,
    ) -> Result<LesionScorer> {
        self.validate()?;
        let of = |subjects: &[Arc<Subject>], rounds: usize| rounds * subjects.len();
        if of(healthy, self.healthy_rounds) + of(clinical, self.clinical_rounds) == 0 {
            return Err(Error::input(
                "the scorer needs subjects to paint lesions into, and at least one round of painting",
            ));
        }
        let painter = Painter { training: self, network, monte_carlo, round, context };
        let samples = painter.samples(healthy, clinical)?;
        let unpainted = painter.unpainted(clinical)?;
        if !samples.iter().any(Sample::has_lesion) {
            return Err(Error::input(
                "no lesion could be painted: the cords are too narrow for the lesions' sizes, or \
                 count allows none",
            ));
        }
        let progress = context.progress("train the scorer", "epoch", self.members * self.epochs);
        let mut members = Vec::with_capacity(self.members);
        for member in 0..self.members {
            let trainer = Trainer {
                training: self,
                samples: &samples,
                unpainted: &unpainted,
                member,
                context,
            };
            members.push(trainer.run(&progress)?);
        }
        let description = ScorerDescription {
            training: self.clone(),
            monte_carlo,
            model_epochs,
            round,
            healthy: healthy.len(),
            clinical: clinical.len(),
        };
        Ok(LesionScorer { members: Arc::new(members), description })
    }
}

/// Trains one network.
struct Trainer<'a> {
    training: &'a ScorerTraining,
    samples: &'a [Sample],
    unpainted: &'a [Array3<f32>],
    member: usize,
    context: &'a Context,
}

impl Trainer<'_> {
    fn run(&self, progress: &Progress) -> Result<Weights> {
        let streams = &self.context.streams;
        let member = self.member as u64;
        let device = Device::Cpu;
        let mut stream = streams.stream("scorer/initialisation", &[member]);
        let fresh = unet::initial(CHANNELS, self.training.width, &mut stream, &device)?;
        let mut state: Vec<(String, Var, Tensor, Tensor)> = Vec::new();
        for (name, tensor) in fresh {
            let (first, second) = (tensor.zeros_like()?, tensor.zeros_like()?);
            state.push((name, Var::from_tensor(&tensor)?, first, second));
        }
        let weights = |state: &[(String, Var, Tensor, Tensor)]| -> Weights {
            let named = state.iter().map(|(name, var, ..)| (name.clone(), var.as_tensor().clone()));
            named.collect()
        };
        let epochs = self.training.epochs;
        let healthy: Vec<usize> = (0..self.samples.len())
            .filter(|place| self.samples[*place].clinical.is_none())
            .collect();
        let alone = if healthy.is_empty() { 0 } else { (epochs as f64 * HEALTHY_SHARE) as usize };
        let batches = |count: usize| count.div_ceil(self.training.batch_size);
        let steps = alone * batches(healthy.len()) + (epochs - alone) * batches(self.samples.len());
        let mut left_out: Vec<Option<Array2<bool>>> = vec![None; self.unpainted.len()];
        let mut step = 0;
        for epoch in 0..epochs {
            if epoch >= alone && (epoch - alone).is_multiple_of(TRIM_EVERY) && epoch > 0 {
                left_out = self.suspected_lesions(&detached(&weights(&state)))?;
            }
            let mut order =
                if epoch < alone { healthy.clone() } else { (0..self.samples.len()).collect() };
            order.shuffle(&mut streams.stream("scorer/order", &[member, epoch as u64]));
            let mut total = 0.0;
            let count = batches(order.len());
            for (number, places) in order.chunks(self.training.batch_size).enumerate() {
                self.context.check()?;
                let at = [member, epoch as u64, number as u64];
                let loss = self.loss(&weights(&state), places, &left_out, at)?;
                total += f64::from(loss.to_scalar::<f32>()?);
                let gradients = loss.backward()?;
                step += 1;
                let rise = (step as f64 / WARM_UP).min(1.0);
                let fall = 0.5 + 0.5 * (std::f64::consts::PI * step as f64 / steps as f64).cos();
                let learning_rate = self.training.learning_rate * rise * fall;
                let adam = AdamStep { beta: BETA, epsilon: EPSILON, learning_rate, number: step };
                for (name, var, first, second) in &mut state {
                    let gradient = gradients.get(var.as_tensor()).ok_or_else(|| {
                        Error::input(format!("\"{name}\" of the scorer received no gradient"))
                    })?;
                    let parameter = var.as_detached_tensor();
                    let now = AdamState { parameter, first: first.clone(), second: second.clone() };
                    let next = adam.apply(&now, gradient)?;
                    var.set(&next.parameter)?;
                    (*first, *second) = (next.first, next.second);
                }
            }
            progress.advance(1, &[("loss", total / count as f64)]);
        }
        Ok(detached(&weights(&state)))
    }

    /// What the network classifies as lesion in the unpainted clinical slices, slightly dilated.
    fn suspected_lesions(&self, weights: &Weights) -> Result<Vec<Option<Array2<bool>>>> {
        let limit = (self.training.trim_above / (1.0 - self.training.trim_above)).ln() as f32;
        let mut all = Vec::with_capacity(self.unpainted.len());
        for input in self.unpainted {
            self.context.check()?;
            let images = batch(std::slice::from_ref(input), &Device::Cpu)?;
            let logits = unet::logits(weights, &images)?.get(0)?.to_vec2::<f32>()?;
            let (_, rows, columns) = input.dim();
            let mut mask =
                Array2::from_shape_fn((rows, columns), |(row, column)| logits[row][column] > limit);
            for _ in 0..TRIM_GROWTH {
                mask = dilated(&mask);
            }
            all.push(Some(mask));
        }
        Ok(all)
    }

    /// Cross-entropy over the counted pixels of a batch, plus a share of its Dice loss.
    fn loss(
        &self,
        weights: &Weights,
        places: &[usize],
        left_out: &[Option<Array2<bool>>],
        [member, epoch, number]: [u64; 3],
    ) -> Result<Tensor> {
        let drawn: Vec<Shown> = places
            .par_iter()
            .enumerate()
            .map(|(index, place)| {
                let at = [member, epoch, number, index as u64];
                let mut stream = self.context.streams.stream("scorer/augmentation", &at);
                let sample = &self.samples[*place];
                let hide = sample.clinical.and_then(|slice| left_out[slice].as_ref());
                sample.augmented(hide, &mut stream)
            })
            .collect();
        let (mut inputs, mut lesions, mut counted) = (Vec::new(), Vec::new(), Vec::new());
        for shown in drawn {
            inputs.push(shown.input);
            lesions.push(shown.lesion);
            counted.push(shown.counted);
        }
        let device = &Device::Cpu;
        let logits = unet::logits(weights, &batch(&inputs, device)?)?;
        let (lesion, counted) = (batch(&lesions, device)?, batch(&counted, device)?);
        let lesion = (lesion * &counted)?;
        // log(1 + exp(logit)) − lesion · logit, without overflow.
        let soft = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
        let entropy = ((logits.relu()? + soft)? - (&logits * &lesion)?)?;
        let pixels = (counted.sum_all()? + 1e-6)?;
        let entropy = ((entropy * &counted)?.sum_all()? / pixels)?;
        let probability = (candle_nn::ops::sigmoid(&logits)? * &counted)?;
        let both = ((&probability * &lesion)?.sum_all()? * 2.0)?;
        let overlap =
            ((both + 1.0)? / (probability.sum_all()? + lesion.sum_all()?)?.affine(1.0, 1.0)?)?;
        Ok((entropy + ((1.0 - overlap)? * OVERLAP_WEIGHT)?)?)
    }
}

fn detached(weights: &Weights) -> Weights {
    weights.iter().map(|(name, tensor)| (name.clone(), tensor.detach())).collect()
}
