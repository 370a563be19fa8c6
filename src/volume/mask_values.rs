//! Which voxels of a stored mask are inside.
//!
//! Masks are written as 0 and 1, as 0 and 255, as probabilities with noise or ringing around 0, and
//! with several labels. Inside is what exceeds half of the largest value, and 0.5 where values lie between
//! 0 and 1, or where they are several labels.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ndarray::{Array3, Axis};

use super::{Orientation, Volume};

/// What the values of a mask are.
#[derive(Clone, Debug, PartialEq)]
pub enum MaskKind {
    /// Outside, and one value for inside.
    Binary,
    /// Many values: probabilities, partial volume, or noise of an interpolation. Inside is above the
    /// threshold.
    Soft { threshold: f32 },
    /// A few whole numbers, each in rows of its own along the spine, such as vertebral levels. All are
    /// inside.
    Levels(Vec<u32>),
    /// A few whole numbers side by side, such as several tissues. All are inside.
    Labels(Vec<u32>),
}

/// The inside of a mask and what its values are.
#[derive(Clone, Debug, PartialEq)]
pub struct MaskValues {
    /// Indexed as stored.
    pub inside: Array3<bool>,
    pub kind: MaskKind,
    /// The largest finite value; 0 for a mask without positive values.
    pub maximum: f32,
    /// The smallest finite value; 0 for a mask without negative values.
    pub minimum: f32,
    /// How many values are NaN or infinite; they are outside.
    pub non_finite: usize,
    /// How many of these are plus infinity.
    pub infinite: usize,
    /// How many values are -0.5 or less, as those of a mask that was stored with the wrong sign; they are outside. 0 where
    /// they look like the ringing of an interpolation.
    pub negative: usize,
    /// Whether a corner of the volume is NaN or infinite, as what a resampled image does not cover is: then such values are
    /// its background.
    pub non_finite_background: bool,
}

/// Values up to this share of the largest count as 0 when values are told apart.
const NOISE: f32 = 0.03;
/// Interpolation undershoots by up to this share of the largest value: cubic splines by a seventh at an edge.
const RINGING: f32 = 0.2;
/// A whole number may be off by this much.
const ROUNDING: f32 = 1e-3;
/// The largest value of a soft mask in 8 bits. Labels side by side do not reach it.
const GREY_MAXIMUM: f32 = 255.0;
/// Up to this number of different whole numbers are labels; more may be the steps of a soft mask.
const FEW: usize = 3;
/// More whole numbers are labels if at least this share of neighbouring voxels inside have the same one.
const NEIGHBOURS_IN_AREA: f64 = 0.75;
/// Labels are levels if at least this share of the rows holds one label only.
const ROWS_OF_ONE_LEVEL: f64 = 0.6;

