//! Training of the scoring networks.

use std::sync::Arc;
use std::thread;

use candle_core::{Device, Tensor};
use ndarray::{Array2, Array3};
use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::channels::CHANNELS;
use super::initial_weights::{InitialWeights, shipped};
use super::samples::{Painter, Sample, Shown};
use super::scorer_training::ScorerTraining;
use super::{LearnedFrom, LesionScorer, ScorerDescription, TrainingState};
use crate::cohort::Subject;
use crate::context::{BegunTraining, Context, Progress, counted};
use crate::model::Network;
use crate::model::convolutional::{KeptNetworks, TrainableWeights, Weights, batch, initial, unet};
use crate::uncertainty::MonteCarlo;
use crate::volume::dilated;
use crate::{Error, Result};

/// Share of the epochs that use healthy subjects only, where there are any.
const HEALTHY_SHARE: f64 = 1.0 / 3.0;
/// Epochs between two passes over the unpainted clinical slices.
const TRIM_EVERY: usize = 4;
/// Pixels by which the left-out area is dilated.
const TRIM_GROWTH: usize = 2;
/// Weight of the overlap (Dice) beside the cross-entropy.
const OVERLAP_WEIGHT: f64 = 0.3;
/// The probability that is learned for a painted pixel, and for any other one. A painted pixel may be too faint
/// to be seen, and a clinical one may be a lesion that nobody painted. Without these bounds a network becomes
/// certain of everything bright, and the scores of patients with and without lesions all end near 1.
const PAINTED: f64 = 0.982;
const UNPAINTED: f64 = 0.002;
/// Logit of a fresh network: about one pixel in twenty is lesion.
const FIRST_LOGIT: f32 = -3.0;

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
        (network, trained): (&Network, TrainingState),
        (healthy, clinical): (&[Arc<Subject>], &[Arc<Subject>]),
        (monte_carlo, round): (MonteCarlo, u64),
        context: &Context,
    ) -> Result<LesionScorer> {
        let begun = BegunTraining::unkept("train_scorer");
        self.train_from(
            begun,
            (network, trained),
            (healthy, clinical),
            (monte_carlo, round),
            context,
        )
    }

    /// As [`Self::train`]; goes on from the checkpoint of a training that an earlier process began.
    ///
    /// # Errors
    /// As [`Self::train`].
    pub(crate) fn train_from(
        &self,
        begun: BegunTraining,
        (network, trained): (&Network, TrainingState),
        (healthy, clinical): (&[Arc<Subject>], &[Arc<Subject>]),
        (monte_carlo, round): (MonteCarlo, u64),
        context: &Context,
    ) -> Result<LesionScorer> {
        let kept = KeptNetworks::new(begun);
        let within = kept.context(context);
        let members = match kept.finished((0..self.members).map(member_name))? {
            Some(members) => Ok(members),
            None => {
                self.networks(&kept, network, (healthy, clinical), (monte_carlo, round), &within)
            }
        };
        let mut learned_from = LearnedFrom::of_healthy(healthy);
        learned_from.extend(&LearnedFrom::of_unlabelled(clinical));
        let description = ScorerDescription {
            training: self.clone(),
            monte_carlo,
            model_epochs: trained.epochs,
            model_steps: trained.steps,
            round,
            healthy: healthy.len(),
            clinical: clinical.len(),
            learned_from,
        };
        let members = Arc::new(kept.end(members, context)?);
        Ok(LesionScorer { members, description })
    }

    /// Trains the networks.
    fn networks(
        &self,
        kept: &KeptNetworks,
        network: &Network,
        (healthy, clinical): (&[Arc<Subject>], &[Arc<Subject>]),
        (monte_carlo, round): (MonteCarlo, u64),
        context: &Context,
    ) -> Result<Vec<Weights>> {
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
        let networks = counted(self.members, "network");
        let title = format!("train the scorer, {networks} of {}", counted(self.epochs, "epoch"));
        let progress = context.progress(title, "epoch", self.members * self.epochs);
        let trainer = |member| Trainer {
            training: self,
            samples: &samples,
            unpainted: &unpainted,
            member,
            kept,
            context,
        };
        side_by_side(self.members, |member| trainer(member).run(&progress))
    }
}

/// The name of a network in a checkpoint.
fn member_name(member: usize) -> String {
    format!("network {}", member + 1)
}

/// Runs the trainings of all members, as many at a time as there are threads: much of a step is
/// element-wise work that one thread does alone. They share nothing, so the order does not matter.
/// Each has a thread of its own beside the pool, because a thread of the pool that waits may take up
/// another member's work in the middle of its own.
fn side_by_side(
    members: usize,
    train: impl Fn(usize) -> Result<Weights> + Sync,
) -> Result<Vec<Weights>> {
    let mut all = Vec::with_capacity(members);
    let places: Vec<usize> = (0..members).collect();
    for group in places.chunks(rayon::current_num_threads()) {
        let trained: Vec<Result<Weights>> = thread::scope(|scope| {
            let start = |&member: &usize| {
                let train = &train;
                scope.spawn(move || train(member))
            };
            let threads: Vec<_> = group.iter().map(start).collect();
            let wait = |thread: thread::ScopedJoinHandle<'_, Result<Weights>>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            threads.into_iter().map(wait).collect()
        });
        for weights in trained {
            all.push(weights?);
        }
    }
    Ok(all)
}

