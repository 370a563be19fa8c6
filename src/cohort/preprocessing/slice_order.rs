//! Whether neighbouring slices of an image look like neighbours.

use ndarray::{Array3, ArrayView2, Axis};
use rayon::prelude::*;

use crate::cohort::note::Note;

/// Fewer slices tell nothing about their order.
const LEAST_SLICES: usize = 6;
/// Slices are compared in pieces, so many along an edge.
const PIECES: usize = 32;
/// Below this mean difference of neighbours, all slices show the same.
const LEAST_DIFFERENCE: f64 = 1e-4;
/// Slices are out of order if neighbours differ by at most this share of what they do as stored, once they are put in
/// another order. Of 61 volumes in order, the share was 1.7 or more, and of the same ones put out of order 0.56 or less,
/// except for one of 16 rows with 1.06 and 0.94.
const OTHER_ORDER: f64 = 0.7;
/// A stack wraps around if its two ends differ at most so many times as much as neighbours do (median), …
const ALIKE_ENDS: f64 = 1.5;
/// … two neighbours differ so many times as much, 2.7 at most in stacks with such ends that do not wrap around, …
const SEAM: f64 = 4.0;
/// … by so much of what is possible, …
const LEAST_SEAM: f64 = 0.05;
/// … and no other two differ by more than this share of it: beside a damaged slice there are two seams.
const NEXT_TO_SEAM: f64 = 0.6;

pub(super) const TOPIC: &str = "slices may be stored out of order or wrap around; look at the images, and convert the series \
                                again";

/// A question to the user about a canonical image whose slices seem to be stored out of order, or to wrap around in the
/// slice direction; `None` about a plausible one.
pub(super) fn question(voxels: &Array3<f32>) -> Option<Note> {
    if voxels.len_of(Axis(0)) < LEAST_SLICES {
        return None;
    }
    let outline = |slice| outline(voxels.index_axis(Axis(0), slice));
    let slices: Vec<Vec<f64>> = (0..voxels.len_of(Axis(0))).into_par_iter().map(outline).collect();
    let finding = out_of_order(&slices).or_else(|| wrapped(&slices))?;
    let text = format!("{finding}; look at the image, and convert the series again");
    Some(Note::warning(TOPIC, text))
}

fn out_of_order(slices: &[Vec<f64>]) -> Option<String> {
    let all = 0..slices.len();
    let stored = mean_difference(slices, all.clone());
    if stored < LEAST_DIFFERENCE {
        return None;
    }
    let even = || all.clone().step_by(2);
    let odd = || all.clone().skip(1).step_by(2);
    let orders: [(Vec<usize>, &str); 4] = [
        (halves_in_turn(slices.len(), 0), "in which its two halves alternate"),
        (halves_in_turn(slices.len(), 1), "in which its two halves alternate"),
        (even().chain(odd()).collect(), "in which every other slice comes first"),
        (odd().chain(even()).collect(), "in which every other slice comes first"),
    ];
    let differences = orders.into_iter().map(|(order, how)| (mean_difference(slices, order), how));
    let (least, how) = differences.min_by(|one, other| one.0.total_cmp(&other.0))?;
    (least <= OTHER_ORDER * stored).then(|| {
        format!(
            "its slices may be stored out of order: neighbours differ {:.1} times as much as in an order {how}",
            stored / least.max(f64::MIN_POSITIVE)
        )
    })
}

/// The order that takes a slice of each half of a stack in turn, the first or the second half first.
fn halves_in_turn(count: usize, first: usize) -> Vec<usize> {
    let half = (count + 1 - first) / 2;
    let place = |place: usize| if place % 2 == first { place / 2 } else { half + place / 2 };
    (0..count).map(place).collect()
}

fn wrapped(slices: &[Vec<f64>]) -> Option<String> {
    let neighbours: Vec<f64> = slices.windows(2).map(|two| difference(&two[0], &two[1])).collect();
    let mut sorted = neighbours.clone();
    sorted.sort_by(f64::total_cmp);
    let [.., next, seam] = sorted[..] else { return None };
    let median = sorted[sorted.len() / 2];
    let ends = difference(slices.first()?, slices.last()?);
    let is_seam = seam >= LEAST_SEAM && seam >= SEAM * median && next <= NEXT_TO_SEAM * seam;
    let at = neighbours.iter().position(|one| *one == seam).filter(|_| is_seam)?;
    (ends <= ALIKE_ENDS * median).then(|| {
        format!(
            "it may wrap around in the slice direction: slices {} and {}, counted from the patient's right, differ like \
             the two ends of a stack, and the first and last slice are alike like neighbours",
            at + 1,
            at + 2
        )
    })
}

