//! What scoring networks begin with.

use serde::{Deserialize, Serialize};

use super::take_network;
use crate::Result;
use crate::model::convolutional::{Weights, weights_of};
use crate::options::Choice;

/// Width of the networks that ship with the program.
pub(super) const SHIPPED_WIDTH: usize = 12;
/// How many of them there are.
const SHIPPED: usize = 3;

/// What a scoring network begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InitialWeights {
    /// One of the networks that ship with the program. They learned from lesions painted into synthetic spines
    /// (`scripts/scorer-initial-weights.star`), so that training on a cohort of one's own takes fewer epochs, and two
    /// trainings differ less by chance.
    Phantoms,
    /// Random weights.
    Random,
}

impl InitialWeights {
    /// What was in use before there was a choice.
    pub(super) fn of_old_records() -> Self {
        Self::Random
    }
}

impl Choice for InitialWeights {
    const WHAT: &'static str = "initial weights";
    const ALL: &'static [Self] = &[Self::Phantoms, Self::Random];

    fn name(self) -> &'static str {
        match self {
            Self::Phantoms => "phantoms",
            Self::Random => "random",
        }
    }
}

/// The weights that a member of a scorer begins with. Later members begin like the first ones and differ by the order
/// and the augmentation of their training.
///
/// # Errors
/// If the weights are damaged.
pub(super) fn shipped(member: usize) -> Result<Weights> {
    let mut tensors = weights_of(include_bytes!("initial_weights.safetensors"))?;
    take_network(member % SHIPPED, SHIPPED_WIDTH, &mut tensors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::convolutional::unet;
    use crate::scoring::ScorerTraining;
    use crate::scoring::channels::CHANNELS;

    #[test]
    fn every_network_is_shipped_whole_and_they_differ() {
        let networks: Vec<Weights> = (0..SHIPPED).map(|member| shipped(member).unwrap()).collect();
        let shapes = unet::shapes(CHANNELS, SHIPPED_WIDTH);
        let bias = |network: &Weights| network["encoder.0.first.bias"].to_vec1::<f32>().unwrap();
        for network in &networks {
            assert_eq!(network.len(), shapes.len());
        }
        assert_ne!(bias(&networks[0]), bias(&networks[1]));
        assert_ne!(bias(&networks[1]), bias(&networks[2]));
        assert_eq!(
            bias(&shipped(3).unwrap()),
            bias(&networks[0]),
            "the fourth begins like the first"
        );
    }

    #[test]
    fn records_that_do_not_name_them_began_with_random_ones() {
        let old: ScorerTraining = serde_json::from_str("{}").unwrap();
        assert_eq!(old.initial_weights, InitialWeights::Random);
        assert_eq!(ScorerTraining::default().initial_weights, InitialWeights::Phantoms);
    }
}