impl MaskValues {
    /// The inside of a mask.
    pub fn of(mask: &Volume) -> Self {
        let (mut non_finite, mut infinite, mut negative) = (0, 0, 0);
        let (mut minimum, mut maximum, mut whole_negatives) = (0f32, 0f32, true);
        for value in marked(&in_order(&mask.voxels)) {
            match value {
                value if value.is_finite() => {
                    if value <= -0.5 {
                        negative += 1;
                        whole_negatives &= value.fract() == 0.0;
                    }
                    minimum = minimum.min(value);
                    maximum = maximum.max(value);
                }
                value => {
                    non_finite += 1;
                    infinite += usize::from(value == f32::INFINITY);
                }
            }
        }
        // Splines that are stored as integers ring in whole numbers.
        if negative > 0
            && minimum >= -RINGING * maximum
            && !(whole_negatives && are_enclosed(&mask.voxels, maximum))
        {
            negative = 0;
        }
        let above =
            |threshold: f32| mask.voxels.mapv(|value| value.is_finite() && value > threshold);
        let distinct = distinct_values(&mask.voxels, maximum);
        let (inside, kind) = match distinct {
            Distinct::None => (above(f32::INFINITY), MaskKind::Binary),
            Distinct::One => (above(maximum / 2.0), MaskKind::Binary),
            // A probability in 8 bits, however few of its steps occur.
            Distinct::Whole(_) if maximum == GREY_MAXIMUM && !are_levels(mask) => {
                let threshold = maximum / 2.0;
                (above(threshold), MaskKind::Soft { threshold })
            }
            Distinct::Whole(labels) => {
                let (inside, labels) = (above(0.5), labels.into_iter().collect());
                let kind = if are_levels(mask) {
                    MaskKind::Levels(labels)
                } else {
                    MaskKind::Labels(labels)
                };
                (inside, kind)
            }
            Distinct::Many => {
                // A probability never exceeds 1, except for ringing.
                let threshold = if maximum < 1.5 { 0.5 } else { maximum / 2.0 };
                (above(threshold), MaskKind::Soft { threshold })
            }
        };
        let ends = |axis: usize| [0, mask.voxels.len_of(Axis(axis)).saturating_sub(1)];
        let corner = |at: usize| [ends(0)[at & 1], ends(1)[at >> 1 & 1], ends(2)[at >> 2]];
        let is_non_finite =
            |at| mask.voxels.get(corner(at)).is_some_and(|value| !value.is_finite());
        let non_finite_background = (0..8).any(is_non_finite);
        Self {
            inside,
            kind,
            maximum,
            minimum,
            non_finite,
            infinite,
            negative,
            non_finite_background,
        }
    }
}

/// Whether most negative voxels lie between parts of a mask, as its core does whose values became negative in signed
/// integers. Ringing lies around the mask.
fn are_enclosed(voxels: &Array3<f32>, maximum: f32) -> bool {
    let mut enclosed = Array3::from_elem(voxels.dim(), false);
    for axis in 0..3 {
        let lanes = voxels.lanes(Axis(axis)).into_iter();
        for (lane, mut enclosed) in lanes.zip(enclosed.lanes_mut(Axis(axis))) {
            // The last voxel that is not negative, and whether it is inside.
            let (mut last, mut is_inside) = (0, false);
            for (at, value) in lane.iter().enumerate().filter(|(_, value)| **value >= 0.0) {
                let was_inside = is_inside;
                is_inside = *value > maximum / 2.0;
                if was_inside && is_inside {
                    enclosed.iter_mut().take(at).skip(last + 1).for_each(|one| *one = true);
                }
                last = at;
            }
        }
    }
    let negative = || voxels.iter().zip(&enclosed).filter(|(value, _)| **value <= -0.5);
    2 * negative().filter(|(_, enclosed)| **enclosed).count() > negative().count()
}

/// The voxels of a mask, in the order in which they lie in memory where they do so without gaps.
fn in_order(voxels: &Array3<f32>) -> Cow<'_, [f32]> {
    let copied = || Cow::Owned(voxels.iter().copied().collect());
    voxels.as_slice_memory_order().map_or_else(copied, Cow::Borrowed)
}

/// The values that are not 0. Most of a mask is, and is passed over many voxels at a time.
fn marked(voxels: &[f32]) -> impl Iterator<Item = f32> {
    const AT_ONCE: usize = 64;
    let any = |voxels: &[f32]| voxels.iter().fold(false, |any, value| any | (*value != 0.0));
    let chunks = voxels.chunks(AT_ONCE).filter(move |chunk| any(chunk));
    chunks.flatten().copied().filter(|value| *value != 0.0)
}

/// The values of a mask that are not nearly 0.
enum Distinct {
    None,
    One,
    /// At least two whole numbers, few enough to be labels.
    Whole(BTreeSet<u32>),
    Many,
}

