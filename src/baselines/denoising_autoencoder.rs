//! The denoising autoencoder: a U-Net that removes noise also removes what it never saw.

use candle_core::{Device, Tensor};
use ndarray::Array2;
use rand::RngExt;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use super::slice_network::{Restored, SliceNetwork, TrainedNetwork};
use super::slice_training::trained_on_slices;
use crate::Result;
use crate::context::{Context, Stream};
use crate::model::convolutional::{Shapes, Weights, batch, unet};
use crate::options::setters;

/// Settings of a [`DenoisingAutoencoder`]. Noise as published: standard deviation 0.2, drawn on a grid
/// coarser than the lesions it is to remove.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DenoisingTraining {
    /// How often every slice is shown.
    pub epochs: usize,
    /// Slices per batch.
    pub batch_size: usize,
    /// Learning rate at its highest; it falls to 0 along a cosine.
    pub learning_rate: f64,
    /// Standard deviation of the noise, in units of the image.
    pub noise: f32,
    /// Distance in pixels between the points at which the noise is drawn; linear in between.
    pub noise_pixels: usize,
    /// Channels of the network at full resolution; a multiple of 4.
    pub width: usize,
}

impl Default for DenoisingTraining {
    fn default() -> Self {
        Self {
            epochs: 60,
            batch_size: 8,
            learning_rate: 1e-3,
            noise: 0.2,
            noise_pixels: 8,
            width: 16,
        }
    }
}

setters!(DenoisingTraining {
    /// With every slice shown this often.
    epochs: usize,
    /// With this many slices per batch.
    batch_size: usize,
    /// With this learning rate at its highest.
    learning_rate: f64,
    /// With noise of this standard deviation, in units of the image.
    noise: f32,
});

/// A U-Net that was trained to remove coarse noise from slices (Kascenas et al. 2022, "Denoising
/// autoencoders for unsupervised anomaly detection in brain MRI"). Lesions are about as large and as
/// bright as the noise, so the network takes them for noise too. The reconstruction is what it makes of a
/// slice without added noise.
pub type DenoisingAutoencoder = TrainedNetwork<DenoisingTraining>;

trained_on_slices!(DenoisingTraining => DenoisingAutoencoder);

impl DenoisingTraining {
    /// Gaussian noise on a coarse grid that begins anywhere, linear between its points.
    fn coarse_noise(&self, (rows, columns): (usize, usize), stream: &mut Stream) -> Array2<f32> {
        let step = self.noise_pixels;
        let shape = (rows / step + 3, columns / step + 3);
        let points = Array2::from_shape_simple_fn(shape, || {
            self.noise * stream.sample::<f32, _>(StandardNormal)
        });
        let begin = (stream.random_range(0..step), stream.random_range(0..step));
        Array2::from_shape_fn((rows, columns), |(row, column)| {
            let place = |at: usize, begin: usize| {
                let place = (at + begin) as f32 / step as f32;
                (place as usize, place.fract())
            };
            let ((r, down), (c, right)) = (place(row, begin.0), place(column, begin.1));
            let along = |r: usize| (1.0 - right) * points[(r, c)] + right * points[(r, c + 1)];
            (1.0 - down) * along(r) + down * along(r + 1)
        })
    }
}

impl SliceNetwork for DenoisingTraining {
    const NAME: &'static str = "denoising autoencoder";
    const STREAM: &'static str = "denoising";
    const STEP: usize = unet::STEP;
    const CONSTANTS: &'static [(&'static str, f32)] = &[(unet::OUTPUT_BIAS, 0.0)];

    fn positive(&self) -> Vec<(&'static str, f64)> {
        vec![("noise", f64::from(self.noise))]
    }

    fn counts(&self) -> Vec<(&'static str, usize)> {
        vec![("noise_pixels", self.noise_pixels)]
    }

    fn grouped(&self) -> Vec<(&'static str, usize)> {
        vec![("width", self.width)]
    }

    fn shapes(&self, _: (usize, usize)) -> Shapes {
        unet::shapes(1, self.width)
    }

    fn loss(
        &self,
        weights: &Weights,
        images: &[Array2<f32>],
        stream: &mut Stream,
    ) -> Result<Tensor> {
        let noisy: Vec<_> =
            images.iter().map(|image| image + &self.coarse_noise(image.dim(), stream)).collect();
        let input = batch(&noisy, &Device::Cpu)?.unsqueeze(1)?;
        let restored = unet::outputs(weights, &input)?;
        Ok((restored - batch(images, &Device::Cpu)?)?.sqr()?.mean_all()?)
    }

    fn restore(&self, weights: &Weights, images: &Tensor, _: &Context) -> Result<Restored> {
        Ok(Restored { reconstruction: unet::outputs(weights, images)?, variance: None })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::baselines::tests::GRID;
    use crate::cohort::Subject;
    use crate::context::Streams;

    #[test]
    fn noise_is_coarse_and_of_the_asked_size() {
        let training = DenoisingTraining::default();
        let mut stream = Streams::new(1).stream("test", &[]);
        let noise = training.coarse_noise((256, 256), &mut stream);
        let spread = |values: &[f32]| {
            (values.iter().map(|value| value * value).sum::<f32>() / values.len() as f32).sqrt()
        };
        // Between four points linear interpolation keeps two thirds of the standard deviation.
        let all: Vec<f32> = noise.iter().copied().collect();
        assert!((spread(&all) - 0.2 * 2.0 / 3.0).abs() < 0.02, "{}", spread(&all));
        let steps: Vec<f32> =
            noise.windows((1, 2)).into_iter().map(|two| two[[0, 1]] - two[[0, 0]]).collect();
        assert!(spread(&steps) < 0.25 * spread(&all));
    }

    #[test]
    fn settings_that_make_no_sense_and_no_subjects_are_errors() {
        let train = |training: DenoisingTraining, subjects: &[Arc<Subject>]| {
            training.train(subjects, GRID, &Context::new(0)).unwrap_err().to_string()
        };
        let bad = train(DenoisingTraining { width: 6, ..Default::default() }, &[]);
        assert!(bad.contains("multiple of 4"), "{bad}");
        let bad = train(DenoisingTraining { noise: f32::NAN, ..Default::default() }, &[]);
        assert!(bad.contains("noise"), "{bad}");
        assert!(train(DenoisingTraining::default(), &[]).contains("subjects with slices"));
    }
}
