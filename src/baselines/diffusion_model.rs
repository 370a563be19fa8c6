//! The denoising diffusion model that adds noise to an image and takes it away again.

use candle_core::{Device, Tensor};
use fastnoise_lite::{FastNoiseLite, FractalType, NoiseType};
use ndarray::Array2;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::slice_network::{Restored, SliceNetwork, TrainedNetwork};
use super::slice_training::trained_on_slices;
use crate::Result;
use crate::context::{Context, Stream};
use crate::model::convolutional::{Shapes, Weights, batch, unet};
use crate::options::setters;

/// A U-Net that predicts the noise in a noisy image, and with it takes noise away step by step (Ho et al. 2020,
/// "Denoising diffusion probabilistic models"), as Wyatt et al. use it for anomalies (2022, "AnoDDPM: anomaly
/// detection with denoising diffusion probabilistic models using simplex noise"). An image receives the noise of
/// the first `noise_steps` of the diffusion only, which hides a lesion but not the anatomy. What the network makes of
/// it is the reconstruction.
///
/// The noise is simplex noise of six octaves, whose coarse waves are larger than lesions. The same draws of noise
/// serve all slices, so that a reconstruction does not depend on which other slices are examined with it.
pub type DiffusionModel = TrainedNetwork<DiffusionTraining>;

/// Settings of a [`DiffusionModel`]. The noise, its schedule (1000 steps, variances from 1e-4 to 0.02) and the 250
/// steps are those of Wyatt et al. Only every fifth of these steps is taken back by default (Nichol and Dhariwal
/// 2021, "Improved denoising diffusion probabilistic models"), and the network is small: it is trained on the noise of
/// these steps alone, and is told its standard deviation in a second channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiffusionTraining {
    /// How often every slice is shown.
    pub epochs: usize,
    /// Slices per batch.
    pub batch_size: usize,
    /// Learning rate at its highest; it falls to 0 along a cosine.
    pub learning_rate: f64,
    /// Channels of the network at full resolution; a multiple of 4.
    pub width: usize,
    /// Steps of the diffusion whose noise an image receives, at most 1000.
    pub noise_steps: usize,
    /// Passes of the network that take the noise away, at most `noise_steps`.
    pub passes: usize,
}

impl Default for DiffusionTraining {
    fn default() -> Self {
        Self {
            epochs: 60,
            batch_size: 8,
            learning_rate: 1e-3,
            width: 16,
            noise_steps: 250,
            passes: 50,
        }
    }
}

setters!(DiffusionTraining {
    /// With every slice shown this often.
    epochs: usize,
    /// With this many slices per batch.
    batch_size: usize,
    /// With this learning rate at its highest.
    learning_rate: f64,
    /// With this many channels at full resolution; a multiple of 4.
    width: usize,
    /// With the noise of this many steps of the diffusion, of 1000.
    noise_steps: usize,
    /// With this many passes that take the noise away.
    passes: usize,
});

/// Steps of the whole diffusion, and the variances of its first and last step.
const STEPS: usize = 1000;
const VARIANCES: (f64, f64) = (1e-4, 0.02);
/// Simplex noise: octaves, amplitude of each relative to the one before, and the longest wave, pixels.
const OCTAVES: i32 = 6;
const PERSISTENCE: f32 = 0.8;
const LONGEST_WAVE: f32 = 64.0;

trained_on_slices!(DiffusionTraining => DiffusionModel);

impl DiffusionTraining {
    /// The steps after which a pass takes noise away, from the last to the first.
    fn visited(&self) -> Vec<usize> {
        (1..=self.passes).rev().map(|pass| pass * self.noise_steps / self.passes).collect()
    }
}

/// Share of an image's variance that is left after each number of steps, from 0 to [`STEPS`].
fn signal_shares() -> Vec<f64> {
    let (first, last) = VARIANCES;
    let mut shares = vec![1.0];
    for step in 0..STEPS {
        let variance = first + (last - first) * step as f64 / (STEPS - 1) as f64;
        shares.push(shares[step] * (1.0 - variance));
    }
    shares
}

