//! Names of discs from their heat-maps.
//!
//! The network is sure where discs are and less sure which ones they are. So all of them are named together, as the
//! chain from the dens downwards that has the most heat at the distances that are usual between neighbours (dynamic
//! programming, as in pictorial structures, Felzenszwalb and Huttenlocher 2005). Where the dens is not seen, the
//! level is left open: the heat-maps alone are wrong by a level too often.

use ndarray::{Array2, ArrayView2};

use super::gaps::{Chain, PITCH, before_uncertain_gap};
use super::outputs::DISCS;

/// Sizes of people whose distances are tried, as a share of the usual ones, and what departing by 0.1 from them costs.
const SIZES: [f32; 4] = [0.85, 0.95, 1.05, 1.15];
const SIZE_COST: f32 = 0.02;
/// A distance that is wrong by this much, mm, costs [`PITCH_COST`].
const PITCH_SPREAD: f32 = 3.5;
const PITCH_COST: f32 = 0.25;
/// Discs are nowhere nearer to each other than this share of the usual distance.
const LEAST_PITCH: f32 = 0.7;
/// A disc is where the heat is at least this share of the highest within so many rows: beside it is the same disc.
const PEAK: f32 = 0.93;
const PEAK_ROWS: usize = 5;
/// The dens' mark varies more: its spread as a multiple.
const DENS_SPREAD: f32 = 1.3;
/// Labels of people mark C1/C2 this share of the way from C2/C3 up to the dens' mark of phantoms.
const ATLAS_SHARE: f32 = 0.63;
/// What a disc costs that is passed over.
const SKIP_COST: f32 = 0.25;
/// Heat of a mark that is worth nothing.
const WORTHLESS: f32 = 0.18;
const WORTHLESS_DENS: f32 = 0.1;
/// Weight of a mark's own heat-map beside the sum of all.
const OWN: f32 = 0.4;
const DENS: f32 = 1.2;
/// More heat is not believed, and points with less in all maps are no discs.
const MOST_HEAT: f32 = 1.2;
const LEAST_HEAT: f32 = 0.25;
/// Heat from which on the dens is seen.
const SEEN_DENS: f32 = 0.3;
/// What is nearer to the upper end of the image, mm, is no dens: it is known by what lies above it. Where a field begins
/// below C2, the network takes vertebrae at its edge for one.
const ABOVE_DENS: usize = 15;
/// A dens within so many rows of the upper end of the image is uncertain if so many rows, from there to [`BELOW_DENS`] below
/// it, have this share of its heat. Of 145 fields that end 16 to 32 mm above C2/C3, 25 of the 27 with wrong names are so,
/// and 13 of the 58 whole images, whose names are right.
const NEAR_EDGE: usize = 32;
const BELOW_DENS: usize = 30;
const BROAD_SHARE: f32 = 0.6;
const BROAD_DENS: usize = 26;
/// Heat that the discs must have in the maps of their own names on average. In other parts of the spine discs are
/// found, too, but no map is sure of them.
const LEAST_OWN: f32 = 0.47;
/// Fewer discs are not believed.
const LEAST_DISCS: usize = 3;
/// A disc lies at most this far in front of the cord, mm.
const BEFORE_CORD: usize = 14;
/// The heat is highest where a disc meets the canal. Labels of people are at the disc's edge, this far in front of it,
/// mm: 2.3 on average in `dev`, 1.1 in `dev2`.
const BEFORE_CANAL: f64 = 1.5;
/// Distance within which a heat-map speaks about a point, pixels.
const NEAR: usize = 3;
/// A disc that the user names is looked for within this distance of the place, pixels.
const NEAR_GIVEN: usize = 4;

/// A disc on pixels of 1 mm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LabelledDisc {
    /// Its number in the Spinal Cord Toolbox.
    pub value: u8,
    pub slice: usize,
    pub row: f64,
    pub column: f64,
}

