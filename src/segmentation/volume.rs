//! From the maps of the network to masks and disc points on the grid of a volume.

use ndarray::{Array2, Array3, ArrayView2, Axis, Zip};

use super::discs::{self, Labelled, LabelledDisc};
use super::outputs::{DISCS, Outputs};
use super::segmenter::{Prepared, Segmenter};
use super::tube;
use crate::cohort::{Disc, FoundMasks, settle_voxels};
use crate::context::CancelToken;
use crate::volume::resample::{sample_linear, zoom_step};
use crate::volume::{Orientation, Volume};
use crate::{Error, Result};

/// More than any scanner's field of view: edges of a slice in mm, its area in mm², and slices.
const MOST_MM: f64 = 1200.0;
const MOST_AREA: f64 = 640_000.0;
const MOST_SLICES: usize = 512;

/// What was found in an image, or a clause that says why nothing was.
pub type Outcome = std::result::Result<FoundMasks, String>;

/// A disc that a person found in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiscByHand {
    /// Its number in the Spinal Cord Toolbox, 3 = C2/C3 to 9 = T1/T2.
    pub value: u8,
    /// Its voxel in the stored grid of the image, counted from 0: where the disc meets the canal.
    pub voxel: [usize; 3],
}

/// How far from the cord a disc that is given by hand may lie in its sagittal slice, and to the side, mm. Discs lie
/// within 15 mm in front of the cord, also where it is cut off above or below.
const FARTHEST_IN_PLANE_MM: f64 = 20.0;
const FARTHEST_SIDEWAYS_MM: f64 = 15.0;

/// Marks at heights that differ by no more than this are of one disc, mm.
const SAME_DISC_MM: f64 = 6.0;

impl DiscByHand {
    /// The disc of that name, such as "C5/C6".
    ///
    /// # Errors
    /// If there is no such disc, or it is not looked for.
    pub fn new(name: &str, voxel: [usize; 3]) -> Result<Self> {
        // The first mark is no disc.
        let mut values = DISCS.into_iter().skip(1);
        let value = values.find(|value| Disc::name(*value).eq_ignore_ascii_case(name.trim()));
        let value = value.ok_or_else(|| {
            Error::input(format!(
                "{name:?} is none of the discs that can be given by hand: C2/C3, C3/C4 … C7/T1 and T1/T2"
            ))
        })?;
        Ok(Self { value, voxel })
    }
}

