//! Gaussian smoothing of a two-dimensional map.

use ndarray::{Array2, ArrayViewMut1, Axis};

/// A kernel reaches this many standard deviations, as scipy's does.
const TRUNCATE: f64 = 4.0;

/// Smooths a map with a Gaussian of these standard deviations in pixels (rows, columns); 0 leaves
/// a direction as it is. Beyond its border the map is taken as mirrored about the edge of its last
/// pixel: the values of `scipy.ndimage.gaussian_filter` with its default mode.
pub fn gaussian_filter(map: &Array2<f32>, (rows, columns): (f64, f64)) -> Array2<f32> {
    let mut smooth = map.clone();
    for (axis, deviation) in [(0, rows), (1, columns)] {
        if deviation > 0.0 {
            let kernel = kernel(deviation);
            for lane in smooth.lanes_mut(Axis(axis)) {
                filter_lane(lane, &kernel);
            }
        }
    }
    smooth
}

/// Weights at the distances 0, 1, 2, …; with the mirrored half they sum to 1.
fn kernel(deviation: f64) -> Vec<f64> {
    let reach = (TRUNCATE * deviation + 0.5) as usize;
    let weight = |distance: usize| (-0.5 * (distance as f64 / deviation).powi(2)).exp();
    let weights: Vec<f64> = (0..=reach).map(weight).collect();
    let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
    weights.into_iter().map(|weight| weight / sum).collect()
}

fn filter_lane(mut lane: ArrayViewMut1<f32>, kernel: &[f64]) {
    let (count, reach) = (lane.len() as isize, kernel.len() as isize - 1);
    // One period of the mirrored line is the line and its mirror image.
    let mirrored = |place: isize| {
        let place = place.rem_euclid(2 * count);
        f64::from(lane[if place < count { place } else { 2 * count - 1 - place } as usize])
    };
    let padded: Vec<f64> = (-reach..count + reach).map(mirrored).collect();
    for (value, window) in lane.iter_mut().zip(padded.windows(2 * kernel.len() - 1)) {
        let middle = kernel.len() - 1;
        let mut sum = kernel[0] * window[middle];
        for (distance, weight) in kernel.iter().enumerate().skip(1) {
            sum += weight * (window[middle - distance] + window[middle + distance]);
        }
        *value = sum as f32;
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn it_agrees_with_scipy() {
        // scipy.ndimage.gaussian_filter(map, (0.8, 1.5))
        let map = array![[0.0, 1.0, 0.0, 4.0], [2.0, 0.0, 0.5, 0.0], [0.0, 3.0, 0.0, 1.0f32]];
        const SCIPY: [[f32; 4]; 3] = [
            [0.6674592, 0.8600869, 1.2375345, 1.5865751],
            [0.9031016, 0.8655857, 0.853721, 0.8784759],
            [1.0112078, 0.9774163, 0.8777828, 0.7810534],
        ];
        let smooth = gaussian_filter(&map, (0.8, 1.5));
        for (ours, theirs) in smooth.iter().zip(SCIPY.iter().flatten()) {
            assert!((ours - theirs).abs() < 1e-6, "{smooth:?}");
        }
        assert_eq!(gaussian_filter(&map, (0.0, 0.0)), map);
    }

    #[test]
    fn a_constant_stays_and_a_sum_is_kept() {
        let constant = Array2::from_elem((7, 3), 0.25f32);
        let smooth = gaussian_filter(&constant, (2.0, 5.0));
        assert!(smooth.iter().all(|value| (value - 0.25).abs() < 1e-6));
        let mut point = Array2::<f32>::zeros((9, 9));
        point[[0, 8]] = 1.0;
        assert!((gaussian_filter(&point, (1.3, 1.3)).sum() - 1.0).abs() < 1e-5);
    }
}
