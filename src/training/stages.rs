//! The published loops: pretraining on healthy volumes, adaptation on the clinic's own.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{EpochRecord, Model, Stage, TrainingOptions, train_epoch};
use crate::Result;
use crate::cohort::{Slice, Subject};
use crate::context::Context;
use crate::masking::{MaskSampler, MaskingStrategy, Normalisation, TEMPERATURE};
use crate::options::setters;
use crate::scoring::ScorerTraining;
use crate::uncertainty::{MonteCarlo, Uncertainty};

/// Settings of the adaptation; the defaults are the published ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adaptation {
    /// Epochs in all.
    pub epochs: usize,
    /// Epochs guided by epistemic uncertainty alone; the rest is guided by both. `None`: three
    /// quarters of all, as published.
    pub epistemic_epochs: Option<usize>,
    /// Epochs between two estimations of uncertainty.
    pub refresh: usize,
    pub monte_carlo: MonteCarlo,
    pub normalisation: Normalisation,
    /// Temperature of the softmax over patch variances.
    pub temperature: f64,
    pub training: TrainingOptions,
}

impl Default for Adaptation {
    fn default() -> Self {
        Self {
            epochs: 200,
            epistemic_epochs: None,
            refresh: 10,
            monte_carlo: MonteCarlo::default(),
            normalisation: Normalisation::default(),
            temperature: TEMPERATURE,
            training: TrainingOptions::default(),
        }
    }
}

setters!(Adaptation {
    /// With this many epochs in all.
    epochs: usize,
    /// With this many epochs between two estimations of uncertainty.
    refresh: usize,
    /// With this temperature of the softmax over patch variances.
    temperature: f64,
    /// With these settings of the estimation.
    monte_carlo: MonteCarlo,
    /// With these settings of the epochs.
    training: TrainingOptions,
});

impl Adaptation {
    /// With this many epochs guided by epistemic uncertainty alone.
    pub fn epistemic_epochs(mut self, epochs: usize) -> Self {
        self.epistemic_epochs = Some(epochs);
        self
    }

    /// The strategy of an epoch, counted from 0.
    pub fn strategy_at(&self, epoch: usize) -> MaskingStrategy {
        let epistemic = self.epistemic_epochs.unwrap_or(self.epochs * 3 / 4);
        if epoch < epistemic { MaskingStrategy::Eu } else { MaskingStrategy::Au }
    }
}

/// All slices of some subjects, in order.
pub fn all_slices(subjects: &[Arc<Subject>]) -> Vec<&Slice> {
    subjects.iter().flat_map(|subject| &subject.slices).collect()
}

/// Trains `epochs` epochs with random masks.
pub fn pretrain(
    model: &mut Model,
    subjects: &[Arc<Subject>],
    epochs: usize,
    options: &TrainingOptions,
    context: &Context,
) -> Result<Vec<EpochRecord>> {
    let slices = all_slices(subjects);
    let sampler = MaskSampler::random(model.config.patch);
    let progress = context.progress(Stage::Pretrain.name(), "epoch", epochs);
    let mut records = Vec::with_capacity(epochs);
    for _ in 0..epochs {
        let record = train_epoch(model, &slices, &sampler, Stage::Pretrain, options, context)?;
        progress.advance(1, &[("loss", record.loss)]);
        records.push(record);
    }
    Ok(records)
}

/// Estimates the uncertainty of every slice with the model's current weights.
pub fn estimate(
    model: &mut Model,
    slices: &[&Slice],
    settings: &MonteCarlo,
    context: &Context,
) -> Result<Vec<Uncertainty>> {
    let round = model.next_round();
    let maps = settings.estimate(&model.frozen()?, slices, round, context);
    if maps.is_err() {
        // Interrupted, it is made again with the same draws.
        model.estimations = round;
    }
    maps
}

/// Trains a scorer for a model's current weights, which the model then keeps.
///
/// # Errors
/// As [`ScorerTraining::train`]; the model keeps the scorer that it had.
pub fn train_scorer(
    model: &mut Model,
    (healthy, clinical): (&[Arc<Subject>], &[Arc<Subject>]),
    training: &ScorerTraining,
    monte_carlo: MonteCarlo,
    context: &Context,
) -> Result<()> {
    let strangers = healthy.iter().filter(|subject| !subject.is_healthy()).count();
    if strangers > 0 {
        context.warn(format!(
            "{strangers} of the {} subjects given as healthy are not healthy by the participants table; if \
             they have lesions, the scorer learns that lesions are normal",
            healthy.len()
        ));
    }
    let first = model.estimations;
    let network = (&model.frozen()?, model.history.epochs.len());
    let scorer = training.train(network, (healthy, clinical), (monte_carlo, first), context)?;
    model.estimations = first + training.rounds();
    model.scorer = Some(scorer);
    model.leave_snapshot(context);
    Ok(())
}

/// Adapts: masks guided by epistemic uncertainty, then by epistemic and aleatoric, the maps
/// re-estimated every `refresh` epochs.
pub fn adapt(
    model: &mut Model,
    subjects: &[Arc<Subject>],
    options: &Adaptation,
    context: &Context,
) -> Result<Vec<EpochRecord>> {
    let slices = all_slices(subjects);
    let refresh = options.refresh.max(1);
    let mut maps = Vec::new();
    let mut sampler = MaskSampler::random(model.config.patch);
    let mut records = Vec::with_capacity(options.epochs);
    let progress = context.progress(Stage::Adapt.name(), "epoch", options.epochs);
    for epoch in 0..options.epochs {
        let refreshed = epoch % refresh == 0;
        if refreshed {
            maps = estimate(model, &slices, &options.monte_carlo, context)?;
        }
        let strategy = options.strategy_at(epoch);
        if refreshed || strategy != sampler.strategy {
            let pairs = slices.iter().copied().zip(&maps);
            sampler = MaskSampler::from_uncertainty(strategy, pairs, model.config.patch)
                .with_normalisation(options.normalisation)
                .with_temperature(options.temperature)?;
        }
        let training = &options.training;
        let record = train_epoch(model, &slices, &sampler, Stage::Adapt, training, context)?;
        progress.advance(1, &[("loss", record.loss)]);
        records.push(record);
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_with_the_names_of_earlier_versions_are_read() {
        let json = r#"{"epochs":8,"epistemic_epochs":5,"monte_carlo":{"samples":4,"ratio":0.5},
            "training":{"batch":4,"ratio":0.5}}"#;
        let options: Adaptation = serde_json::from_str(json).unwrap();
        assert_eq!(options.epistemic_epochs, Some(5));
        assert_eq!(options.monte_carlo, MonteCarlo::default().samples(4).mask_ratio(0.5));
        let training = TrainingOptions::default().batch_size(4).mask_ratio(0.5);
        assert_eq!(options.training, training);
    }
}
