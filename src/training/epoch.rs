//! One epoch: every slice once, in a shuffled order, in batches.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ndarray::Array2;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::Serialize;

use super::adam::Gradients;
use super::loss::stack;
use super::micro_batch::MicroBatch;
use super::ranks::on_ranks;
use super::resumable::{EpochProgress, ResumableTraining};
use super::{
    EpochRecord, Guidance, Model, Schedule, Stage, Target, TrainingOptions, TrainingRecord, augment,
};
use crate::cohort::{Slice, Subject};
use crate::context::{Context, counted};
use crate::masking::MaskSampler;
use crate::model::{MASK_RATIO, Network, PatchOrder, patchify};
use crate::options::Choice;
use crate::scoring::{LearnedFrom, SeenImages};
use crate::{Error, Result};

/// Activations a micro-batch may hold, bytes.
const ACTIVATION_BUDGET: usize = 4 << 30;
/// An epoch expected to take longer than this says so before it starts.
const WORTH_AN_ESTIMATE: Duration = Duration::from_secs(30);

/// Trains one epoch and adds it to the model's history. Slices without a region are not asked for
/// by [`super::all_slices`]; masks are drawn anew for every batch. The beginning of a stage resets the
/// optimiser, as in the publication, where adaptation is a training of its own.
///
/// # Errors
/// If the masks were made for other slices of these names. On interruption, which also stops a batch half-way,
/// the current batch is discarded, the batches before it are kept, and the epoch does not enter the history.
pub fn train_epoch(
    model: &mut Model,
    slices: &[&Slice],
    sampler: &MaskSampler,
    stage: Stage,
    options: &TrainingOptions,
    context: &Context,
) -> Result<EpochRecord> {
    // Nothing more is known of slices alone.
    let names = SeenImages::of_names(slices.iter().map(|slice| &*slice.subject));
    let people = LearnedFrom { unlabelled: names, ..LearnedFrom::default() };
    epoch_with(model, (slices, people), sampler, (stage, options), context)
}

/// As [`train_epoch`] for all slices of some subjects, who are given as healthy in a pretraining
/// ([`LearnedFrom::of_pretraining`]) and without a label in an adaptation. The model notes who they are.
///
/// # Errors
/// As [`train_epoch`].
pub fn train_epoch_of(
    model: &mut Model,
    subjects: &[Arc<Subject>],
    sampler: &MaskSampler,
    stage: Stage,
    options: &TrainingOptions,
    context: &Context,
) -> Result<EpochRecord> {
    let slices: Vec<&Slice> = subjects.iter().flat_map(|subject| &subject.slices).collect();
    let people = match stage {
        Stage::Pretrain => LearnedFrom::of_pretraining(subjects),
        Stage::Adapt => LearnedFrom::of_unlabelled(subjects),
    };
    epoch_with(model, (&slices, people), sampler, (stage, options), context)
}

/// Trains one epoch on slices of these people.
fn epoch_with(
    model: &mut Model,
    (slices, people): (&[&Slice], LearnedFrom),
    sampler: &MaskSampler,
    (stage, options): (Stage, &TrainingOptions),
    context: &Context,
) -> Result<EpochRecord> {
    sampler.check_made_for(slices)?;
    let mut training = ResumableTraining::begin("train_epoch", model, people, context, |all| {
        slices.iter().for_each(|slice| slice.add_to(all));
        all.add(json(sampler)?).add(json(&stage)?).add(json(options)?);
        Ok(())
    })?;
    if training.is_finished()
        && let Some(record) = model.history.epochs.last()
    {
        return Ok(record.clone());
    }
    model.history.warn_of_other_seed(context);
    let settings = EpochSettings { stage, options, schedule: None };
    let outcome = epoch_of(&mut training, model, slices, sampler, settings, context);
    training.end(model, context, outcome)
}

/// As JSON, for a fingerprint.
pub(super) fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error::input(error.to_string()))
}

/// Stage and settings of an epoch.
#[derive(Clone, Copy)]
pub(super) struct EpochSettings<'a> {
    pub stage: Stage,
    pub options: &'a TrainingOptions,
    /// The schedule of the adaptation that it belongs to, for the history.
    pub schedule: Option<&'a Schedule>,
}

impl EpochSettings<'_> {
    fn record(&self, epoch: usize, sampler: &MaskSampler, seed: u64) -> TrainingRecord {
        let Self { stage, options, schedule } = *self;
        let guidance = Guidance { schedule: schedule.cloned(), temperature: sampler.temperature };
        TrainingRecord {
            first_epoch: epoch,
            stage,
            seed,
            batch_size: options.batch_size,
            mask_ratio: options.mask_ratio,
            learning_rate: options.learning_rate,
            decay_every: options.decay_every,
            augment: options.augment,
            guidance: (!sampler.is_empty()).then_some(guidance),
        }
    }
}

