//! Lesions and detections of one patient, at every threshold.
//!
//! Lesions are the connected components of the ground truth, detections those of the anomaly map's
//! pixels in the scoring region whose error is at least the threshold. Pixels are connected if they
//! share an edge or a corner, in one slice or in neighbouring ones (26 neighbours). Where thin slices
//! were averaged, neighbouring averages count as neighbours.
//!
//! Pixels join from the highest error to the lowest, so components only grow and merge, and one pass
//! gives the counts of all thresholds.

use std::collections::BTreeMap;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::disjoint_sets::DisjointSets;
use crate::cohort::Slice;
use crate::detection::Finding;

/// Fewest pixels of a detection; smaller components are noise.
pub const DETECTION_PIXELS: usize = 3;

/// Share of a detection's pixels that are lesion, from which on it is a true one. Without it, the
/// whole cord would detect all its lesions at threshold 0.
pub const DETECTION_OVERLAP: f64 = 0.1;

/// Counts of one patient's lesions and detections at every threshold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct PatientLesions {
    pub lesions: usize,
    /// Lesions without a pixel in the scoring region; they cannot be detected and count as missed.
    pub lesions_outside: usize,
    /// By falling threshold, one wherever a count changes.
    pub steps: Vec<LesionCounts>,
}

/// Counts at a threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct LesionCounts {
    /// Least error of a detection's pixels; infinite where there is none.
    pub threshold: f64,
    pub detected: usize,
    pub false_positives: usize,
}

/// Place of a pixel: slice (neighbouring slices differ by 1), row, column.
type Pixel = (usize, usize, usize);

impl PatientLesions {
    /// The lesions and detections of a finding. `None` where the ground truth of a slice is not
    /// known, unless the person is known to be without lesion.
    pub fn new(finding: &Finding) -> Option<Self> {
        let slices = &finding.subject.slices;
        let healthy = finding.subject.has_lesion() == Some(false);
        if !healthy && slices.iter().any(|slice| slice.lesion.is_none()) {
            return None;
        }
        let place = |slice: &Slice| finding.subject.slice_number(slice);
        let masks = slices.iter().map(|slice| (place(slice), slice.lesion.as_ref()));
        let lesion = label(masks.filter_map(|(index, mask)| Some((index, mask?))));
        let mut scored: Vec<(f32, Pixel)> = Vec::new();
        for found in &finding.slices {
            let slice = &slices[found.slice];
            for ((row, column), error) in found.anomaly.indexed_iter() {
                if slice.scoring[(row, column)] && *error > 0.0 {
                    scored.push((*error, (place(slice), row, column)));
                }
            }
        }
        scored.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let lesions = lesion.values().max().map_or(0, |last| last + 1);
        let mut inside = vec![false; lesions];
        for slice in slices {
            for ((row, column), _) in slice.scoring.indexed_iter().filter(|(_, scored)| **scored) {
                lesion
                    .get(&(place(slice), row, column))
                    .into_iter()
                    .for_each(|l| inside[*l] = true);
            }
        }
        let lesions_outside = inside.iter().filter(|inside| !**inside).count();
        Some(Self { lesions, lesions_outside, steps: steps(&scored, &lesion, lesions) })
    }

    /// The counts where errors of at least `threshold` are detected.
    pub fn at(&self, threshold: f64) -> LesionCounts {
        let passed = self.steps.partition_point(|step| step.threshold >= threshold);
        match passed.checked_sub(1) {
            Some(last) => self.steps[last],
            None => LesionCounts { threshold: f64::INFINITY, ..LesionCounts::default() },
        }
    }
}

