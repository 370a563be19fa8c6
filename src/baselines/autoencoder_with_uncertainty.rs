//! The autoencoder with uncertainty: it predicts how well it will reconstruct every pixel.

use candle_core::{Device, Tensor};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::slice_network::{Restored, SliceNetwork, TrainedNetwork};
use super::slice_training::trained_on_slices;
use crate::Result;
use crate::context::{Context, Stream};
use crate::detection::Scoring;
use crate::model::convolutional::autoencoder::{Autoencoder, Bottleneck, STEP};
use crate::model::convolutional::{Shapes, Weights, batch};
use crate::options::setters;

/// An autoencoder that predicts every pixel as a Gaussian with a variance of its own (Mao et al. 2020,
/// "Abnormality detection in chest X-ray images using uncertainty prediction autoencoders", AE-U). What is hard
/// to reconstruct in normal images, such as edges, gets a high variance and is not taken for a lesion.
///
/// The loss is the mean of (x − μ)² / σ² + log σ². The published score of a pixel is (x − μ)² / σ². Here it
/// counts where the image is brighter than its reconstruction, as the residuals of all methods do, and
/// is the method's own scoring ([`Scoring::Own`]).
pub type AutoencoderWithUncertainty = TrainedNetwork<UncertaintyTraining>;

/// Settings of an [`AutoencoderWithUncertainty`]. A dense bottleneck of 16 numbers and the learning rate
/// as in the code of the benchmark of Cai et al. (2024, "MedIAnomaly"); channels and batch size are those of
/// the other autoencoders here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UncertaintyTraining {
    /// How often every slice is shown.
    pub epochs: usize,
    /// Slices per batch.
    pub batch_size: usize,
    /// Learning rate at its highest; it falls to 0 along a cosine.
    pub learning_rate: f64,
    /// Channels of the network at full resolution; a multiple of 4.
    pub width: usize,
    /// Numbers that stand for an image in the bottleneck.
    pub latent: usize,
}

/// Limits of log σ². The lower one is a σ of 0.7 % of the intensity range: padding and air can be
/// reconstructed perfectly, and their variance would fall without end.
const LOG_VARIANCE: (f64, f64) = (-10.0, 10.0);

impl Default for UncertaintyTraining {
    fn default() -> Self {
        Self { epochs: 60, batch_size: 8, learning_rate: 1e-3, width: 32, latent: 16 }
    }
}

setters!(UncertaintyTraining {
    /// With every slice shown this often.
    epochs: usize,
    /// With this many slices per batch.
    batch_size: usize,
    /// With this learning rate at its highest.
    learning_rate: f64,
    /// With this many channels at full resolution; a multiple of 4.
    width: usize,
    /// With this many numbers in the bottleneck.
    latent: usize,
});

trained_on_slices!(UncertaintyTraining => AutoencoderWithUncertainty);

impl UncertaintyTraining {
    fn architecture(&self) -> Autoencoder {
        let bottleneck = Bottleneck::Dense { latent: self.latent };
        Autoencoder { width: self.width, bottleneck, outputs: 2 }
    }

    /// Mean and log variance (batch, rows, columns) of images (batch, 1, rows, columns).
    fn predicted(&self, weights: &Weights, images: &Tensor) -> Result<(Tensor, Tensor)> {
        let maps = self.architecture().outputs(weights, images)?;
        let map = |place| maps.narrow(1, place, 1)?.squeeze(1);
        Ok((map(0)?, map(1)?.clamp(LOG_VARIANCE.0, LOG_VARIANCE.1)?))
    }
}

impl SliceNetwork for UncertaintyTraining {
    const NAME: &'static str = "autoencoder with uncertainty";
    const STREAM: &'static str = "autoencoder-with-uncertainty";
    const STEP: usize = STEP;
    const SCORING: Scoring = Scoring::Own;

    fn counts(&self) -> Vec<(&'static str, usize)> {
        vec![("latent", self.latent)]
    }

    fn grouped(&self) -> Vec<(&'static str, usize)> {
        vec![("width", self.width)]
    }

    fn shapes(&self, image: (usize, usize)) -> Shapes {
        self.architecture().shapes(image)
    }

    fn loss(&self, weights: &Weights, images: &[Array2<f32>], _: &mut Stream) -> Result<Tensor> {
        let images = batch(images, &Device::Cpu)?;
        let (mean, log_variance) = self.predicted(weights, &images.unsqueeze(1)?)?;
        let squared = ((images - mean)?.sqr()? * log_variance.neg()?.exp()?)?;
        Ok((squared + log_variance)?.mean_all()?)
    }

    fn restore(&self, weights: &Weights, images: &Tensor, _: &Context) -> Result<Restored> {
        let (reconstruction, log_variance) = self.predicted(weights, images)?;
        Ok(Restored { reconstruction, variance: Some(log_variance.exp()?) })
    }
}
