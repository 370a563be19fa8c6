//! From a reconstruction to an anomaly map.

use ndarray::{Array2, Zip};

use super::{Reconstruction, Scoring};
use crate::cohort::{Slice, TissueIntensity};
use crate::volume::gaussian_filter;

/// Standard deviations of the Gaussian that smooths the residual along the cord and across it, mm.
/// Lesions are longer than wide.
const SMOOTHING_MM: (f64, f64) = (1.5, 0.8);

/// The anomaly map of a slice: 0 outside its scoring region.
pub(super) fn anomaly_map(
    scoring: Scoring,
    slice: &Slice,
    reconstruction: &Reconstruction,
    tissue: Option<TissueIntensity>,
) -> Array2<f32> {
    let values = match (scoring, &reconstruction.probability) {
        (Scoring::Learned, Some(probability)) => probability.clone(),
        // `detect` rejects learned scoring without probabilities.
        (Scoring::Published | Scoring::Learned, _) => reconstruction.error.clone(),
        (Scoring::Residual, _) => residual(slice, reconstruction, tissue),
    };
    Zip::from(&values)
        .and(&slice.scoring)
        .map_collect(|&value, &scored| if scored { value } else { 0.0 })
}

/// The positive residual, smoothed over the pixels of the scoring region alone.
fn residual(
    slice: &Slice,
    reconstruction: &Reconstruction,
    tissue: Option<TissueIntensity>,
) -> Array2<f32> {
    let contrast = tissue.map_or(1.0, |tissue| tissue.contrast);
    let weight = slice.scoring.mapv(|scored| if scored { 1.0 } else { 0.0 });
    let positive = Zip::from(&slice.image)
        .and(&reconstruction.reconstruction)
        .and(&weight)
        .map_collect(|image, normal, weight| weight * (image - normal).max(0.0) / contrast);
    let (row_mm, column_mm) = slice.pixel_spacing_mm;
    let deviation = (SMOOTHING_MM.0 / row_mm, SMOOTHING_MM.1 / column_mm);
    let (sum, weights) =
        (gaussian_filter(&positive, deviation), gaussian_filter(&weight, deviation));
    Zip::from(&sum).and(&weights).map_collect(|sum, weight| sum / weight.max(1e-3))
}
