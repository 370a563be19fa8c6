//! Augmentation of a training slice (paper section 4.2).

use ndarray::{Array2, ArrayView2};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use crate::context::Stream;

/// Range of the brightness and of the contrast factor.
const FACTORS: std::ops::Range<f32> = 0.8..1.2;
/// Standard deviation of the Gaussian noise, for intensities in [0, 1].
const NOISE: f32 = 0.02;

/// Changes brightness (a factor), contrast (a factor around the mean) and noise of an image in
/// [0, 1], clipping after each factor, and rescales the result to [0, 1].
pub fn augment(image: ArrayView2<f32>, stream: &mut Stream) -> Array2<f32> {
    let (brightness, contrast) = (stream.random_range(FACTORS), stream.random_range(FACTORS));
    let brighter = image.mapv(|value| (value * brightness).clamp(0.0, 1.0));
    let sum: f64 = brighter.iter().map(|value| f64::from(*value)).sum();
    let mean = (sum / brighter.len().max(1) as f64) as f32;
    let mut noisy = brighter.mapv(|value| {
        let noise: f32 = StandardNormal.sample(stream);
        ((value - mean) * contrast + mean).clamp(0.0, 1.0) + NOISE * noise
    });
    let lowest = noisy.iter().copied().fold(f32::INFINITY, f32::min);
    let highest = noisy.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if highest > lowest {
        noisy.mapv_inplace(|value| (value - lowest) / (highest - lowest));
    }
    noisy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Streams;

    #[test]
    fn augmented_images_fill_the_unit_range_and_stay_alike() {
        let image = Array2::from_shape_fn((32, 32), |(r, c)| ((r * c) as f32 / 961.0).sqrt());
        let draw = |epoch| augment(image.view(), &mut Streams::new(1).stream("test", &[epoch]));
        let (one, two) = (draw(1), draw(2));
        for drawn in [&one, &two] {
            assert_eq!(drawn.iter().copied().fold(1.0, f32::min), 0.0);
            assert_eq!(drawn.iter().copied().fold(0.0, f32::max), 1.0);
            let change = (drawn - &image).mapv(f32::abs).mean().unwrap();
            assert!(change > 0.005 && change < 0.2, "{change}");
        }
        assert_ne!(one, two);
        assert_eq!(one, draw(1));
        let flat = augment(Array2::zeros((4, 4)).view(), &mut Streams::new(1).stream("t", &[]));
        assert!(flat.iter().all(|value| value.is_finite()));
    }
}
