//! The baselines. Each implements [`crate::detection::Reconstructor`], so that detection,
//! evaluation and figures treat it like any other method. [`Baseline`] is any of them, and a file of one.

mod baseline;
mod convolutional_autoencoder;
mod denoising_autoencoder;
mod intensity_threshold;
mod method_file;
mod slice_network;
mod slice_training;
#[cfg(test)]
mod tests;

pub use baseline::Baseline;
pub use convolutional_autoencoder::{ConvolutionalAutoencoder, ConvolutionalTraining};
pub use denoising_autoencoder::{DenoisingAutoencoder, DenoisingTraining};
pub use intensity_threshold::IntensityThreshold;
