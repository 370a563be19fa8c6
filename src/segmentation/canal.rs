//! How far the fluid around a cord reaches.
//!
//! The network finds too little fluid beside the cord and too much at the sides of the canal, where a slice shows its
//! wall, veins and nerve roots together with some fluid. Measured on cohorts with given masks: docs/segmentation.md.

use ndarray::{Array3, ArrayView3, Axis};

/// What is added to the probability of fluid beside cord: of pixels of which the network says 0.4 to 0.5 there, more than
/// half are fluid.
const TOO_LITTLE: f32 = 0.1;
/// A slice in which the canal is shorter from front to back than this share of its longest chord shows its wall. In an
/// ellipse that is the outermost eighth of its half-width.
const LEAST_CHORD: f64 = 0.5;

/// The probability of fluid, raised in the rows of each slice that have cord.
pub(super) fn raised_beside_cord(fluid: ArrayView3<f32>, cord: &Array3<bool>) -> Array3<f32> {
    let mut raised = fluid.to_owned();
    for (mut slice, cord) in raised.outer_iter_mut().zip(cord.outer_iter()) {
        for (mut line, cord) in slice.outer_iter_mut().zip(cord.outer_iter()) {
            if cord.iter().any(|inside| *inside) {
                line.mapv_inplace(|p| (p + TOO_LITTLE).min(1.0));
            }
        }
    }
    raised
}

/// Takes away the fluid of slices beside the cord in which the canal is much shorter from front to back than in its
/// middle.
pub(super) fn limit_sides(cord: &Array3<bool>, fluid: &mut Array3<bool>) {
    for (cord, mut fluid) in cord.axis_iter(Axis(1)).zip(fluid.axis_iter_mut(Axis(1))) {
        let chords: Vec<usize> = cord
            .outer_iter()
            .zip(fluid.outer_iter())
            .map(|(cord, fluid)| cord.iter().zip(fluid).filter(|(c, f)| **c || **f).count())
            .collect();
        let longest = chords.iter().copied().max().unwrap_or(0);
        for ((chord, cord), mut fluid) in
            chords.iter().zip(cord.outer_iter()).zip(fluid.outer_iter_mut())
        {
            let is_short = (*chord as f64) < LEAST_CHORD * longest as f64;
            if is_short && !cord.iter().any(|inside| *inside) {
                fluid.fill(false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cord of radius 5 in a canal of 12 × 8 pixels, slices of 1 mm, the same in all rows.
    fn section() -> (Array3<bool>, Array3<bool>) {
        let ellipse = |slice: usize, column: usize, across: f64, along: f64| {
            ((slice as f64 - 15.0) / across).powi(2) + ((column as f64 - 12.0) / along).powi(2)
                <= 1.0
        };
        let shape = (31, 3, 25);
        let cord = Array3::from_shape_fn(shape, |(s, _, c)| ellipse(s, c, 5.0, 4.0));
        let canal = Array3::from_shape_fn(shape, |(s, _, c)| ellipse(s, c, 12.0, 8.0));
        let fluid = &canal & &!&cord;
        (cord, fluid)
    }

    #[test]
    fn the_sides_of_a_canal_are_taken_away_and_its_middle_is_kept() {
        let (cord, fluid) = section();
        let mut limited = fluid.clone();
        limit_sides(&cord, &mut limited);
        // A chord is half of the longest at 0.87 of the half-width: 10 of 12 slices stay on each side.
        for slice in 0..31usize {
            let before = fluid.index_axis(Axis(0), slice);
            let after = limited.index_axis(Axis(0), slice);
            if slice.abs_diff(15) <= 10 {
                assert_eq!(before, after, "slice {slice}");
            } else {
                assert!(!after.iter().any(|inside| *inside), "slice {slice}");
            }
        }
        let mut nothing = Array3::from_elem((2, 3, 4), false);
        limit_sides(&nothing.clone(), &mut nothing);
    }

    #[test]
    fn fluid_is_likelier_in_rows_with_cord_alone() {
        let (cord, _) = section();
        let raised = raised_beside_cord(Array3::from_elem(cord.dim(), 0.45).view(), &cord);
        assert!(raised[[15, 1, 3]] > 0.54 && raised[[4, 1, 12]] == 0.45);
        let sure = raised_beside_cord(Array3::from_elem(cord.dim(), 0.95).view(), &cord);
        assert_eq!(sure[[15, 1, 3]], 1.0);
    }
}