/// What the heat-maps say in front of the cord, by row.
struct Profile {
    /// Highest heat by mark, 0 where there is no cord.
    heat: Vec<[f32; DISCS.len()]>,
    /// Highest sum of the heats of all discs, 0 beside its peaks, and its column.
    any: Vec<(f32, usize)>,
}

/// Worth of the best chain that ends at a mark and row, and the mark and row before.
type End = (f32, Option<(usize, usize)>);

/// Discs with names.
#[derive(Debug, Default)]
pub(super) struct Labelled {
    /// Superior first; empty if their names are uncertain.
    pub discs: Vec<LabelledDisc>,
    /// Whether what was taken for the dens may be another part of C2, so that all names may be wrong by a level.
    pub is_uncertain: bool,
}

/// The discs in front of the cord in a slice by name. `by_hand` is a disc that the user named; it stays as it is.
pub(super) fn labelled(
    heat: &[Array2<f32>],
    cord: ArrayView2<f32>,
    slice: usize,
    by_hand: Option<LabelledDisc>,
) -> Labelled {
    let Some(profile) = Profile::new(heat, cord) else { return Labelled::default() };
    let given = by_hand.and_then(|disc| {
        let mark = DISCS.iter().position(|value| *value == disc.value)?;
        Some((mark, disc.row.round().max(0.0) as usize))
    });
    let chains = SIZES.map(|size| profile.chain(size, given));
    let best = chains.into_iter().flatten().max_by(|a, b| a.0.total_cmp(&b.0));
    let Some((_, chain)) = best else { return Labelled::default() };
    let is_given = |mark: usize| given.is_some_and(|(given, _)| given == mark);
    let discs: Chain = chain
        .iter()
        .copied()
        .filter(|(mark, row)| *mark > 0 && (is_given(*mark) || profile.any[*row].0 >= LEAST_HEAT))
        .collect();
    let discs = if given.is_some() { discs } else { before_uncertain_gap(discs) };
    let is_named = match given {
        Some(_) => !discs.is_empty(),
        None => discs.len() >= LEAST_DISCS && profile.is_certain(&chain, &discs),
    };
    if !is_named {
        return Labelled::default();
    }
    let is_uncertain =
        given.is_none() && chain.first().is_some_and(|(_, row)| profile.is_uncertain(*row));
    let disc = |(mark, row): (usize, usize)| match by_hand {
        Some(disc) if is_given(mark) => disc,
        _ => LabelledDisc {
            value: DISCS[mark],
            slice,
            row: row as f64,
            column: (profile.any[row].1 as f64 - BEFORE_CANAL).max(0.0),
        },
    };
    let below = discs.first().filter(|(mark, _)| *mark == 1).map(|(_, row)| *row);
    let atlas = chain
        .first()
        .filter(|(mark, row)| *mark == 0 && profile.sees_dens(*row))
        .zip(below)
        .and_then(|((_, dens), below)| below_the_atlas(*dens, below, cord, slice));
    let discs = atlas.into_iter().chain(discs.into_iter().map(disc)).collect();
    Labelled { discs, is_uncertain }
}

/// Where the cord passes from C1 to C2: scores begin below it.
fn below_the_atlas(
    dens: usize,
    below: usize,
    cord: ArrayView2<f32>,
    slice: usize,
) -> Option<LabelledDisc> {
    let row = (below as f32 - ATLAS_SHARE * (below as f32 - dens as f32)).round();
    let line = cord.outer_iter().nth(row as usize)?;
    let front = line.iter().position(|p| *p > 0.5)?;
    let column = front.saturating_sub(2) as f64;
    Some(LabelledDisc { value: DISCS[0], slice, row: f64::from(row), column })
}

