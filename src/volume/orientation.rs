//! Stored axes to canonical sagittal ones and back.

use ndarray::{Array3, Axis};

use super::{Affine, Geometry};

/// A signed permutation of axes: how stored axes become canonical sagittal ones and back.
///
/// Canonical sagittal: axis 0 counts slices from the patient's right to left, axis 1 counts rows
/// from superior to inferior, axis 2 counts columns from anterior to posterior.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orientation {
    /// For each canonical axis the stored axis it comes from.
    pub source: [usize; 3],
    /// For each canonical axis whether the stored axis runs the other way.
    pub flipped: [bool; 3],
}

/// Scanner axis (x, y, z) along which each canonical axis runs, from high to low.
const SCANNER_AXIS: [usize; 3] = [0, 2, 1];

const PERMUTATIONS: [[usize; 3]; 6] =
    [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

impl Orientation {
    /// The orientation that brings a volume with this affine to canonical sagittal axes. For an
    /// oblique volume it is the assignment with the largest sum of direction cosines, so the
    /// result is a permutation whatever the obliqueness.
    pub fn to_sagittal(affine: &Affine) -> Self {
        let spacing = affine.spacing();
        let cosine = |canonical: usize, stored: usize| {
            affine.0[SCANNER_AXIS[canonical]][stored] / spacing[stored]
        };
        let alignment = |source: &[usize; 3]| -> f64 {
            (0..3).map(|canonical| cosine(canonical, source[canonical]).abs()).sum()
        };
        let mut source = PERMUTATIONS[0];
        for candidate in PERMUTATIONS {
            if alignment(&candidate) > alignment(&source) {
                source = candidate;
            }
        }
        let flipped = [0, 1, 2].map(|canonical| cosine(canonical, source[canonical]) > 0.0);
        Self { source, flipped }
    }

    /// Stored array to canonical array.
    pub fn apply<T: Clone>(&self, stored: &Array3<T>) -> Array3<T> {
        let mut view = stored.view().permuted_axes(self.source);
        self.flip(|axis| view.invert_axis(axis));
        view.as_standard_layout().into_owned()
    }

    /// Canonical array to stored array: the exact inverse of [`Self::apply`].
    pub fn undo<T: Clone>(&self, canonical: &Array3<T>) -> Array3<T> {
        let mut view = canonical.view();
        self.flip(|axis| view.invert_axis(axis));
        view.permuted_axes(self.inverse()).as_standard_layout().into_owned()
    }

    /// Shape and affine of the canonical array of a stored volume.
    pub fn canonical_geometry(&self, stored: &Geometry) -> Geometry {
        let shape = self.source.map(|axis| stored.shape[axis]);
        let origin = stored.affine.position(self.to_stored([0.0; 3], stored.shape));
        let affine = [0, 1, 2].map(|row| {
            let [slice, down, back] = [0, 1, 2].map(|canonical| {
                let step = stored.affine.0[row][self.source[canonical]];
                if self.flipped[canonical] { -step } else { step }
            });
            [slice, down, back, origin[row]]
        });
        Geometry { shape, affine: Affine(affine) }
    }

    /// Canonical coordinate of a stored voxel coordinate, in a volume of this stored shape.
    pub fn to_canonical(&self, stored: [f64; 3], stored_shape: [usize; 3]) -> [f64; 3] {
        [0, 1, 2].map(|canonical| {
            let axis = self.source[canonical];
            let last = stored_shape[axis] as f64 - 1.0;
            if self.flipped[canonical] { last - stored[axis] } else { stored[axis] }
        })
    }

    /// Stored voxel coordinate of a canonical coordinate: the inverse of [`Self::to_canonical`].
    pub fn to_stored(&self, canonical: [f64; 3], stored_shape: [usize; 3]) -> [f64; 3] {
        let inverse = self.inverse();
        [0, 1, 2].map(|axis| {
            let from = inverse[axis];
            let last = stored_shape[axis] as f64 - 1.0;
            if self.flipped[from] { last - canonical[from] } else { canonical[from] }
        })
    }

    /// For each stored axis the canonical axis it becomes.
    fn inverse(&self) -> [usize; 3] {
        let mut inverse = [0; 3];
        for (canonical, &stored) in self.source.iter().enumerate() {
            inverse[stored] = canonical;
        }
        inverse
    }

    fn flip(&self, mut invert: impl FnMut(Axis)) {
        for (axis, _) in self.flipped.iter().enumerate().filter(|(_, flipped)| **flipped) {
            invert(Axis(axis));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The 48 signed permutations, as affines of 1 × 2 × 3 mm voxels.
    fn signed_permutations() -> impl Iterator<Item = Affine> {
        PERMUTATIONS.into_iter().flat_map(|permutation| {
            (0..8).map(move |signs| {
                let mut affine = [[0.0; 4]; 3];
                for (stored, scanner) in permutation.into_iter().enumerate() {
                    let sign = if signs >> stored & 1 == 1 { -1.0 } else { 1.0 };
                    affine[scanner][stored] = sign * (stored + 1) as f64;
                }
                for (row, offset) in affine.iter_mut().zip([10.0, -20.0, 30.0]) {
                    row[3] = offset;
                }
                Affine(affine)
            })
        })
    }

    #[test]
    fn canonical_axes_run_left_down_and_back_in_all_48_orientations() {
        for affine in signed_permutations() {
            let stored = Geometry { shape: [3, 4, 5], affine };
            let orientation = Orientation::to_sagittal(&affine);
            let canonical = orientation.canonical_geometry(&stored);
            for (axis, scanner) in SCANNER_AXIS.into_iter().enumerate() {
                let step = canonical.affine.axis(axis);
                assert!(step[scanner] < 0.0, "{affine:?} gives {:?}", canonical.affine);
                assert_eq!(step.iter().filter(|x| x.abs() > 0.0).count(), 1);
            }
            assert_eq!(Orientation::to_sagittal(&canonical.affine).source, [0, 1, 2]);
            assert_eq!(Orientation::to_sagittal(&canonical.affine).flipped, [false; 3]);
        }
    }

    #[test]
    fn undo_inverts_apply_and_voxels_keep_their_place_in_all_48_orientations() {
        for affine in signed_permutations() {
            let stored = Array3::from_shape_fn((3, 4, 5), |(i, j, k)| i * 100 + j * 10 + k);
            let geometry = Geometry { shape: [3, 4, 5], affine };
            let orientation = Orientation::to_sagittal(&affine);
            let canonical = orientation.apply(&stored);
            assert_eq!(orientation.undo(&canonical), stored);
            let reoriented = orientation.canonical_geometry(&geometry);
            assert_eq!(canonical.shape(), reoriented.shape);
            for ((a, b, c), value) in canonical.indexed_iter() {
                let place = [a as f64, b as f64, c as f64];
                let native = orientation.to_stored(place, geometry.shape);
                assert_eq!(stored[native.map(|x| x as usize)], *value);
                assert_eq!(orientation.to_canonical(native, geometry.shape), place);
                let (p, q) = (reoriented.affine.position(place), affine.position(native));
                assert!(p.iter().zip(q).all(|(p, q)| (p - q).abs() < 1e-9));
            }
        }
    }

    proptest! {
        #[test]
        fn any_affine_gives_a_permutation(entries in prop::array::uniform12(-5.0..5.0f64)) {
            let affine = Affine([0, 1, 2].map(|row| [0, 1, 2, 3].map(|c| entries[row * 4 + c])));
            let mut source = Orientation::to_sagittal(&affine).source;
            source.sort_unstable();
            prop_assert_eq!(source, [0, 1, 2]);
        }
    }
}
