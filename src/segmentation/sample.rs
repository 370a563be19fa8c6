//! Training samples: randomised slices as a scanner might show them.

use ndarray::{Array2, Array3, s};
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

use super::outputs::{DISCS, Outputs};
use crate::context::Stream;
use crate::phantom::RandomisedSlice;
use crate::statistics::single_precision_percentile;
use crate::volume::gaussian_filter;

/// Width of the heat-map around a disc, mm.
const DISC_SIGMA: f32 = 2.5;
/// Percentiles that become 0 and 1.
const CLIP: (f32, f32) = (0.5, 99.5);

/// An image and what the network should say about it.
pub(super) struct Sample {
    /// Rows and columns of 1 mm, about 0 to 1.
    pub image: Array2<f32>,
    /// (output, row, column), 0 to 1.
    pub target: Array3<f32>,
    /// Whether discs are to be learned from it: they have labels in the middle of the cord.
    pub has_discs: bool,
}

/// Scales an image so that its percentiles become 0 and 1; what is exactly 0 is background.
pub(super) fn normalised(image: &mut Array2<f32>) {
    let mut values: Vec<f32> = image.iter().copied().filter(|value| *value != 0.0).collect();
    let mut at = |percent| single_precision_percentile(&mut values, percent);
    let (Some(low), Some(high)) = (at(CLIP.0), at(CLIP.1)) else { return };
    let range = (high - low).max(1e-6);
    image.mapv_inplace(|value| match value {
        0.0 => 0.0,
        value => ((value - low) / range).clamp(0.0, 1.2),
    });
}

/// A new view of a slice: coil, resolution, noise and field of view are drawn.
pub(super) fn sample(slice: &RandomisedSlice, stream: &mut Stream) -> Sample {
    let (rows, columns) = slice.image.dim();
    let mut image = slice.image.clone();
    let gamma = stream.random_range(-0.35..0.35f32).exp();
    image.mapv_inplace(|value| value.max(0.0).powf(gamma));
    add_bias(&mut image, stream);
    let blur = [0, 1].map(|_| match stream.random_range(0..3) {
        0 => 0.0,
        1 => stream.random_range(0.3..0.8),
        _ => stream.random_range(0.5..1.3f64),
    });
    let early = stream.random::<bool>();
    let sigma = stream.random_range(0.003f32.ln()..0.08f32.ln()).exp();
    if early {
        add_noise(&mut image, 1.5 * sigma, stream);
    }
    image = gaussian_filter(&image, (blur[0], blur[1]));
    if !early {
        add_noise(&mut image, sigma, stream);
    }
    let mut target = targets(slice);
    // A smaller field of view: the rest is black, as in a padded image.
    if stream.random::<f32>() < 0.6 {
        let mut ends = |length: usize, least: usize| {
            let kept = stream.random_range(least..=length);
            let begin = stream.random_range(0..=length - kept);
            (begin, begin + kept)
        };
        let (top, bottom) = ends(rows, 48);
        let (front, back) = ends(columns, 40);
        let inside = |row: usize, column: usize| {
            (top..bottom).contains(&row) && (front..back).contains(&column)
        };
        for ((row, column), pixel) in image.indexed_iter_mut() {
            if !inside(row, column) {
                *pixel = 0.0;
                target.slice_mut(s![.., row, column]).fill(0.0);
            }
        }
    }
    normalised(&mut image);
    Sample { image, target, has_discs: slice.is_midsagittal }
}

/// A smooth factor: a polynomial of second order and a coil behind the neck.
fn add_bias(image: &mut Array2<f32>, stream: &mut Stream) {
    let (rows, columns) = image.dim();
    let strength = stream.random_range(0.0..0.7f32);
    let c: [f32; 5] = std::array::from_fn(|_| strength * stream.random_range(-1.0..1.0));
    let coil = stream.random_range(0.0..1.5f32);
    let reach = stream.random_range(0.2..0.6f32);
    for ((row, column), pixel) in image.indexed_iter_mut() {
        let y = 2.0 * row as f32 / rows as f32 - 1.0;
        let x = 2.0 * column as f32 / columns as f32 - 1.0;
        let polynomial = c[0] * x + c[1] * y + c[2] * x * y + c[3] * x * x + c[4] * y * y;
        let near = ((x - 1.0) / (2.0 * reach)).exp();
        *pixel *= polynomial.clamp(-1.5, 1.5).exp() * (1.0 + coil * near);
    }
}

/// Magnitude noise, relative to the signal of fluid.
fn add_noise(image: &mut Array2<f32>, sigma: f32, stream: &mut (impl Rng + ?Sized)) {
    for pixel in image.iter_mut() {
        let [real, imaginary]: [f32; 2] = std::array::from_fn(|_| StandardNormal.sample(stream));
        *pixel = (*pixel + sigma * real).hypot(sigma * imaginary);
    }
}

fn targets(slice: &RandomisedSlice) -> Array3<f32> {
    let (rows, columns) = slice.image.dim();
    let mut target = Array3::zeros((Outputs::COUNT, rows, columns));
    target.slice_mut(s![Outputs::CORD, .., ..]).assign(&slice.cord);
    target.slice_mut(s![Outputs::FLUID, .., ..]).assign(&slice.fluid);
    for (value, [row, column]) in &slice.discs {
        let Some(place) = DISCS.iter().position(|disc| disc == value) else { continue };
        let mut map = target.slice_mut(s![Outputs::FIRST_DISC + place, .., ..]);
        for ((y, x), pixel) in map.indexed_iter_mut() {
            let distance = (y as f32 - row).powi(2) + (x as f32 - column).powi(2);
            if distance < 100.0 {
                *pixel = (-0.5 * distance / (DISC_SIGMA * DISC_SIGMA)).exp();
            }
        }
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Streams;
    use crate::phantom::randomised_slice;

    #[test]
    fn a_sample_has_cord_inside_fluid_and_discs_in_front_of_it() {
        let streams = Streams::new(4);
        let (mut with_cord, mut with_discs) = (0, 0);
        for number in 0..24 {
            let mut stream = streams.stream("test slice", &[number]);
            let slice = randomised_slice(&mut stream, (208, 176));
            let sample = sample(&slice, &mut stream);
            assert!(sample.image.iter().all(|value| (0.0..=1.2).contains(value)));
            assert!(sample.target.iter().all(|value| (-1e-6..=1.0 + 1e-6).contains(value)));
            with_cord += usize::from(slice.cord.iter().any(|p| *p > 0.9));
            for (_, [row, column]) in slice.discs.iter().filter(|_| slice.is_midsagittal) {
                with_discs += 1;
                let line = slice.fluid.row((*row as usize).min(207));
                let near = (0..14)
                    .any(|mm| line.get(*column as usize + mm).is_some_and(|fluid| *fluid > 0.3));
                assert!(near || line.iter().all(|fluid| *fluid < 0.3), "slice {number}, row {row}");
            }
            if let Ok(folder) = std::env::var("U2AD_SAMPLES") {
                let maps: Vec<u8> = sample
                    .image
                    .iter()
                    .chain(&slice.cord)
                    .chain(&slice.fluid)
                    .chain(sample.target.slice(s![Outputs::FIRST_DISC.., .., ..]))
                    .flat_map(|value| value.to_le_bytes())
                    .collect();
                std::fs::write(format!("{folder}/{number:02}.raw"), maps).unwrap();
            }
        }
        assert!((8..=24).contains(&with_cord), "{with_cord}");
        assert!(with_discs > 10, "{with_discs}");
    }
}
