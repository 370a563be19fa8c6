//! Voxels far beyond all others: damage of a file or a hot spot, never tissue.

use ndarray::Array3;

use crate::statistics::percentile;

/// At most about this many voxels are looked at for the percentiles.
const SAMPLE: usize = 200_000;
/// How many ranges between the percentiles a voxel may lie beyond them. Fat, fluid and vessels stay
/// within a few.
const FACTOR: f64 = 20.0;

/// Limits voxels that lie far beyond the others' range, in place, and counts them. Interpolation would
/// spread them over their surroundings, and scaling would flatten the tissue.
pub(in crate::cohort) fn limit_outliers(voxels: &mut Array3<f32>) -> usize {
    let background = voxels[[0, 0, 0]];
    let stride = voxels.len().div_ceil(SAMPLE).max(1);
    let mut sample: Vec<f64> = voxels
        .iter()
        .step_by(stride)
        .filter(|value| **value != background)
        .map(|value| f64::from(*value))
        .collect();
    if sample.len() < 100 {
        return 0;
    }
    let (low, high) = (percentile(&mut sample, 0.5), percentile(&mut sample, 99.5));
    let reach = FACTOR * (high - low);
    let (least, most) = ((low - reach) as f32, (high + reach) as f32);
    if high <= low {
        return 0;
    }
    let mut count = 0;
    for value in voxels.iter_mut().filter(|value| !(least..=most).contains(*value)) {
        // The background may lie far from the tissue, such as -1024 beside it.
        if *value != background {
            *value = value.clamp(least, most);
            count += 1;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hot_voxel_is_limited_and_tissue_is_not() {
        let tissue =
            Array3::from_shape_fn((5, 20, 20), |(i, j, k)| ((i * 7 + j * 3 + k) % 90) as f32);
        let mut same = tissue.clone();
        assert_eq!(limit_outliers(&mut same), 0);
        assert_eq!(same, tissue);
        let mut hot = tissue.clone();
        (hot[[2, 3, 4]], hot[[2, 9, 9]]) = (1e9, -1e9);
        assert_eq!(limit_outliers(&mut hot), 2);
        assert!(hot.iter().all(|value| value.abs() < 3000.0));
        // Mostly background, with a little tissue far above it.
        let mut sparse = Array3::zeros((5, 20, 20));
        (0..50).for_each(|n| sparse[[2, 10, n % 20]] = 500.0);
        assert_eq!(limit_outliers(&mut sparse), 0);
    }
}
