//! A hash by which an image is recognised, however its file is stored.

use ndarray::{Array3, s};

use crate::cohort::subject::HASH_KIND;
use crate::files::sha256;

/// Blocks along each axis of canonical volumes (slices, rows, columns) whose means are hashed.
const BLOCKS: [usize; 3] = [4, 8, 8];
/// So many voxels, evenly spread, tell the range of an image.
const SAMPLED: usize = 1 << 14;
/// Steps that the range of an image has at least.
const STEPS: f64 = 128.0;
/// Where in a step the rounding changes. Means of whole numbers rarely lie there, as they would at one half.
const ROUNDING: f64 = 0.381_966;

/// A hash of the size of an image in canonical orientation and of the means of its blocks, rounded to steps that follow
/// from its range. Another order of the stored axes does not change it, nor does another data type, unless a mean lies
/// right between two steps. Other images nearly always change it.
pub(super) fn image_hash(canonical: &Array3<f32>) -> String {
    let mut bytes = Vec::new();
    canonical.shape().iter().for_each(|size| bytes.extend((*size as u64).to_le_bytes()));
    let step = step(canonical);
    for mean in block_means(canonical) {
        // A block without a number is told from all others.
        let steps = mean.map_or(i64::MIN, |mean| (mean / step + ROUNDING).floor() as i64);
        bytes.extend(steps.to_le_bytes());
    }
    format!("{HASH_KIND}{}", sha256(&bytes))
}

/// The size of a step: a power of two, so that it is the same for two copies with nearly the same range.
fn step(image: &Array3<f32>) -> f64 {
    let every = (image.len() / SAMPLED).max(1);
    let sampled = image.iter().step_by(every).filter(|value| value.is_finite());
    let mut values: Vec<f32> = sampled.copied().collect();
    values.sort_unstable_by(f32::total_cmp);
    let at = |part: f64| {
        let place = part * values.len().saturating_sub(1) as f64;
        values.get(place.round() as usize).map_or(0.0, |value| f64::from(*value))
    };
    // Single voxels far away from the others do not count, unless there is nothing else.
    let range = [at(0.98) - at(0.02), at(1.0) - at(0.0)].into_iter().find(|range| *range > 0.0);
    range.unwrap_or(1.0).log2().floor().exp2() / STEPS
}

/// The means of the finite voxels of each block; `None` where there are none.
fn block_means(image: &Array3<f32>) -> Vec<Option<f64>> {
    let shape = [0, 1, 2].map(|axis| image.shape()[axis]);
    let blocks = [0, 1, 2].map(|axis| BLOCKS[axis].min(shape[axis]));
    let part = |axis: usize, block: usize| {
        let edge = |block: usize| (block * shape[axis] / blocks[axis]) as isize;
        edge(block)..edge(block + 1)
    };
    let mut means = Vec::new();
    for i in 0..blocks[0] {
        for j in 0..blocks[1] {
            for k in 0..blocks[2] {
                let block = image.slice(s![part(0, i), part(1, j), part(2, k)]);
                let finite = block.iter().filter(|value| value.is_finite());
                let (count, sum) = finite.fold((0_usize, 0.0), |(count, sum), value| {
                    (count + 1, sum + f64::from(*value))
                });
                means.push((count > 0).then(|| sum / count as f64));
            }
        }
    }
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image of stripes and slopes, in steps of whole numbers.
    fn image() -> Array3<f32> {
        Array3::from_shape_fn((9, 40, 30), |(i, j, k)| {
            (100 + 37 * (i * j % 11) + 3 * k + 5 * j + (k * k + 7 * j) % 13) as f32
        })
    }

    #[test]
    fn another_data_type_does_not_change_the_hash() {
        let image = image();
        let rounded = image.mapv(|value| value * 0.37 / 0.37);
        let (low, high) = image
            .iter()
            .fold((f32::MAX, f32::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
        // Whole numbers of 16 bits, with a slope and an intercept.
        let slope = f64::from(high - low) / 65535.0;
        let short = image.mapv(|value| {
            let stored = (f64::from(value - low) / slope).round();
            (stored * slope + f64::from(low)) as f32
        });
        let hash = image_hash(&image);
        assert!(hash.starts_with(HASH_KIND));
        assert_eq!(image_hash(&rounded), hash);
        assert_eq!(image_hash(&short), hash);
    }

    #[test]
    fn other_images_change_the_hash() {
        let hash = image_hash(&image());
        assert_ne!(image_hash(&image().mapv(|value| value + 9.0)), hash, "brighter");
        assert_ne!(image_hash(&image().mapv(|value| 1.1 * value)), hash, "another scale");
        assert_ne!(image_hash(&image().slice(s![.., ..;-1, ..]).to_owned()), hash, "flipped");
        assert_ne!(image_hash(&image().slice(s![..8, .., ..]).to_owned()), hash, "cut");
        let mut lesion = image();
        lesion.slice_mut(s![4..6, 10..14, 10..14]).fill(900.0);
        assert_ne!(image_hash(&lesion), hash, "a lesion");
    }

    #[test]
    fn images_without_numbers_or_contrast_have_a_hash() {
        let (nan, flat) = (Array3::from_elem((2, 9, 9), f32::NAN), Array3::zeros((2, 9, 9)));
        assert_ne!(image_hash(&nan), image_hash(&flat));
        let mut gap = image();
        gap[[0, 0, 0]] = f32::NAN;
        assert!(image_hash(&gap).starts_with(HASH_KIND));
    }
}
