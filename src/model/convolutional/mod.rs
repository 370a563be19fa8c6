//! Convolutional networks: what scoring networks and baselines are made of.
//!
//! Their weights are tensors by name, their training is [`TrainableWeights`], and what they see of a slice
//! is a [`Window`].

pub(crate) mod autoencoder;
pub(crate) mod deep_unet;
mod kept_networks;
mod layers;
mod trainable;
pub(crate) mod unet;
mod window;

pub(crate) use kept_networks::KeptNetworks;
pub(crate) use layers::{Shapes, Weights, initial, weights_of};
pub(crate) use trainable::TrainableWeights;
pub(crate) use window::{Window, batch};