fn distinct_values(voxels: &Array3<f32>, maximum: f32) -> Distinct {
    if maximum <= 0.0 {
        return Distinct::None;
    }
    let mut labels = BTreeSet::new();
    let (mut one, mut whole) = (true, true);
    // Most voxels are 0 or have the value of the one before.
    let mut before = 0.0;
    for value in marked(&in_order(voxels)) {
        if value == before || !value.is_finite() {
            continue;
        }
        before = value;
        // Noise around 0 alone does not make a mask soft, but whole numbers are labels however small
        // they are beside the largest.
        let rounded = value.round();
        let is_whole = (value - rounded).abs() <= ROUNDING && (0.0..1e6).contains(&rounded);
        let is_label = is_whole && rounded >= 1.0;
        if value <= NOISE * maximum && !is_label {
            continue;
        }
        one &= (value - maximum).abs() <= ROUNDING * maximum;
        whole &= is_whole;
        if whole && is_label {
            labels.insert(rounded as u32);
        }
        if !one && !whole {
            return Distinct::Many;
        }
    }
    let are_labels = || labels.len() <= FEW || are_areas(voxels, maximum);
    match (one, whole && are_labels()) {
        (true, _) => Distinct::One,
        (false, true) => Distinct::Whole(labels),
        (false, false) => Distinct::Many,
    }
}

/// Whether the values of a mask form areas of one value each, as the numbers of lesions do, rather than slopes. Soft
/// masks have an area, too: that of the largest value, which does not count.
fn are_areas(voxels: &Array3<f32>, maximum: f32) -> bool {
    let (mut pairs, mut equal) = (0_usize, 0_usize);
    for axis in 0..3 {
        for lane in voxels.lanes(Axis(axis)) {
            for (before, value) in lane.iter().zip(lane.iter().skip(1)) {
                if *before > 0.5 && *value > 0.5 && before.min(*value) < maximum {
                    pairs += 1;
                    equal += usize::from(before == value);
                }
            }
        }
    }
    equal as f64 >= NEIGHBOURS_IN_AREA * pairs as f64
}

