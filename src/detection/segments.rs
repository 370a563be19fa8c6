//! How a cord is divided into segments: at its discs, or into equal lengths.

use super::{CordAxis, SegmentBorders};
use crate::cohort::{Disc, Subject};

/// Target length of a segment without disc labels: a cervical vertebra with its disc.
const BIN_MM: f64 = 18.0;

/// C1/C2, above which a labelled cord is not scored.
const FIRST_DISC: u8 = 2;
/// C6/C7.
const LAST_CERVICAL_DISC: u8 = 7;
/// T1/T2, below which a labelled cord is not scored.
const LAST_DISC: u8 = 9;

/// Borders of a subject's segments in the slice plane: each slice's axis is cut at its points
/// nearest to them, so that a segment means the same place in every slice.
pub(super) struct Segments {
    pub(super) segment_borders: SegmentBorders,
    /// Superior first; mm from the centre of pixel (0, 0), downwards and backwards.
    borders: Vec<[f64; 2]>,
    /// One more than `borders`, each different.
    pub(super) names: Vec<String>,
    /// Whether a segment counts, one per name.
    scored: Vec<bool>,
}

/// A segment's stretch of one slice's axis, mm from the cord's upper end.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stretch {
    pub(super) name: String,
    pub(super) from_mm: f64,
    pub(super) to_mm: f64,
    /// Whether it counts: the ends of a cord beyond C1/C2 and T1/T2 do not.
    pub(super) scored: bool,
}

impl Segments {
    /// Segments of a subject whose slices have these axes, and a warning if its disc labels cannot be used.
    pub(super) fn new(subject: &Subject, axes: &[Option<CordAxis>]) -> (Self, Option<String>) {
        let mut discs: Vec<&Disc> =
            subject.discs.iter().filter(|disc| (2..=25).contains(&disc.value)).collect();
        discs.sort_by_key(|disc| disc.value);
        let ordered =
            discs.windows(2).all(|pair| pair[0].value < pair[1].value && pair[0].row < pair[1].row);
        let placed = discs.iter().all(|disc| disc.row.is_finite() && disc.column.is_finite());
        match subject.slices.first() {
            Some(slice) if !discs.is_empty() && ordered && placed => {
                (Self::at_discs(&discs, slice.pixel_spacing_mm), None)
            }
            _ => {
                let unusable = !discs.is_empty() && !subject.slices.is_empty();
                let warning = unusable.then(|| {
                    format!(
                        "subject {}: its disc labels are not in order from head to foot, so its \
                         cord is cut into equal lengths; check the labels",
                        subject.name
                    )
                });
                (Self::equal(axes), warning)
            }
        }
    }

    fn at_discs(discs: &[&Disc], pixel_spacing_mm: (f64, f64)) -> Self {
        let borders = discs
            .iter()
            .map(|disc| [disc.row * pixel_spacing_mm.0, disc.column * pixel_spacing_mm.1])
            .collect();
        let names: Vec<String> = discs.iter().map(|disc| Disc::name(disc.value)).collect();
        let highest = discs[0];
        // Nothing says where the outer vertebrae end, or how many more there are.
        let mut segments = vec![format!("above {}", names[0])];
        for (disc, pair) in discs.windows(2).zip(names.windows(2)) {
            let (upper, lower) = (vertebrae(&pair[0]).1, vertebrae(&pair[1]).0);
            // A disc without label leaves several vertebrae in one segment.
            let adjacent = disc[1].value == disc[0].value + 1;
            segments.push(if adjacent { upper.to_string() } else { format!("{upper}-{lower}") });
        }
        segments.push(format!("below {}", names[names.len() - 1]));
        // The segment above the first disc, then that below each one. Where no disc between cervical vertebrae is
        // labelled, all count.
        let is_cervical = highest.value <= LAST_CERVICAL_DISC;
        let mut scored = vec![highest.value > FIRST_DISC];
        scored.extend(discs.iter().map(|disc| !is_cervical || disc.value < LAST_DISC));
        Self { segment_borders: SegmentBorders::Discs, borders, names: segments, scored }
    }

