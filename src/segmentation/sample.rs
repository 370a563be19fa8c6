//! Training samples: randomised slices as a scanner might show them.

use ndarray::{Array2, Array3, Axis, Zip, s};
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

use super::outputs::{DISCS, Inputs, Outputs};
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
    /// (input, row, column) on pixels of 1 mm, about 0 to 1.
    pub inputs: Array3<f32>,
    /// (output, row, column), 0 to 1.
    pub target: Array3<f32>,
    /// Whether discs are to be learned from it: they have labels in the middle of the cord.
    pub has_discs: bool,
}

/// What the percentiles of an image are, so that they become 0 and 1.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    low: f32,
    range: f32,
}

impl Scale {
    /// The scale of an image; what is exactly 0 is background. `None` if all of it is.
    pub fn of(image: &Array2<f32>) -> Option<Self> {
        let mut values: Vec<f32> = image.iter().copied().filter(|value| *value != 0.0).collect();
        let mut at = |percent| single_precision_percentile(&mut values, percent);
        let (low, high) = (at(CLIP.0)?, at(CLIP.1)?);
        Some(Self { low, range: (high - low).max(1e-6) })
    }

    /// The scaled value.
    pub fn apply(self, value: f32) -> f32 {
        if value == 0.0 { 0.0 } else { ((value - self.low) / self.range).clamp(0.0, 1.2) }
    }
}

/// A new view of a slice: coil, resolution, noise and field of view are drawn.
pub(super) fn sample(slice: &RandomisedSlice, stream: &mut Stream) -> Sample {
    let (rows, columns) = slice.images[0].dim();
    let gamma = stream.random_range(-0.35..0.35f32).exp();
    let bias = bias(rows, columns, stream);
    let blur = [0, 1].map(|_| match stream.random_range(0..3) {
        0 => 0.0,
        1 => stream.random_range(0.3..0.8),
        _ => stream.random_range(0.5..1.3f64),
    });
    let early = stream.random::<bool>();
    let sigma = stream.random_range(0.003f32.ln()..0.08f32.ln()).exp();
    let mut images = slice.images.clone();
    if stream.random() {
        images.swap(0, 2);
    }
    for image in &mut images {
        Zip::from(&mut *image).and(&bias).for_each(|pixel, bias| {
            *pixel = pixel.max(0.0).powf(gamma) * bias;
        });
        if early {
            add_noise(image, 1.5 * sigma, stream);
        }
        *image = gaussian_filter(image, (blur[0], blur[1]));
        if !early {
            add_noise(image, sigma, stream);
        }
    }
    let mut target = targets(slice);
    // A smaller field of view: the rest is black, as in a padded image.
    if stream.random::<f32>() < 0.6 {
        let is_small = stream.random::<f32>() < 0.3;
        let mut ends = |length: usize, least: usize| {
            let kept = stream.random_range(least..=length);
            let begin = stream.random_range(0..=length - kept);
            (begin, begin + kept)
        };
        // Crops as small as the smallest are rare.
        let [least_rows, least_columns] = if is_small { [48, 40] } else { [110, 100] };
        let (top, bottom) = ends(rows, least_rows);
        let (front, back) = ends(columns, least_columns);
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)))
        {
            if !(top..bottom).contains(&row) || !(front..back).contains(&column) {
                images.iter_mut().for_each(|image| image[(row, column)] = 0.0);
                target.slice_mut(s![.., row, column]).fill(0.0);
            }
        }
    }
    // The first and the last slice of a volume have one neighbour only.
    for neighbour in [0, 2] {
        if stream.random::<f32>() < 0.08 {
            images[neighbour].fill(0.0);
        }
    }
    let spacing = slice.spacing * stream.random_range(0.97..1.03);
    Sample { inputs: inputs(&images.each_ref(), spacing), target, has_discs: slice.is_midsagittal }
}

