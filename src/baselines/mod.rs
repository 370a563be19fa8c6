//! The baselines. Each implements [`crate::detection::Reconstructor`], so that detection,
//! evaluation and figures treat it like any other method. [`Baseline`] is any of them, and a file of one.

mod autoencoder_with_uncertainty;
mod baseline;
mod convolutional_autoencoder;
mod coreset;
mod denoising_autoencoder;
mod diffusion_model;
mod feature_memory;
mod intensity_threshold;
mod method_file;
mod slice_network;
mod slice_training;
#[cfg(test)]
mod tests;
mod variational_autoencoder;

pub use autoencoder_with_uncertainty::{AutoencoderWithUncertainty, UncertaintyTraining};
pub use baseline::Baseline;
pub use convolutional_autoencoder::{ConvolutionalAutoencoder, ConvolutionalTraining};
pub use denoising_autoencoder::{DenoisingAutoencoder, DenoisingTraining};
pub use diffusion_model::{DiffusionModel, DiffusionTraining};
pub use feature_memory::{FeatureMemory, FeatureMemoryOptions, MEMORY_SHARE};
pub use intensity_threshold::IntensityThreshold;
pub use variational_autoencoder::{VariationalAutoencoder, VariationalTraining};