impl Profile {
    /// `None` without heat-maps.
    fn new(heat: &[Array2<f32>], cord: ArrayView2<f32>) -> Option<Self> {
        let first = heat.first()?;
        let mut sum = Array2::zeros(first.dim());
        heat.iter().skip(1).for_each(|map| sum += map);
        let rows = first.nrows();
        let mut profile = Self { heat: vec![[0.0; DISCS.len()]; rows], any: vec![(0.0, 0); rows] };
        for (row, line) in cord.outer_iter().enumerate().take(rows) {
            let Some(front) = line.iter().position(|p| *p > 0.5) else { continue };
            for column in front.saturating_sub(BEFORE_CORD)..front {
                for (highest, map) in profile.heat[row].iter_mut().zip(heat) {
                    *highest = highest.max(map[[row, column]]);
                }
                if sum[[row, column]] > profile.any[row].0 {
                    profile.any[row] = (sum[[row, column]], column);
                }
            }
        }
        profile.keep_peaks();
        Some(profile)
    }

    /// Leaves no heat of all discs beside the rows where it is highest, so that one disc is not two marks.
    fn keep_peaks(&mut self) {
        let heats: Vec<f32> = self.any.iter().map(|(heat, _)| *heat).collect();
        for (row, (heat, _)) in self.any.iter_mut().enumerate() {
            let around = row.saturating_sub(PEAK_ROWS)..(row + PEAK_ROWS + 1).min(heats.len());
            let highest = heats[around].iter().copied().fold(0.0, f32::max);
            if *heat < PEAK * highest {
                *heat = 0.0;
            }
        }
    }

    /// Whether the dens is at this row.
    fn sees_dens(&self, row: usize) -> bool {
        row >= ABOVE_DENS && self.heat[row][0] >= SEEN_DENS
    }

    /// Whether the dens at this row is near the image's edge, and the network takes a long stretch for it: so it does
    /// where the dens itself is cut off.
    fn is_uncertain(&self, row: usize) -> bool {
        let least = BROAD_SHARE * self.heat[row][0];
        let until = (row + BELOW_DENS).min(self.heat.len());
        let broad = self.heat[..until].iter().filter(|heat| heat[0] >= least).count();
        row < NEAR_EDGE && broad >= BROAD_DENS
    }

    /// What a mark at a row is worth.
    fn worth(&self, mark: usize, row: usize) -> f32 {
        let own = self.heat[row][mark];
        if mark == 0 {
            DENS * own - WORTHLESS_DENS
        } else {
            (1.0 - OWN) * self.any[row].0.min(MOST_HEAT) + OWN * own - WORTHLESS
        }
    }

