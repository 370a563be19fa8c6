//! A network in training: its variables with the moments of Adam.

use candle_core::{Tensor, Var};

use super::Weights;
use crate::ops::{AdamState, AdamStep};
use crate::{Error, Result};

const BETA: [f64; 2] = [0.9, 0.999];
const EPSILON: f64 = 1e-8;
/// Steps over which the learning rate rises.
const WARM_UP: f64 = 50.0;

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

    /// Moves the weights against the gradient of a loss that [`Self::weights`] led to. The learning
    /// rate rises to `highest` over the first steps and falls to 0 along a cosine over `all` steps.
    pub fn step(&mut self, loss: &Tensor, highest: f64, all: usize) -> Result<()> {
        let gradients = loss.backward()?;
        self.steps += 1;
        let step = self.steps as f64;
        let rise = (step / WARM_UP).min(1.0);
        let fall = 0.5 + 0.5 * (std::f64::consts::PI * step / all as f64).cos();
        let learning_rate = highest * rise * fall;
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