    /// Equal lengths of the longest axis, the first of equals.
    fn equal(axes: &[Option<CordAxis>]) -> Self {
        let mut longest: Option<&CordAxis> = None;
        for axis in axes.iter().flatten() {
            if longest.is_none_or(|other| axis.length_mm() > other.length_mm()) {
                longest = Some(axis);
            }
        }
        let borders: Vec<[f64; 2]> = longest.map_or_else(Vec::new, |axis| {
            let bins = (axis.length_mm() / BIN_MM).round().max(1.0);
            let step = axis.length_mm() / bins;
            (1..bins as usize).map(|border| axis.point_mm(border as f64 * step)).collect()
        });
        let names: Vec<_> = (0..=borders.len()).map(|bin| format!("bin {}", bin + 1)).collect();
        let scored = vec![true; names.len()];
        Self { segment_borders: SegmentBorders::EqualBins, borders, names, scored }
    }

    /// The stretches of a slice's axis, superior first; segments that it does not reach are left
    /// out.
    pub(super) fn cut(&self, axis: &CordAxis) -> Vec<Stretch> {
        let length = axis.length_mm();
        let mut stretches = Vec::with_capacity(self.names.len());
        let mut from_mm = 0.0;
        for (index, name) in self.names.iter().enumerate() {
            let to_mm = match self.borders.get(index) {
                Some(border) => axis.position_of(*border).clamp(from_mm, length),
                None => length,
            };
            if to_mm > from_mm {
                let scored = self.scored[index];
                stretches.push(Stretch { name: name.clone(), from_mm, to_mm, scored });
            }
            from_mm = to_mm;
        }
        stretches
    }
}

/// The vertebrae above and below a disc of this name.
fn vertebrae(disc: &str) -> (&str, &str) {
    disc.split_once('/').unwrap_or((disc, disc))
}

/// The stretch a position lies in; beyond the ends, the last one at that end.
pub(super) fn stretch_at(stretches: &[Stretch], position_mm: f64) -> Option<usize> {
    let after = stretches.partition_point(|stretch| stretch.from_mm <= position_mm);
    (!stretches.is_empty()).then(|| after.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(values: &[u8]) -> Segments {
        let discs: Vec<Disc> =
            values.iter().map(|value| Disc { value: *value, row: 0.0, column: 0.0 }).collect();
        Segments::at_discs(&discs.iter().collect::<Vec<_>>(), (1.0, 1.0))
    }

    fn names(values: &[u8]) -> Vec<String> {
        segments(values).names
    }

    #[test]
    fn a_cord_is_scored_between_its_outer_discs_where_they_are_labelled() {
        assert_eq!(segments(&[2, 3, 8, 9]).scored, [false, true, true, true, false]);
        assert_eq!(segments(&[3, 8]).scored, [true; 3]);
        // The thoracic cord is not scored where the cervical one is labelled.
        assert_eq!(segments(&[7, 8, 9, 10]).scored, [true, true, true, false, false]);
        // Thoracic levels are counted from C7/T1, which makes no image cervical.
        assert_eq!(segments(&[8, 9, 10, 11]).scored, [true; 5]);
        assert_eq!(segments(&[11, 12]).scored, [true; 3]);
    }

    #[test]
    fn segments_are_named_by_their_vertebra() {
        assert_eq!(
            names(&[3, 4, 5, 6, 7, 8]),
            ["above C2/C3", "C3", "C4", "C5", "C6", "C7", "below C7/T1"]
        );
        assert_eq!(names(&[3, 4, 8, 9]), ["above C2/C3", "C3", "C4-C7", "T1", "below T1/T2"]);
        assert_eq!(names(&[5]), ["above C4/C5", "below C4/C5"]);
    }

    #[test]
    fn a_position_beyond_an_end_belongs_to_the_segment_at_that_end() {
        let stretch =
            |from_mm, to_mm| Stretch { name: String::new(), from_mm, to_mm, scored: true };
        let stretches = [stretch(0.0, 10.0), stretch(10.0, 30.0)];
        let at = |position| stretch_at(&stretches, position);
        assert_eq!([at(-3.0), at(9.9), at(10.0), at(99.0)], [Some(0), Some(0), Some(1), Some(1)]);
        assert_eq!(stretch_at(&[], 1.0), None);
    }
}
