//! Names of discs from their heat-maps.
//!
//! The network is sure where discs are and less sure which ones they are. So points come from the sum of the
//! heat-maps, and names from the top: the dens is unlike all discs, and the first disc below it is C2/C3. Without
//! it, the heat-maps vote, and may leave the level open.

use ndarray::{Array2, ArrayView2};

use super::outputs::DISCS;

/// Distance between neighbouring discs, mm.
const PITCH: std::ops::Range<f64> = 10.0..28.0;
/// What is usual of it in adults, mm, and what a step costs that is one spread longer or shorter, in heat.
const MEAN_PITCH: f64 = 17.5;
const PITCH_SPREAD: f64 = 5.0;
const UNUSUAL_PITCH: f32 = 0.1;
/// Points with less than this share of the median point's heat are no discs.
const LEAST_SHARE: f32 = 0.4;
/// Heat below this is no disc.
const LEAST_HEAT: f32 = 0.2;
/// Position in [`DISCS`] of the highest real disc; the entry before it is the dens.
const HIGHEST: usize = 1;
/// Distance of C2/C3 from the mark of the dens, mm, and of C3/C4. Between 28 and 34 mm it may be either, and the
/// heat-maps decide.
const FROM_DENS: [std::ops::RangeInclusive<usize>; 2] = [18..=34, 28..=54];
/// Heat per disc by which the best naming must exceed the second best where the dens allows both …
const CERTAIN_MARGIN: f32 = 0.1;
/// … and by which no other naming may exceed it.
const CONTRADICTION: f32 = 0.1;
/// Fewer discs are not believed.
const LEAST_DISCS: usize = 3;
/// A disc lies at most this far in front of the cord, mm.
const BEFORE_CORD: usize = 14;
/// Distance within which a heat-map speaks about a point, pixels.
const NEAR: usize = 3;

/// A disc on pixels of 1 mm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LabelledDisc {
    /// Its number in the Spinal Cord Toolbox.
    pub value: u8,
    pub slice: usize,
    pub row: f64,
    pub column: f64,
}

#[derive(Clone, Copy)]
struct Point {
    heat: f32,
    row: usize,
    column: usize,
}

/// The discs in front of the cord by name, superior first; empty if their names are uncertain.
pub(super) fn labelled(
    heat: &[Array2<f32>],
    cord: ArrayView2<f32>,
    slice: usize,
) -> Vec<LabelledDisc> {
    let Some(first) = heat.first() else { return Vec::new() };
    let mut any = Array2::zeros(first.dim());
    heat.iter().skip(HIGHEST).for_each(|map| any += map);
    // Nothing between the dens and C2/C3 is a disc.
    let dens = points(first, cord).into_iter().max_by(|a, b| a.heat.total_cmp(&b.heat));
    let highest = dens.map_or(0, |dens| dens.row + FROM_DENS[0].start());
    let mut points = points(&any, cord);
    points.retain(|point| point.row >= highest);
    let chain = chain(&points);
    let Some((_, top)) = chain.first().filter(|_| chain.len() >= LEAST_DISCS) else {
        return Vec::new();
    };
    let Some(level) = level(heat, &chain, &below_the_dens(dens, *top)) else {
        return Vec::new();
    };
    let disc = |(step, point): &(usize, Point)| {
        let value = *DISCS.get(level + step)?;
        Some(LabelledDisc { value, slice, row: point.row as f64, column: point.column as f64 })
    };
    chain.iter().filter_map(disc).collect()
}

/// Positions in [`DISCS`] that the first disc of a chain may have by its distance from the dens; all if the dens is
/// not seen, none if it is too far away.
fn below_the_dens(dens: Option<Point>, top: Point) -> Vec<usize> {
    let Some(dens) = dens else { return (HIGHEST..DISCS.len()).collect() };
    let fits = |missed: &usize| FROM_DENS[*missed].contains(&(top.row - dens.row));
    (0..FROM_DENS.len()).filter(fits).map(|missed| HIGHEST + missed).collect()
}

/// Position in [`DISCS`] of the first disc of a chain: of the possible ones that which the heat-maps agree with
/// most, if they do so clearly.
fn level(heat: &[Array2<f32>], chain: &[(usize, Point)], possible: &[usize]) -> Option<usize> {
    let score = |level: usize| {
        let of = |(step, point): &(usize, Point)| {
            heat.get(level + step).map_or(0.0, |map| near(map, *point))
        };
        chain.iter().map(of).sum::<f32>() / chain.len() as f32
    };
    let mut scores: Vec<(f32, usize)> =
        (HIGHEST..DISCS.len()).map(|level| (score(level), level)).collect();
    scores.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut fitting = scores.iter().filter(|(_, level)| possible.contains(level));
    let (best, level) = *fitting.next()?;
    let second = fitting.next().map_or(0.0, |(score, _)| *score);
    let highest = scores.first().map_or(0.0, |(score, _)| *score);
    let is_certain = possible.len() == 1 || best >= second + CERTAIN_MARGIN;
    (is_certain && highest < best + CONTRADICTION).then_some(level)
}

/// The highest value within some pixels of a point.
fn near(map: &Array2<f32>, point: Point) -> f32 {
    let (rows, columns) = map.dim();
    let span = |at: usize, length: usize| at.saturating_sub(NEAR)..(at + NEAR + 1).min(length);
    let places = span(point.row, rows)
        .flat_map(|row| span(point.column, columns).map(move |column| (row, column)));
    places.map(|place| map[place]).fold(0.0, f32::max)
}

