//! Training of the scoring networks.

use std::sync::Arc;

use candle_core::{Device, Tensor, Var};
use ndarray::{Array2, Array3, Axis, Zip, s};
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::channels::{CHANNELS, INTENSITIES, batch, channels};
use super::unet::{self, Weights};
use super::{LesionScorer, ScorerDescription, upside_down};
use crate::cohort::{Slice, Subject, dilated};
use crate::context::{Context, Progress, Silent, Stream};
use crate::model::Network;
use crate::ops::{AdamState, AdamStep};
use crate::options::setters;
use crate::simulation::LesionSimulator;
use crate::uncertainty::MonteCarlo;
use crate::{Error, Result};

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
    /// no part: they may be real lesions.
    pub trim_above: f64,
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
});

/// Share of the epochs that use healthy subjects only, where there are any.
const HEALTHY_SHARE: f64 = 1.0 / 3.0;
/// Epochs between two looks at the unpainted clinical slices.
const TRIM_EVERY: usize = 4;
/// Pixels that what is left out is grown by.
const TRIM_GROWTH: usize = 2;
/// A painted lesion counts as such from this share of fluid − cord.
const TOUCHED: f32 = 0.02;
/// Steps over which the learning rate rises.
const WARM_UP: f64 = 50.0;
/// Weight of the overlap (Dice) beside the cross-entropy.
const OVERLAP_WEIGHT: f64 = 0.3;
const BETA: [f64; 2] = [0.9, 0.999];
const EPSILON: f64 = 1e-8;
/// Pixels by which windows are shifted at random to either side.
const SHIFT: i64 = 4;

/// One painted slice, cut to its window.
struct Sample {
    input: Array3<f32>,
    lesion: Array2<f32>,
    /// Pixels that count: the cord.
    counted: Array2<f32>,
    /// Pixels whose intensity a painted lesion changes.
    touched: Array2<bool>,
    /// The unpainted clinical slice it was made from, by its place among these.
    clinical: Option<usize>,
}

impl ScorerTraining {
    fn validate(&self) -> Result<()> {
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
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return Err(Error::input(format!(
                "the learning rate must be positive, not {}",
                self.learning_rate
            )));
        }
        Ok(())
    }

    /// Trains scoring networks for a masked autoencoder. `round` is the first of as many rounds
    /// of Monte-Carlo draws as there are rounds of painting, and one for the clinical slices as
    /// they are ([`Self::rounds`]).
    ///
    /// # Errors
    /// If a setting makes no sense or there is no subject, and [`Error::Cancelled`] if the user
    /// interrupts.
    pub fn train(
        &self,
        (network, model_epochs): (&Network, usize),
        (healthy, clinical): (&[Arc<Subject>], &[Arc<Subject>]),
        (monte_carlo, round): (MonteCarlo, u64),
        context: &Context,
    ) -> Result<LesionScorer> {
        self.validate()?;
        if healthy.is_empty() && clinical.is_empty() {
            return Err(Error::input("the scorer needs subjects to paint lesions into"));
        }
        let painter = Painter { training: self, network, monte_carlo, round, context };
        let samples = painter.samples(healthy, clinical)?;
        let unpainted = painter.unpainted(clinical)?;
        if !samples.iter().any(|sample| sample.lesion.iter().any(|lesion| *lesion > 0.0)) {
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
            healthy: healthy.len(),
            clinical: clinical.len(),
        };
        Ok(LesionScorer { members: Arc::new(members), description })
    }

    /// Rounds of Monte-Carlo draws that training takes.
    pub fn rounds(&self) -> u64 {
        self.healthy_rounds.max(self.clinical_rounds) as u64 + 1
    }
}

/// Paints lesions and has the autoencoder reconstruct the result.
struct Painter<'a> {
    training: &'a ScorerTraining,
    network: &'a Network,
    monte_carlo: MonteCarlo,
    round: u64,
    context: &'a Context,
}