/// Whether each label of a mask lies in rows of its own, from superior to inferior.
fn are_levels(mask: &Volume) -> bool {
    let canonical = Orientation::to_sagittal(&mask.affine).apply(&mask.voxels);
    let (mut rows, mut of_one) = (0usize, 0usize);
    for row in canonical.axis_iter(Axis(1)) {
        let mut labels = row.iter().copied().filter(|value| *value > 0.5).map(f32::round);
        if let Some(first) = labels.next() {
            rows += 1;
            of_one += usize::from(labels.all(|label| label == first));
        }
    }
    of_one as f64 >= ROWS_OF_ONE_LEVEL * rows as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Affine;

    /// Voxels of 1 mm whose rows run from inferior to superior along the last axis.
    fn mask(value: impl Fn(usize, usize) -> f32) -> MaskValues {
        let voxels = Array3::from_shape_fn((1, 6, 20), |(_, column, row)| value(column, row));
        let affine = Affine([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]);
        MaskValues::of(&Volume { voxels, affine })
    }

    fn count(mask: &MaskValues) -> usize {
        mask.inside.iter().filter(|inside| **inside).count()
    }

    const CORD: fn(usize) -> bool = |column| column == 2 || column == 3;

    #[test]
    fn one_value_is_inside_whatever_it_is() {
        for value in [1.0, 255.0, 0.3, 7.0] {
            let binary = mask(|column, _| if CORD(column) { value } else { 0.0 });
            assert_eq!((count(&binary), binary.kind), (40, MaskKind::Binary), "{value}");
        }
        assert_eq!(count(&mask(|_, _| 0.0)), 0);
        assert_eq!(count(&mask(|_, _| -1.0)), 0);
    }

    #[test]
    fn probabilities_ringing_and_noise_do_not_grow_the_inside() {
        let soft = mask(|column, _| [0.0, 0.4, 0.9, 1.0, 0.2, -0.02][column]);
        assert_eq!((count(&soft), soft.kind), (40, MaskKind::Soft { threshold: 0.5 }));
        let noisy = mask(|column, row| if CORD(column) { 1.0 } else { 1e-6 * row as f32 });
        assert_eq!((count(&noisy), noisy.kind), (40, MaskKind::Binary));
        let faint = mask(|_, row| 1e-6 * row as f32);
        assert_eq!(count(&faint), 0, "nothing but noise");
        let bytes = mask(|column, row| {
            if CORD(column) {
                255.0
            } else {
                [0.0, 90.0, 0.0, 0.0, 3.0, 0.0][column] + row as f32 * 5.0
            }
        });
        assert_eq!((count(&bytes), bytes.kind), (40 + 12, MaskKind::Soft { threshold: 127.5 }));
        let few_steps = mask(|column, _| [0.0, 42.0, 255.0, 254.0, 42.0, 0.0][column]);
        assert_eq!((count(&few_steps), few_steps.kind), (40, MaskKind::Soft { threshold: 127.5 }));
        let hole = mask(|column, _| if CORD(column) { 1.0 } else { f32::NAN });
        assert_eq!((count(&hole), hole.non_finite), (40, 80));
        assert!(hole.non_finite_background && !bytes.non_finite_background);
    }

    #[test]
    fn levels_along_the_cord_are_told_from_labels_side_by_side() {
        let levels = mask(|column, row| if CORD(column) { (1 + row / 5) as f32 } else { 0.0 });
        assert_eq!((count(&levels), levels.kind), (40, MaskKind::Levels(vec![1, 2, 3, 4])));
        let voxels = Array3::from_shape_fn((1, 20, 40), |(_, column, row)| {
            if column % 5 < 3 && row % 5 < 3 { (1 + column / 5 * 8 + row / 5) as f32 } else { 0.0 }
        });
        let affine = Affine([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]);
        let numbered = MaskValues::of(&Volume { voxels: voxels.clone(), affine });
        assert_eq!(count(&numbered), 32 * 9, "32 lesions");
        let blurred = mask(|column, row| {
            [0.0, 8.0, 35.0, 100.0, 61.0, 8.0][column] * f32::from(u8::from(row == 5))
        });
        assert_eq!((count(&blurred), blurred.kind), (2, MaskKind::Soft { threshold: 50.0 }));
        let signed = mask(|column, _| if CORD(column) { -1.0 } else { 0.0 });
        assert_eq!((count(&signed), signed.negative, signed.minimum), (0, 40, -1.0));
        let ringing = mask(|column, _| [0.0, 250.0, 255.0, 255.0, -20.5, 0.0][column]);
        assert_eq!((count(&ringing), ringing.negative), (60, 0));
        let whole = mask(|column, _| [-18.0, 112.0, 100.0, 97.0, -18.0, 2.0][column]);
        assert_eq!((count(&whole), whole.negative, whole.minimum), (60, 0, -18.0));
        let core = mask(|column, _| [0.0, 100.0, -1.0, -1.0, 90.0, 0.0][column]);
        assert_eq!((count(&core), core.negative), (40, 40), "a core of 255 in 8 bits");
        let ignored = mask(|column, _| [0.0, 1.0, 1.0, 1.0, -1.0, 0.0][column]);
        assert_eq!((count(&ignored), ignored.negative), (60, 20));
        let wrapped = mask(|column, _| [0.0, 90.0, -1.0, -1.0, -100.0, 0.0][column]);
        assert_eq!((count(&wrapped), wrapped.negative, wrapped.minimum), (20, 60, -100.0));
        let spread = voxels.mapv(|value| if value > 0.0 { 60.0 + 3.0 * value } else { 0.0 });
        let many = Volume { voxels: ndarray::concatenate![Axis(1), voxels, spread], affine };
        assert_eq!(count(&MaskValues::of(&many)), 64 * 9, "64 lesions with numbers up to 156");
        let slope = mask(|column, row| (column * 10 + row) as f32);
        assert!(matches!(slope.kind, MaskKind::Soft { .. }), "{:?}", slope.kind);
        let percent =
            mask(|column, row| if CORD(column) { 100.0 } else { (column * 10 + row) as f32 });
        assert_eq!(percent.kind, MaskKind::Soft { threshold: 50.0 });
        let tissues = mask(|column, _| [0.0, 2.0, 1.0, 1.0, 2.0, 50.0][column]);
        assert_eq!((count(&tissues), tissues.kind), (100, MaskKind::Labels(vec![1, 2, 50])));
    }
}