/// The points with the most heat whose distances are those of discs, superior first, each with the number of
/// discs from the first one. One disc in a row may be missing.
fn chain(points: &[Point]) -> Vec<(usize, Point)> {
    // best[i]: heat of the best chain that ends at point i, and the point before with the discs between.
    let mut best: Vec<(f32, Option<(usize, usize)>)> = Vec::new();
    // A missing disc costs what it would have brought.
    let missing = median_heat(points);
    for (i, point) in points.iter().enumerate() {
        let mut chain = (point.heat, None);
        for (j, other) in points[..i].iter().enumerate() {
            let down = (point.row - other.row) as f64;
            let along = down.hypot(point.column as f64 - other.column as f64);
            let Some(steps) = (1..=2).find(|steps| PITCH.contains(&(along / f64::from(*steps))))
            else {
                continue;
            };
            let unusual = (along / f64::from(steps) - MEAN_PITCH) / PITCH_SPREAD;
            let unusual = UNUSUAL_PITCH * unusual.powi(2) as f32;
            let heat = best[j].0 + point.heat - missing * (steps - 1) as f32 - unusual;
            if heat > chain.0 {
                chain = (heat, Some((j, steps as usize)));
            }
        }
        best.push(chain);
    }
    let end = (0..points.len()).max_by(|a, b| best[*a].0.total_cmp(&best[*b].0));
    let mut backwards = Vec::new();
    let mut at = end;
    while let Some(i) = at {
        let before = best[i].1;
        backwards.push((before.map_or(0, |(_, steps)| steps), points[i]));
        at = before.map(|(j, _)| j);
    }
    let mut step = 0;
    backwards
        .into_iter()
        .rev()
        .map(|(steps, point)| {
            step += steps;
            (step, point)
        })
        .collect()
}

/// The peaks of a map in front of the cord, each more than 7 mm from a higher one, superior first.
fn points(map: &Array2<f32>, cord: ArrayView2<f32>) -> Vec<Point> {
    let mut places: Vec<Point> = Vec::new();
    for (row, line) in cord.outer_iter().enumerate() {
        let Some(front) = line.iter().position(|p| *p > 0.5) else { continue };
        for column in front.saturating_sub(BEFORE_CORD)..front {
            let heat = map[[row, column]];
            if heat >= LEAST_HEAT {
                places.push(Point { heat, row, column });
            }
        }
    }
    places.sort_by(|a, b| b.heat.total_cmp(&a.heat));
    let mut found: Vec<Point> = Vec::new();
    for point in places {
        let is_apart = |other: &Point| point.row.abs_diff(other.row) > 7;
        if found.iter().all(is_apart) {
            found.push(point);
        }
    }
    let least = LEAST_SHARE * median_heat(&found);
    found.retain(|point| point.heat >= least);
    found.sort_by_key(|point| point.row);
    found
}

/// The median heat of the hottest points, which are discs for certain.
fn median_heat(points: &[Point]) -> f32 {
    let mut heats: Vec<f32> = points.iter().map(|point| point.heat).collect();
    heats.sort_by(|a, b| b.total_cmp(a));
    heats.truncate(DISCS.len() - HIGHEST);
    heats.get(heats.len() / 2).copied().unwrap_or(0.0)
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

    fn named(heat: &[Array2<f32>], cord: Array2<f32>) -> Vec<(u8, f64)> {
        let found = labelled(heat, cord.view(), 3);
        assert!(found.iter().all(|disc| disc.slice == 3 && disc.column == 20.0));
        found.iter().map(|disc| (disc.value, disc.row)).collect()
    }

    #[test]
    fn the_highest_disc_below_the_dens_is_c2_c3() {
        // The maps are wrong by a level or do not agree; one disc is missing.
        let heat = maps(&[(0, 16), (2, 40), (2, 58), (4, 76), (4, 94), (6, 130)]);
        let expected = [(3, 40.0), (4, 58.0), (5, 76.0), (6, 94.0), (8, 130.0)];
        assert_eq!(named(&heat, cord(0)), expected);
    }

    #[test]
    fn a_missed_highest_disc_is_noticed_by_the_distance_from_the_dens() {
        let heat = maps(&[(0, 10), (1, 52), (2, 70), (3, 88), (4, 106)]);
        let expected = [(4, 52.0), (5, 70.0), (6, 88.0), (7, 106.0)];
        // The maps are as sure of both namings.
        let mut both = heat;
        for (place, row) in [(2, 52), (3, 70), (4, 88), (5, 106)] {
            both[place][[row, 20]] = 0.9;
        }
        assert_eq!(named(&both, cord(0)), expected);
    }

    #[test]
    fn without_the_top_the_maps_vote() {
        let heat = maps(&[(2, 40), (3, 58), (4, 76), (4, 94), (6, 112)]);
        let expected = [(4, 40.0), (5, 58.0), (6, 76.0), (7, 94.0), (8, 112.0)];
        assert_eq!(named(&heat, cord(30)), expected);
    }

    #[test]
    fn contradicting_maps_and_few_discs_give_no_names() {
        assert!(named(&maps(&[(1, 40), (2, 58), (4, 76), (5, 94)]), cord(30)).is_empty());
        assert!(named(&maps(&[(1, 40), (2, 58)]), cord(0)).is_empty());
        // All maps are sure that the highest disc is another one than the dens says.
        assert!(named(&maps(&[(0, 16), (3, 40), (4, 58), (5, 76), (6, 94)]), cord(0)).is_empty());
        assert!(labelled(&[], cord(0).view(), 0).is_empty());
    }
}
