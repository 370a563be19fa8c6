//! The published loops: pretraining on healthy volumes, adaptation on the clinic's own.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::epoch::{EpochSettings, epoch_of, json};
use super::resumable::{EpochProgress, ResumableTraining};
use super::{EpochRecord, Model, Schedule, Stage, TrainingOptions};
use crate::cohort::{Slice, Subject};
use crate::context::{BegunTraining, Context, Progress, counted};
use crate::files::Fingerprint;
use crate::masking::{MaskSampler, MaskingStrategy, Normalisation, TEMPERATURE};
use crate::options::setters;
use crate::scoring::{LearnedFrom, ScorerTraining};
use crate::uncertainty::{MonteCarlo, Uncertainty};
use crate::{Error, Result};

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
    fn strategy_at(&self, epoch: usize) -> MaskingStrategy {
        if epoch < self.schedule().epistemic_epochs {
            MaskingStrategy::Eu
        } else {
            MaskingStrategy::Au
        }
    }

    /// When it does what.
    pub fn schedule(&self) -> Schedule {
        Schedule {
            epistemic_epochs: self.epistemic_epochs.unwrap_or(self.epochs * 3 / 4),
            refresh: self.refresh.max(1),
            samples: self.monte_carlo.samples,
        }
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
    let people = LearnedFrom::of_pretraining(subjects);
    let mut training = ResumableTraining::begin("pretrain", model, people, context, |all| {
        slices.iter().for_each(|slice| slice.add_to(all));
        all.add(epochs.to_le_bytes()).add(json(options)?);
        Ok(())
    })?;
    let within = training.context(context);
    let outcome = pretrain_rest(&mut training, model, &slices, (epochs, options), &within);
    training.end(model, context, outcome)
}

/// The epochs that an earlier process did not train.
fn pretrain_rest(
    training: &mut ResumableTraining,
    model: &mut Model,
    slices: &[&Slice],
    (epochs, options): (usize, &TrainingOptions),
    context: &Context,
) -> Result<Vec<EpochRecord>> {
    let sampler = MaskSampler::random(model.config.patch);
    let progress = context.progress(Stage::Pretrain.name(), "epoch", epochs);
    let done = trained_before(training, model, &progress);
    if done == 0 {
        model.history.warn_of_other_seed(context);
        warn_of_decay(model, Stage::Pretrain, options, context);
    }
    for _ in done..epochs {
        let settings = EpochSettings { stage: Stage::Pretrain, options, schedule: None };
        let record = epoch_of(training, model, slices, &sampler, settings, context)?;
        progress.advance(1, &[("loss", record.loss)]);
    }
    Ok(model.history.epochs[training.first()..].to_vec())
}

/// Warns if a stage goes on whose learning rate has fallen: hardly anything may be learned.
fn warn_of_decay(model: &Model, stage: Stage, options: &TrainingOptions, context: &Context) {
    let before = model.history.epochs_in_stage(stage);
    let (first, now) = (options.learning_rate_at(0), options.learning_rate_at(before));
    if now < first {
        context.warn(format!(
            "{} goes on after {} of it, so the learning rate begins at {now:.0e} instead of {first:.0e}; with \
             decay_every = 0 it does not fall",
            stage.name(),
            counted(before, "epoch")
        ));
    }
}

/// Says where the schedule of an adaptation begins that follows another one.
fn note_second_adaptation(model: &Model, options: &Adaptation, context: &Context) {
    let before = model.history.epochs_in_stage(Stage::Adapt);
    let epistemic = options.schedule().epistemic_epochs.min(options.epochs);
    if before > 0 && epistemic > 0 {
        context.note(format!(
            "the model was adapted for {} before, and the schedule begins anew: {} by \"eu\", then {} by \"au\"; with \
             epistemic_epochs = 0 all are by \"au\"",
            counted(before, "epoch"),
            counted(epistemic, "epoch"),
            options.epochs - epistemic
        ));
    }
}

/// How many epochs an earlier process trained, which the progress shows at once.
fn trained_before(training: &ResumableTraining, model: &Model, progress: &Progress) -> usize {
    let before = &model.history.epochs[training.first()..];
    if let Some(last) = before.last() {
        progress.advance(before.len(), &[("loss", last.loss)]);
    }
    before.len()
}

/// Restores a model to its state after an epoch, as [`Model::rewind`].
///
/// # Errors
/// As [`Model::rewind`].
pub fn rewind(model: &mut Model, epoch: usize, context: &Context) -> Result<()> {
    let nobody = LearnedFrom::default();
    let training = ResumableTraining::begin("rewind", model, nobody, context, |all| {
        all.add(epoch.to_le_bytes());
        Ok(())
    })?;
    // What later trainings remove may be needed to do this again.
    let training = training.essential();
    if training.is_finished() {
        return Ok(());
    }
    let outcome = model.rewind(epoch);
    training.end(model, context, outcome)
}

