//! The outline of a mask along its pixels' edges.

use std::collections::BTreeMap;

use ndarray::Array2;

/// Closed paths of (row, column) corner points.
pub(in crate::figures) type Outline = Vec<Vec<(usize, usize)>>;

/// The paths around the true pixels; the last point repeats the first, and points on straight
/// stretches are left out.
pub(in crate::figures) fn trace(mask: &Array2<bool>) -> Outline {
    let inside = |row: isize, column: isize| {
        row >= 0 && column >= 0 && *mask.get((row as usize, column as usize)).unwrap_or(&false)
    };
    // Directed edges with the true pixel on their right, from corner to corner.
    let mut edges: BTreeMap<(usize, usize), Vec<(usize, usize)>> = BTreeMap::new();
    for ((r, c), _) in mask.indexed_iter().filter(|(_, set)| **set) {
        let (row, column) = (r as isize, c as isize);
        let sides = [
            ((row - 1, column), (r, c), (r, c + 1)),
            ((row, column + 1), (r, c + 1), (r + 1, c + 1)),
            ((row + 1, column), (r + 1, c + 1), (r + 1, c)),
            ((row, column - 1), (r + 1, c), (r, c)),
        ];
        for ((row, column), from, to) in sides {
            if !inside(row, column) {
                edges.entry(from).or_default().push(to);
            }
        }
    }
    let mut paths = Vec::new();
    while let Some((&start, _)) = edges.iter().next() {
        let mut path = vec![start];
        let mut here = start;
        while let Some(next) = take_edge(&mut edges, here) {
            if let [.., before, last] = path[..]
                && ((before.0 == last.0 && last.0 == next.0)
                    || (before.1 == last.1 && last.1 == next.1))
            {
                path.pop();
            }
            path.push(next);
            here = next;
        }
        paths.push(path);
    }
    paths
}

/// Removes and gives the end of an edge that starts at `from`.
fn take_edge(
    edges: &mut BTreeMap<(usize, usize), Vec<(usize, usize)>>,
    from: (usize, usize),
) -> Option<(usize, usize)> {
    let ends = edges.get_mut(&from)?;
    let end = ends.pop();
    if ends.is_empty() {
        edges.remove(&from);
    }
    end
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn a_rectangle_has_four_corners() {
        let mut mask = Array2::from_elem((5, 6), false);
        mask.slice_mut(ndarray::s![1..3, 2..5]).fill(true);
        assert_eq!(trace(&mask), [vec![(1, 2), (1, 5), (3, 5), (3, 2), (1, 2)]]);
    }

    #[test]
    fn holes_and_islands_have_paths_of_their_own() {
        let mut ring = Array2::from_elem((5, 7), false);
        ring.slice_mut(ndarray::s![0..5, 0..5]).fill(true);
        ring[(2, 2)] = false;
        ring[(4, 6)] = true;
        let mut lengths: Vec<usize> = trace(&ring).iter().map(Vec::len).collect();
        lengths.sort_unstable();
        assert_eq!(lengths, [5, 5, 5]);
        assert!(trace(&array![[false, false]]).is_empty());
    }
}
