//! The baselines. Each implements [`crate::detection::Reconstructor`], so that detection,
//! evaluation and figures treat it like any other method.

mod denoising_autoencoder;
mod intensity_threshold;

pub use denoising_autoencoder::{DenoisingAutoencoder, DenoisingTraining};
pub use intensity_threshold::IntensityThreshold;