impl Painter<'_> {
    fn samples(&self, healthy: &[Arc<Subject>], clinical: &[Arc<Subject>]) -> Result<Vec<Sample>> {
        let mut samples = Vec::new();
        let ScorerTraining { healthy_rounds, clinical_rounds, .. } = *self.training;
        let passes = healthy_rounds * healthy.len() + clinical_rounds * clinical.len();
        let progress = self.context.progress("paint lesions", "subject", passes);
        for (group, subjects, rounds) in
            [("healthy", healthy, healthy_rounds), ("clinical", clinical, clinical_rounds)]
        {
            for round in 0..rounds {
                let mut place = 0;
                for (index, subject) in subjects.iter().enumerate() {
                    self.context.check()?;
                    let name = format!("scorer/lesions/{group}");
                    let at = [round as u64, index as u64];
                    let mut stream = self.context.streams.stream(&name, &at);
                    let first = (group == "clinical").then_some(place);
                    samples.extend(self.paint(subject, round, first, &mut stream)?);
                    place += subject.slices.len();
                    progress.advance(1, &[]);
                }
            }
        }
        Ok(samples)
    }

    fn paint(
        &self,
        subject: &Subject,
        round: usize,
        first: Option<usize>,
        stream: &mut Stream,
    ) -> Result<Vec<Sample>> {
        let painted = self.training.lesions.paint(subject, stream)?;
        let slices: Vec<&Slice> = painted.subject.slices.iter().collect();
        let quiet = self.context.clone().with_reporter(Arc::new(Silent));
        let round = self.round + 1 + round as u64;
        let maps = self.monte_carlo.estimate(self.network, &slices, round, &quiet)?;
        let Some((window, inputs)) = channels(&slices, &maps) else { return Ok(Vec::new()) };
        let cut = |mask: &Array2<bool>| {
            window.cut(mask.mapv(|inside| if inside { 1.0 } else { 0.0 }).view())
        };
        let sample = |(place, input): (usize, Array3<f32>)| Sample {
            input,
            lesion: slices[place]
                .lesion
                .as_ref()
                .map_or_else(|| Array2::zeros(window.padded()), cut),
            counted: cut(&slices[place].cord),
            touched: window.cut(painted.added[place].view()).mapv(|added| added > TOUCHED),
            clinical: first.map(|first| first + place),
        };
        Ok(inputs.into_iter().enumerate().map(sample).collect())
    }

    /// Inputs of the clinical slices as they are, in order.
    fn unpainted(&self, clinical: &[Arc<Subject>]) -> Result<Vec<Array3<f32>>> {
        let mut all = Vec::new();
        let quiet = self.context.clone().with_reporter(Arc::new(Silent));
        for subject in clinical {
            let slices: Vec<&Slice> = subject.slices.iter().collect();
            let maps = self.monte_carlo.estimate(self.network, &slices, self.round, &quiet)?;
            if let Some((_, inputs)) = channels(&slices, &maps) {
                all.extend(inputs);
            }
        }
        Ok(all)
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
                left_out = self.doubtful(&detached(&weights(&state)))?;
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

    /// What the network takes for lesion in the clinical slices as they are, a little grown.
    fn doubtful(&self, weights: &Weights) -> Result<Vec<Option<Array2<bool>>>> {
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
        let drawn: Vec<(Array3<f32>, Array2<f32>, Array2<f32>)> = places
            .par_iter()
            .enumerate()
            .map(|(index, place)| {
                let at = [member, epoch, number, index as u64];
                let mut stream = self.context.streams.stream("scorer/augmentation", &at);
                let sample = &self.samples[*place];
                let hide = sample.clinical.and_then(|slice| left_out[slice].as_ref());
                augmented(sample, hide, &mut stream)
            })
            .collect();
        let (mut inputs, mut lesions, mut counted) = (Vec::new(), Vec::new(), Vec::new());
        for (input, lesion, count) in drawn {
            inputs.push(input);
            lesions.push(lesion);
            counted.push(count);
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

/// Input, lesion and counted pixels of a sample with another brightness, contrast and noise,
/// perhaps turned upside down, with its neighbours exchanged, and shifted.
fn augmented(
    sample: &Sample,
    left_out: Option<&Array2<bool>>,
    stream: &mut Stream,
) -> (Array3<f32>, Array2<f32>, Array2<f32>) {
    let mut input = sample.input.clone();
    let mut counted = sample.counted.clone();
    if let Some(left_out) = left_out {
        Zip::from(&mut counted).and(left_out).and(&sample.touched).for_each(|c, out, touched| {
            if *out && !touched {
                *c = 0.0;
            }
        });
    }
    let mut normal = || -> f32 { StandardNormal.sample(stream) };
    let (gain, offset) = (1.0 + 0.08 * normal(), 0.05 * normal());
    let noise = stream.random_range(0.0..0.04f32);
    for value in input.slice_mut(s![..INTENSITIES, .., ..]) {
        let extra: f32 = StandardNormal.sample(stream);
        *value = *value * gain + offset + noise * extra;
    }
    if stream.random() {
        let (before, after) =
            (input.index_axis(Axis(0), 1).to_owned(), input.index_axis(Axis(0), 2).to_owned());
        input.index_axis_mut(Axis(0), 1).assign(&after);
        input.index_axis_mut(Axis(0), 2).assign(&before);
    }
    let mut lesion = sample.lesion.clone();
    if stream.random() {
        input = input.slice(s![.., ..;-1, ..]).to_owned();
        lesion = upside_down(lesion.view());
        counted = upside_down(counted.view());
    }
    let shift = stream.random_range(-SHIFT..=SHIFT);
    let shifted = |map: ndarray::ArrayView2<f32>| {
        let columns = map.ncols() as i64;
        Array2::from_shape_fn(map.dim(), |(row, column)| {
            map[[row, (column as i64 - shift).rem_euclid(columns) as usize]]
        })
    };
    for mut channel in input.outer_iter_mut() {
        let moved = shifted(channel.view());
        channel.assign(&moved);
    }
    (input, shifted(lesion.view()), shifted(counted.view()))
}
