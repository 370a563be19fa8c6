//! Whether an image shows anything in the cord.

use ndarray::Array3;

use crate::cohort::Slice;
use crate::cohort::note::Note;
use crate::statistics::{extremes, percentile};

/// Fewer values tell nothing.
const LEAST: usize = 10;
/// A cord shows nothing if no more than so many of its voxels, or this share of them, differ from the others. Lesions do in a
/// drawing without noise, too.
const FEW: usize = 3;
const FEW_SHARE: f64 = 1e-3;
/// Values are equal within this share of the image's range.
const EQUAL: f64 = 1e-6;

/// Why an image (slice, row, column) cannot be scored in its cord, as a clause: it has one value there.
pub(super) fn flat_cord(voxels: &Array3<f32>, cord: &Array3<bool>) -> Option<String> {
    let inside = voxels.iter().zip(cord).filter(|(_, inside)| **inside);
    let inside: Vec<f64> = inside.map(|(value, _)| f64::from(*value)).collect();
    let (least, most) = extremes(voxels);
    is_flat(inside, EQUAL * f64::from(most - least)).then(|| {
        "its image has the same value everywhere in the cord, so nothing can be found there; was the cord masked out?"
            .to_owned()
    })
}

/// The same as a warning about slices that came preprocessed.
pub(in crate::cohort) fn flat_slices(slices: &[Slice]) -> Option<Note> {
    let inside = |slice: &Slice| -> Vec<f64> {
        let inside = slice.image.iter().zip(&slice.cord).filter(|(_, inside)| **inside);
        inside.map(|(value, _)| f64::from(*value)).collect()
    };
    is_flat(slices.iter().flat_map(inside).collect(), EQUAL).then(|| {
        Note::warning(
            "images have the same value everywhere in the cord, so a score of them says nothing",
            "its images have the same value everywhere in the cord, so its score says nothing",
        )
    })
}

fn is_flat(mut values: Vec<f64>, tolerance: f64) -> bool {
    if values.len() < LEAST {
        return false;
    }
    let middle = percentile(&mut values, 50.0);
    let others = values.iter().filter(|value| (*value - middle).abs() > tolerance).count();
    others <= FEW || others as f64 <= FEW_SHARE * values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cord_of_one_value_is_flat_and_one_with_a_lesion_or_noise_is_not() {
        let cord = Array3::from_shape_fn((3, 40, 30), |(.., column)| (10..18).contains(&column));
        let image = |inside: &dyn Fn(usize, usize) -> f32| {
            Array3::from_shape_fn((3, 40, 30), |(_, row, column)| {
                match (10..18).contains(&column) {
                    true => inside(row, column),
                    false => (row + column) as f32,
                }
            })
        };
        assert!(flat_cord(&image(&|_, _| 7.0), &cord).is_some());
        let spot = image(&|row, column| if (row, column) == (20, 14) { 60.0 } else { 7.0 });
        assert!(flat_cord(&spot, &cord).is_some(), "one voxel of each slice");
        let lesion = image(&|row, column| if row < 4 && column < 13 { 60.0 } else { 7.0 });
        assert!(flat_cord(&lesion, &cord).is_none());
        let noise = image(&|row, column| 7.0 + 1e-3 * ((row * 7 + column * 3) % 11) as f32);
        assert!(flat_cord(&noise, &cord).is_none());
        let rounding = image(&|row, _| 7.0 + 1e-6 * (row % 3) as f32);
        assert!(flat_cord(&rounding, &cord).is_some());
        assert!(flat_cord(&image(&|_, _| 7.0), &cord.mapv(|_| false)).is_none());
    }
}
