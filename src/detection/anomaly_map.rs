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
    let Reconstruction { error, probability, anomaly, .. } = reconstruction;
    // `detect` rejects a scoring whose map is missing.
    let values = match scoring {
        Scoring::Published => error.clone(),
        Scoring::Residual => smoothed(slice, &residual(slice, reconstruction, tissue)),
        Scoring::Learned => probability.as_ref().unwrap_or(error).clone(),
        Scoring::Own => smoothed(slice, anomaly.as_ref().unwrap_or(error)),
    };
    Zip::from(&values)
        .and(&slice.scoring)
        .map_collect(|&value, &scored| if scored { value } else { 0.0 })
}

/// The positive residual in units of the contrast between fluid and cord.
fn residual(
    slice: &Slice,
    reconstruction: &Reconstruction,
    tissue: Option<TissueIntensity>,
) -> Array2<f32> {
    let contrast = tissue.map_or(1.0, |tissue| tissue.contrast);
    Zip::from(&slice.image)
        .and(&reconstruction.reconstruction)
        .map_collect(|image, normal| (image - normal).max(0.0) / contrast)
}

/// A map, smoothed over the pixels of the scoring region alone.
fn smoothed(slice: &Slice, map: &Array2<f32>) -> Array2<f32> {
    let weight = slice.scoring.mapv(|scored| if scored { 1.0 } else { 0.0 });
    let weighted = map * &weight;
    let (row_mm, column_mm) = slice.pixel_spacing_mm;
    let deviation = (SMOOTHING_MM.0 / row_mm, SMOOTHING_MM.1 / column_mm);
    let (sum, weights) =
        (gaussian_filter(&weighted, deviation), gaussian_filter(&weight, deviation));
    Zip::from(&sum).and(&weights).map_collect(|sum, weight| sum / weight.max(1e-3))
}
