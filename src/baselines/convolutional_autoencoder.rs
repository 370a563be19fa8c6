//! The convolutional autoencoder: what does not fit through its bottleneck is not reconstructed.

use candle_core::{Device, Tensor};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::slice_network::{Restored, SliceNetwork, TrainedNetwork};
use super::slice_training::trained_on_slices;
use crate::Result;
use crate::context::{Context, Stream};
use crate::model::convolutional::autoencoder::{Autoencoder, Bottleneck, STEP};
use crate::model::convolutional::{Shapes, Weights, batch};
use crate::options::setters;

/// A convolutional autoencoder with a spatial bottleneck, which was trained on the squared error: the
/// "AE (spatial)" of Baur et al. (2021, "Autoencoders for unsupervised anomaly segmentation in brain MR
/// images: a comparative study"). The image is reconstructed from a sixteenth of its resolution, so that what
/// is rare in the training images should be lost.
pub type ConvolutionalAutoencoder = TrainedNetwork<ConvolutionalTraining>;

/// Settings of a [`ConvolutionalAutoencoder`]. Channels and batch size as published. The learning rate is not:
/// 1e-4 is meant for longer trainings; 1e-3 is that of the benchmark of Cai et al. (2024, "MedIAnomaly").
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConvolutionalTraining {
    /// How often every slice is shown.
    pub epochs: usize,
    /// Slices per batch.
    pub batch_size: usize,
    /// Learning rate at its highest; it falls to 0 along a cosine.
    pub learning_rate: f64,
    /// Channels of the network at full resolution; a multiple of 4.
    pub width: usize,
    /// Channels of the bottleneck, at a sixteenth of the resolution; a multiple of 4. The published 128 are
    /// half as many numbers as the image has pixels.
    pub bottleneck: usize,
}

impl Default for ConvolutionalTraining {
    fn default() -> Self {
        Self { epochs: 60, batch_size: 8, learning_rate: 1e-3, width: 32, bottleneck: 128 }
    }
}

setters!(ConvolutionalTraining {
    /// With every slice shown this often.
    epochs: usize,
    /// With this many slices per batch.
    batch_size: usize,
    /// With this learning rate at its highest.
    learning_rate: f64,
    /// With this many channels at full resolution; a multiple of 4.
    width: usize,
    /// With this many channels in the bottleneck; a multiple of 4.
    bottleneck: usize,
});

trained_on_slices!(ConvolutionalTraining => ConvolutionalAutoencoder);

impl ConvolutionalTraining {
    fn architecture(&self) -> Autoencoder {
        let bottleneck = Bottleneck::Spatial { channels: self.bottleneck };
        Autoencoder { width: self.width, bottleneck, outputs: 1 }
    }
}

impl SliceNetwork for ConvolutionalTraining {
    const NAME: &'static str = "convolutional autoencoder";
    const STREAM: &'static str = "convolutional-autoencoder";
    const STEP: usize = STEP;

    fn grouped(&self) -> Vec<(&'static str, usize)> {
        vec![("width", self.width), ("bottleneck", self.bottleneck)]
    }

    fn shapes(&self, image: (usize, usize)) -> Shapes {
        self.architecture().shapes(image)
    }

    fn loss(&self, weights: &Weights, images: &[Array2<f32>], _: &mut Stream) -> Result<Tensor> {
        let images = batch(images, &Device::Cpu)?.unsqueeze(1)?;
        let restored = self.architecture().outputs(weights, &images)?;
        Ok((restored - images)?.sqr()?.mean_all()?)
    }

    fn restore(&self, weights: &Weights, images: &Tensor, _: &Context) -> Result<Restored> {
        let reconstruction = self.architecture().outputs(weights, images)?.squeeze(1)?;
        Ok(Restored { reconstruction, variance: None })
    }
}
