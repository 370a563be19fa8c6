//! Cross-sections of cord and canal of real people, from masks: shapes only.

use std::f32::consts::TAU;
use std::path::{Path, PathBuf};

use ndarray::{ArrayView2, Axis};

use super::outline::{ANGLES, Ring};
use crate::volume::{Orientation, Volume};
use crate::{Error, Result};

const CORD: &str = "_seg-manual.nii.gz";
const FLUID: &str = "_csfseg-manual.nii.gz";
/// Sections in which the cord or the canal covers less than this, mm², are left out.
const LEAST_AREA: f32 = 25.0;
/// Fewer sections in a row are no shape.
const LEAST_SECTIONS: usize = 5;
/// Distance between the points of a ray from the centre to the wall, as a share of the half axis.
const RAY_STEP: f32 = 0.02;

/// One wall in one section: the ellipse with the same second moments, and how the wall departs from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wall {
    /// Centre: to the front and to the right, mm.
    pub centre: [f32; 2],
    /// Half axes: front-back and right-left, mm.
    pub half: [f32; 2],
    pub ring: Ring,
}

/// Cord and canal of one person, in axial sections at equal distances.
#[derive(Clone, Debug)]
pub(crate) struct RealShape {
    /// Distance between sections, mm.
    pub(super) spacing: f32,
    /// (canal, cord), superior first. Their centres are relative to a smooth line through the canal.
    pub(super) sections: Vec<[Wall; 2]>,
}

impl RealShape {
    /// Reads the shapes of all people of a folder: `NAME_seg-manual.nii.gz` is the mask of a cord,
    /// `NAME_csfseg-manual.nii.gz` that of the fluid around it.
    ///
    /// # Errors
    /// If there are none, a mask cannot be read, or it shows no cord in fluid.
    pub fn read_all(folder: &Path) -> Result<Vec<Self>> {
        let entries = std::fs::read_dir(folder).map_err(|error| Error::file(folder, error))?;
        let mut cords: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.to_string_lossy().ends_with(CORD))
            .collect();
        cords.sort();
        if cords.is_empty() {
            return Err(Error::file(folder, format!("holds no masks NAME{CORD}")));
        }
        cords.iter().map(|cord| Self::read(cord)).collect()
    }

    fn read(cord_file: &Path) -> Result<Self> {
        let name = cord_file.to_string_lossy().replace(CORD, FLUID);
        let (cord, fluid) = (Volume::read(cord_file)?, Volume::read(Path::new(&name))?);
        if !cord.geometry().matches(&fluid.geometry()) {
            return Err(Error::file(cord_file, "has another grid than the mask of the fluid"));
        }
        let orientation = Orientation::to_sagittal(&cord.affine);
        let geometry = orientation.canonical_geometry(&cord.geometry());
        let [right_mm, down_mm, back_mm] = geometry.affine.spacing().map(|mm| mm as f32);
        let cord = orientation.apply(&cord.voxels.mapv(|value| f32::from(u8::from(value > 0.5))));
        let fluid = orientation.apply(&fluid.voxels.mapv(|value| f32::from(u8::from(value > 0.5))));
        let canal = &cord + &fluid;
        let mm = [right_mm, back_mm];
        let walls: Vec<Option<[Wall; 2]>> = cord
            .axis_iter(Axis(1))
            .zip(canal.axis_iter(Axis(1)))
            .map(|(cord, canal)| Some([wall(canal, mm)?, wall(cord, mm)?]))
            .collect();
        let runs = walls.split(Option::is_none);
        let longest = runs.max_by_key(|run| run.len()).unwrap_or_default();
        let sections: Vec<[Wall; 2]> = longest.iter().copied().flatten().collect();
        if sections.len() < LEAST_SECTIONS {
            return Err(Error::file(
                cord_file,
                format!("shows a cord in fluid in {} axial sections only", sections.len()),
            ));
        }
        Ok(Self { spacing: down_mm, sections: straightened(sections) })
    }
}

/// Takes the smooth course of the canal out of the centres.
fn straightened(mut sections: Vec<[Wall; 2]>) -> Vec<[Wall; 2]> {
    let mut line: Vec<[f32; 2]> = sections.iter().map(|[canal, _]| canal.centre).collect();
    for _ in 0..3 {
        let before = line.clone();
        for i in 1..line.len() - 1 {
            for axis in 0..2 {
                line[i][axis] =
                    0.25 * before[i - 1][axis] + 0.5 * before[i][axis] + 0.25 * before[i + 1][axis];
            }
        }
    }
    for (walls, line) in sections.iter_mut().zip(line) {
        for wall in walls {
            wall.centre = [wall.centre[0] - line[0], wall.centre[1] - line[1]];
        }
    }
    sections
}