/// The number of the connected component of each pixel that is set.
fn label<'a>(masks: impl Iterator<Item = (usize, &'a Array2<bool>)>) -> BTreeMap<Pixel, usize> {
    let mut node: BTreeMap<Pixel, usize> = BTreeMap::new();
    for (slice, mask) in masks {
        for ((row, column), _) in mask.indexed_iter().filter(|(_, set)| **set) {
            node.insert((slice, row, column), node.len());
        }
    }
    let mut sets = DisjointSets::new(node.len());
    for (pixel, from) in &node {
        for to in neighbours(*pixel).filter_map(|near| node.get(&near)) {
            sets.join(*from, *to);
        }
    }
    let mut numbers = BTreeMap::new();
    node.into_iter()
        .map(|(pixel, node)| {
            let next = numbers.len();
            (pixel, *numbers.entry(sets.root(node)).or_insert(next))
        })
        .collect()
}

/// A growing component of the anomaly map.
#[derive(Clone, Debug, Default)]
struct Component {
    pixels: usize,
    lesion_pixels: usize,
    /// Lesions that it overlaps, without repeats.
    lesions: Vec<usize>,
}

/// Counts over the components that have grown so far.
struct DetectionCounts {
    /// By lesion: true detections that overlap it.
    covered: Vec<usize>,
    detected: usize,
    false_positives: usize,
}

impl DetectionCounts {
    /// Adds a component to the counts (`comes`), or takes it out again.
    fn count(&mut self, component: &Component, comes: bool) {
        if component.pixels < DETECTION_PIXELS {
            return;
        }
        if (component.lesion_pixels as f64) < DETECTION_OVERLAP * component.pixels as f64
            || component.lesion_pixels == 0
        {
            self.false_positives =
                if comes { self.false_positives + 1 } else { self.false_positives - 1 };
            return;
        }
        for lesion in &component.lesions {
            let covered = &mut self.covered[*lesion];
            let before = *covered > 0;
            *covered = if comes { *covered + 1 } else { *covered - 1 };
            match (before, *covered > 0) {
                (false, true) => self.detected += 1,
                (true, false) => self.detected -= 1,
                _ => {}
            }
        }
    }
}

/// Counts by falling threshold. `scored` by falling error.
fn steps(
    scored: &[(f32, Pixel)],
    lesion: &BTreeMap<Pixel, usize>,
    lesions: usize,
) -> Vec<LesionCounts> {
    let node: BTreeMap<Pixel, usize> =
        scored.iter().enumerate().map(|(node, (_, pixel))| (*pixel, node)).collect();
    let mut sets = DisjointSets::new(scored.len());
    let mut components = vec![Component::default(); scored.len()];
    let mut counts = DetectionCounts { covered: vec![0; lesions], detected: 0, false_positives: 0 };
    let mut steps: Vec<LesionCounts> = Vec::new();
    let mut last = (0, 0);
    for (at, (error, pixel)) in scored.iter().enumerate() {
        let of = lesion.get(pixel);
        let mut whole = Component {
            pixels: 1,
            lesion_pixels: usize::from(of.is_some()),
            lesions: of.copied().into_iter().collect(),
        };
        let near: Vec<usize> = neighbours(*pixel)
            .filter_map(|near| node.get(&near).copied())
            .filter(|near| *near < at)
            .collect();
        for near in near {
            let root = sets.root(near);
            if root == sets.root(at) {
                continue;
            }
            let part = std::mem::take(&mut components[root]);
            counts.count(&part, false);
            whole.pixels += part.pixels;
            whole.lesion_pixels += part.lesion_pixels;
            for lesion in part.lesions {
                if !whole.lesions.contains(&lesion) {
                    whole.lesions.push(lesion);
                }
            }
            sets.join(root, at);
        }
        counts.count(&whole, true);
        components[sets.root(at)] = whole;
        let ends_tie = scored.get(at + 1).is_none_or(|(next, _)| next < error);
        if ends_tie && last != (counts.detected, counts.false_positives) {
            last = (counts.detected, counts.false_positives);
            steps.push(LesionCounts {
                threshold: f64::from(*error),
                detected: last.0,
                false_positives: last.1,
            });
        }
    }
    steps
}

