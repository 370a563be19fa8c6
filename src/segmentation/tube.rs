//! The cord as one tube, and the fluid around it.

use ndarray::{Array2, Array3, ArrayView3, Axis, Zip};

use super::canal::{limit_sides, raised_beside_cord};
use super::width::limit_width;
use crate::statistics::median;
use crate::volume::{Connectivity, connected_components, connected_components_3d, dilated};

/// Pixels of at least this probability are cord. The overlap with given masks is the same from 0.5 to 0.7; of the pixels
/// between, many hold fluid, and findings take them for lesions (docs/segmentation.md).
const CORD: f32 = 0.7;
/// Between two pieces of cord, where a narrow canal leaves no fluid beside it, pixels of this probability are cord. A
/// cord goes on; and lesions are often where it is narrow.
const CORD_IN_GAP: f32 = 0.4;
/// Shorter ones are not taken for a cord, mm.
const LEAST_LENGTH: usize = 20;
/// A cord's area in its largest slice, divided by its length there: the front-back diameter, mm.
const DIAMETER: std::ops::RangeInclusive<f32> = 3.0..=15.0;
/// Wider than any cord from side to side, mm.
const MOST_WIDTH_MM: f64 = 40.0;
/// Share of the cord's rows beside which fluid must lie.
const LEAST_FLUID: f32 = 0.3;
/// Fluid beside the cord is looked for this far from the cord's last slice, mm.
const MOST_SIDEWAYS_MM: f64 = 5.0;
/// Confidence below which the whole is not taken for a cord.
const LEAST_CONFIDENCE: f32 = 0.4;
/// A further piece of the cord must have at least this share of the largest piece.
const LEAST_PIECE: f64 = 0.08;

/// What was found, on pixels of 1 mm.
pub(super) struct Found {
    /// Probabilities (slice, row, column) of the cord and of the fluid around it; 0 elsewhere.
    pub cord: Array3<f32>,
    pub fluid: Array3<f32>,
    /// Slices with cord and their confidence, 0 to 1.
    pub slice_confidence: Vec<(usize, f32)>,
    pub confidence: f32,
}

/// Keeps the largest plausible tube. The error is a clause.
pub(super) fn found(
    cord: ArrayView3<f32>,
    fluid: ArrayView3<f32>,
    slice_mm: f64,
) -> Result<Found, String> {
    const NOTHING: &str = "no spinal cord was found in its image";
    let likely = cord.mapv(|p| p > CORD);
    let pieces = connected_components_3d(&likely);
    let Some(largest) = pieces.iter().max_by_key(|piece| piece.len()) else {
        return Err(NOTHING.into());
    };
    let mut rows_taken = vec![false; cord.len_of(Axis(1))];
    largest.iter().for_each(|(_, row, _)| rows_taken[*row] = true);
    let mut kept = Array3::from_elem(cord.dim(), false);
    for piece in &pieces {
        // An interrupted cord goes on above or below; what lies beside it is something else.
        let is_beyond =
            piece.iter().filter(|(_, row, _)| rows_taken[*row]).count() * 4 < piece.len();
        let is_large = piece.len() as f64 >= LEAST_PIECE * largest.len() as f64;
        if std::ptr::eq(piece, largest) || (is_beyond && is_large) {
            piece.iter().for_each(|place| kept[*place] = true);
        }
    }
    close_gaps(cord, &mut kept);
    limit_width(&mut kept, slice_mm);
    fill_holes(&mut kept);
    check_shape(&kept, slice_mm)?;

    let fluid = raised_beside_cord(fluid, &kept);
    let mut kept_fluid = Array3::from_elem(fluid.dim(), false);
    let mut rows = [0.0f32; 2];
    for slice in 0..fluid.len_of(Axis(0)) {
        let cord = kept.index_axis(Axis(0), slice).to_owned();
        if !cord.iter().any(|inside| *inside) {
            continue;
        }
        let near = dilated(&dilated(&cord));
        let likely = fluid.index_axis(Axis(0), slice).mapv(|p| p > 0.5);
        for piece in connected_components(&likely, Connectivity::Eight) {
            if piece.iter().any(|place| near[*place]) {
                piece.iter().for_each(|(row, column)| kept_fluid[[slice, *row, *column]] = true);
            }
        }
        for (row, line) in near.outer_iter().enumerate() {
            let has_cord = cord.row(row).iter().any(|inside| *inside);
            let beside = line
                .iter()
                .enumerate()
                .any(|(column, near)| *near && kept_fluid[[slice, row, column]]);
            rows[0] += f32::from(u8::from(has_cord));
            rows[1] += f32::from(u8::from(has_cord && beside));
        }
    }
    let likely = fluid.mapv(|p| p > 0.5);
    spread_sideways(&likely, &kept, slice_mm, &mut kept_fluid);
    limit_sides(&kept, &mut kept_fluid);
    if rows[1] < LEAST_FLUID * rows[0] {
        return Err(format!("{NOTHING}: what looks like one has no fluid beside it"));
    }
    let (slice_confidence, confidence) = confidences(cord, &kept);
    if confidence < LEAST_CONFIDENCE {
        return Err(format!(
            "{NOTHING}: the best candidate has a confidence of {confidence:.2} only"
        ));
    }
    Ok(Found {
        cord: within(cord, &kept),
        fluid: within(fluid.view(), &kept_fluid),
        slice_confidence,
        confidence,
    })
}

