//! From scanner intensities to [0, 1].

mod outliers;
mod scale;
mod settle;
mod tissue;

use ndarray::{Array2, Array3, Zip};

pub use scale::IntensityScale;
pub(crate) use settle::settle_voxels;
pub use tissue::TissueIntensity;

use crate::statistics::{extremes, percentile};

/// Clips a volume (slice, row, column) to percentiles of its non-background voxels and scales it
/// to [0, 1], in place (paper section 3.1). Background are the voxels equal to voxel (0, 0, 0),
/// and those marked in `padding` (row, column), which become 0 before the scaling. "Equal" is
/// taken within a millionth of the volume's range, because resampling smears an exact 0.
///
/// Returns false, and leaves the volume unscaled, if the non-background voxels have no contrast
/// beyond the precision of `f32`, in which they were stored.
pub(in crate::cohort) fn normalise(
    volume: &mut Array3<f64>,
    padding: &Array2<bool>,
    (low, high): (f64, f64),
) -> bool {
    for slice in volume.outer_iter_mut() {
        Zip::from(slice).and(padding).for_each(|voxel, &padded| {
            if padded {
                *voxel = 0.0;
            }
        });
    }
    let (darkest, brightest) = extremes(volume);
    let background = volume[[0, 0, 0]];
    let tolerance = 1e-6 * (brightest - darkest);
    let is_inside = |voxel: f64, padded: bool| !padded && (voxel - background).abs() > tolerance;

    let mut inside = Vec::with_capacity(volume.len());
    for slice in volume.outer_iter() {
        Zip::from(slice).and(padding).for_each(|&voxel, &padded| {
            if is_inside(voxel, padded) {
                inside.push(voxel);
            }
        });
    }
    if inside.is_empty() {
        return false;
    }
    let (low, high) = (percentile(&mut inside, low), percentile(&mut inside, high));
    if high - low <= f64::from(f32::EPSILON) * darkest.abs().max(brightest.abs()) {
        return false;
    }
    for slice in volume.outer_iter_mut() {
        Zip::from(slice).and(padding).for_each(|voxel, &padded| {
            if is_inside(*voxel, padded) {
                *voxel = voxel.clamp(low, high);
            }
        });
    }
    let (darkest, brightest) = extremes(volume);
    volume.mapv_inplace(|voxel| (voxel - darkest) / (brightest - darkest));
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::fixture::preprocess;

    #[test]
    fn normalised_intensities_agree_with_numpy() {
        let mut volume = preprocess("volume");
        let padding = Array2::from_elem((48, 5), false);
        assert!(normalise(&mut volume, &padding, (0.2, 99.8)));
        let expected = preprocess("normalised");
        let worst =
            volume.iter().zip(&expected).fold(0f64, |worst, (a, b)| worst.max((a - b).abs()));
        assert!(worst < 1e-12, "off by {worst:e}");
    }

    #[test]
    fn padding_takes_no_part_in_the_percentiles() {
        let contrast = |column: usize, padded: f64| {
            let mut volume = Array3::from_shape_fn((2, 10, 4), |(s, r, c)| {
                if c < column { padded } else { 100.0 + (s * 40 + r * 4 + c) as f64 }
            });
            let padding = Array2::from_shape_fn((10, 4), |(_, c)| c < column);
            assert!(normalise(&mut volume, &padding, (5.0, 95.0)));
            volume
        };
        assert_eq!(contrast(1, 0.0), contrast(1, 0.25), "ringing in the padding is removed");
        assert!(contrast(1, 0.0).iter().all(|voxel| (0.0..=1.0).contains(voxel)));
    }

    #[test]
    fn a_volume_without_contrast_is_reported() {
        for columns in [0, 2] {
            let padding = Array2::from_shape_fn((4, 4), |(_, column)| column < columns);
            let mut constant = Array3::from_elem((2, 4, 4), 7.0);
            constant[[1, 2, 3]] += 1e-12;
            assert!(!normalise(&mut constant, &padding, (0.2, 99.8)));
        }
    }
}
