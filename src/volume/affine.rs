//! Where voxels lie in the scanner.

/// Voxel index (i, j, k) to millimetres in RAS+ scanner space (x to the right, y to the front,
/// z to the head): the upper three rows of the NIfTI affine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine(pub [[f64; 4]; 3]);

/// Shape and affine of a volume: what two images must share to be on the same grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Geometry {
    pub shape: [usize; 3],
    pub affine: Affine,
}

impl Affine {
    /// Edge lengths of a voxel in mm, per stored axis.
    pub fn spacing(&self) -> [f64; 3] {
        [0, 1, 2].map(|axis| self.axis(axis).iter().map(|x| x * x).sum::<f64>().sqrt())
    }

    /// The step in mm (x, y, z) from one voxel to the next along a stored axis.
    pub fn axis(&self, axis: usize) -> [f64; 3] {
        self.0.map(|row| row[axis])
    }

    /// Scanner position in mm of a voxel coordinate.
    pub fn position(&self, voxel: [f64; 3]) -> [f64; 3] {
        self.0.map(|row| row[0] * voxel[0] + row[1] * voxel[1] + row[2] * voxel[2] + row[3])
    }

    /// Volume of a voxel, mm³; less than the product of its edges where the axes are not at right angles.
    pub fn voxel_mm3(&self) -> f64 {
        let [a, b, c] = [0, 1, 2].map(|axis| self.axis(axis));
        triple_product(a, b, c).abs()
    }

    /// Whether its axes are left-handed.
    pub(super) fn is_mirrored(&self) -> bool {
        let [a, b, c] = [0, 1, 2].map(|axis| self.axis(axis));
        triple_product(a, b, c) < 0.0
    }

    /// What is wrong with the affine, as a clause, or nothing: every entry must be finite, every
    /// voxel edge between a nanometre and a kilometre, and the axes must span three dimensions.
    pub(super) fn fault(&self) -> Option<&'static str> {
        if !self.0.iter().flatten().all(|x| x.is_finite()) {
            return Some("holds values that are not finite");
        }
        let spacing = self.spacing();
        if !spacing.iter().all(|edge| (1e-6..1e6).contains(edge)) {
            return Some("gives voxels no sensible size");
        }
        let [a, b, c] = [0, 1, 2].map(|axis| self.axis(axis).map(|x| x / spacing[axis]));
        (triple_product(a, b, c).abs() < 1e-3).then_some("is singular")
    }
}

fn triple_product(a: [f64; 3], b: [f64; 3], c: [f64; 3]) -> f64 {
    a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0])
        + a[2] * (b[0] * c[1] - b[1] * c[0])
}

impl Geometry {
    /// Whether two images are on the same grid: same shape, and no corner further apart than a
    /// twentieth of the smallest voxel edge. (Headers rewritten by other tools, for instance
    /// through a quaternion, move far corners by hundredths of a voxel.)
    pub fn matches(&self, other: &Self) -> bool {
        self.shape == other.shape && {
            let spacing = self.affine.spacing();
            let tolerance = 0.05 * spacing.into_iter().fold(f64::INFINITY, f64::min);
            (0..8).all(|corner| {
                let voxel = [0, 1, 2].map(|axis| {
                    if corner >> axis & 1 == 1 {
                        self.shape[axis].saturating_sub(1) as f64
                    } else {
                        0.0
                    }
                });
                let (a, b) = (self.affine.position(voxel), other.affine.position(voxel));
                a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBLIQUE: Affine =
        Affine([[0.0, 0.6, -0.4, 5.0], [0.0, 0.8, 0.3, -7.0], [3.0, 0.0, 0.0, 11.0]]);

    #[test]
    fn spacing_is_the_length_of_each_column() {
        let spacing = OBLIQUE.spacing();
        for (found, expected) in spacing.into_iter().zip([3.0, 1.0, 0.5]) {
            assert!((found - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn the_volume_of_a_sheared_voxel_is_less_than_the_product_of_its_edges() {
        assert!((OBLIQUE.voxel_mm3() - 1.5).abs() < 1e-12);
        let mut sheared = OBLIQUE;
        sheared.0[0][1] = 0.0; // The second axis, 0.8 mm long now, is no longer at a right angle to the third.
        let product: f64 = sheared.spacing().iter().product();
        assert!((sheared.voxel_mm3() - 0.96).abs() < 1e-12 && product > 1.19, "{product}");
    }

    #[test]
    fn grids_match_up_to_header_rounding_only() {
        let grid = Geometry { shape: [10, 20, 30], affine: OBLIQUE };
        let mut moved = grid;
        moved.affine.0[0][3] += 0.01;
        assert!(grid.matches(&moved));
        moved.affine.0[0][3] += 0.1;
        assert!(!grid.matches(&moved));
        assert!(!grid.matches(&Geometry { shape: [10, 20, 31], ..grid }));
        let mut rotated = grid;
        rotated.affine.0[1][2] += 0.002;
        assert!(!grid.matches(&rotated), "the far corner is off by 0.058 mm of 0.5");
    }

    #[test]
    fn affines_without_volume_are_at_fault() {
        assert_eq!(OBLIQUE.fault(), None);
        let mut flat = OBLIQUE;
        for row in &mut flat.0 {
            row[2] = row[1] * 2.0;
        }
        assert_eq!(flat.fault(), Some("is singular"));
        let mut nan = OBLIQUE;
        nan.0[1][3] = f64::NAN;
        assert!(nan.fault().is_some());
        let mut empty = OBLIQUE;
        for row in &mut empty.0 {
            row[0] = 0.0;
        }
        assert!(empty.fault().is_some());
    }
}