/// Simplex noise with a mean of 0 and a standard deviation of 1.
fn simplex_noise(shape: (usize, usize), stream: &mut Stream) -> Array2<f32> {
    let mut simplex = FastNoiseLite::with_seed(stream.random());
    simplex.set_noise_type(Some(NoiseType::OpenSimplex2));
    simplex.set_fractal_type(Some(FractalType::FBm));
    simplex.set_fractal_octaves(Some(OCTAVES));
    simplex.set_fractal_gain(Some(PERSISTENCE));
    simplex.set_frequency(Some(1.0 / LONGEST_WAVE));
    let noise = Array2::from_shape_fn(shape, |(row, column)| {
        simplex.get_noise_2d(row as f32, column as f32)
    });
    let mean = noise.mean().unwrap_or(0.0);
    let deviation = noise.std(0.0).max(f32::MIN_POSITIVE);
    noise.mapv(|value| (value - mean) / deviation)
}

/// Images from [0, 1] to [−1, 1], where noise is added, and back.
fn centred(images: &Tensor) -> candle_core::Result<Tensor> {
    images.affine(2.0, -1.0)
}

fn uncentred(images: &Tensor) -> candle_core::Result<Tensor> {
    images.affine(0.5, 0.5)
}

/// The noise (batch, rows, columns) that the network sees in noisy images (batch, 1, rows, columns), whose noise has
/// the standard deviations of `deviation` (batch, 1, rows, columns).
fn predicted_noise(weights: &Weights, noisy: &Tensor, deviation: &Tensor) -> Result<Tensor> {
    Ok(unet::outputs(weights, &Tensor::cat(&[noisy, deviation], 1)?)?)
}

