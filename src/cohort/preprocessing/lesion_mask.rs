//! The ground truth of lesions: from the native grid to preprocessed slices, and which part gets lost.
//!
//! The other masks take the published way through pixels of 1 mm, because the network sees what follows
//! from them. Two nearest neighbours in a row move the edge of a mask by up to a pixel, which is much of a
//! lesion; so the ground truth is sampled once.

use ndarray::{Array2, Array3, Axis};

use super::field::{Field, LARGER_FIELD, larger_field};
use crate::cohort::note::Note;

/// A lesion mask in canonical axes and its way into the field.
pub(super) struct LesionMask {
    canonical: Array3<bool>,
}

impl LesionMask {
    pub fn new(canonical: Array3<bool>) -> Self {
        Self { canonical }
    }

    /// Whether any voxel is marked.
    pub fn marks_anything(&self) -> bool {
        self.canonical.iter().any(|set| *set)
    }

    /// The mask on the pixels of one preprocessed slice.
    pub fn preprocessed(&self, slice: usize, field: &Field) -> Array2<bool> {
        field.sample_mask(self.canonical.index_axis(Axis(0), slice))
    }

    /// Warnings about the parts that evaluation never sees: outside the field, or in slices without cord, whether or not
    /// they have fluid.
    pub fn lost(&self, field: &Field, has_cord: impl Fn(usize) -> bool) -> Vec<Note> {
        let (mut all, mut outside, mut in_other_slices) = (0_usize, 0_usize, 0_usize);
        let has_cord: Vec<bool> = (0..self.canonical.len_of(Axis(0))).map(has_cord).collect();
        for ((slice, row, column), _) in self.canonical.indexed_iter().filter(|(_, set)| **set) {
            all += 1;
            if !field.holds(row, column) {
                outside += 1;
            } else if !has_cord[slice] {
                in_other_slices += 1;
            }
        }
        let percent = |part: usize| 100.0 * part as f64 / all as f64;
        let mut notes = Vec::new();
        if outside > 0 {
            let percent = percent(outside);
            let text = format!(
                "{percent:.0} % of the lesion area (ground truth) lies outside the field of {} mm; {LARGER_FIELD}",
                field.edge()
            );
            let topic = concat!(
                "{} % of the lesion area (ground truth) lies outside the field; ",
                larger_field!()
            );
            notes.push(Note::warning(topic, text).of(percent));
        }
        if in_other_slices > 0 {
            let percent = percent(in_other_slices);
            let text = format!(
                "{percent:.0} % of the lesion area (ground truth) lies in slices without spinal cord and does not count; check the cord mask"
            );
            let topic = "{} % of the lesion area (ground truth) lies in slices without spinal cord and does not count; check the cord mask";
            notes.push(Note::warning(topic, text).of(percent));
        }
        notes
    }
}

#[cfg(test)]
#[path = "tests/lesion_mask.rs"]
mod tests;
