//! The variational autoencoder, with the restoration of an image towards what it learned as normal.

use candle_core::{Device, Tensor, Var};
use ndarray::Array2;
use rand::RngExt;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use super::slice_network::{Restored, SliceNetwork, TrainedNetwork};
use super::slice_training::trained_on_slices;
use crate::context::{Context, Stream};
use crate::model::convolutional::autoencoder::{Autoencoder, Bottleneck, Latent, STEP};
use crate::model::convolutional::{Shapes, Weights, batch};
use crate::options::setters;
use crate::{Error, Result};

/// A convolutional autoencoder whose code is a Gaussian that is kept near the standard one (Kingma and Welling
/// 2014), as Baur et al. use it (2021, "Autoencoders for unsupervised anomaly segmentation in brain MR
/// images: a comparative study"). The loss is the absolute error, summed over the image, plus the
/// Kullback-Leibler divergence of the code.
///
/// The reconstruction is what the mean of the code gives. With `restoration_steps` it is the image itself, moved
/// by that many steps of gradient descent to a lower loss, while the total variation of what is changed is
/// held down (Chen et al. 2020, "Unsupervised lesion detection via image restoration with a normative
/// prior"). The loss is taken at the mean of the code, so that the result does not depend on chance. Every
/// step costs a forward and a backward pass.
pub type VariationalAutoencoder = TrainedNetwork<VariationalTraining>;

/// Settings of a [`VariationalAutoencoder`]. Channels, 128 dimensions of the code and batch size as Baur et
/// al. The learning rate is not: 1e-4 is meant for longer trainings; 1e-3 is that of the benchmark of Cai et al.
/// (2024, "MedIAnomaly").
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VariationalTraining {
    /// How often every slice is shown.
    pub epochs: usize,
    /// Slices per batch.
    pub batch_size: usize,
    /// Learning rate at its highest; it falls to 0 along a cosine.
    pub learning_rate: f64,
    /// Channels of the network at full resolution; a multiple of 4.
    pub width: usize,
    /// Dimensions of the code.
    pub latent: usize,
    /// Steps of the restoration; 0: none.
    pub restoration_steps: usize,
}

/// How far a step of the restoration moves the image, per unit of the gradient. This and the weight below are
/// those of the code that Baur et al. published, which takes 150 steps.
const STEP_LENGTH: f64 = 1e-3;
/// Weight of the total variation of the change.
const VARIATION_WEIGHT: f64 = 1.8;

impl Default for VariationalTraining {
    fn default() -> Self {
        Self {
            epochs: 60,
            batch_size: 8,
            learning_rate: 1e-3,
            width: 32,
            latent: 128,
            restoration_steps: 0,
        }
    }
}

setters!(VariationalTraining {
    /// With every slice shown this often.
    epochs: usize,
    /// With this many slices per batch.
    batch_size: usize,
    /// With this learning rate at its highest.
    learning_rate: f64,
    /// With this many channels at full resolution; a multiple of 4.
    width: usize,
    /// With this many dimensions of the code.
    latent: usize,
    /// With a restoration of this many steps; 0: none.
    restoration_steps: usize,
});

trained_on_slices!(VariationalTraining => VariationalAutoencoder);

impl VariationalTraining {
    fn architecture(&self) -> Autoencoder {
        let bottleneck = Bottleneck::Gaussian { latent: self.latent };
        Autoencoder { width: self.width, bottleneck, outputs: 1 }
    }

    /// Absolute error plus divergence, summed over images (batch, 1, rows, columns). The code is its mean, or is
    /// drawn with this noise (batch, dimensions).
    fn summed_loss(
        &self,
        weights: &Weights,
        images: &Tensor,
        noise: Option<&Tensor>,
    ) -> Result<Tensor> {
        let (_, _, rows, columns) = images.dims4()?;
        let network = self.architecture();
        let Latent::Gaussian { mean, log_deviation } = network.encode(weights, images)? else {
            return Err(Error::input("the variational autoencoder has no Gaussian code"));
        };
        let deviation = log_deviation.exp()?;
        let code = match noise {
            Some(noise) => (&mean + (noise * &deviation)?)?,
            None => mean.clone(),
        };
        let restored = network.decode(weights, &code, (rows, columns))?;
        let error = (restored - images)?.abs()?.sum_all()?;
        // ½ Σ (μ² + σ² − log σ² − 1).
        let divergence = ((mean.sqr()? + deviation.sqr()?)? - (log_deviation * 2.0)?)?;
        let divergence = ((divergence - 1.0)?.sum_all()? * 0.5)?;
        Ok((error + divergence)?)
    }

    /// The images, moved to a lower loss.
    fn restored(&self, weights: &Weights, images: &Tensor, context: &Context) -> Result<Tensor> {
        let image = Var::from_tensor(images)?;
        for _ in 0..self.restoration_steps {
            context.check()?;
            let now = image.as_tensor();
            let change = (now - images)?;
            let variation = total_variation(&change)?;
            let loss = (self.summed_loss(weights, now, None)? + (variation * VARIATION_WEIGHT)?)?;
            let gradients = loss.backward()?;
            let gradient = gradients
                .get(now)
                .ok_or_else(|| Error::input("the restored image received no gradient"))?;
            image.set(&(now.detach() - (gradient * STEP_LENGTH)?)?)?;
        }
        Ok(image.as_detached_tensor())
    }
}

/// Sum of the absolute differences between neighbouring pixels of images (batch, 1, rows, columns).
fn total_variation(images: &Tensor) -> candle_core::Result<Tensor> {
    let along = |axis: usize| {
        let steps = images.dim(axis)? - 1;
        (images.narrow(axis, 1, steps)? - images.narrow(axis, 0, steps)?)?.abs()?.sum_all()
    };
    along(2)? + along(3)?
}

impl SliceNetwork for VariationalTraining {
    const NAME: &'static str = "variational autoencoder";
    const STREAM: &'static str = "variational-autoencoder";
    const STEP: usize = STEP;

    fn label(&self) -> String {
        match self.restoration_steps {
            0 => Self::NAME.to_owned(),
            steps => format!("{} (restored in {steps} steps)", Self::NAME),
        }
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        vec![("latent", self.latent)]
    }

    fn grouped(&self) -> Vec<(&'static str, usize)> {
        vec![("width", self.width)]
    }

    fn shapes(&self, image: (usize, usize)) -> Shapes {
        self.architecture().shapes(image)
    }

    /// The loss per pixel.
    fn loss(
        &self,
        weights: &Weights,
        images: &[Array2<f32>],
        stream: &mut Stream,
    ) -> Result<Tensor> {
        let shape = (images.len(), self.latent);
        let noise: Vec<f32> =
            (0..shape.0 * shape.1).map(|_| stream.sample(StandardNormal)).collect();
        let noise = Tensor::from_vec(noise, shape, &Device::Cpu)?;
        let images = batch(images, &Device::Cpu)?.unsqueeze(1)?;
        let pixels = images.elem_count() as f64;
        Ok((self.summed_loss(weights, &images, Some(&noise))? / pixels)?)
    }

    fn restore(&self, weights: &Weights, images: &Tensor, context: &Context) -> Result<Restored> {
        let reconstruction = match self.restoration_steps {
            0 => self.architecture().outputs(weights, images)?,
            _ => self.restored(weights, images, context)?,
        };
        Ok(Restored { reconstruction: reconstruction.squeeze(1)?, variance: None })
    }
}