/// A slice at its own scale.
pub(super) fn scaled(image: &Array2<f32>) -> Array2<f32> {
    match Scale::of(image) {
        Some(scale) => image.mapv(|value| scale.apply(value)),
        None => Array2::zeros(image.dim()),
    }
}

/// The channels of a slice with its neighbours, at the scale of the slice in the middle. A missing neighbour
/// is 0 throughout.
pub(super) fn inputs(images: &[&Array2<f32>; 3], spacing: f32) -> Array3<f32> {
    let (rows, columns) = images[Inputs::SLICE].dim();
    let mut inputs = Array3::zeros((Inputs::COUNT, rows, columns));
    if let Some(scale) = Scale::of(images[Inputs::SLICE]) {
        for (mut input, image) in inputs.outer_iter_mut().zip(images) {
            input.assign(&image.mapv(|value| scale.apply(value)));
        }
    }
    inputs.index_axis_mut(Axis(0), Inputs::SPACING).fill(Inputs::spacing(spacing));
    inputs
}

/// A smooth factor: a polynomial of second order and a coil behind the neck.
fn bias(rows: usize, columns: usize, stream: &mut Stream) -> Array2<f32> {
    let strength = stream.random_range(0.0..0.7f32);
    let c: [f32; 5] = std::array::from_fn(|_| strength * stream.random_range(-1.0..1.0));
    let coil = stream.random_range(0.0..1.5f32);
    let reach = stream.random_range(0.2..0.6f32);
    // Elements of the coil: centre, half length and gain of stretches that are brighter or darker.
    let elements: [[f32; 3]; 2] = std::array::from_fn(|_| {
        let gain = if stream.random() { stream.random_range(-0.35..0.6) } else { 0.0 };
        [stream.random_range(0.0..rows as f32), stream.random_range(10.0..45.0), gain]
    });
    Array2::from_shape_fn((rows, columns), |(row, column)| {
        let y = 2.0 * row as f32 / rows as f32 - 1.0;
        let x = 2.0 * column as f32 / columns as f32 - 1.0;
        let polynomial = c[0] * x + c[1] * y + c[2] * x * y + c[3] * x * x + c[4] * y * y;
        let near = ((x - 1.0) / (2.0 * reach)).exp();
        let element = |[centre, half, gain]: [f32; 3]| {
            1.0 + gain * (-((row as f32 - centre) / half).powi(2)).exp()
        };
        let elements: f32 = elements.into_iter().map(element).product();
        polynomial.clamp(-1.5, 1.5).exp() * (1.0 + coil * near) * elements
    })
}

/// Magnitude noise, relative to the signal of fluid.
fn add_noise(image: &mut Array2<f32>, sigma: f32, stream: &mut (impl Rng + ?Sized)) {
    for pixel in image.iter_mut() {
        let [real, imaginary]: [f32; 2] = std::array::from_fn(|_| StandardNormal.sample(stream));
        *pixel = (*pixel + sigma * real).hypot(sigma * imaginary);
    }
}

fn targets(slice: &RandomisedSlice) -> Array3<f32> {
    let (rows, columns) = slice.cord.dim();
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
    use crate::phantom::{RealShape, randomised_slice};

    #[test]
    fn a_sample_has_cord_inside_fluid_and_discs_in_front_of_it() {
        let streams = Streams::new(4);
        let folder = std::env::var("U2AD_ANATOMIES").ok();
        let shapes =
            folder.map_or_else(Vec::new, |folder| RealShape::read_all(folder.as_ref()).unwrap());
        let (mut with_cord, mut with_discs) = (0, 0);
        for number in 0..24 {
            let mut stream = streams.stream("test slice", &[number]);
            let slice = randomised_slice(&mut stream, (208, 176), &shapes);
            let sample = sample(&slice, &mut stream);
            assert!(sample.inputs.iter().all(|value| (0.0..=1.3).contains(value)));
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
                    .inputs
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
