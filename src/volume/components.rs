//! Connected components of a two-dimensional mask.

use ndarray::Array2;

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
    let mut unseen = mask.clone();
    let mut components = Vec::new();
    for (start, &inside) in mask.indexed_iter() {
        if !inside || !unseen[start] {
            continue;
        }
        unseen[start] = false;
        let mut component = vec![start];
        let mut next = 0;
        while let Some(&(row, column)) = component.get(next) {
            next += 1;
            for &(down, right) in connectivity.offsets() {
                let neighbour = (row.wrapping_add_signed(down), column.wrapping_add_signed(right));
                if unseen.get(neighbour) == Some(&true) {
                    unseen[neighbour] = false;
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

    fn mask(rows: &[&str]) -> Array2<bool> {
        Array2::from_shape_fn((rows.len(), rows[0].len()), |(row, column)| {
            rows[row].as_bytes()[column] == b'#'
        })
    }

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
}