    /// The chain that is worth most in a person of this size; `None` if none is worth anything. A given mark is
    /// part of it, at its row.
    fn chain(&self, size: f32, given: Option<(usize, usize)>) -> Option<(f32, Chain)> {
        let rows = self.any.len();
        // By mark and row.
        let mut best: Vec<Vec<End>> = Vec::with_capacity(DISCS.len());
        let is_allowed = |mark: usize, row: usize| {
            given.is_none_or(|(at, place)| mark != at || place.abs_diff(row) <= NEAR_GIVEN)
        };
        for mark in 0..DISCS.len() {
            let mut ends: Vec<End> = (0..rows)
                .map(|row| match is_allowed(mark, row) {
                    true => (self.worth(mark, row), None),
                    false => (f32::NEG_INFINITY, None),
                })
                .collect();
            // A chain past the given disc must hold it.
            let must_hold = given.map_or(0, |(at, _)| at);
            if given.is_some() && mark > must_hold {
                ends.iter_mut().for_each(|end| end.0 = f32::NEG_INFINITY);
            }
            for before in mark.saturating_sub(2)..mark {
                if before < must_hold && mark > must_hold {
                    continue;
                }
                let steps = mark - before;
                let usual = size * PITCH[before..mark].iter().sum::<f32>();
                let wider = if before == 0 { DENS_SPREAD } else { 1.0 };
                let spread = PITCH_SPREAD * wider * (steps as f32).sqrt();
                let skipped = SKIP_COST * (steps - 1) as f32;
                // Farther away than this, any chain costs more than it brings.
                let least = if before == 0 { 1.0 } else { LEAST_PITCH * usual };
                let near = (usual - 4.0 * spread).max(least) as usize;
                let far = (usual + 4.0 * spread) as usize;
                for row in (0..rows).filter(|row| is_allowed(mark, *row)) {
                    let worth = self.worth(mark, row);
                    let above = row.saturating_sub(far)..(row + 1).saturating_sub(near);
                    let earlier = best[before].get(above.clone()).unwrap_or_default();
                    for (from, (end, _)) in above.zip(earlier) {
                        let unusual = ((row - from) as f32 - usual) / spread;
                        let so_far = end - PITCH_COST * unusual * unusual - skipped;
                        let must_go_on = given.is_some() && mark > must_hold;
                        if (so_far > 0.0 || must_go_on) && so_far + worth > ends[row].0 {
                            ends[row] = (so_far + worth, Some((before, from)));
                        }
                    }
                }
            }
            best.push(ends);
        }
        let least = given.map_or(0, |(at, _)| at);
        let ends = (least..DISCS.len()).flat_map(|mark| (0..rows).map(move |row| (mark, row)));
        let end = ends.max_by(|a, b| best[a.0][a.1].0.total_cmp(&best[b.0][b.1].0))?;
        let worth = best[end.0][end.1].0 - SIZE_COST * ((size - 1.0) / 0.1).powi(2);
        if !(worth > 0.0 || (given.is_some() && worth.is_finite())) {
            return None;
        }
        let mut chain = vec![end];
        let mut at = end;
        while let Some(before) = best[at.0][at.1].1 {
            chain.push(before);
            at = before;
        }
        chain.reverse();
        Some((worth, chain))
    }

    /// Whether the names of the discs are sure: the dens is seen, and the maps of their names see the discs.
    fn is_certain(&self, chain: &Chain, discs: &Chain) -> bool {
        let heats = discs.iter().map(|(mark, row)| self.near(*mark, *row));
        let own = heats.sum::<f32>() / discs.len().max(1) as f32;
        let dens = chain.first().filter(|(mark, _)| *mark == 0);
        own >= LEAST_OWN && dens.is_some_and(|(_, row)| self.sees_dens(*row))
    }