/// Mean difference of slices that follow each other in an order.
fn mean_difference(slices: &[Vec<f64>], order: impl IntoIterator<Item = usize>) -> f64 {
    let mut order = order.into_iter().map(|place| &slices[place]);
    let Some(mut last) = order.next() else { return 0.0 };
    let mut sum = 0.0;
    for slice in order {
        sum += difference(last, slice);
        last = slice;
    }
    sum / (slices.len() - 1) as f64
}

/// One minus the correlation of two outlines, from 0 to 2.
fn difference(one: &[f64], other: &[f64]) -> f64 {
    (1.0 - one.iter().zip(other).map(|(one, other)| one * other).sum::<f64>()).max(0.0)
}

/// The mean values of a slice's pieces, moved and scaled to a mean of 0 and a length of 1; zeros where all are equal, so that
/// an empty slice is like no other.
fn outline(slice: ArrayView2<f32>) -> Vec<f64> {
    let (rows, columns) = slice.dim();
    let (high, wide) = (rows.min(PIECES), columns.min(PIECES));
    let mut sums = vec![0.0; high * wide];
    let mut counts = vec![0.0; high * wide];
    for (row, values) in slice.rows().into_iter().enumerate() {
        let first = row * high / rows * wide;
        for (column, value) in values.iter().enumerate() {
            let piece = first + column * wide / columns;
            sums[piece] += f64::from(*value);
            counts[piece] += 1.0;
        }
    }
    sums.iter_mut().zip(&counts).for_each(|(sum, count)| *sum /= count);
    let mean = sums.iter().sum::<f64>() / sums.len() as f64;
    sums.iter_mut().for_each(|value| *value -= mean);
    let length = sums.iter().map(|value| value * value).sum::<f64>().sqrt();
    if length > 0.0 {
        sums.iter_mut().for_each(|value| *value /= length);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: usize = 16;

    /// What is said about slices in this order: a bright band that moves from front to back through an uneven image.
    fn said(order: impl IntoIterator<Item = usize>) -> Option<String> {
        let order: Vec<usize> = order.into_iter().collect();
        let voxels = Array3::from_shape_fn((order.len(), 80, 60), |(at, row, column)| {
            let band = (column as f32 - 8.0 - 3.0 * order[at] as f32) / 6.0;
            200.0 * (-band * band).exp() + 20.0 * (row as f32 / 9.0).sin() + column as f32 * 0.3
        });
        question(&voxels).map(|note| note.text)
    }

    #[test]
    fn slices_in_order_are_not_questioned_and_others_are() {
        assert_eq!(said(0..COUNT), None);
        assert_eq!(said((0..COUNT).rev()), None);
        let (even, odd) = ((0..COUNT).step_by(2), (1..COUNT).step_by(2));
        for interleaved in [even.clone().chain(odd.clone()), odd.chain(even)] {
            let told = said(interleaved).unwrap();
            assert!(
                told.contains("times as much as in an order in which its two halves"),
                "{told}"
            );
        }
        let alternating = (0..COUNT).map(|at| at / 2 + if at % 2 == 0 { 0 } else { COUNT / 2 });
        let told = said(alternating).unwrap();
        assert!(told.contains("in an order in which every other slice comes first"), "{told}");
        assert_eq!(said([0, 2, 4, 1, 3]), None, "too few slices");
        assert_eq!(said([3; COUNT]), None, "one slice many times");
    }

    #[test]
    fn stacks_that_wrap_around_are_questioned() {
        let told = said((0..COUNT).map(|at| (at + 5) % COUNT)).unwrap();
        assert!(
            told.starts_with("it may wrap around in the slice direction: slices 11 and 12"),
            "{told}"
        );
        // A stack that ends as it begins, with a damaged slice.
        let there_and_back = (0..COUNT).map(|at| at.min(COUNT - 1 - at));
        assert_eq!(said(there_and_back.clone()), None);
        assert_eq!(
            said(there_and_back.enumerate().map(|(at, it)| if at == 4 { 14 } else { it })),
            None
        );
    }
}
