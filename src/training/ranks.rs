//! Training and estimation on several ranks: rank 0 draws everything random, sends each rank its share, and adds
//! the gradients of all micro-batches in their order. So any number of ranks gives the same weights.

use std::ops::Range;

use candle_core::{DType, Device, Tensor};

use super::micro_batch::MicroBatch;
use super::{Model, Target};
use crate::context::{Context, Ranks};
use crate::model::{Config, Message, Network, Parameters, PatchOrder, Subject, ask};
use crate::uncertainty;
use crate::{Error, Result};

const PATCHES: &str = "patches";
const EDGES: &str = "edges";
const WEIGHTS: &str = "weights";
const LOSSES: &str = "losses";

/// Gradients and losses of each micro-batch of a batch, in their order. `masks` and `target` are those of the
/// whole batch.
pub(super) fn on_ranks(
    ranks: &dyn Ranks,
    model: &Model,
    network: &Network,
    (masks, target): (&PatchOrder, &Target),
    micro_batch: usize,
    context: &Context,
) -> Result<Vec<MicroBatch>> {
    let images = masks.batch();
    let parts = images.div_ceil(micro_batch);
    let size = ranks.size();
    // The images of each rank: whole micro-batches.
    let share = |rank: usize| {
        let at = |rank: usize| (parts * rank / size * micro_batch).min(images);
        at(rank)..at(rank + 1)
    };
    let request = |rank: usize| -> Result<Option<Message>> {
        let images = share(rank);
        if images.is_empty() {
            return Ok(None);
        }
        let order = masks.images(images.start, images.end);
        let (keep, patches) = (order.keep(), order.patches());
        let subject = Subject::Gradients { keep, patches, micro_batch };
        let target = narrow(target, images)?;
        let message = Message::new(subject)
            .with_order(&order)?
            .with(PATCHES, target.patches)
            .with(EDGES, target.edges)
            .with(WEIGHTS, target.weights);
        Ok(Some(message))
    };
    let requests = (1..size).map(request).collect::<Result<Vec<_>>>()?;
    let mut weights = Message::new(Subject::Network(model.config));
    weights.tensors = model.parameters.tensors();
    let weights = weights.encode()?;
    for (rank, request) in (1..).zip(&requests) {
        if request.is_some() {
            ranks.send(rank, &weights)?;
        }
    }
    let own = || {
        let images = share(0);
        let target = narrow(target, images.clone())?;
        let order = masks.images(images.start, images.end);
        micro_batches(&model.parameters, network, (&order, &target), micro_batch, context)
    };
    let (mut all, answers) = ask(ranks, &requests, own)?;
    for mut answer in answers {
        let losses = answer.take(LOSSES)?.to_vec2::<f64>()?;
        let mut parts: Vec<MicroBatch> = Vec::with_capacity(losses.len());
        for losses in losses {
            let losses = losses.try_into().map_err(|_| broken())?;
            parts.push(MicroBatch { losses, ..MicroBatch::default() });
        }
        for (name, gradient) in answer.tensors {
            let (part, name) = name.split_once('/').ok_or_else(broken)?;
            let part = part.parse::<usize>().ok().and_then(|part| parts.get_mut(part));
            let gradient = gradient.to_device(&context.device)?;
            part.ok_or_else(broken)?.gradients.insert(name.to_owned(), gradient);
        }
        all.extend(parts);
    }
    Ok(all)
}

fn broken() -> Error {
    Error::input("a rank sent gradients that do not fit the batch")
}

fn narrow(target: &Target, images: Range<usize>) -> candle_core::Result<Target> {
    let part = |tensor: &Tensor| tensor.narrow(0, images.start, images.len())?.contiguous();
    Ok(Target {
        patches: part(&target.patches)?,
        edges: part(&target.edges)?,
        weights: part(&target.weights)?,
    })
}

/// One after another.
fn micro_batches(
    parameters: &Parameters,
    network: &Network,
    (order, target): (&PatchOrder, &Target),
    micro_batch: usize,
    context: &Context,
) -> Result<Vec<MicroBatch>> {
    let one = |from: usize| {
        context.check()?;
        let to = order.batch().min(from + micro_batch);
        let target = narrow(target, from..to)?;
        MicroBatch::of(parameters, network, &order.images(from, to), &target, context)
    };
    (0..order.batch()).step_by(micro_batch.max(1)).map(one).collect()
}

/// Tells all other ranks that the job has ended.
///
/// # Errors
/// If one cannot be told.
pub fn end_ranks(ranks: &dyn Ranks) -> Result<()> {
    let end = Message::new(Subject::End).encode()?;
    (1..ranks.size()).try_for_each(|rank| ranks.send(rank, &end))
}

/// Computes what rank 0 asks for, until the job ends.
///
/// # Errors
/// If rank 0 is lost. Whatever else fails is told to rank 0, which ends the job.
pub fn serve_rank_0(ranks: &dyn Ranks, device: &Device) -> Result<()> {
    let context = Context::new(0).with_device(device.clone());
    let mut parameters: Option<(Config, Result<Parameters>)> = None;
    loop {
        let request = Message::decode(&ranks.receive(0)?)?;
        let answer = match &request.subject {
            Subject::End => return Ok(()),
            Subject::Network(config) => {
                let config = *config;
                let built = Parameters::from_tensors(&config, request.tensors, device);
                parameters = Some((config, built.map_err(Error::from)));
                continue;
            }
            _ => match &parameters {
                Some((config, Ok(parameters))) => answered(request, config, parameters, &context),
                Some((_, Err(error))) => Err(Error::input(error.to_string())),
                None => Err(Error::input("rank 0 sent no network")),
            },
        };
        let answer =
            answer.unwrap_or_else(|error| Message::new(Subject::Failed(error.to_string())));
        ranks.send(0, &answer.encode()?)?;
    }
}

fn answered(
    mut request: Message,
    config: &Config,
    parameters: &Parameters,
    context: &Context,
) -> Result<Message> {
    let Subject::Gradients { keep, patches, micro_batch } = request.subject else {
        return uncertainty::answer(request, &parameters.frozen_network(config)?, context);
    };
    let order = request.take_order(keep, patches)?;
    let target = Target {
        patches: request.take(PATCHES)?,
        edges: request.take(EDGES)?,
        weights: request.take(WEIGHTS)?,
    };
    let network = parameters.trainable_network(config)?;
    let parts = micro_batches(parameters, &network, (&order, &target), micro_batch, context)?;
    let losses: Vec<f64> = parts.iter().flat_map(|part| part.losses).collect();
    let losses = Tensor::from_vec(losses, (parts.len(), 3), &Device::Cpu)?;
    let mut answer = Message::new(Subject::Answer).with(LOSSES, losses);
    for (number, part) in parts.into_iter().enumerate() {
        for (name, gradient) in part.gradients {
            let gradient = gradient.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
            answer = answer.with(format!("{number}/{name}"), gradient);
        }
    }
    Ok(answer)
}