    /// The highest heat of a mark within some rows.
    fn near(&self, mark: usize, row: usize) -> f32 {
        let rows = row.saturating_sub(NEAR)..(row + NEAR + 1).min(self.heat.len());
        let heats = rows.filter_map(|row| self.heat[row].get(mark));
        heats.copied().fold(0.0, f32::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maps(named: &[(usize, usize)]) -> Vec<Array2<f32>> {
        let mut maps = vec![Array2::zeros((200, 60)); DISCS.len()];
        for (place, row) in named {
            maps[*place][[*row, 20]] = 0.9;
        }
        maps
    }

    fn cord(from: usize) -> Array2<f32> {
        Array2::from_shape_fn((200, 60), |(row, column)| {
            f32::from(u8::from(row >= from && (25..32).contains(&column)))
        })
    }

    fn named(heat: &[Array2<f32>], cord: Array2<f32>, given: Option<(u8, f64)>) -> Vec<(u8, f64)> {
        let by_hand = given.map(|(value, row)| LabelledDisc { value, slice: 3, row, column: 19.0 });
        let found = labelled(heat, cord.view(), 3, by_hand).discs;
        assert!(found.iter().all(|disc| disc.slice == 3));
        found.iter().map(|disc| (disc.value, disc.row)).collect()
    }

    #[test]
    fn the_highest_disc_below_the_dens_is_c2_c3() {
        // The maps are wrong by a level or do not agree; one disc is missing.
        let heat = maps(&[(0, 17), (2, 40), (2, 58), (4, 76), (4, 94), (6, 130)]);
        let expected = [(2, 26.0), (3, 40.0), (4, 58.0), (5, 76.0), (6, 94.0), (8, 130.0)];
        assert_eq!(named(&heat, cord(0), None), expected);
    }

    #[test]
    fn a_missed_highest_disc_is_noticed_by_the_distance_from_the_dens() {
        let heat = maps(&[(0, 20), (2, 61), (3, 79), (4, 96), (5, 114)]);
        let expected = [(4, 61.0), (5, 79.0), (6, 96.0), (7, 114.0)];
        assert_eq!(named(&heat, cord(0), None), expected);
    }

    #[test]
    fn without_the_top_the_level_is_left_open() {
        let discs = [(3, 40), (4, 58), (5, 76), (6, 94)];
        assert!(named(&maps(&discs), cord(30), None).is_empty());
        // A vertebra at the edge of the image looks like the dens.
        let heat = maps(&[&[(0, 10)], &discs[..]].concat());
        assert!(named(&heat, cord(0), None).is_empty());
    }

    #[test]
    fn a_broad_dens_near_the_edge_is_uncertain() {
        let mut heat = maps(&[(0, 25), (1, 45), (2, 63), (3, 80), (4, 98)]);
        let uncertain = |heat: &[Array2<f32>]| labelled(heat, cord(0).view(), 3, None).is_uncertain;
        assert!(!uncertain(&heat));
        (8..40).for_each(|row| heat[0][[row, 20]] = heat[0][[row, 20]].max(0.6));
        assert!(uncertain(&heat));
        let given = LabelledDisc { value: 3, slice: 3, row: 45.0, column: 19.0 };
        assert!(!labelled(&heat, cord(0).view(), 3, Some(given)).is_uncertain);
    }

    #[test]
    fn a_field_that_ends_early_has_fewer_discs_not_nearer_ones() {
        // Broad peaks, between which there is some heat everywhere.
        let mut heat = maps(&[(0, 20)]);
        for row in 30..110 {
            let off = [44, 62, 80, 98].iter().map(|disc: &usize| disc.abs_diff(row)).min().unwrap();
            let warmth = 0.8 * (-(off as f32 / 5.0).powi(2)).exp() + 0.15;
            heat.iter_mut().skip(1).for_each(|map| map[[row, 20]] = warmth);
        }
        let found = named(&heat, cord(0), None);
        let values: Vec<u8> = found.iter().map(|disc| disc.0).filter(|value| *value > 2).collect();
        assert_eq!(values, [3, 4, 5, 6], "{found:?}");
    }

    #[test]
    fn contradicting_maps_and_few_discs_give_no_names() {
        let both = maps(&[(2, 40), (3, 58), (4, 76), (5, 94), (3, 40), (4, 58), (5, 76), (6, 94)]);
        assert!(named(&both, cord(30), None).is_empty());
        assert!(named(&maps(&[(0, 17), (1, 40), (2, 58)]), cord(0), None).is_empty());
        assert!(labelled(&[], cord(0).view(), 0, None).discs.is_empty());
    }

    #[test]
    fn a_disc_named_by_hand_names_the_others() {
        let both = maps(&[(2, 40), (3, 58), (4, 76), (5, 94), (3, 40), (4, 58), (5, 76), (6, 94)]);
        let lower = [(5, 40.0), (6, 57.0), (7, 76.0), (8, 94.0)];
        assert_eq!(named(&both, cord(30), Some((6, 57.0))), lower);
        let higher = [(4, 41.0), (5, 58.0), (6, 76.0), (7, 94.0)];
        assert_eq!(named(&both, cord(30), Some((4, 41.0))), higher);
        // Even where no map shows it.
        let unseen = named(&maps(&[]), cord(30), Some((4, 41.0)));
        assert_eq!(unseen.iter().map(|disc| disc.0).collect::<Vec<_>>(), [4]);
    }
}
