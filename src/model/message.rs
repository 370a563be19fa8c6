//! What ranks send each other: a request or an answer, with tensors by name.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use candle_core::{Device, Tensor};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{Config, PatchOrder};
use crate::context::Ranks;
use crate::{Error, Result};

/// Key of the subject in a message's metadata.
const SUBJECT: &str = "u2ad";
/// Name of the tensor of an order of patches.
const ORDER: &str = "order";

/// A message between ranks.
pub(crate) struct Message {
    pub subject: Subject,
    pub tensors: BTreeMap<String, Tensor>,
}

/// What a message is about.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Subject {
    /// The network of the requests that follow, with all its tensors. It is not answered.
    Network(Config),
    /// Compute the gradients of each micro-batch. `keep` and `patches` as in [`super::PatchOrder`].
    Gradients { keep: usize, patches: usize, micro_batch: usize },
    /// Reconstruct an image under the masks of an order and keep the first `samples` of each patch.
    Samples { keep: usize, patches: usize, samples: usize },
    /// The answer to a request.
    Answer,
    /// Why a request was not answered.
    Failed(String),
    /// The job has ended. It is not answered.
    End,
}

impl Message {
    pub fn new(subject: Subject) -> Self {
        Self { subject, tensors: BTreeMap::new() }
    }

    /// The same message with a tensor.
    pub fn with(mut self, name: impl Into<String>, tensor: Tensor) -> Self {
        self.tensors.insert(name.into(), tensor);
        self
    }

    /// Takes a tensor out.
    ///
    /// # Errors
    /// If the message has none of that name.
    pub fn take(&mut self, name: &str) -> Result<Tensor> {
        self.tensors.remove(name).ok_or_else(|| broken(format!("it lacks \"{name}\"")))
    }

    /// The same message with an order of patches.
    ///
    /// # Errors
    /// If it cannot be made a tensor.
    pub fn with_order(self, order: &PatchOrder) -> Result<Self> {
        let order = order.order();
        let tensor = Tensor::from_iter(order.iter().copied(), &Device::Cpu)?;
        Ok(self.with(ORDER, tensor.reshape(order.dim())?))
    }

    /// Takes out what [`Self::with_order`] put in.
    ///
    /// # Errors
    /// If there is no order of `patches` patches with `keep` visible ones.
    pub fn take_order(&mut self, keep: usize, patches: usize) -> Result<PatchOrder> {
        let tensor = self.take(ORDER)?;
        let order = Array2::from_shape_vec(tensor.dims2()?, tensor.flatten_all()?.to_vec1()?);
        PatchOrder::of_some(order.map_err(broken)?, keep, patches)
            .ok_or_else(|| broken("its masks do not fit"))
    }

    /// The message as bytes.
    ///
    /// # Errors
    /// If a tensor cannot be read.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let subject = serde_json::to_string(&self.subject).map_err(broken)?;
        let metadata = HashMap::from([(SUBJECT.to_owned(), subject)]);
        safetensors::serialize(&self.tensors, Some(metadata)).map_err(broken)
    }

    /// The message that [`Self::encode`] wrote, with its tensors on the CPU.
    ///
    /// # Errors
    /// If the bytes are no message.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let (_, header) = safetensors::SafeTensors::read_metadata(bytes).map_err(broken)?;
        let subject = header.metadata().as_ref().and_then(|metadata| metadata.get(SUBJECT));
        let subject = subject.ok_or_else(|| broken("it says nothing"))?;
        let subject = serde_json::from_str(subject).map_err(broken)?;
        let tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu)?;
        Ok(Self { subject, tensors: tensors.into_iter().collect() })
    }
}

fn broken(reason: impl Display) -> Error {
    Error::input(format!("a message between ranks is broken: {reason}"))
}

/// Sends one request to each of ranks 1, 2, … that has one, does this rank's `own` share meanwhile, and waits for
/// all answers, which come in the order of ranks. Every answer is taken even if something fails, so that the next
/// request is not answered by this one's.
///
/// # Errors
/// If `own` fails or a rank does.
pub(crate) fn ask<T>(
    ranks: &dyn Ranks,
    requests: &[Option<Message>],
    own: impl FnOnce() -> Result<T>,
) -> Result<(T, Vec<Message>)> {
    let mut asked = Vec::new();
    for (rank, request) in (1..).zip(requests) {
        if let Some(request) = request {
            ranks.send(rank, &request.encode()?)?;
            asked.push(rank);
        }
    }
    let own = own();
    let answers: Vec<_> = asked.into_iter().map(|rank| (rank, ranks.receive(rank))).collect();
    let own = own?;
    let answers = answers.into_iter().map(|(rank, answer)| {
        let answer = Message::decode(&answer?)?;
        match answer.subject {
            Subject::Failed(reason) => Err(Error::input(format!("rank {rank}: {reason}"))),
            _ => Ok(answer),
        }
    });
    Ok((own, answers.collect::<Result<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_arrives_as_it_was_sent() {
        let numbers = Tensor::new(&[1.5f64, f64::NAN], &Device::Cpu).unwrap();
        let message = Message::new(Subject::Failed("no \"memory\"".into())).with("a/b", numbers);
        let mut read = Message::decode(&message.encode().unwrap()).unwrap();
        assert!(matches!(&read.subject, Subject::Failed(reason) if reason == "no \"memory\""));
        let numbers = read.take("a/b").unwrap().to_vec1::<f64>().unwrap();
        assert!(numbers[0] == 1.5 && numbers[1].is_nan());
        assert!(read.take("a/b").is_err());
        assert!(Message::decode(b"nothing").is_err());
    }
}
