//! Measures of a binary shape that depend on its voxels alone, as scikit-image's `regionprops` has them.

use crate::volume::connected_components_3d;
use ndarray::Array3;

/// Voxels of one lesion as (i, j, k), in scan order.
pub(in crate::export) type Voxels = Vec<(usize, usize, usize)>;

/// Size and place of a group of voxels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shape {
    pub voxels: usize,
    /// Mean voxel index along each axis, counted from 0.
    pub centroid: [f64; 3],
    /// First and last voxel index along each axis.
    pub bounds: [(usize, usize); 3],
}

impl Shape {
    /// Measures at least one voxel; an empty group has no place and NaN as centroid.
    pub fn new(voxels: &[(usize, usize, usize)]) -> Self {
        let mut sums = [0_u64; 3];
        let mut bounds = [(usize::MAX, 0); 3];
        for &(i, j, k) in voxels {
            for (axis, index) in [i, j, k].into_iter().enumerate() {
                sums[axis] += index as u64;
                let (first, last) = bounds[axis];
                bounds[axis] = (first.min(index), last.max(index));
            }
        }
        let centroid = sums.map(|sum| sum as f64 / voxels.len() as f64);
        Self { voxels: voxels.len(), centroid, bounds }
    }

    /// Voxels from the first to the last along an axis.
    pub fn extent(&self, axis: usize) -> usize {
        let (first, last) = self.bounds[axis];
        (last + 1).saturating_sub(first)
    }
}

/// Diameter of the sphere of a volume.
pub(super) fn equivalent_diameter(volume: f64) -> f64 {
    (6.0 * volume / std::f64::consts::PI).cbrt()
}

/// The groups of at least `least` connected voxels (26 neighbours) of a mask, and the mask of them alone.
pub(super) fn groups(mask: &Array3<bool>, least: usize) -> (Array3<bool>, Vec<Voxels>) {
    let mut groups = connected_components_3d(mask);
    groups.retain(|voxels| voxels.len() >= least);
    let mut kept = Array3::from_elem(mask.dim(), false);
    groups.iter().flatten().for_each(|voxel| kept[*voxel] = true);
    (kept, groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Drawn slices, one string per row: '#' is inside.
    fn drawn(slices: &[&[&str]]) -> Array3<bool> {
        let shape = (slices.len(), slices[0].len(), slices[0][0].len());
        Array3::from_shape_fn(shape, |(i, j, k)| slices[i][j].as_bytes()[k] == b'#')
    }

    #[test]
    fn a_drawn_shape_has_the_measures_counted_by_hand() {
        // A cross in the first slice touches a voxel of the second by a corner; a voxel lies apart.
        let mask = drawn(&[
            &[".#...", "###..", ".#...", "....."],
            &[".....", ".....", "..#..", "....."],
            &["....#", ".....", ".....", "....."],
        ]);
        let (kept, found) = groups(&mask, 1);
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [6, 1]);
        assert_eq!(kept, mask);
        let shape = Shape::new(&found[0]);
        // Slices 0 ×5, 1; rows 0, 1, 1, 1, 2, 2; columns 1, 0, 1, 2, 1, 2.
        assert_eq!(shape.centroid, [1.0 / 6.0, 7.0 / 6.0, 7.0 / 6.0]);
        assert_eq!([0, 1, 2].map(|axis| shape.extent(axis)), [2, 3, 3]);
        let (kept, found) = groups(&mask, 2);
        assert!(found.len() == 1 && !kept[(2, 0, 4)]);
        // A sphere of radius 3 has 36 π.
        assert!((equivalent_diameter(36.0 * std::f64::consts::PI) - 6.0).abs() < 1e-12);
    }
}