/// Trains one network.
struct Trainer<'a> {
    training: &'a ScorerTraining,
    samples: &'a [Sample],
    unpainted: &'a [Array3<f32>],
    member: usize,
    kept: &'a KeptNetworks,
    context: &'a Context,
}

impl Trainer<'_> {
    fn run(&self, progress: &Progress) -> Result<Weights> {
        let streams = &self.context.streams;
        let member = self.member as u64;
        let name = member_name(self.member);
        let (mut network, done) = match self.kept.restored(&name)? {
            Some(restored) => restored,
            None => (TrainableWeights::new(self.initial_weights()?)?, 0),
        };
        if done > 0 {
            progress.advance(done, &[]);
        }
        let epochs = self.training.epochs;
        let healthy: Vec<usize> = (0..self.samples.len())
            .filter(|place| self.samples[*place].clinical.is_none())
            .collect();
        let alone = if healthy.is_empty() { 0 } else { (epochs as f64 * HEALTHY_SHARE) as usize };
        let batches = |count: usize| count.div_ceil(self.training.batch_size);
        let steps = alone * batches(healthy.len()) + (epochs - alone) * batches(self.samples.len());
        let mut left_out: Vec<Option<Array2<bool>>> = vec![None; self.unpainted.len()];
        let looks_again = |epoch: usize| {
            epoch >= alone && (epoch - alone).is_multiple_of(TRIM_EVERY) && epoch > 0
        };
        for epoch in done..epochs {
            if looks_again(epoch) {
                left_out = self.suspected_lesions(&network.detached())?;
            }
            let mut order =
                if epoch < alone { healthy.clone() } else { (0..self.samples.len()).collect() };
            order.shuffle(&mut streams.stream("scorer/order", &[member, epoch as u64]));
            let mut total = 0.0;
            let count = batches(order.len());
            for (number, places) in order.chunks(self.training.batch_size).enumerate() {
                self.context.check()?;
                let at = [member, epoch as u64, number as u64];
                let loss = self.loss(&network.weights(), places, &left_out, at)?;
                total += f64::from(loss.to_scalar::<f32>()?);
                network.step(&loss, self.training.learning_rate, steps)?;
            }
            progress.advance(1, &[("loss", total / count as f64)]);
            let next = epoch + 1;
            // Between these places the training depends on what an earlier state of the network left out.
            if next < alone || looks_again(next) || next == epochs {
                self.kept.put(&name, &network, next, self.context)?;
            }
        }
        Ok(network.detached())
    }

    fn initial_weights(&self) -> Result<Weights> {
        match self.training.initial_weights {
            InitialWeights::Phantoms => shipped(self.member),
            InitialWeights::Random => {
                let streams = &self.context.streams;
                let mut stream = streams.stream("scorer/initialisation", &[self.member as u64]);
                let shapes = unet::shapes(CHANNELS, self.training.width);
                Ok(initial(&shapes, &[(unet::OUTPUT_BIAS, FIRST_LOGIT)], &mut stream)?)
            }
        }
    }

    /// What the network classifies as lesion in the unpainted clinical slices, slightly dilated.
    fn suspected_lesions(&self, weights: &Weights) -> Result<Vec<Option<Array2<bool>>>> {
        let limit = (self.training.trim_above / (1.0 - self.training.trim_above)).ln() as f32;
        let mut all = Vec::with_capacity(self.unpainted.len());
        for input in self.unpainted {
            self.context.check()?;
            let images = batch(std::slice::from_ref(input), &Device::Cpu)?;
            let logits = unet::outputs(weights, &images)?.get(0)?.to_vec2::<f32>()?;
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
                sample.augmented(self.training.mask_augmentation, hide, &mut stream)
            })
            .collect();
        let (mut inputs, mut lesions, mut counted) = (Vec::new(), Vec::new(), Vec::new());
        for shown in drawn {
            inputs.push(shown.input);
            lesions.push(shown.lesion);
            counted.push(shown.counted);
        }
        let device = &Device::Cpu;
        let logits = unet::outputs(weights, &batch(&inputs, device)?)?;
        let (lesion, counted) = (batch(&lesions, device)?, batch(&counted, device)?);
        let lesion = (lesion * &counted)?;
        let learned = (lesion.affine(PAINTED - UNPAINTED, UNPAINTED)? * &counted)?;
        // log(1 + exp(logit)) − learned · logit, without overflow.
        let soft = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
        let entropy = ((logits.relu()? + soft)? - (&logits * &learned)?)?;
        let pixels = (counted.sum_all()? + 1e-6)?;
        let entropy = ((entropy * &counted)?.sum_all()? / pixels)?;
        let probability = (candle_nn::ops::sigmoid(&logits)? * &counted)?;
        let both = ((&probability * &lesion)?.sum_all()? * 2.0)?;
        let overlap =
            ((both + 1.0)? / (probability.sum_all()? + lesion.sum_all()?)?.affine(1.0, 1.0)?)?;
        Ok((entropy + ((1.0 - overlap)? * OVERLAP_WEIGHT)?)?)
    }
}
