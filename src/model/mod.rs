//! The published network: a ViT masked autoencoder with a reconstruction and an edge head.
//!
//! Parameter names and shapes are those of a published checkpoint, so weights travel both ways.

mod block;
mod config;
pub(crate) mod convolutional;
mod message;
mod network;
mod parameters;
mod patch_order;
mod patch_scores;
mod patches;
mod position;
mod pytorch;
pub(crate) mod tensor_file;

pub use config::Config;
pub(crate) use message::{Message, Subject, ask};
pub use network::{Network, Prediction};
pub use parameters::Parameters;
pub use patch_order::PatchOrder;
pub use patch_scores::{MASK_RATIO, keep_count, order_from_scores, uniform_noise};
pub use patches::{patch_counts, patch_sums, patchify, unpatchify};
pub(crate) use pytorch::{is_pytorch, read_pytorch};
