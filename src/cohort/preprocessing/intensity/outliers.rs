//! Voxels that show no tissue: values that fill what was not scanned, damage of a file, hot spots.

use ndarray::{Array3, Axis};

use crate::statistics::{extremes, percentile};

/// At most about this many voxels are looked at for the percentiles.
const SAMPLE: usize = 200_000;
/// Fewer voxels tell nothing about the others' range.
const LEAST_SAMPLE: usize = 100;
/// How many ranges between the percentiles a voxel may lie beyond them. Fat, fluid and vessels stay
/// within a few.
const FACTOR: f64 = 20.0;
/// A value that at least this many voxels share, more than one range below the percentiles, fills the image.
const FILLED: usize = 20;
/// A bright value may be a lesion that somebody painted. It fills the image only if it is the largest one of a type,
/// larger than any scanner's, or that of a whole side of the image.
const LARGEST: [f32; 4] = [32_767.0, 65_535.0, 2_147_483_647.0, 4_294_967_295.0];
const UNREAL: f32 = 1e10;
/// Different values that may fill an image, one after the other.
const MOST_FILLS: usize = 4;

/// What was replaced.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Replaced {
    /// Values that fill parts of the image, and how many voxels hold each. They have become the smallest other value.
    pub fills: Vec<(f32, usize)>,
    /// Voxels far beyond the others' range, which have been limited.
    pub outliers: usize,
}

/// Replaces, in place, voxels that are far from all others. Interpolation would spread them over their
/// surroundings, and scaling would flatten the tissue.
pub(super) fn replace_outliers(voxels: &mut Array3<f32>) -> Replaced {
    let mut replaced = Replaced::default();
    for _ in 0..MOST_FILLS {
        let Some((low, high)) = percentiles(voxels) else { break };
        let range = high - low;
        let highest = high + FACTOR * range;
        let is_below = |value: f32, ranges: f64| f64::from(value) < low - ranges * range;
        let is_above = |value: f32| f64::from(value) > highest;
        let special = special_values(voxels);
        let fill = special.into_iter().find_map(|value| {
            let is_unreal = is_above(value) && (LARGEST.contains(&value) || value > UNREAL);
            let is_bright = is_unreal || (f64::from(value) > high && fills_a_face(voxels, value));
            if !(is_below(value, 1.0) || is_bright) {
                return None;
            }
            let count = voxels.fold(0, |count, voxel| count + usize::from(*voxel == value));
            (count >= FILLED).then_some((value, count))
        });
        let [darkest, brightest, _] = special;
        if fill.is_none() && !is_above(brightest) && !is_below(darkest, FACTOR) {
            // Most images.
            break;
        }
        let is_replaced = |value: f32| match fill {
            Some((fill, _)) => value == fill,
            None => is_above(value) || is_below(value, FACTOR),
        };
        let others = if fill.is_some() { 1.0 } else { FACTOR };
        let least_other = |least: f32, value: &f32| match is_below(*value, others) {
            true => least,
            false => least.min(*value),
        };
        let least = voxels.fold(f32::INFINITY, least_other);
        for value in voxels.iter_mut().filter(|value| is_replaced(**value)) {
            replaced.outliers += usize::from(fill.is_none());
            *value = if fill.is_none() && is_above(*value) { highest as f32 } else { least };
        }
        match fill {
            Some(fill) => replaced.fills.push(fill),
            None => break,
        }
    }
    replaced
}

/// Whether all voxels of one side of an image have this value, as those of a margin that was added to it. Tissue does not,
/// nor does a lesion that somebody painted.
fn fills_a_face(voxels: &Array3<f32>, value: f32) -> bool {
    (0..3).map(Axis).any(|axis| {
        let last = voxels.len_of(axis).saturating_sub(1);
        [0, last].into_iter().any(|at| {
            let face = voxels.index_axis(axis, at);
            face.len() >= FILLED && face.iter().all(|voxel| *voxel == value)
        })
    })
}

