//! Connected components of masks in two and three dimensions.

use ndarray::{Array, Array2, Array3, Dimension, NdIndex};

/// Which neighbours of a pixel count as connected to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connectivity {
    /// The 4 pixels that share an edge.
    Four,
    /// The 8 pixels that share an edge or a corner.
    Eight,
}

impl Connectivity {
    fn offsets(self) -> &'static [(isize, isize)] {
        const OFFSETS: [(isize, isize); 8] =
            [(-1, 0), (0, -1), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)];
        match self {
            Self::Four => &OFFSETS[..4],
            Self::Eight => &OFFSETS,
        }
    }
}

/// The connected components of `mask`: each a list of (row, column) in scan order, the
/// components themselves in the scan order of their first pixel.
pub fn connected_components(
    mask: &Array2<bool>,
    connectivity: Connectivity,
) -> Vec<Vec<(usize, usize)>> {
    components(mask, |(row, column)| {
        let shifted = move |&(down, right): &(isize, isize)| {
            (row.wrapping_add_signed(down), column.wrapping_add_signed(right))
        };
        connectivity.offsets().iter().map(shifted)
    })
}

/// The connected components of a volume's mask, in which voxels connect if they share a face, an edge or
/// a corner (26 neighbours): each a list of (i, j, k) in scan order, the components themselves in the
/// scan order of their first voxel.
pub fn connected_components_3d(mask: &Array3<bool>) -> Vec<Vec<(usize, usize, usize)>> {
    components(mask, |(i, j, k)| {
        let step = |from: usize, by: usize| from.wrapping_add(by).wrapping_sub(1);
        (0..27).map(move |near| (step(i, near / 9), step(j, near / 3 % 3), step(k, near % 3)))
    })
}

/// Components by a search from the first element of each. `neighbours` may lie outside the mask.
fn components<D, N>(
    mask: &Array<bool, D>,
    neighbours: impl Fn(D::Pattern) -> N,
) -> Vec<Vec<D::Pattern>>
where
    D: Dimension,
    D::Pattern: NdIndex<D> + Copy + Ord,
    N: Iterator<Item = D::Pattern>,
{
    let mut unseen = mask.clone();
    let mut components = Vec::new();
    for (start, &inside) in mask.indexed_iter() {
        if !inside || !unseen[start] {
            continue;
        }
        unseen[start] = false;
        let mut component = vec![start];
        let mut next = 0;
        while let Some(&at) = component.get(next) {
            next += 1;
            for neighbour in neighbours(at) {
                if let Some(unseen) = unseen.get_mut(neighbour).filter(|unseen| **unseen) {
                    *unseen = false;
                    component.push(neighbour);
                }
            }
        }
        component.sort_unstable();
        components.push(component);
    }
    components
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::fixture::mask;

    #[test]
    fn corners_connect_only_with_eight_neighbours() {
        let mask = mask(&["#..#", ".#..", "#..#"]);
        let sizes = |connectivity| -> Vec<usize> {
            connected_components(&mask, connectivity).iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(Connectivity::Four), [1, 1, 1, 1, 1]);
        assert_eq!(sizes(Connectivity::Eight), [3, 1, 1]);
    }

    #[test]
    fn a_branch_that_returns_upwards_stays_one_component_in_scan_order() {
        let components = connected_components(&mask(&["#.#", "#.#", "###"]), Connectivity::Four);
        assert_eq!(components, [vec![(0, 0), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2)]]);
    }

    #[test]
    fn opposite_borders_do_not_touch() {
        let components = connected_components(&mask(&["#.#", "...", "#.#"]), Connectivity::Eight);
        assert_eq!(components.len(), 4);
        assert!(connected_components(&Array2::default((0, 0)), Connectivity::Four).is_empty());
    }

    #[test]
    fn voxels_connect_over_corners_but_not_over_gaps() {
        let voxels = [(0, 0, 0), (1, 1, 1), (1, 1, 3), (3, 3, 3), (2, 2, 2)];
        let mask = Array3::from_shape_fn((4, 4, 4), |voxel| voxels.contains(&voxel));
        let found = connected_components_3d(&mask);
        assert_eq!(found, [vec![(0, 0, 0), (1, 1, 1), (1, 1, 3), (2, 2, 2), (3, 3, 3)]]);
        let apart = Array3::from_shape_fn((4, 1, 1), |(i, ..)| i != 1);
        assert_eq!(connected_components_3d(&apart).len(), 2);
    }
}
