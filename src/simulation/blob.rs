//! One simulated lesion.

use ndarray::Array2;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use super::LesionSimulator;
use crate::cohort::{Slice, Subject};
use crate::context::Stream;
use crate::statistics::mean;
use crate::volume::gaussian_filter;

/// Slices with fewer cord pixels show its side only; no lesion is centred there.
const LEAST_CORD_PIXELS: usize = 60;
/// Half the length of cord, mm, over which its direction is taken.
const DIRECTION_MM: f64 = 6.0;
/// Coarseness of the irregular border, pixels.
const WOBBLE_PIXELS: f64 = 3.0;
/// Coverage below which a slice is taken as untouched.
const NEGLIGIBLE: f64 = 0.1;

/// A soft, irregular superellipse with a place in the volume.
pub(super) struct Blob {
    /// Position of its central slice in the volume, and its centre there, pixels.
    slice: usize,
    row: f64,
    column: f64,
    /// Columns per row that the cord, and so the lesion, leans by.
    lean: f64,
    half_length_mm: f64,
    half_width_mm: f64,
    depth_mm: f64,
    pub(super) contrast: f32,
    /// 2 is an ellipse, more is boxier.
    exponent: f64,
    softness: f64,
    wobble: Array2<f32>,
}

impl Blob {
    pub(super) fn draw(
        simulator: &LesionSimulator,
        subject: &Subject,
        stream: &mut Stream,
    ) -> Self {
        let cord = |slice: &Slice| -> Vec<(usize, usize)> {
            let inside = slice.cord.indexed_iter().filter(|(_, inside)| **inside);
            inside.map(|(place, _)| place).collect()
        };
        let mut places: Vec<(&Slice, Vec<(usize, usize)>)> =
            subject.slices.iter().map(|slice| (slice, cord(slice))).collect();
        let most = places.iter().map(|(_, cord)| cord.len()).max().unwrap_or(0);
        places.retain(|(_, cord)| cord.len() >= LEAST_CORD_PIXELS.min(most).max(1));
        let (slice, cord) = &places[stream.random_range(0..places.len())];
        let (row, column) = cord[stream.random_range(0..cord.len())];
        let spread: f64 = StandardNormal.sample(stream);
        let amount = stream.random_range(0.0..2.5f64);
        let noise = Array2::from_shape_simple_fn(slice.image.dim(), || {
            let value: f64 = StandardNormal.sample(stream);
            value as f32
        });
        let wobble = gaussian_filter(&noise, (WOBBLE_PIXELS, WOBBLE_PIXELS)) * amount as f32;
        Self {
            slice: slice.index,
            row: row as f64,
            column: column as f64,
            lean: lean(cord, row, slice.pixel_spacing_mm.0) + 0.1 * spread,
            half_length_mm: 0.5 * log_uniform(simulator.length_mm, stream),
            half_width_mm: 0.5 * log_uniform(simulator.width_mm, stream),
            depth_mm: log_uniform(simulator.depth_mm, stream),
            contrast: log_uniform(simulator.contrast, stream) as f32,
            exponent: [2.0, 2.0, 2.5, 3.0, 4.0][stream.random_range(0..5)],
            softness: stream.random_range(0.1..0.6),
            wobble,
        }
    }

    /// How much of each pixel of a slice it covers, in [0, 1]; `None` if it does not reach there. `spacing_mm` is the
    /// distance between acquired slices, by which slices are numbered, also where some are averaged.
    pub(super) fn coverage(&self, slice: &Slice, spacing_mm: f64) -> Option<Array2<f32>> {
        let away_mm = (slice.index as f64 - self.slice as f64).abs() * spacing_mm;
        // Half of `depth_mm` away, coverage falls to one half.
        let depth = (-(2.0f64.ln()) * (2.0 * away_mm / self.depth_mm).powi(2)).exp();
        if depth < NEGLIGIBLE {
            return None;
        }
        let (row_mm, column_mm) = slice.pixel_spacing_mm;
        Some(Array2::from_shape_fn(slice.image.dim(), |(row, column)| {
            let down = row as f64 - self.row;
            let back = column as f64 - self.column - self.lean * down;
            let along = (down * row_mm / self.half_length_mm).abs().powf(self.exponent);
            let across = (back * column_mm / self.half_width_mm).abs().powf(self.exponent);
            let radius = (along + across).powf(1.0 / self.exponent);
            let outside = radius + f64::from(self.wobble[[row, column]]) - 1.0;
            (depth / (1.0 + (outside / (0.5 * self.softness)).exp())) as f32
        }))
    }
}

/// Columns per row that the cord leans by around a row.
fn lean(cord: &[(usize, usize)], row: usize, row_mm: f64) -> f64 {
    let reach = (DIRECTION_MM / row_mm).round().max(1.0) as usize;
    let centre = |wanted: usize| {
        let of_row = cord.iter().filter(|(row, _)| *row == wanted);
        mean(of_row.map(|(_, column)| *column as f64))
    };
    let rows = cord.iter().map(|(row, _)| *row);
    let (Some(first), Some(last)) = (rows.clone().min(), rows.max()) else { return 0.0 };
    let (upper, lower) = (row.saturating_sub(reach).max(first), (row + reach).min(last));
    match (centre(upper), centre(lower)) {
        (Some(above), Some(below)) if lower > upper => (below - above) / (lower - upper) as f64,
        _ => 0.0,
    }
}

fn log_uniform((least, greatest): (f64, f64), stream: &mut Stream) -> f64 {
    let (low, high) = (least.ln(), greatest.ln());
    if low < high { stream.random_range(low..high).exp() } else { least }
}