/// Estimates the uncertainty of every slice with the model's current weights, for a user to look at or to make masks
/// of.
pub fn estimate(
    model: &mut Model,
    slices: &[&Slice],
    settings: &MonteCarlo,
    context: &Context,
) -> Result<Vec<Uncertainty>> {
    estimate_with(Model::next_round, model, slices, settings, context)
}

/// As [`estimate`], for a training, whose draws do not depend on other estimations.
fn estimate_for_training(
    model: &mut Model,
    slices: &[&Slice],
    settings: &MonteCarlo,
    context: &Context,
) -> Result<Vec<Uncertainty>> {
    estimate_with(|model| model.next_training_rounds(1), model, slices, settings, context)
}

/// An estimation with the number that `next` takes from the model.
fn estimate_with(
    next: impl FnOnce(&mut Model) -> u64,
    model: &mut Model,
    slices: &[&Slice],
    settings: &MonteCarlo,
    context: &Context,
) -> Result<Vec<Uncertainty>> {
    let before = (model.estimations, model.training_estimations);
    let round = next(model);
    let maps = settings.estimate(&model.frozen()?, slices, round, context);
    if maps.is_err() {
        // Interrupted, it is made again with the same draws.
        (model.estimations, model.training_estimations) = before;
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
    model.history.warn_of_other_seed(context);
    let first = model.training_estimations;
    let network = (&model.frozen()?, model.trained());
    let add = |all: &mut Fingerprint| {
        all.add(model.to_bytes()?).add(json(training)?).add(json(&monte_carlo)?);
        for subjects in [healthy, clinical] {
            all.add(subjects.len().to_le_bytes());
            subjects.iter().for_each(|subject| subject.add_to(all));
        }
        Ok(())
    };
    let begun = BegunTraining::new("train_scorer", context, add)?;
    let people = (healthy, clinical);
    let trained = training.train_from(begun, network, people, (monte_carlo, first), context);
    if matches!(trained, Err(Error::Cancelled)) {
        context.mention(match &model.scorer {
            Some(_) => "kept: the scorer that the model had before",
            None => "nothing of the scorer is kept: the model has none until its training ends",
        });
    }
    let scorer = trained?;
    model.next_training_rounds(training.rounds());
    context.note(format!(
        "scorer trained: {}, {}, on lesions painted into {} healthy and {} clinical subjects",
        counted(training.members, "network"),
        counted(training.epochs, "epoch"),
        healthy.len(),
        clinical.len()
    ));
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
    let people = LearnedFrom::of_unlabelled(subjects);
    let mut training = ResumableTraining::begin("adapt", model, people, context, |all| {
        slices.iter().for_each(|slice| slice.add_to(all));
        all.add(json(options)?);
        Ok(())
    })?;
    let within = training.context(context);
    let outcome = adapt_rest(&mut training, model, &slices, options, &within);
    training.end(model, context, outcome)
}

/// The epochs that an earlier process did not train.
fn adapt_rest(
    training: &mut ResumableTraining,
    model: &mut Model,
    slices: &[&Slice],
    options: &Adaptation,
    context: &Context,
) -> Result<Vec<EpochRecord>> {
    let refresh = options.refresh.max(1);
    let schedule = options.schedule();
    let mut maps = Vec::new();
    let mut sampler = MaskSampler::random(model.config.patch);
    let progress = context.progress(Stage::Adapt.name(), "epoch", options.epochs);
    let done = trained_before(training, model, &progress);
    if done == 0 {
        model.history.warn_of_other_seed(context);
        note_second_adaptation(model, options, context);
        warn_of_decay(model, Stage::Adapt, &options.training, context);
    }
    let has_begun = training.epoch().is_some();
    if done < options.epochs && (has_begun || !done.is_multiple_of(refresh)) {
        // The masks in use when the earlier process was killed, made again.
        let mut earlier = training
            .estimated(model)?
            .ok_or_else(|| training.unusable("lacks the model that its masks came from"))?;
        maps = estimate_for_training(&mut earlier, slices, &options.monte_carlo, context)?;
    }
    for epoch in done..options.epochs {
        let refreshed = epoch % refresh == 0 && !(epoch == done && has_begun);
        if refreshed {
            training.set_estimated(model)?;
            maps = estimate_for_training(model, slices, &options.monte_carlo, context)?;
        }
        if training.epoch().is_none() {
            training.advance(Some(EpochProgress::default()), model, context);
        }
        let strategy = options.strategy_at(epoch);
        if refreshed || strategy != sampler.strategy {
            let pairs = slices.iter().copied().zip(&maps);
            sampler = MaskSampler::from_uncertainty(strategy, pairs, model.config.patch)
                .with_normalisation(options.normalisation)
                .with_temperature(options.temperature)?;
        }
        let (stage, schedule) = (Stage::Adapt, Some(&schedule));
        let settings = EpochSettings { stage, options: &options.training, schedule };
        let record = epoch_of(training, model, slices, &sampler, settings, context)?;
        progress.advance(1, &[("loss", record.loss)]);
    }
    Ok(model.history.epochs[training.first()..].to_vec())
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
