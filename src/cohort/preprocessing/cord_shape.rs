//! Whether a cord mask looks like a spinal cord.

use ndarray::Array2;

use crate::cohort::note::Note;
use crate::statistics::percentile;

/// Largest plausible median cross-section, mm². A cord has 50 to 110; masks of thick slices, of cords
/// that run obliquely and of a syrinx reach twice that. The whole canal has 250 and more.
const MOST_AREA_MM2: f64 = 240.0;
/// Largest plausible median width from front to back, mm.
const MOST_WIDTH_MM: f64 = 25.0;
/// Share of the rows between the upper and lower end that may be without cord.
const MOST_GAPS: f64 = 0.25;
/// Rows from which on the mask is long enough to have a shape.
const LEAST_ROWS: usize = 20;

const TOPIC: &str = "the cord mask does not look like a spinal cord; is it the right file?";
const FOUND_TOPIC: &str = "the cord mask that was found does not look like a spinal cord; look at it, and correct it (`save_masks`) if it is wrong";
/// How the notes end on a mask from a file, and on one that the program found.
const WHICH_FILE: &str = "; is it the right file?";
const CORRECT_IT: &str = "; look at it, and correct it (`save_masks`) if it is wrong";

/// A question to the user about a mask that is too large, too wide, in pieces, or longer from front to
/// back than from top to bottom; `None` about a plausible one. `cord` holds the slices on pixels of 1
/// mm, `slice_mm` their distance.
pub(super) fn question(cord: &[Array2<bool>], slice_mm: f64) -> Option<Note> {
    let (rows, columns) = cord.first()?.dim();
    let mut areas = Vec::new();
    let mut widths = Vec::new();
    let (mut first_column, mut last_column) = (columns, 0);
    let (mut first_row, mut last_row) = (rows, 0);
    for row in 0..rows {
        let inside = |slice: &Array2<bool>| -> Vec<usize> {
            let places = slice.row(row).into_iter().enumerate();
            places.filter_map(|(column, inside)| inside.then_some(column)).collect()
        };
        let places: Vec<usize> = cord.iter().flat_map(inside).collect();
        let (Some(&front), Some(&back)) = (places.iter().min(), places.iter().max()) else {
            continue;
        };
        areas.push(places.len() as f64 * slice_mm);
        widths.push((back - front + 1) as f64);
        (first_column, last_column) = (first_column.min(front), last_column.max(back));
        (first_row, last_row) = (first_row.min(row), row);
    }
    if areas.is_empty() {
        return None;
    }
    let length = last_row - first_row + 1;
    let depth = last_column - first_column + 1;
    let gaps = 1.0 - areas.len() as f64 / length as f64;
    let area = percentile(&mut areas, 50.0);
    let width = percentile(&mut widths, 50.0);
    let finding = if depth > 2 * length && depth >= LEAST_ROWS {
        format!(
            "reaches {depth} mm from front to back but {length} mm from top to bottom; the orientation in the header may be wrong"
        )
    } else if width > MOST_WIDTH_MM {
        format!("is {width:.0} mm wide from front to back; a spinal cord has 5 to 15 mm")
    } else if area > MOST_AREA_MM2 {
        format!("has a cross-section of {area:.0} mm²; a spinal cord has 50 to 110 mm²")
    } else if gaps > MOST_GAPS && length >= LEAST_ROWS {
        format!("is in pieces: {:.0} % of the rows between its ends are empty", 100.0 * gaps)
    } else {
        return None;
    };
    Some(Note::warning(TOPIC, format!("its cord mask {finding}{WHICH_FILE}")))
}

/// A note of [`question`] as it is said of a mask that the program found, which no wrong file explains. Other notes
/// stay as they are.
pub(in crate::cohort) fn said_of_found_mask(note: Note) -> Note {
    match note.text.strip_suffix(WHICH_FILE) {
        Some(finding) if note.topic == TOPIC => {
            Note { topic: FOUND_TOPIC, text: format!("{finding}{CORRECT_IT}"), ..note }
        }
        _ => note,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Slices of 3 mm, 100 × 80 mm.
    fn mask(slices: usize, inside: impl Fn(usize, usize) -> bool) -> Option<String> {
        let slice = Array2::from_shape_fn((100, 80), |(row, column)| inside(row, column));
        question(&vec![slice; slices], 3.0).map(|note| note.text)
    }

    #[test]
    fn a_cord_is_not_questioned_and_other_shapes_are() {
        let cord = |row: usize, column: usize| (30 + row / 10..39 + row / 10).contains(&column);
        assert_eq!(mask(4, cord), None);
        assert_eq!(mask(4, |row, column| row < 8 && cord(row, column)), None, "a short field");
        assert!(mask(12, cord).unwrap().contains("cross-section of 324 mm²"));
        assert!(mask(4, |_, _| true).unwrap().contains("80 mm wide"));
        let pieces = mask(4, |row, column| row % 20 < 5 && cord(row, column)).unwrap();
        assert!(pieces.contains("in pieces"), "{pieces}");
        let lying = mask(4, |row, _| (40..49).contains(&row)).unwrap();
        assert!(lying.contains("orientation"), "{lying}");
        assert_eq!(mask(4, |_, _| false), None);
    }

    #[test]
    fn a_mask_that_was_found_is_to_be_looked_at_and_no_file_is_asked_for() {
        let wide = Array2::from_elem((100, 80), true);
        let note = said_of_found_mask(question(&vec![wide; 4], 3.0).unwrap());
        assert!(note.text.ends_with("correct it (`save_masks`) if it is wrong"), "{}", note.text);
        assert!(!note.text.contains("file") && !note.topic.contains("file") && note.is_warning);
        let other = Note::new("other", "its lesion mask; is it the right file?");
        assert_eq!(said_of_found_mask(other.clone()), other);
    }
}
