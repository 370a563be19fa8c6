//! Adam with a state that can be saved (candle-nn keeps its moments private).

use std::collections::BTreeMap;

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor};

use crate::model::Parameters;
use crate::ops::{AdamState, AdamStep};

/// Adam as in the publication: β (0.9, 0.95), ε 1e-8, no weight decay.
#[derive(Default)]
pub struct Adam {
    step: usize,
    moments: BTreeMap<String, Moments>,
}

struct Moments {
    first: Tensor,
    second: Tensor,
}

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.95;
const EPSILON: f64 = 1e-8;

impl Adam {
    /// Steps taken.
    pub fn steps(&self) -> usize {
        self.step
    }

    /// Moves every parameter against its gradient. `gradients` holds one per trainable tensor, by
    /// name; a missing one is an error, never a silent standstill.
    pub fn step(
        &mut self,
        parameters: &Parameters,
        gradients: &BTreeMap<String, Tensor>,
        learning_rate: f64,
    ) -> Result<()> {
        self.step += 1;
        let step =
            AdamStep { beta: [BETA_1, BETA_2], epsilon: EPSILON, learning_rate, number: self.step };
        for (name, var) in parameters.trainable() {
            let Some(gradient) = gradients.get(name) else {
                candle_core::bail!("\"{name}\" received no gradient");
            };
            let parameter = var.as_detached_tensor();
            let (first, second) = match self.moments.get(name) {
                Some(Moments { first, second }) => (first.clone(), second.clone()),
                None => (parameter.zeros_like()?, parameter.zeros_like()?),
            };
            let state = AdamState { parameter, first, second };
            let AdamState { parameter, first, second } = step.apply(&state, gradient)?;
            var.set(&parameter)?;
            self.moments.insert(name.to_owned(), Moments { first, second });
        }
        Ok(())
    }

    /// The moments as named tensors: `adam.first.<name>` and `adam.second.<name>`.
    pub fn tensors(&self) -> BTreeMap<String, Tensor> {
        let entries = self.moments.iter().flat_map(|(name, moments)| {
            [
                (format!("{FIRST}{name}"), moments.first.clone()),
                (format!("{SECOND}{name}"), moments.second.clone()),
            ]
        });
        entries.collect()
    }

    /// Takes the moments out of a checkpoint's tensors, leaving the rest.
    pub fn from_tensors(step: usize, tensors: &mut BTreeMap<String, Tensor>) -> Result<Self> {
        let mut take = |prefix: &str| {
            let names: Vec<String> =
                tensors.keys().filter(|name| name.starts_with(prefix)).cloned().collect();
            let taken = names.into_iter().filter_map(|name| {
                let tensor = tensors.remove(&name)?;
                Some((name[prefix.len()..].to_owned(), tensor))
            });
            taken.collect::<BTreeMap<_, _>>()
        };
        let (first, mut second) = (take(FIRST), take(SECOND));
        let mut moments = BTreeMap::new();
        for (name, first) in first {
            let Some(second) = second.remove(&name) else {
                candle_core::bail!("the optimiser state of \"{name}\" is incomplete");
            };
            moments.insert(name, Moments { first, second });
        }
        if let Some(name) = second.keys().next() {
            candle_core::bail!("the optimiser state of \"{name}\" is incomplete");
        }
        Ok(Self { step, moments })
    }

    /// Whether a tensor of a checkpoint belongs to the optimiser.
    pub fn owns(name: &str) -> bool {
        name.starts_with(FIRST) || name.starts_with(SECOND)
    }

    /// Checks that every moment has the shape of the weight whose gradients it averages.
    ///
    /// # Errors
    /// If there is no such weight, or its shape differs.
    pub fn check_against(&self, parameters: &Parameters) -> Result<()> {
        let weights: BTreeMap<_, _> = parameters.trainable().collect();
        for (name, Moments { first, second }) in &self.moments {
            let Some(weight) = weights.get(name.as_str()) else {
                candle_core::bail!(
                    "it has an optimiser state of \"{name}\", which is no weight of it"
                );
            };
            if first.shape() != weight.shape() || second.shape() != weight.shape() {
                candle_core::bail!("the optimiser state of \"{name}\" has another shape than it");
            }
        }
        Ok(())
    }
}

const FIRST: &str = "adam.first.";
const SECOND: &str = "adam.second.";

/// Gradients by the names of the parameters.
pub(super) type Gradients = BTreeMap<String, Tensor>;

/// The gradients that reached the parameters.
pub(super) fn gradients(parameters: &Parameters, store: &GradStore) -> Gradients {
    let reached = parameters.trainable().filter_map(|(name, var)| {
        let gradient = store.get(var.as_tensor())?;
        Some((name.to_owned(), gradient.detach()))
    });
    reached.collect()
}

/// Adds the gradients of a micro-batch to those of the batch so far.
pub(super) fn accumulate(total: &mut Gradients, gradients: Gradients) -> Result<()> {
    for (name, gradient) in gradients {
        let sum = match total.get(&name) {
            Some(sum) => (sum + gradient)?,
            None => gradient,
        };
        total.insert(name, sum.detach());
    }
    Ok(())
}