/// The wall around a mask (right, back) with pixels of these edges, mm; `None` if there is too little of it.
fn wall(mask: ArrayView2<f32>, mm: [f32; 2]) -> Option<Wall> {
    let mut sums = [0.0f32; 5];
    let mut area = 0.0;
    for ((i, j), _) in mask.indexed_iter().filter(|(_, value)| **value > 0.5) {
        let (right, front) = (i as f32 * mm[0], -(j as f32) * mm[1]);
        let terms = [front, right, front * front, right * right, 1.0];
        sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
        area += mm[0] * mm[1];
    }
    if area < LEAST_AREA {
        return None;
    }
    let mean = |i: usize| sums[i] / sums[4];
    let centre = [mean(0), mean(1)];
    let half = [0, 1].map(|axis| 2.0 * (mean(axis + 2) - centre[axis].powi(2)).max(0.1).sqrt());
    let mut ring: Ring = std::array::from_fn(|direction| {
        let (sin, cos) = (TAU * direction as f32 / ANGLES as f32).sin_cos();
        let inside = |share: f32| {
            let front = centre[0] + share * half[0] * cos;
            let right = centre[1] + share * half[1] * sin;
            between(mask, right / mm[0], -front / mm[1]) > 0.5
        };
        // From outside, so that no hole stops the ray.
        let steps = (1.6 / RAY_STEP) as usize;
        (1..steps).rev().map(|i| i as f32 * RAY_STEP).find(|share| inside(*share)).unwrap_or(1.0)
    });
    // The steps of the voxels are not the person's.
    let rough = ring;
    for (i, share) in ring.iter_mut().enumerate() {
        let [before, after] = [rough[(i + ANGLES - 1) % ANGLES], rough[(i + 1) % ANGLES]];
        *share = (0.25 * before + 0.5 * rough[i] + 0.25 * after).clamp(0.6, 1.5);
    }
    Some(Wall { centre, half, ring })
}

/// Value between four pixels; 0 outside.
fn between(mask: ArrayView2<f32>, i: f32, j: f32) -> f32 {
    let at = |i: f32, j: f32| {
        if i < 0.0 || j < 0.0 {
            0.0
        } else {
            mask.get([i as usize, j as usize]).copied().unwrap_or(0.0)
        }
    };
    let (low_i, low_j) = (i.floor(), j.floor());
    let (t, u) = (i - low_i, j - low_j);
    (1.0 - t) * ((1.0 - u) * at(low_i, low_j) + u * at(low_i, low_j + 1.0))
        + t * ((1.0 - u) * at(low_i + 1.0, low_j) + u * at(low_i + 1.0, low_j + 1.0))
}

impl Wall {
    /// Between two sections.
    pub fn mix(&self, other: &Self, t: f32) -> Self {
        let mix = |a: f32, b: f32| a + t * (b - a);
        Self {
            centre: [0, 1].map(|axis| mix(self.centre[axis], other.centre[axis])),
            half: [0, 1].map(|axis| mix(self.half[axis], other.half[axis])),
            ring: std::array::from_fn(|i| mix(self.ring[i], other.ring[i])),
        }
    }

    /// The other way round, right for left.
    pub fn mirrored(&self) -> Self {
        Self {
            centre: [self.centre[0], -self.centre[1]],
            half: self.half,
            ring: std::array::from_fn(|i| self.ring[(ANGLES - i) % ANGLES]),
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Array3};

    use super::*;
    use crate::volume::{Affine, write_mask};

    /// A mask with an ellipse at (right, back), mm.
    fn oval(centre: [f32; 2], half: [f32; 2]) -> Array2<f32> {
        Array2::from_shape_fn((80, 60), |(i, j)| {
            let (x, y) = (0.5 * i as f32 - centre[0], 0.5 * j as f32 - centre[1]);
            f32::from(u8::from((x / half[0]).powi(2) + (y / half[1]).powi(2) < 1.0))
        })
    }

    #[test]
    fn an_ellipse_is_found_again() {
        let wall = wall(oval([20.0, 15.0], [12.0, 7.0]).view(), [0.5, 0.5]).unwrap();
        assert!((wall.centre[0] + 15.0).abs() < 0.1 && (wall.centre[1] - 20.0).abs() < 0.1);
        assert!((wall.half[0] - 7.0).abs() < 0.2 && (wall.half[1] - 12.0).abs() < 0.2);
        assert!(wall.ring.iter().all(|share| (share - 1.0).abs() < 0.06), "{:?}", wall.ring);
        assert!(super::wall(oval([20.0, 15.0], [2.0, 2.0]).view(), [0.5, 0.5]).is_none());
    }

    #[test]
    fn a_folder_without_masks_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = RealShape::read_all(folder.path()).unwrap_err().to_string();
        assert!(error.contains("holds no masks NAME_seg-manual.nii.gz"), "{error}");
    }

    #[test]
    fn masks_on_different_grids_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let moved =
            |left: f64| Affine([[1.0, 0.0, 0.0, left], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]);
        let mask = Array3::from_elem((8, 8, 8), true);
        let file = |end: &str| folder.path().join(format!("a{end}"));
        write_mask(&mask, moved(0.0), &file(CORD), None).unwrap();
        write_mask(&mask, moved(3.0), &file(FLUID), None).unwrap();
        let error = RealShape::read_all(folder.path()).unwrap_err().to_string();
        assert!(error.contains("has another grid than the mask of the fluid"), "{error}");
    }
}
