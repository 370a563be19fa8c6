//! A network in training: its variables with the moments of Adam.

use std::collections::{BTreeMap, HashMap};

use candle_core::{Device, Tensor, Var};

use super::Weights;
use crate::ops::{AdamState, AdamStep};
use crate::{Error, Result};

const BETA: [f64; 2] = [0.9, 0.999];
const EPSILON: f64 = 1e-8;
/// Steps over which the learning rate rises.
const WARM_UP: f64 = 50.0;
/// Prefixes of weights and moments in a checkpoint.
const KINDS: [&str; 3] = ["weight.", "first.", "second."];
const STEPS: &str = "steps";
const EPOCHS: &str = "epochs";

/// The variables of a network in training.
pub(crate) struct TrainableWeights {
    /// Name, variable, first and second moment.
    state: Vec<(String, Var, Tensor, Tensor)>,
    steps: usize,
}

impl TrainableWeights {
    /// Begins with these weights.
    pub fn new(weights: Weights) -> Result<Self> {
        let mut state = Vec::new();
        for (name, tensor) in weights {
            let (first, second) = (tensor.zeros_like()?, tensor.zeros_like()?);
            state.push((name, Var::from_tensor(&tensor)?, first, second));
        }
        Ok(Self { state, steps: 0 })
    }

    /// The weights as part of a graph.
    pub fn weights(&self) -> Weights {
        let named =
            self.state.iter().map(|(name, var, ..)| (name.clone(), var.as_tensor().clone()));
        named.collect()
    }

    /// The weights without a graph.
    pub fn detached(&self) -> Weights {
        self.weights().into_iter().map(|(name, tensor)| (name, tensor.detach())).collect()
    }

    /// Everything as safetensors, with the number of epochs so far.
    ///
    /// # Errors
    /// If a tensor cannot be read.
    pub fn to_bytes(&self, epochs: usize) -> Result<Vec<u8>> {
        let mut tensors = BTreeMap::new();
        for (name, var, first, second) in &self.state {
            let three = [var.as_detached_tensor(), first.clone(), second.clone()];
            for (kind, tensor) in KINDS.into_iter().zip(three) {
                tensors.insert(format!("{kind}{name}"), tensor);
            }
        }
        let number = |name: &str, number: usize| (name.to_owned(), number.to_string());
        let metadata = HashMap::from([number(STEPS, self.steps), number(EPOCHS, epochs)]);
        safetensors::serialize(&tensors, Some(metadata)).map_err(|error| {
            Error::input(format!("the network cannot be written as a checkpoint: {error}"))
        })
    }

    /// What [`Self::to_bytes`] wrote: the network and the number of epochs.
    ///
    /// # Errors
    /// If something is missing.
    pub fn from_bytes(bytes: &[u8]) -> Result<(Self, usize)> {
        let bad = || Error::input("a tensor or number of the network is missing");
        let (_, header) = safetensors::SafeTensors::read_metadata(bytes).map_err(|_| bad())?;
        let number = |name: &str| {
            let text = header.metadata().as_ref().and_then(|all| all.get(name));
            text.and_then(|text| text.parse::<usize>().ok()).ok_or_else(bad)
        };
        let (steps, epochs) = (number(STEPS)?, number(EPOCHS)?);
        let tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu)?;
        let names: Vec<&str> =
            tensors.keys().filter_map(|name| name.strip_prefix(KINDS[0])).collect();
        let mut state = Vec::with_capacity(names.len());
        for name in names {
            let tensor = |kind: &str| tensors.get(&format!("{kind}{name}")).ok_or_else(bad);
            let (first, second) = (tensor(KINDS[1])?.clone(), tensor(KINDS[2])?.clone());
            state.push((name.to_owned(), Var::from_tensor(tensor(KINDS[0])?)?, first, second));
        }
        state.sort_by(|a, b| a.0.cmp(&b.0));
        Ok((Self { state, steps }, epochs))
    }

    /// Moves the weights against the gradient of a loss that [`Self::weights`] led to. The learning
    /// rate rises to `highest` over the first steps and falls to 0 along a cosine over `all` steps; a training of one
    /// step has its warm-up only.
    pub fn step(&mut self, loss: &Tensor, highest: f64, all: usize) -> Result<()> {
        let gradients = loss.backward()?;
        self.steps += 1;
        let learning_rate = highest * share_of_highest(self.steps, all);
        let adam = AdamStep { beta: BETA, epsilon: EPSILON, learning_rate, number: self.steps };
        for (name, var, first, second) in &mut self.state {
            let gradient = gradients.get(var.as_tensor()).ok_or_else(|| {
                Error::input(format!("\"{name}\" of the network received no gradient"))
            })?;
            let parameter = var.as_detached_tensor();
            let now = AdamState { parameter, first: first.clone(), second: second.clone() };
            let next = adam.apply(&now, gradient)?;
            var.set(&next.parameter)?;
            (*first, *second) = (next.first, next.second);
        }
        Ok(())
    }
}

/// The learning rate of a step, counted from 1, as a share of the highest.
fn share_of_highest(step: usize, all: usize) -> f64 {
    let step = step as f64;
    let rise = (step / WARM_UP).min(1.0);
    if all == 1 {
        return rise;
    }
    rise * (0.5 + 0.5 * (std::f64::consts::PI * step / all as f64).cos())
}

#[cfg(test)]
mod tests {
    use super::share_of_highest;

    #[test]
    fn the_learning_rate_rises_and_falls_and_one_step_learns_too() {
        let shares: Vec<f64> = (1..=1000).map(|step| share_of_highest(step, 1000)).collect();
        assert!(shares[0] > 0.0 && shares[0] < 0.1 && shares[999] < 1e-12);
        assert!(shares.iter().any(|share| *share > 0.9));
        assert!(share_of_highest(1, 1) > 0.0);
    }
}
