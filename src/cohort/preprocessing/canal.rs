//! Whether cord and fluid lie in one canal.

use ndarray::{Array3, Axis};

use crate::cohort::note::Note;

/// Between cord and fluid of a row may lie so much that is neither, mm, in front of the cord and behind it together:
/// edges of masks, nerve roots and membranes.
const MOST_BETWEEN_MM: f64 = 5.0;
/// Share of the rows in which they must lie closer together.
const LEAST_CLOSE: f64 = 0.5;
/// Fewer rows that hold both tell nothing. Where a canal is narrow, no fluid may be seen beside the cord.
const LEAST_ROWS: usize = 20;
/// Slices at the sides of the canal hold fluid alone: up to half of all. From this share up cord is missing.
const MOST_WITHOUT_CORD: f64 = 0.75;
/// Fewer slices with fluid may be too thick to hold cord.
const LEAST_SLICES: usize = 5;
/// A slice counts where it has at least this share of the fluid of the fullest one.
const LEAST_OF_FULLEST: f64 = 0.1;

/// Warnings about masks of cord and fluid (slice, row, column) that are not those of one canal. `column_mm` is the distance
/// of columns.
pub(super) fn questions(cord: &Array3<bool>, fluid: &Array3<bool>, column_mm: f64) -> Vec<Note> {
    beside(cord, fluid, column_mm).into_iter().chain(missing(cord, fluid)).collect()
}

/// A question where the cord does not lie at the fluid.
fn beside(cord: &Array3<bool>, fluid: &Array3<bool>, column_mm: f64) -> Option<Note> {
    let (mut rows, mut close) = (0_usize, 0_usize);
    for (cord, fluid) in cord.lanes(Axis(2)).into_iter().zip(fluid.lanes(Axis(2))) {
        let ([mut any_cord, mut any_fluid], mut of_either) = ([false; 2], 0_usize);
        let (mut first, mut last) = (None, 0);
        for (column, (cord, fluid)) in cord.iter().zip(fluid).enumerate() {
            if *cord || *fluid {
                any_cord |= cord;
                any_fluid |= fluid;
                of_either += 1;
                last = column;
                first.get_or_insert(column);
            }
        }
        if let Some(first) = first.filter(|_| any_cord && any_fluid) {
            rows += 1;
            let between = (last + 1 - first - of_either) as f64 * column_mm;
            close += usize::from(between <= MOST_BETWEEN_MM);
        }
    }
    if rows < LEAST_ROWS || close as f64 >= LEAST_CLOSE * rows as f64 {
        return None;
    }
    let percent = 100.0 * (rows - close) as f64 / rows as f64;
    let topic = "in {} % of the rows, cord mask and CSF mask lie apart; are both of this image?";
    let text = format!(
        "in {percent:.0} % of the rows that have both, its cord mask and its CSF mask lie apart, with more than \
         {MOST_BETWEEN_MM} mm between them that are neither; are both of this image?"
    );
    Some(Note::warning(topic, text).of(percent))
}

/// A question where most slices with fluid have no cord.
fn missing(cord: &Array3<bool>, fluid: &Array3<bool>) -> Option<Note> {
    let counts = |mask: &Array3<bool>| -> Vec<usize> {
        let slices = mask.outer_iter();
        slices.map(|slice| slice.iter().filter(|inside| **inside).count()).collect()
    };
    let fluid = counts(fluid);
    let fullest = fluid.iter().max().copied().unwrap_or(0) as f64;
    let with_cord = counts(cord).into_iter().filter(|count| *count > 0).count();
    let is_fluid = |count: &&usize| **count > 0 && **count as f64 >= LEAST_OF_FULLEST * fullest;
    let with_fluid = fluid.iter().filter(is_fluid).count();
    let most_without = with_cord as f64 <= (1.0 - MOST_WITHOUT_CORD) * with_fluid as f64;
    // Without any cord, more is said elsewhere.
    (with_cord > 0 && with_fluid >= LEAST_SLICES && most_without).then(|| {
        let topic = "the cord mask fills far fewer slices than the CSF mask; slices without cord are not scored, so check the cord mask";
        let text = format!(
            "its cord mask fills {with_cord} of {with_fluid} slices with fluid; slices without cord are not scored, so \
             check the cord mask"
        );
        Note::warning(topic, text)
    })
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    const ALL: Range<usize> = 0..8;

    /// Slices, rows and columns of 0.5 mm.
    fn mask(slices: Range<usize>, columns: &[Range<usize>; 2]) -> Array3<bool> {
        Array3::from_shape_fn((8, 40, 100), |(slice, row, column)| {
            // The canal leans.
            let at = |columns: &Range<usize>| columns.contains(&(column + row / 8));
            slices.contains(&slice) && columns.iter().any(at)
        })
    }

    fn said(cord: &Array3<bool>, fluid: &Array3<bool>) -> Vec<String> {
        questions(cord, fluid, 0.5).into_iter().map(|note| note.text).collect()
    }

    #[test]
    fn a_cord_beside_the_canal_is_questioned() {
        let cord = |shift: usize| mask(2..6, &[40 + shift..56 + shift, 0..0]);
        let canal = mask(ALL, &[34..40, 56..62]);
        assert_eq!(said(&cord(0), &canal), Vec::<String>::new());
        // By 10, 15 and 20 mm.
        for shift in [20, 30, 40] {
            let said = said(&cord(shift), &canal);
            assert!(said[0].starts_with("in 100 % of the rows that have both"), "{said:?}");
            assert!(said[0].ends_with("are both of this image?"), "{said:?}");
        }
    }

    #[test]
    fn masks_of_one_canal_are_not_questioned() {
        let cord = mask(2..6, &[40..56, 0..0]);
        for (name, fluid) in [
            ("in front alone", [34..40, 0..0]),
            ("behind alone, with roots between", [60..66, 0..0]),
            ("2 mm apart on both sides", [30..36, 60..64]),
            ("the whole canal", [34..62, 0..0]),
            ("within the cord", [44..50, 0..0]),
        ] {
            assert_eq!(said(&cord, &mask(ALL, &fluid)), Vec::<String>::new(), "{name}");
        }
        // A narrow canal shows fluid above alone, far from the cord.
        let mut narrow = mask(ALL, &[10..16, 0..0]);
        narrow.slice_mut(ndarray::s![.., 4.., ..]).fill(false);
        assert_eq!(said(&cord, &narrow), Vec::<String>::new());
    }

    #[test]
    fn cord_that_most_slices_lack_is_questioned() {
        let fluid = mask(ALL, &[34..40, 56..62]);
        let cord = |slices| mask(slices, &[40..56, 0..0]);
        assert!(said(&cord(3..4), &fluid)[0].starts_with("its cord mask fills 1 of 8 slices"));
        assert_eq!(said(&cord(3..6), &fluid), Vec::<String>::new());
        assert_eq!(said(&cord(3..4), &mask(2..6, &[34..40, 56..62])), Vec::<String>::new());
        assert_eq!(said(&cord(0..0), &fluid), Vec::<String>::new(), "no cord at all");
    }
}
