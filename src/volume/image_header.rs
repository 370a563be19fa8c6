//! What a file's header says, without its voxels.

use std::path::Path;

use super::read::read_header;
use super::{Geometry, Orientation};
use crate::Result;

/// Slices thicker than this, in mm, cannot be rows of a sagittal image.
const THICK_MM: f64 = 2.0;
/// A voxel is elongated if one edge exceeds the next by this factor.
const ELONGATED: f64 = 1.5;
/// Cosine of the largest angle between the image's axes and the patient's at which the order of the
/// axes is certain: 45°.
const LEAST_COSINE: f64 = std::f64::consts::FRAC_1_SQRT_2;
/// Largest cosine between two axes of a grid that is not sheared: 2°.
const SHEARED: f64 = 0.035;

/// A header that passed the checks of [`Volume::read`](super::Volume::read).
#[derive(Clone, Debug, PartialEq)]
pub struct ImageHeader {
    pub geometry: Geometry,
    /// Whether the header has neither sform nor qform, so that the order and direction of its axes
    /// are a guess.
    pub orientation_is_guess: bool,
    /// Clauses about the header that its user should know.
    pub notes: Vec<String>,
}

impl ImageHeader {
    /// Reads the header of a file.
    ///
    /// # Errors
    /// As [`Volume::read`](super::Volume::read), but voxels are not looked at.
    pub fn read(path: &Path) -> Result<Self> {
        let header = read_header(path)?;
        let mut notes = header.notes;
        notes.extend(unusual_axes(&header.geometry));
        let orientation_is_guess = header.orientation_is_guess;
        Ok(Self { geometry: header.geometry, orientation_is_guess, notes })
    }

    /// The plane of the slices, if thick ones make the image useless as sagittal slices: "axial" or
    /// "coronal", with the thickness in mm.
    pub fn other_plane(&self) -> Option<(&'static str, f64)> {
        let canonical = Orientation::to_sagittal(&self.geometry.affine)
            .canonical_geometry(&self.geometry)
            .affine
            .spacing();
        let [across, down, back] = canonical;
        let thick = |edge: f64, others: [f64; 2]| {
            edge >= THICK_MM && others.into_iter().all(|other| edge > ELONGATED * other)
        };
        if thick(down, [across, back]) {
            Some(("axial", down))
        } else if thick(back, [across, down]) {
            Some(("coronal", back))
        } else {
            None
        }
    }
}

/// Clauses about axes that leave the sagittal plane uncertain or do not stand at right angles.
fn unusual_axes(geometry: &Geometry) -> Vec<String> {
    let orientation = Orientation::to_sagittal(&geometry.affine);
    let affine = orientation.canonical_geometry(geometry).affine;
    let spacing = affine.spacing();
    let units = [0, 1, 2].map(|axis| affine.axis(axis).map(|x| x / spacing[axis]));
    let mut notes = Vec::new();
    let aligned = |axis: usize, scanner: usize| units[axis][scanner].abs();
    let least = aligned(0, 0).min(aligned(1, 2)).min(aligned(2, 1));
    if least < LEAST_COSINE {
        notes.push(format!(
            "its axes are turned by {:.0}° from the patient's, so that which one is sagittal is a guess; check its orientation",
            least.clamp(0.0, 1.0).acos().to_degrees()
        ));
    }
    let cosine = |a: usize, b: usize| (0..3).map(|n| units[a][n] * units[b][n]).sum::<f64>().abs();
    let worst = cosine(0, 1).max(cosine(0, 2)).max(cosine(1, 2));
    if worst > SHEARED {
        notes.push(format!(
            "its axes stand at {:.0}° instead of 90° (sheared); lengths and shapes are distorted",
            worst.min(1.0).acos().to_degrees()
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Affine;

    fn header(rows: [[f64; 4]; 3]) -> ImageHeader {
        let geometry = Geometry { shape: [10, 20, 30], affine: Affine(rows) };
        ImageHeader { geometry, orientation_is_guess: false, notes: unusual_axes(&geometry) }
    }

    #[test]
    fn thick_slices_say_which_plane_they_lie_in() {
        let diagonal =
            |x, y, z| header([[x, 0.0, 0.0, 0.0], [0.0, y, 0.0, 0.0], [0.0, 0.0, z, 0.0]]);
        assert_eq!(diagonal(3.3, 0.5, 0.5).other_plane(), None);
        assert_eq!(diagonal(1.0, 1.0, 1.0).other_plane(), None);
        assert_eq!(diagonal(0.5, 0.5, 1.0).other_plane(), None, "thin enough to be resampled");
        assert_eq!(diagonal(0.5, 0.5, 5.0).other_plane(), Some(("axial", 5.0)));
        assert_eq!(diagonal(0.8, 4.0, 0.8).other_plane(), Some(("coronal", 4.0)));
    }

    #[test]
    fn turned_and_sheared_grids_are_noted() {
        let turned = |degrees: f64| {
            let (sin, cos) = degrees.to_radians().sin_cos();
            header([[3.0, 0.0, 0.0, 0.0], [0.0, cos, -sin, 0.0], [0.0, sin, cos, 0.0]]).notes
        };
        assert!(turned(30.0).is_empty());
        let sheared = header([[3.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.3, 0.0], [0.0, 0.0, 1.0, 0.0]]);
        assert!(sheared.notes[0].contains("sheared"), "{:?}", sheared.notes);
        // A turn about two axes, after which no axis is within 45° of the patient's up.
        let (a, b) = (0.707, 0.5);
        let oblique = header([[a, -b, b, 0.0], [0.0, a, a, 0.0], [-a, -b, b, 0.0]]);
        assert!(oblique.notes.iter().any(|note| note.contains("guess")), "{:?}", oblique.notes);
    }
}