/// Trains the next epoch of a training, or the rest of the one that an earlier process began.
///
/// # Errors
/// As [`train_epoch`].
pub(super) fn epoch_of(
    training: &mut ResumableTraining,
    model: &mut Model,
    slices: &[&Slice],
    sampler: &MaskSampler,
    settings: EpochSettings<'_>,
    context: &Context,
) -> Result<EpochRecord> {
    let EpochSettings { stage, options, .. } = settings;
    options.validate()?;
    let network = model.parameters.trainable_network(&model.config)?;
    if slices.is_empty() {
        return Err(Error::input("the cohort has no slice with a region of interest to train on"));
    }
    let size = network.config().image;
    slices.iter().try_for_each(|slice| slice.check_size(size, "model"))?;
    if sampler.patch != model.config.patch {
        return Err(Error::input(format!(
            "the masks were made for patches of {} pixels but the model's are {}; \
             regenerate them from this model's uncertainty",
            sampler.patch, model.config.patch
        )));
    }
    let epoch = model.history.epochs.len() + 1;
    let in_stage = model.history.epochs_in_stage(stage);
    let learning_rate = options.learning_rate_at(in_stage);
    let mut order: Vec<usize> = (0..slices.len()).collect();
    order.shuffle(&mut context.streams.stream("shuffle", &[epoch as u64]));
    let batches: Vec<&[usize]> = order.chunks(options.batch_size).collect();
    if model.snapshots.as_ref().is_some_and(|snapshots| !snapshots.has(epoch - 1)) {
        model.leave_snapshot(context);
    }
    announce(&network, slices[0], slices.len(), epoch, context)?;
    let title = format!("{} epoch {epoch}, {} masks", stage.name(), sampler.strategy.name());
    let progress = context.progress(title, "batch", batches.len());
    let EpochProgress { batches: done, mut sums } = training.epoch().unwrap_or_default();
    let mut trained = batches.iter().take(done).map(|batch| batch.len()).sum::<usize>();
    if done > 0 {
        progress.advance(done, &[("loss", sums[0] / done as f64)]);
    }
    for (number, batch) in batches.iter().enumerate().skip(done) {
        let place = [epoch as u64, number as u64];
        let members: Vec<&Slice> = batch.iter().map(|index| slices[*index]).collect();
        let mut masking = context.streams.stream("masking", &place);
        let nearest = model.config.nearest_patches;
        let masks = sampler.draw(&members, options.mask_ratio, nearest, &mut masking)?;
        let step = train_batch(model, &network, &members, &masks, place, options, context);
        let (gradients, losses) = step.inspect_err(|error| {
            if matches!(error, Error::Cancelled) {
                context.mention(kept(epoch, number, batches.len()));
            }
        })?;
        if in_stage == 0 && number == 0 {
            model.adam = super::Adam::default();
        }
        model.adam.step(&model.parameters, &gradients, learning_rate)?;
        if number == done {
            training.note_people(model);
        }
        sums.iter_mut().zip(losses).for_each(|(sum, loss)| *sum += loss);
        let done = (number + 1) as f64;
        trained += batch.len();
        progress.advance(
            1,
            &[("loss", sums[0] / done), ("batch loss", losses[0]), ("slices", trained as f64)],
        );
        training.advance(Some(EpochProgress { batches: number + 1, sums }), model, context);
    }
    let [loss, reconstruction, edge] = sums.map(|sum| sum / batches.len() as f64);
    let record = EpochRecord {
        epoch,
        stage,
        masking: sampler.strategy,
        loss,
        reconstruction,
        edge,
        learning_rate,
        variance: sampler.mean_variance,
        error: sampler.mean_error,
    };
    model.history.push(record.clone(), settings.record(epoch, sampler, context.streams.seed()));
    model.leave_snapshot(context);
    training.advance(None, model, context);
    Ok(record)
}

