//! A cord is about as wide everywhere.
//!
//! Where the canal ends at its sides, and where fluid is as dark as cord, slices beside the cord show what looks like
//! the end of one. In a single slice nothing is wrong with it; but the whole is then twice as wide as elsewhere.

use std::f64::consts::PI;

use ndarray::{Array3, ArrayView2, Axis};

use crate::statistics::median;

/// Sections wider than this multiple of the median width are not plausible.
const TOO_WIDE: f64 = 1.25;
/// In these, cord ends at this multiple of half of the median width from its middle.
const PLAUSIBLE_END: f64 = 1.1;
/// The middle of a section that is not plausible is that of the plausible ones within this distance, pixels.
const NEAR: usize = 20;

/// An axial section: its middle (slices) and half of its width from side to side (mm).
#[derive(Clone, Copy)]
struct Section {
    middle: f64,
    half_mm: f64,
}

/// Takes from a cord (slice, row, column) what makes single sections much wider than the others.
pub(super) fn limit_width(cord: &mut Array3<bool>, slice_mm: f64) {
    let sections: Vec<Option<Section>> =
        cord.axis_iter(Axis(1)).map(|section| Section::of(section, slice_mm)).collect();
    let Some(usual) = median(sections.iter().flatten().map(|section| section.half_mm)) else {
        return;
    };
    let is_plausible = |section: &&Section| section.half_mm <= TOO_WIDE * usual;
    for (row, section) in sections.iter().enumerate() {
        let Some(section) = section.filter(|section| !is_plausible(&section)) else { continue };
        let near = row.saturating_sub(NEAR)..(row + NEAR + 1).min(sections.len());
        let plausible = sections[near].iter().flatten().filter(is_plausible);
        let middle = median(plausible.map(|section| section.middle)).unwrap_or(section.middle);
        for (slice, mut line) in cord.index_axis_mut(Axis(1), row).outer_iter_mut().enumerate() {
            if (slice as f64 - middle).abs() * slice_mm > PLAUSIBLE_END * usual {
                line.fill(false);
            }
        }
    }
}

impl Section {
    /// The ellipse with the area and the front-back diameter of a section (slice, column) of pixels of 1 mm; `None`
    /// without cord.
    fn of(section: ArrayView2<bool>, slice_mm: f64) -> Option<Self> {
        let lengths: Vec<usize> = section
            .outer_iter()
            .map(|line| line.iter().filter(|inside| **inside).count())
            .collect();
        let longest = lengths.iter().copied().max().filter(|longest| *longest > 0)?;
        let total = lengths.iter().sum::<usize>() as f64;
        let moment: usize = lengths.iter().enumerate().map(|(slice, length)| slice * length).sum();
        let half_mm = 2.0 * total * slice_mm / (PI * longest as f64);
        Some(Self { middle: moment as f64 / total, half_mm })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cord of 12 × 7 mm in slices of 3 mm, which leans to one side, and what `extra` adds.
    fn cord(extra: impl Fn(f64, usize) -> bool) -> Array3<bool> {
        Array3::from_shape_fn((13, 100, 20), |(slice, row, column)| {
            let aside = 3.0 * (slice as f64 - 6.0) - 0.05 * row as f64;
            let across = (column as f64 - 10.0) / 3.5;
            (aside / 6.0).powi(2) + across.powi(2) <= 1.0
                || (extra(aside, row) && across.abs() < 0.6)
        })
    }

    #[test]
    fn a_section_is_measured_as_an_ellipse() {
        let cord = cord(|_, _| false);
        let section = Section::of(cord.index_axis(Axis(1), 0), 3.0).unwrap();
        assert!((section.half_mm - 6.0).abs() < 0.7 && (section.middle - 6.0).abs() < 0.1);
        assert!(
            Section::of(Array3::from_elem((2, 1, 2), false).index_axis(Axis(1), 0), 3.0).is_none()
        );
    }

    #[test]
    fn what_lies_beside_a_cord_in_some_rows_is_taken_away_and_nothing_else() {
        let alone = cord(|_, _| false);
        let mut same = alone.clone();
        limit_width(&mut same, 3.0);
        assert_eq!(same, alone);
        let mut wide = cord(|aside, row| (70..95).contains(&row) && aside.abs() < 13.0);
        assert_ne!(wide, alone);
        limit_width(&mut wide, 3.0);
        let beside =
            wide.indexed_iter().filter(|(_, inside)| **inside).any(|((slice, row, _), _)| {
                (3.0 * (slice as f64 - 6.0) - 0.05 * row as f64).abs() > 8.0
            });
        assert!(!beside);
        let lost = alone.iter().zip(&wide).filter(|(before, after)| **before && !**after).count();
        assert_eq!(lost, 0);
        let mut nothing = Array3::from_elem((3, 4, 5), false);
        limit_width(&mut nothing, 3.0);
    }
}