/// Percentiles of the voxels that have neither the smallest, nor the largest, nor the corner's value; `None` of too
/// few voxels, or if they are equal.
fn percentiles(voxels: &Array3<f32>) -> Option<(f64, f64)> {
    let special = special_values(voxels);
    let stride = voxels.len().div_ceil(SAMPLE).max(1);
    let others = voxels.iter().step_by(stride).filter(|value| !special.contains(value));
    let mut sample: Vec<f64> = others.map(|value| f64::from(*value)).collect();
    if sample.len() < LEAST_SAMPLE {
        return None;
    }
    let (low, high) = (percentile(&mut sample, 0.5), percentile(&mut sample, 99.5));
    (high > low).then_some((low, high))
}

/// The smallest, the largest and the corner's value: what fills an image is one of these.
fn special_values(voxels: &Array3<f32>) -> [f32; 3] {
    let (least, most) = extremes(voxels);
    [least, most, voxels.first().copied().unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tissue() -> Array3<f32> {
        Array3::from_shape_fn((5, 20, 20), |(i, j, k)| ((i * 7 + j * 3 + k) % 90) as f32)
    }

    #[test]
    fn a_hot_voxel_is_limited_and_tissue_is_not() {
        let mut same = tissue();
        assert_eq!(replace_outliers(&mut same), Replaced::default());
        assert_eq!(same, tissue());
        let mut hot = tissue();
        (hot[[2, 3, 4]], hot[[2, 9, 9]], hot[[0, 0, 0]]) = (1e30, -1e9, -32768.0);
        assert_eq!(replace_outliers(&mut hot).outliers, 3);
        assert_eq!((hot[[2, 9, 9]], hot[[0, 0, 0]]), (0.0, 0.0));
        assert!((89.0..2000.0).contains(&hot[[2, 3, 4]]));
        // A bright margin.
        let mut margin = tissue();
        margin.slice_mut(ndarray::s![.., .., 15..]).fill(150.0);
        assert_eq!(replace_outliers(&mut margin).fills, [(150.0, 500)]);
        assert!(margin.slice(ndarray::s![.., .., 15..]).iter().all(|value| *value == 0.0));
        // A lesion of one value that somebody painted.
        let mut painted = tissue();
        painted.slice_mut(ndarray::s![2, 3..8, 3..8]).fill(1000.0);
        assert_eq!(replace_outliers(&mut painted), Replaced::default());
        assert_eq!(painted[[2, 5, 5]], 1000.0);
        // Mostly background, with a little tissue far above it.
        let mut sparse = Array3::zeros((5, 20, 20));
        (0..50).for_each(|n| sparse[[2, 10, n % 20]] = 500.0);
        assert_eq!(replace_outliers(&mut sparse), Replaced::default());
    }

    #[test]
    fn values_that_fill_an_image_become_the_darkest_tissue_wherever_they_are() {
        for fill in [-4096.0, -32768.0, 65535.0, -1e6, -3.4e38, -200.0] {
            for corner in [true, false] {
                let mut filled = tissue();
                let rows = if corner { 0..2 } else { 18..20 };
                rows.for_each(|row| filled.slice_mut(ndarray::s![.., row, ..]).fill(fill));
                let replaced = replace_outliers(&mut filled);
                assert_eq!(replaced, Replaced { fills: vec![(fill, 200)], outliers: 0 });
                assert!(filled.iter().all(|value| (0.0..90.0).contains(value)), "{fill}");
            }
        }
        let mut two = tissue();
        two.slice_mut(ndarray::s![.., 0, ..]).fill(-32768.0);
        two.slice_mut(ndarray::s![.., 19, ..]).fill(-1000.0);
        let fills: Vec<f32> = replace_outliers(&mut two).fills.iter().map(|fill| fill.0).collect();
        assert_eq!(fills, [-32768.0, -1000.0]);
        assert!(two.iter().all(|value| (0.0..90.0).contains(value)));
        // The black around a field of view is no fill, nor is what a scanner saturates.
        let mut black = tissue();
        black.slice_mut(ndarray::s![.., 0..9, ..]).fill(0.0);
        black.slice_mut(ndarray::s![.., 10, ..]).fill(120.0);
        assert_eq!(replace_outliers(&mut black), Replaced::default());
    }
}