/// Gradients by name, and the three losses, of one batch: those of its micro-batches, added in their order, so
/// that the sum does not depend on which rank computed which.
fn train_batch(
    model: &Model,
    network: &Network,
    batch: &[&Slice],
    masks: &PatchOrder,
    place: [u64; 2],
    options: &TrainingOptions,
    context: &Context,
) -> Result<(Gradients, [f64; 3])> {
    let patch = model.config.patch;
    let images = if options.augment {
        augmented(batch, place, context)
    } else {
        batch.iter().map(|slice| slice.image.clone()).collect()
    };
    let hidden_in_batch = masks.hidden_patches();
    let micro = micro_batch(model, options, context);
    let mut sum = MicroBatch::default();
    if let Some(ranks) = &context.ranks {
        let target = Target::new(&images, batch, masks, hidden_in_batch, patch)?;
        let parts = on_ranks(ranks.as_ref(), model, network, (masks, &target), micro, context)?;
        parts.into_iter().try_for_each(|part| sum.add(part))?;
    } else {
        for from in (0..batch.len()).step_by(micro) {
            context.check()?;
            let to = batch.len().min(from + micro);
            let order = masks.images(from, to);
            let members = &batch[from..to];
            let target = Target::new(&images[from..to], members, &order, hidden_in_batch, patch)?;
            sum.add(MicroBatch::of(&model.parameters, network, &order, &target, context)?)?;
        }
    }
    if sum.losses[0].is_finite() {
        Ok((sum.gradients, sum.losses))
    } else {
        Err(Error::input("the loss is no longer finite: lower the learning rate, or rewind"))
    }
}

/// The images of a batch, each augmented from a stream of its place (epoch, batch, index).
pub(crate) fn augmented(batch: &[&Slice], place: [u64; 2], context: &Context) -> Vec<Array2<f32>> {
    let augmented = |(index, slice): (usize, &&Slice)| {
        let place = [place[0], place[1], index as u64];
        augment(slice.image.view(), &mut context.streams.stream("augmentation", &place))
    };
    batch.par_iter().enumerate().map(augmented).collect()
}

/// Slices that go through the network together: as the options say, or one where ranks share a batch, or what
/// fits the activation budget.
fn micro_batch(model: &Model, options: &TrainingOptions, context: &Context) -> usize {
    let chosen = options.micro_batch.or(context.ranks.is_some().then_some(1));
    chosen.unwrap_or_else(|| {
        let bytes = model.config.activation_bytes(!model.parameters.device().is_cpu());
        (ACTIVATION_BUDGET / bytes.max(1)).clamp(1, options.batch_size)
    })
}

/// The sentence on an interrupted epoch: `batches` of `of` batches are kept.
fn kept(epoch: usize, batches: usize, of: usize) -> String {
    match (epoch, batches) {
        (2, 0) => "kept: epoch 1".to_owned(),
        (3.., 0) => format!("kept: epochs up to {}, all that the model has", epoch - 1),
        _ => format!("kept: epoch {epoch}: {batches} of {of} batches"),
    }
}

/// Says how long a long epoch will take, from one timed image, before it starts.
fn announce(
    network: &Network,
    slice: &Slice,
    slices: usize,
    epoch: usize,
    context: &Context,
) -> Result<()> {
    // A backward pass costs about two and a half forward passes.
    const STEP_PER_FORWARD: f64 = 3.5;
    let config = network.config();
    // 30 s at 100 GFLOP/s: shorter epochs need no estimate.
    let flops = config.forward_flops(config.tokens()) * STEP_PER_FORWARD * slices as f64;
    if flops < 3e12 {
        return Ok(());
    }
    let image = patchify(slice.image.view(), config.patch);
    let order = MaskSampler::random(config.patch).draw(
        &[slice],
        MASK_RATIO,
        config.nearest_patches,
        &mut context.streams.stream("estimate", &[]),
    )?;
    let patches = stack(&[image], &context.device)?;
    let start = Instant::now();
    network
        .forward(&patches, &order, &context.cancel)?
        .reconstruction
        .sum_all()?
        .to_scalar::<f32>()?;
    let expected = start.elapsed().mul_f64(STEP_PER_FORWARD * slices as f64);
    if expected > WORTH_AN_ESTIMATE {
        let minutes = (expected.as_secs_f64() / 60.0).max(1.0);
        context.mention(format!(
            "epoch {epoch}: {}, about {minutes:.0} min",
            counted(slices, "slice")
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::kept;

    #[test]
    fn what_is_kept_is_told_by_what_there_is() {
        assert_eq!(kept(20, 0, 10), "kept: epochs up to 19, all that the model has");
        assert_eq!(kept(2, 0, 10), "kept: epoch 1");
        assert_eq!(kept(1, 0, 10), "kept: epoch 1: 0 of 10 batches");
        assert_eq!(kept(20, 3, 10), "kept: epoch 20: 3 of 10 batches");
    }
}
