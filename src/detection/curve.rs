//! The anomaly curve of one slice and the scores of its segments.

use ndarray::Array2;

use super::axis::MINIMUM_LENGTH_MM;
use super::profile::AxisProfile;
use super::segments::{Stretch, stretch_at};
use super::{AnomalyCurve, CordAxis, Scoring, SegmentScore};
use crate::cohort::Slice;
use crate::statistics::mean;

/// Lesion pixels a segment needs to count as having a lesion: fewer are the rim of a lesion in the
/// neighbouring segment.
pub const LESION_PIXELS: usize = 3;

/// Standard deviation of the Gaussian that smooths the curve.
pub const CURVE_SMOOTHING_MM: f64 = 1.5;

/// Mean width of the scoring region below which a stretch of cord is not scored. A narrower one is
/// the side of the cord, its pixels half fluid: bright without a lesion.
pub const MINIMUM_WIDTH_MM: f64 = 2.5;

/// Standard deviation of the Gaussian over which that width is averaged: about a vertebral level,
/// so that a cord compressed at a disc stays scored.
const WIDTH_SMOOTHING_MM: f64 = 10.0;

/// The curve of an anomaly map along a slice's axis, cut at `stretches`; `None` where less than
/// [`MINIMUM_LENGTH_MM`] of the axis has scoring pixels over [`MINIMUM_WIDTH_MM`].
pub(super) fn anomaly_curve(
    slice: &Slice,
    anomaly: &Array2<f32>,
    axis: &CordAxis,
    stretches: &[Stretch],
    scoring: Scoring,
) -> Option<AnomalyCurve> {
    let profile = AxisProfile::new(axis, &slice.scoring, anomaly);
    let pixel_mm2 = slice.pixel_spacing_mm.0 * slice.pixel_spacing_mm.1;
    let wide = |bin: &usize| {
        let pixels_per_mm = profile.density_around(*bin, gaussian(WIDTH_SMOOTHING_MM));
        pixels_per_mm * pixel_mm2 >= MINIMUM_WIDTH_MM
    };
    let bins: Vec<usize> = profile.filled().filter(wide).collect();
    // The scoring region is the cord less a pixel all round, hence less two along the axis.
    let eroded = 2.0 * axis.pixel_edge_mm();
    if bins.len() as f64 * profile.bin_mm() + eroded < MINIMUM_LENGTH_MM {
        return None;
    }
    let kernel = gaussian(CURVE_SMOOTHING_MM);
    let value = |bin: &usize| match scoring.averages() {
        true => profile.mean_around(*bin, &kernel),
        false => Some(profile.highest(*bin)),
    };
    let error: Vec<f64> = bins.iter().map(value).collect::<Option<_>>()?;
    let position_mm: Vec<f64> = bins.iter().map(|bin| profile.position_mm(*bin)).collect();
    let scored = |position: f64| {
        stretch_at(stretches, position).is_none_or(|stretch| stretches[stretch].scored)
    };
    let counted = position_mm
        .iter()
        .zip(&error)
        .filter_map(|(position, error)| scored(*position).then_some(*error));
    let mean = mean(counted)?;

    let mut peaks: Vec<Option<f64>> = vec![None; stretches.len()];
    for (position, error) in position_mm.iter().zip(&error) {
        if let Some(stretch) = stretch_at(stretches, *position) {
            let peak = peaks[stretch].get_or_insert(f64::NEG_INFINITY);
            *peak = peak.max(*error);
        }
    }
    let lesion_pixels = slice.lesion.as_ref().map(|lesion| count(lesion, axis, stretches));
    let mut segments = Vec::with_capacity(stretches.len());
    for (place, (stretch, peak)) in stretches.iter().zip(peaks).enumerate() {
        if !stretch.scored {
            continue;
        }
        // Without a scoring pixel there is no score.
        let Some(peak) = peak else { continue };
        segments.push(SegmentScore {
            name: stretch.name.clone(),
            from_mm: stretch.from_mm,
            to_mm: stretch.to_mm,
            score: (peak - scoring.baseline(mean)).max(0.0),
            lesion: lesion_pixels.as_ref().map(|pixels| pixels[place] >= LESION_PIXELS),
        });
    }
    Some(AnomalyCurve { scoring, position_mm, error, mean, segments })
}

/// The number of the curve's point that each pixel of the slice's scoring region belongs to, from 1 in the
/// order of [`AnomalyCurve::position_mm`]; 0 elsewhere.
pub fn curve_points(slice: &Slice, curve: &AnomalyCurve) -> Array2<u16> {
    let mut points = Array2::zeros(slice.scoring.dim());
    let Some(axis) = CordAxis::new(&slice.cord, slice.pixel_spacing_mm) else { return points };
    let profile = AxisProfile::new(&axis, &slice.scoring, &slice.image);
    let numbers: Vec<u16> = (0..profile.bins())
        .map(|bin| {
            // Bins that are too narrow are not on the curve.
            let point = curve.position_mm.iter().position(|at| *at == profile.position_mm(bin));
            point.map_or(0, |point| (point + 1) as u16)
        })
        .collect();
    for (pixel, _) in slice.scoring.indexed_iter().filter(|(_, inside)| **inside) {
        let position = axis.position_mm(pixel.0 as f64, pixel.1 as f64);
        points[pixel] = numbers[profile.bin(position)];
    }
    points
}

pub(super) fn gaussian(deviation: f64) -> impl Fn(f64) -> f64 {
    move |away| (-0.5 * (away / deviation).powi(2)).exp()
}

/// Pixels of a mask per stretch.
fn count(mask: &Array2<bool>, axis: &CordAxis, stretches: &[Stretch]) -> Vec<usize> {
    let mut counts = vec![0; stretches.len()];
    for (pixel, _) in mask.indexed_iter().filter(|(_, inside)| **inside) {
        let position = axis.position_mm(pixel.0 as f64, pixel.1 as f64);
        if let Some(stretch) = stretch_at(stretches, position) {
            counts[stretch] += 1;
        }
    }
    counts
}
