//! Whether the masks of a subject fit each other and their image.

use ndarray::{Array3, Zip};

use crate::cohort::note::Note;
use crate::statistics::median;

/// Share of the cord that a fluid mask may hold: they touch, and are resampled.
const MOST_SHARED: f64 = 0.5;
/// Share of a lesion mask that must lie in the cord.
const LEAST_IN_CORD: f64 = 0.1;
/// Share of the cord that lesions may take. Long ones take a third.
const MOST_LESION: f64 = 0.6;
/// Fewer voxels have no reliable median.
const LEAST_VOXELS: usize = 50;

/// Warnings about implausible masks (slice, row, column).
pub(super) fn questions(
    cord: &Array3<bool>,
    fluid: Option<&Array3<bool>>,
    lesion: Option<&Array3<bool>>,
) -> Vec<Note> {
    let mut notes = Vec::new();
    let in_cord = |mask: &Array3<bool>| {
        let mut both = 0_usize;
        Zip::from(cord).and(mask).for_each(|cord, inside| both += usize::from(*cord && *inside));
        both as f64
    };
    let of_cord = count(cord).max(1) as f64;
    if let Some(fluid) = fluid {
        if count(fluid) == 0 {
            notes.push(Note::warning(
                "the CSF mask is empty; the region of interest is the cord alone",
                "its CSF mask is empty; the region of interest is the cord alone",
            ));
        }
        let percent = 100.0 * in_cord(fluid) / of_cord;
        if percent > 100.0 * MOST_SHARED {
            let topic =
                "the CSF mask covers {} % of the cord mask; is it a mask of the whole canal?";
            let text = format!(
                "its CSF mask covers {percent:.0} % of its cord mask; is it a mask of the whole canal?"
            );
            notes.push(Note::warning(topic, text).of(percent));
        }
    }
    if let Some(lesion) = lesion.filter(|lesion| count(lesion) > 0) {
        let percent = 100.0 * in_cord(lesion) / count(lesion) as f64;
        if percent < 100.0 * LEAST_IN_CORD {
            let topic = "{} % of the lesion mask lies in the cord mask; is it the right file?";
            let text = format!(
                "only {percent:.0} % of its lesion mask lies in its cord mask; is it the right file?"
            );
            notes.push(Note::warning(topic, text).of(percent));
        }
        let percent = 100.0 * in_cord(lesion) / of_cord;
        if percent > 100.0 * MOST_LESION {
            let topic = "the lesion mask marks {} % of the cord; is it the right file?";
            let text =
                format!("its lesion mask marks {percent:.0} % of its cord; is it the right file?");
            notes.push(Note::warning(topic, text).of(percent));
        }
    }
    notes
}

/// A warning about an image (slice, row, column) whose fluid is not brighter than its cord, as it is in T2-weighted
/// images.
pub(super) fn brightness(
    image: &Array3<f32>,
    cord: &Array3<bool>,
    fluid: &Array3<bool>,
) -> Option<Note> {
    if count(cord).min(count(fluid)) < LEAST_VOXELS {
        return None;
    }
    let middle = |mask: &Array3<bool>| {
        let inside = image.iter().zip(mask).filter(|(_, inside)| **inside);
        median(inside.map(|(value, _)| f64::from(*value)))
    };
    (middle(fluid)? <= middle(cord)?).then(|| {
        Note::warning(
            "the fluid is not brighter than the cord; are the masks exchanged, or is the image not T2-weighted?",
            "its fluid is not brighter than its cord; are the masks exchanged, or is the image not T2-weighted?",
        )
    })
}

fn count(mask: &Array3<bool>) -> usize {
    mask.iter().filter(|inside| **inside).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(columns: std::ops::Range<usize>, rows: std::ops::Range<usize>) -> Array3<bool> {
        Array3::from_shape_fn((3, 40, 30), |(_, row, column)| {
            rows.contains(&row) && columns.contains(&column)
        })
    }

    fn said(fluid: Option<&Array3<bool>>, lesion: Option<&Array3<bool>>) -> Vec<String> {
        questions(&mask(10..18, 0..40), fluid, lesion).into_iter().map(|note| note.text).collect()
    }

    #[test]
    fn masks_that_fit_are_not_questioned_and_others_are() {
        let fluid = mask(7..11, 0..40);
        assert!(said(Some(&fluid), Some(&mask(12..15, 10..20))).is_empty());
        assert!(said(None, Some(&mask(0..0, 0..0))).is_empty(), "no lesion");
        let canal = said(Some(&mask(7..21, 0..40)), None);
        assert!(canal[0].starts_with("its CSF mask covers 100 % of its cord mask"), "{canal:?}");
        let empty = said(Some(&mask(0..0, 0..0)), None);
        assert!(empty[0].starts_with("its CSF mask is empty"), "{empty:?}");
        let elsewhere = said(None, Some(&mask(20..25, 0..40)));
        assert!(elsewhere[0].starts_with("only 0 % of its lesion mask"), "{elsewhere:?}");
        let whole = said(None, Some(&mask(10..18, 0..40)));
        assert!(whole[0].starts_with("its lesion mask marks 100 % of its cord"), "{whole:?}");
    }

    #[test]
    fn fluid_is_brighter_than_cord() {
        let (cord, fluid) = (mask(10..18, 0..40), mask(7..10, 0..40));
        let image = fluid.mapv(|inside| if inside { 2.0 } else { 1.0 });
        assert!(brightness(&image, &cord, &fluid).is_none());
        assert!(brightness(&image, &fluid, &cord).is_some());
        assert!(brightness(&image, &mask(0..1, 0..2), &fluid).is_none(), "too small to tell");
    }
}