/// The probabilities in a mask and its neighbours, so that interpolation sees how they fall off; at least
/// 0.51 in the mask, at most 0.5 outside.
fn within(map: ArrayView3<f32>, mask: &Array3<bool>) -> Array3<f32> {
    let mut kept = Array3::zeros(map.dim());
    for (slice, mask) in mask.outer_iter().enumerate() {
        let near = dilated(&mask.to_owned());
        for ((row, column), near) in near.indexed_iter() {
            let p = map[[slice, row, column]];
            kept[[slice, row, column]] = match (mask[[row, column]], near) {
                (true, _) => p.max(0.51),
                (false, true) => p.min(0.5),
                (false, false) => 0.0,
            };
        }
    }
    kept
}

/// Adds the fluid in slices beside the cord that lies beside fluid or cord of the slice before.
fn spread_sideways(
    likely: &Array3<bool>,
    cord: &Array3<bool>,
    slice_mm: f64,
    fluid: &mut Array3<bool>,
) {
    let has_cord = |slice: &usize| cord.index_axis(Axis(0), *slice).iter().any(|inside| *inside);
    let slices = cord.len_of(Axis(0));
    let (Some(first), Some(last)) = ((0..slices).find(has_cord), (0..slices).rfind(has_cord))
    else {
        return;
    };
    let reach = (MOST_SIDEWAYS_MM / slice_mm.max(0.1)) as usize;
    let outwards = [
        (first.saturating_sub(reach)..first).rev().map(|at| (at + 1, at)).collect::<Vec<_>>(),
        (last + 1..(last + 1 + reach).min(slices)).map(|at| (at - 1, at)).collect(),
    ];
    for (before, at) in outwards.into_iter().flatten() {
        let inner = &fluid.index_axis(Axis(0), before) | &cord.index_axis(Axis(0), before);
        let likely = likely.index_axis(Axis(0), at).to_owned();
        for piece in connected_components(&likely, Connectivity::Eight) {
            let beside = piece.iter().filter(|place| inner[**place]).count();
            if 2 * beside >= piece.len() {
                piece.iter().for_each(|(row, column)| fluid[[at, *row, *column]] = true);
            }
        }
    }
}

/// Adds what is less certain in the rows that have no cord in any slice, though there is cord above and below them.
fn close_gaps(cord: ArrayView3<f32>, kept: &mut Array3<bool>) {
    let has_cord: Vec<bool> =
        kept.axis_iter(Axis(1)).map(|row| row.iter().any(|inside| *inside)).collect();
    let first = has_cord.iter().position(|has| *has).unwrap_or(0);
    let last = has_cord.iter().rposition(|has| *has).unwrap_or(0);
    for row in (first..last).filter(|row| !has_cord[*row]) {
        Zip::from(kept.index_axis_mut(Axis(1), row))
            .and(cord.index_axis(Axis(1), row))
            .for_each(|kept, p| *kept = *p > CORD_IN_GAP);
    }
}

/// Fills what each slice of a mask encloses.
fn fill_holes(mask: &mut Array3<bool>) {
    for mut slice in mask.outer_iter_mut() {
        if !slice.iter().any(|inside| *inside) {
            continue;
        }
        let (rows, columns) = slice.dim();
        let outside: Array2<bool> = slice.mapv(|inside| !inside);
        for piece in connected_components(&outside, Connectivity::Four) {
            let touches_edge = piece.iter().any(|(row, column)| {
                *row == 0 || *column == 0 || *row + 1 == rows || *column + 1 == columns
            });
            if !touches_edge {
                piece.iter().for_each(|place| slice[*place] = true);
            }
        }
    }
}

fn check_shape(mask: &Array3<bool>, slice_mm: f64) -> Result<(), String> {
    let mut rows = vec![false; mask.len_of(Axis(1))];
    mask.indexed_iter()
        .filter(|(_, inside)| **inside)
        .for_each(|((_, row, _), _)| rows[row] = true);
    let length = rows.iter().filter(|has| **has).count();
    if length < LEAST_LENGTH {
        return Err(format!(
            "no spinal cord was found in its image: what looks like one is {length} mm long"
        ));
    }
    let mut diameter = 0.0f32;
    for slice in mask.outer_iter() {
        let area = slice.iter().filter(|inside| **inside).count() as f32;
        let rows = slice.outer_iter().filter(|row| row.iter().any(|inside| *inside)).count();
        diameter = diameter.max(area / rows.max(1) as f32);
    }
    if !DIAMETER.contains(&diameter) {
        return Err(format!(
            "no spinal cord was found in its image: what looks like one is {diameter:.0} mm from front to back"
        ));
    }
    // By row: a cord that leans to one side passes through many slices.
    let widths = mask.axis_iter(Axis(1)).filter_map(|row| {
        let slices = row.outer_iter().filter(|line| line.iter().any(|inside| *inside)).count();
        (slices > 0).then_some(slices as f64 * slice_mm)
    });
    let width = median(widths).unwrap_or(0.0);
    if width > MOST_WIDTH_MM {
        return Err(format!(
            "no spinal cord was found in its image: what looks like one is {width:.0} mm wide"
        ));
    }
    Ok(())
}

/// Mean of 2 p − 1, at least 0, over the pixels of the cord, by slice and in all.
fn confidences(cord: ArrayView3<f32>, kept: &Array3<bool>) -> (Vec<(usize, f32)>, f32) {
    let mut slices = Vec::new();
    let (mut all, mut count) = (0.0, 0.0);
    for (slice, (map, mask)) in cord.outer_iter().zip(kept.outer_iter()).enumerate() {
        if !mask.iter().any(|inside| *inside) {
            continue;
        }
        let values: Vec<f32> = map
            .iter()
            .zip(&mask)
            .filter(|(_, inside)| **inside)
            .map(|(p, _)| (2.0 * p - 1.0).max(0.0))
            .collect();
        let sum: f32 = values.iter().sum();
        slices.push((slice, sum / values.len() as f32));
        all += sum;
        count += values.len() as f32;
    }
    (slices, all / f32::max(count, 1.0))
}