/// The pixels that share an edge or a corner, in the same slice or in the next ones.
fn neighbours((slice, row, column): Pixel) -> impl Iterator<Item = Pixel> {
    (0..27).filter(|near| *near != 13).filter_map(move |near: usize| {
        let shifted = |from: usize, by: usize| (from + by).checked_sub(1);
        Some((shifted(slice, near / 9)?, shifted(row, near / 3 % 3)?, shifted(column, near % 3)?))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The counts at a threshold, from the definition.
    fn counted(
        scored: &[(f32, Pixel)],
        lesion: &BTreeMap<Pixel, usize>,
        threshold: f64,
    ) -> (usize, usize) {
        let mut left: Vec<Pixel> = scored
            .iter()
            .filter(|(error, _)| f64::from(*error) >= threshold)
            .map(|(_, pixel)| *pixel)
            .collect();
        let (mut detected, mut wrong) = (std::collections::BTreeSet::new(), 0);
        while let Some(start) = left.pop() {
            let mut component = vec![start];
            let mut next = 0;
            while let Some(pixel) = component.get(next).copied() {
                next += 1;
                let near: Vec<Pixel> = neighbours(pixel).collect();
                let (joined, rest) = left.into_iter().partition(|pixel| near.contains(pixel));
                left = rest;
                component.extend::<Vec<Pixel>>(joined);
            }
            let overlap: Vec<usize> =
                component.iter().filter_map(|pixel| lesion.get(pixel).copied()).collect();
            if component.len() < DETECTION_PIXELS {
                continue;
            }
            match overlap.is_empty()
                || (overlap.len() as f64) < DETECTION_OVERLAP * component.len() as f64
            {
                true => wrong += 1,
                false => detected.extend(overlap),
            }
        }
        (detected.len(), wrong)
    }

    #[test]
    fn corners_and_neighbouring_slices_connect_but_a_gap_does_not() {
        let mask = |pixels: &[(usize, usize)]| {
            Array2::from_shape_fn((6, 6), |pixel| pixels.contains(&pixel))
        };
        let masks = [
            (3, mask(&[(0, 0), (1, 1)])),
            (4, mask(&[(2, 2)])),
            // Slice 5 is missing.
            (6, mask(&[(2, 2)])),
            (7, mask(&[(5, 5)])),
        ];
        let found = label(masks.iter().map(|(index, mask)| (*index, mask)));
        assert_eq!(found.values().copied().collect::<Vec<_>>(), [0, 0, 0, 1, 2]);
    }

    proptest! {
        #[test]
        fn one_pass_counts_as_labelling_at_every_threshold_does(
            errors in prop::collection::vec(0..6_u8, 3 * 5 * 4),
            lesion in prop::collection::vec(0..4_u8, 3 * 5 * 4),
        ) {
            // A coarse grid of errors, so that ties are common.
            let place = |at: usize| (at / 20, at / 4 % 5, at % 4);
            let mut scored: Vec<(f32, Pixel)> = errors
                .iter()
                .enumerate()
                .filter(|(_, error)| **error > 0)
                .map(|(at, error)| (f32::from(*error) / 4.0, place(at)))
                .collect();
            scored.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let masks: Vec<Array2<bool>> = lesion
                .chunks(20)
                .map(|slice| Array2::from_shape_fn((5, 4), |(r, c)| slice[r * 4 + c] == 0))
                .collect();
            let lesion = label(masks.iter().enumerate());
            let lesions = lesion.values().max().map_or(0, |last| last + 1);
            let found =
                PatientLesions { lesions, lesions_outside: 0, steps: steps(&scored, &lesion, lesions) };
            for threshold in (1..8).map(|step| f64::from(step) / 4.0) {
                let at = found.at(threshold);
                prop_assert_eq!(
                    (at.detected, at.false_positives),
                    counted(&scored, &lesion, threshold)
                );
            }
        }
    }
}