impl SliceNetwork for DiffusionTraining {
    const NAME: &'static str = "diffusion model";
    const STREAM: &'static str = "diffusion-model";
    const STEP: usize = unet::STEP;
    const CONSTANTS: &'static [(&'static str, f32)] = &[(unet::OUTPUT_BIAS, 0.0)];

    fn counts(&self) -> Vec<(&'static str, usize)> {
        vec![("noise_steps", self.noise_steps), ("passes", self.passes)]
    }

    fn largest(&self) -> Vec<(&'static str, usize, usize)> {
        vec![
            ("noise_steps", self.noise_steps, STEPS),
            ("passes", self.passes, self.noise_steps.min(STEPS)),
        ]
    }

    fn grouped(&self) -> Vec<(&'static str, usize)> {
        vec![("width", self.width)]
    }

    fn shapes(&self, _: (usize, usize)) -> Shapes {
        unet::shapes(2, self.width)
    }

    /// The squared error of the predicted noise, each image after a number of steps of its own.
    fn loss(
        &self,
        weights: &Weights,
        images: &[Array2<f32>],
        stream: &mut Stream,
    ) -> Result<Tensor> {
        let shares = signal_shares();
        let (mut noisy, mut noises, mut deviations) = (Vec::new(), Vec::new(), Vec::new());
        for image in images {
            let share = shares[stream.random_range(1..=self.noise_steps)];
            let (signal, deviation) = (share.sqrt() as f32, (1.0 - share).sqrt() as f32);
            let noise = simplex_noise(image.dim(), stream);
            let centred = image.mapv(|value| 2.0 * value - 1.0);
            noisy.push(centred * signal + &noise * deviation);
            noises.push(noise);
            deviations.push(Array2::from_elem(image.dim(), deviation));
        }
        let device = &Device::Cpu;
        let noisy = batch(&noisy, device)?.unsqueeze(1)?;
        let deviations = batch(&deviations, device)?.unsqueeze(1)?;
        let predicted = predicted_noise(weights, &noisy, &deviations)?;
        Ok((predicted - batch(&noises, device)?)?.sqr()?.mean_all()?)
    }

    fn restore(&self, weights: &Weights, images: &Tensor, context: &Context) -> Result<Restored> {
        let (_, _, rows, columns) = images.dims4()?;
        let shares = signal_shares();
        let noise = |pass: usize| -> Result<Tensor> {
            let name = format!("{}/restoration", Self::STREAM);
            let mut stream = context.streams.stream(&name, &[pass as u64]);
            let noise = simplex_noise((rows, columns), &mut stream);
            Ok(batch(&[noise], &Device::Cpu)?.unsqueeze(1)?)
        };
        let visited = self.visited();
        let first = shares[self.noise_steps];
        let mut x = (centred(images)? * first.sqrt())?
            .broadcast_add(&(noise(0)? * (1.0 - first).sqrt())?)?;
        for (pass, step) in visited.iter().enumerate() {
            context.check()?;
            let share = shares[*step];
            let next = shares[visited.get(pass + 1).copied().unwrap_or(0)];
            let deviation = x.zeros_like()?.affine(0.0, (1.0 - share).sqrt())?;
            let predicted = predicted_noise(weights, &x, &deviation)?.unsqueeze(1)?;
            let clean = ((&x - (&predicted * (1.0 - share).sqrt())?)? / share.sqrt())?;
            let clean = clean.clamp(-1.0, 1.0)?;
            // The variance of the step back, of which the rest stays the predicted noise.
            let fresh = (1.0 - next) / (1.0 - share) * (1.0 - share / next);
            x = ((clean * next.sqrt())? + (predicted * (1.0 - next - fresh).max(0.0).sqrt())?)?;
            if fresh > 0.0 {
                x = x.broadcast_add(&(noise(pass + 1)? * fresh.sqrt())?)?;
            }
        }
        Ok(Restored { reconstruction: uncentred(&x)?.squeeze(1)?, variance: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baselines::tests::{GRID, subjects};
    use crate::cohort::Slice;
    use crate::context::Streams;
    use crate::detection::Reconstructor;

    #[test]
    fn simplex_noise_is_standardised_and_coarse() {
        let noise = simplex_noise((128, 64), &mut Streams::new(1).stream("test", &[]));
        assert!(noise.mean().unwrap().abs() < 1e-4);
        assert!((noise.std(0.0) - 1.0).abs() < 1e-4);
        let steps: Vec<f32> =
            noise.windows((1, 2)).into_iter().map(|two| two[[0, 1]] - two[[0, 0]]).collect();
        let step = (steps.iter().map(|step| step * step).sum::<f32>() / steps.len() as f32).sqrt();
        // White noise would change by 1.41 from pixel to pixel.
        assert!(step < 0.7, "{step}");
    }

    #[test]
    fn the_schedule_is_the_published_one() {
        let shares = signal_shares();
        assert_eq!(shares.len(), STEPS + 1);
        // Ho et al. 2020: nothing but noise is left after the last step.
        assert!((shares[STEPS] - 4.04e-5).abs() < 1e-6, "{}", shares[STEPS]);
        assert!(shares.windows(2).all(|two| two[1] < two[0]));
        let visited = DiffusionTraining::default().noise_steps(10).passes(4).visited();
        assert_eq!(visited, [10, 7, 5, 2]);
    }

    #[test]
    fn training_brings_the_reconstruction_closer_to_the_image() {
        let (subjects, context) = (subjects(), Context::new(5));
        let slices: Vec<&Slice> = subjects[0].slices.iter().collect();
        let error = |epochs: usize| {
            let training = DiffusionTraining::default().epochs(epochs).batch_size(2).width(8);
            let training = training.noise_steps(100).passes(10).learning_rate(3e-3);
            let method = training.train(&subjects, GRID, &context).unwrap();
            let found = method.reconstruct(&slices, &context).unwrap();
            found.iter().map(|one| one.error.sum()).sum::<f32>()
        };
        let (short, long) = (error(1), error(30));
        assert!(long < 0.75 * short, "{short} after one epoch, {long} after thirty");
    }

    #[test]
    fn more_passes_than_steps_are_an_error() {
        let wrong = |training: DiffusionTraining| {
            training.train(&[], GRID, &Context::new(0)).unwrap_err().to_string()
        };
        let error = wrong(DiffusionTraining::default().passes(251));
        assert!(error.contains("passes") && error.contains("at most 250"), "{error}");
        let error = wrong(DiffusionTraining::default().noise_steps(1001));
        assert!(error.contains("noise_steps") && error.contains("at most 1000"), "{error}");
    }
}
