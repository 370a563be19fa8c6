//! The training of a [`SliceNetwork`].

use std::sync::Arc;

use ndarray::Array2;
use rand::seq::SliceRandom;

use super::slice_network::{SliceNetwork, TrainedNetwork, validate};
use crate::cohort::{Slice, SliceGrid, Subject};
use crate::context::{BegunTraining, Context};
use crate::model::convolutional::{KeptNetworks, TrainableWeights, Weights, Window, initial};
use crate::scoring::LearnedFrom;
use crate::{Error, Result};

/// The name of the network in a checkpoint.
const NETWORK: &str = "network";

/// Trains a network on the slices of all subjects, which are preprocessed in `grid`. No label is used; the network notes
/// who they are ([`LearnedFrom::of_both`]). A training that an earlier process began goes on from its checkpoint.
///
/// # Errors
/// If a setting makes no sense, there are no slices or they have another size, the loss is no longer finite,
/// and [`Error::Cancelled`] if the user interrupts.
pub(super) fn train<N: SliceNetwork>(
    network: &N,
    subjects: &[Arc<Subject>],
    grid: SliceGrid,
    context: &Context,
) -> Result<TrainedNetwork<N>> {
    validate(network)?;
    let mut images: Vec<Array2<f32>> = Vec::new();
    for subject in subjects {
        images.extend(windows(subject, grid, N::STEP)?);
    }
    if images.is_empty() {
        return Err(Error::input(format!("the {} needs subjects with slices", N::NAME)));
    }
    let begun = BegunTraining::new(N::NAME, context, |all| {
        let failed = |error| Error::input(format!("the {} cannot be kept: {error}", N::NAME));
        all.add(serde_json::to_vec(&(network, grid)).map_err(failed)?);
        all.add(subjects.len().to_le_bytes());
        subjects.iter().for_each(|subject| subject.add_to(all));
        Ok(())
    })?;
    let kept = KeptNetworks::new(begun);
    let within = kept.context(context);
    let trained = rest(network, &images, grid, &kept, &within);
    let (weights, losses) = kept.end(trained, context)?;
    let (network, learned_from) = (network.clone(), LearnedFrom::of_both(subjects));
    let (weights, seed) = (weights.into(), Some(context.streams.seed()));
    Ok(TrainedNetwork { network, weights, grid, losses, seed, learned_from })
}

/// Trains the epochs that an earlier process did not; the weights, and the losses of all epochs.
fn rest<N: SliceNetwork>(
    network: &N,
    images: &[Array2<f32>],
    grid: SliceGrid,
    kept: &KeptNetworks,
    context: &Context,
) -> Result<(Weights, Vec<f64>)> {
    let schedule = network.schedule();
    let streams = &context.streams;
    let stream =
        |what: &str, place: &[u64]| streams.stream(&format!("{}/{what}", N::STREAM), place);
    let mut losses = kept.losses()?;
    let (mut weights, done) = match kept.restored(NETWORK)? {
        Some(restored) => restored,
        None => {
            let shapes = network.shapes(Window::padded_on(grid.size, N::STEP));
            let fresh = initial(&shapes, N::CONSTANTS, &mut stream("initialisation", &[]))?;
            (TrainableWeights::new(fresh)?, 0)
        }
    };
    let batches = images.len().div_ceil(schedule.batch_size);
    let title = format!("train the {}", N::NAME);
    let progress = context.progress(title, "epoch", schedule.epochs);
    for loss in &losses {
        progress.advance(1, &[("loss", *loss)]);
    }
    for epoch in done..schedule.epochs {
        let mut order: Vec<usize> = (0..images.len()).collect();
        order.shuffle(&mut stream("order", &[epoch as u64]));
        let mut total = 0.0;
        for (number, places) in order.chunks(schedule.batch_size).enumerate() {
            context.check()?;
            let shown: Vec<_> = places.iter().map(|place| images[*place].clone()).collect();
            let mut noise = stream("noise", &[epoch as u64, number as u64]);
            let loss = network.loss(&weights.weights(), &shown, &mut noise)?;
            total += f64::from(loss.to_scalar::<f32>()?);
            weights.step(&loss, schedule.learning_rate, schedule.epochs * batches)?;
        }
        let mean = total / batches as f64;
        if !mean.is_finite() {
            return Err(Error::input(format!(
                "the loss of the {} is no longer finite in epoch {}: lower the learning rate",
                N::NAME,
                epoch + 1
            )));
        }
        losses.push(mean);
        kept.set_losses(&losses)?;
        kept.put(NETWORK, &weights, epoch + 1, context)?;
        progress.advance(1, &[("loss", mean)]);
    }
    Ok((weights.detached(), losses))
}

/// What the network sees of a subject's slices.
fn windows(subject: &Subject, grid: SliceGrid, step: usize) -> Result<Vec<Array2<f32>>> {
    let slices: Vec<&Slice> = subject.slices.iter().collect();
    slices.iter().try_for_each(|slice| slice.check_size(grid.size, "network"))?;
    let window = Window::around(&slices, step);
    Ok(slices.iter().map(|slice| window.cut(slice.image.view())).collect())
}

/// Gives settings of a [`SliceNetwork`] the schedule that their fields hold, and a `train` that needs no import.
macro_rules! trained_on_slices {
    ($settings:ident => $method:ident) => {
        impl $crate::baselines::slice_network::Scheduled for $settings {
            fn schedule(&self) -> $crate::baselines::slice_network::Schedule {
                let Self { epochs, batch_size, learning_rate, .. } = *self;
                $crate::baselines::slice_network::Schedule { epochs, batch_size, learning_rate }
            }
        }

        impl $settings {
            /// Trains on the slices of all subjects, which are preprocessed in `grid`. No label is used. A
            /// training that an earlier process began goes on from its checkpoint.
            ///
            /// # Errors
            /// If a setting makes no sense, there are no slices or they have another size, the loss is no
            /// longer finite, and [`Error::Cancelled`](crate::Error::Cancelled) if the user interrupts.
            pub fn train(
                &self,
                subjects: &[std::sync::Arc<$crate::cohort::Subject>],
                grid: $crate::cohort::SliceGrid,
                context: &$crate::context::Context,
            ) -> $crate::Result<$method> {
                $crate::baselines::slice_training::train(self, subjects, grid, context)
            }
        }
    };
}

pub(super) use trained_on_slices;