impl Segmenter {
    /// Finds cord, fluid and discs in an image of sagittal slices. A disc that is given by hand names the others.
    ///
    /// # Errors
    /// If it is cancelled, or a network cannot be applied. That nothing was found, or that the given disc lies
    /// outside of the image, is the inner error.
    pub fn segment(
        &self,
        image: &Volume,
        by_hand: Option<DiscByHand>,
        cancel: &CancelToken,
    ) -> Result<Outcome> {
        let native = image.geometry();
        let orientation = Orientation::to_sagittal(&native.affine);
        let spacing = orientation.canonical_geometry(&native).affine.spacing();
        if let Err(reason) = check_size(orientation.canonical_geometry(&native).shape, spacing) {
            return Ok(Err(reason));
        }
        let mut voxels = orientation.apply(&image.voxels);
        // What it says is said when the image is preprocessed.
        if let Err(reason) = settle_voxels(&mut voxels) {
            return Ok(Err(reason));
        }
        if let Some(disc) = by_hand
            && (0..3).any(|axis| disc.voxel[axis] >= native.shape[axis])
        {
            return Ok(Err(format!(
                "the voxel {:?} of the disc given by hand lies outside of its image of {:?} voxels",
                disc.voxel, native.shape
            )));
        }
        let prepared = Prepared::new(&voxels, spacing, cancel)?;
        let maps = self.masks(&prepared, cancel)?;
        let map = |output: usize| maps.index_axis(Axis(0), output);
        let mut found = match tube::found(map(Outputs::CORD), map(Outputs::FLUID), spacing[0]) {
            Ok(found) => found,
            Err(reason) => return Ok(Err(reason)),
        };
        let mut notes = Vec::new();
        if !prepared.empty.is_empty() {
            for slice in &prepared.empty {
                found.cord.index_axis_mut(Axis(0), *slice).fill(0.0);
                found.fluid.index_axis_mut(Axis(0), *slice).fill(0.0);
            }
            found.slice_confidence.retain(|(slice, _)| !prepared.empty.contains(slice));
            notes.push(format!(
                "{} of its sagittal slices without signal {} no masks",
                prepared.empty.len(),
                if prepared.empty.len() == 1 { "gets" } else { "get" }
            ));
        }
        let (_, rows, columns) = voxels.dim();
        let native_mask = |map: &Array3<f32>| -> Array3<bool> {
            let mut mask = Array3::from_elem(voxels.dim(), false);
            for (mut mask, map) in mask.outer_iter_mut().zip(map.outer_iter()) {
                mask.assign(&zoomed(map, (rows, columns)).mapv(|value| value > 0.5));
            }
            mask
        };
        let cord = native_mask(&found.cord);
        let mut csf = native_mask(&found.fluid);
        Zip::from(&mut csf).and(&cord).for_each(|csf, cord| *csf &= !cord);
        let (_, map_rows, map_columns) = found.cord.dim();
        let place = |at: f64, from: usize, to: usize| at * zoom_step(to, from);
        let on_map = by_hand.map(|disc| {
            let stored = disc.voxel.map(|index| index as f64);
            let [slice, row, column] = orientation.to_canonical(stored, native.shape);
            LabelledDisc {
                value: disc.value,
                slice: slice as usize,
                row: place(row, rows, map_rows),
                column: place(column, columns, map_columns),
            }
        });
        if let Some(disc) = &on_map
            && let Some(away) = distance_from(&found.cord, disc, spacing[0])
            && (away.in_plane_mm > FARTHEST_IN_PLANE_MM || away.sideways_mm > FARTHEST_SIDEWAYS_MM)
        {
            let voxel = by_hand.map(|disc| disc.voxel).unwrap_or_default();
            return Ok(Err(format!(
                "the voxel {voxel:?} of the disc given by hand lies {:.0} mm from the cord that was found; give the \
                 place where the disc meets the canal",
                away.in_plane_mm.hypot(away.sideways_mm)
            )));
        }
        if let Some(disc) = &on_map
            && is_behind(&found.cord, disc)
        {
            return Ok(Err(
                "the disc given by hand lies behind the cord that was found; discs are in front of it".to_owned(),
            ));
        }
        let (middle, central) = central(&found.cord);
        let heat = self.heat(&prepared, &central, cancel)?;
        let middle_cord = found.cord.index_axis(Axis(0), middle);
        let Labelled { discs: labelled, is_uncertain } =
            discs::labelled(&heat, middle_cord, middle, on_map);
        if let Some(given) = &on_map {
            let alone = discs::labelled(&heat, middle_cord, middle, None);
            notes.extend(contradiction(given, &alone.discs));
        }
        if is_uncertain {
            notes.push(
                "vertebral levels may be wrong by one, because the image begins near the dens; check one disc, and give it \
                 by hand if its name is wrong"
                    .to_owned(),
            );
        }
        if labelled.is_empty() {
            notes.push("vertebral levels are uncertain; no disc is labelled".to_owned());
        }
        let discs = labelled
            .into_iter()
            .map(|LabelledDisc { value, slice, row, column }| {
                if let Some(given) = by_hand.filter(|given| given.value == value) {
                    return (value, given.voxel);
                }
                let canonical = [
                    slice as f64,
                    place(row, map_rows, rows).round(),
                    place(column, map_columns, columns).round(),
                ];
                let stored = orientation.to_stored(canonical, native.shape);
                let voxel =
                    [0, 1, 2].map(|axis| (stored[axis] as usize).min(native.shape[axis] - 1));
                (value, voxel)
            })
            .collect();
        Ok(Ok(FoundMasks {
            cord: orientation.undo(&cord),
            csf: orientation.undo(&csf),
            discs,
            disc_by_hand: by_hand.map(|disc| disc.value),
            slice_confidence: found.slice_confidence,
            confidence: found.confidence,
            notes,
        }))
    }
}

/// Whether an image has the size of a spine, so that the networks can look at it. The error is a clause.
fn check_size(
    [slices, rows, columns]: [usize; 3],
    [_, row, column]: [f64; 3],
) -> std::result::Result<(), String> {
    let (down, across) = (rows as f64 * row, columns as f64 * column);
    let is_slice = down <= MOST_MM && across <= MOST_MM && down * across <= MOST_AREA;
    if is_slice && slices <= MOST_SLICES {
        return Ok(());
    }
    Err(format!(
        "its {slices} sagittal slices of {down:.0} × {across:.0} mm are more than a spine has; check the voxel size, its unit and the order of the axes in its header"
    ))
}

/// How far something lies from a cord, mm.
struct Away {
    in_plane_mm: f64,
    sideways_mm: f64,
}

/// How far a disc lies from the cord on pixels of 1 mm: in the sagittal plane from the cord of all slices together,
/// and sideways from the slices that have cord. `None` without cord.
fn distance_from(cord: &Array3<f32>, disc: &LabelledDisc, slice_mm: f64) -> Option<Away> {
    let inside = || cord.indexed_iter().filter(|(_, p)| **p > 0.5).map(|(place, _)| place);
    let in_plane =
        inside().map(|(_, row, column)| (row as f64 - disc.row).hypot(column as f64 - disc.column));
    let sideways = inside().map(|(slice, ..)| slice.abs_diff(disc.slice) as f64 * slice_mm);
    Some(Away {
        in_plane_mm: in_plane.min_by(f64::total_cmp)?,
        sideways_mm: sideways.min_by(f64::total_cmp)?,
    })
}

/// Whether a disc lies behind the cord, where there is cord at its height.
fn is_behind(cord: &Array3<f32>, disc: &LabelledDisc) -> bool {
    let row = disc.row.round().max(0.0) as usize;
    let at_height = cord.indexed_iter().filter(|((_, at, _), p)| *at == row && **p > 0.5);
    at_height.map(|((.., column), _)| column).max().is_some_and(|back| disc.column > back as f64)
}

/// What is said if the image by itself gives another name to the disc that was given by hand.
fn contradiction(given: &LabelledDisc, alone: &[LabelledDisc]) -> Option<String> {
    let off = |disc: &&LabelledDisc| (disc.row - given.row).abs();
    let nearest = alone.iter().filter(|disc| disc.value > DISCS[0]);
    let nearest = nearest.min_by(|a, b| off(a).total_cmp(&off(b)))?;
    (nearest.value != given.value && off(&nearest) <= SAME_DISC_MM).then(|| {
        format!(
            "the disc given as {} looks like {} by the discs above it; check its name",
            Disc::name(given.value),
            Disc::name(nearest.value)
        )
    })
}

/// The slice with the most cord, and those with nearly as much: of thin slices several show the midline, and the
/// network was trained on discs within some mm of it.
fn central(cord: &Array3<f32>) -> (usize, Vec<usize>) {
    let area = |slice: ArrayView2<f32>| slice.iter().filter(|p| **p > 0.5).count();
    let areas: Vec<usize> = cord.outer_iter().map(area).collect();
    let largest = areas.iter().copied().max().unwrap_or(0);
    let middle = areas.iter().position(|area| *area == largest).unwrap_or(0);
    let is_central = |slice: &usize| areas[*slice] as f64 >= 0.85 * largest as f64;
    (middle, (0..areas.len()).filter(is_central).collect())
}

/// A map brought to another size by linear interpolation, end to end.
fn zoomed(map: ArrayView2<f32>, (rows, columns): (usize, usize)) -> Array2<f32> {
    let (down, across) = (zoom_step(map.nrows(), rows), zoom_step(map.ncols(), columns));
    Array2::from_shape_fn((rows, columns), |(row, column)| {
        sample_linear(map, row as f64 * down, column as f64 * across).unwrap_or(0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disc_is_measured_from_the_cord_in_its_plane_and_sideways() {
        let mut cord = Array3::zeros((9, 100, 80));
        cord.slice_mut(ndarray::s![3..5, 10..90, 40..48]).fill(0.9);
        let away = |slice, row, column| {
            let disc = LabelledDisc { value: 6, slice, row, column };
            distance_from(&cord, &disc, 3.3)
                .map(|away| (away.in_plane_mm.round(), away.sideways_mm.round()))
        };
        assert_eq!(away(4, 50.0, 34.0), Some((6.0, 0.0)));
        assert_eq!(away(8, 50.0, 120.0), Some((73.0, 13.0)));
        // Beyond the cord's lower end.
        assert_eq!(away(0, 99.0, 44.0), Some((10.0, 10.0)));
        let disc = LabelledDisc { value: 6, slice: 0, row: 0.0, column: 0.0 };
        assert!(distance_from(&Array3::zeros((2, 3, 3)), &disc, 3.0).is_none());
    }

    #[test]
    fn a_disc_is_questioned_behind_the_cord_or_under_another_name() {
        let mut cord = Array3::zeros((9, 100, 80));
        cord.slice_mut(ndarray::s![3..5, 10..90, 40..48]).fill(0.9);
        let disc = |value, row, column| LabelledDisc { value, slice: 4, row, column };
        assert!(is_behind(&cord, &disc(6, 50.0, 60.0)));
        assert!(!is_behind(&cord, &disc(6, 50.0, 36.0)) && !is_behind(&cord, &disc(6, 95.0, 60.0)));
        let alone = [disc(2, 10.0, 30.0), disc(3, 28.0, 36.0), disc(4, 46.0, 36.0)];
        assert_eq!(contradiction(&disc(4, 48.0, 36.0), &alone), None);
        let said = contradiction(&disc(6, 48.0, 36.0), &alone).unwrap();
        assert!(said.contains("given as C5/C6 looks like C3/C4"), "{said}");
        assert_eq!(contradiction(&disc(6, 64.0, 36.0), &alone), None);
    }

    #[test]
    fn c1_c2_is_found_but_cannot_be_given() {
        let refused = DiscByHand::new("C1/C2", [0; 3]).unwrap_err().to_string();
        assert!(refused.contains("none of the discs that can be given by hand"), "{refused}");
        assert_eq!(DiscByHand::new(" c5/c6 ", [0; 3]).unwrap().value, 6);
    }
}
