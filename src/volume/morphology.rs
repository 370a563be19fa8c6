//! Binary morphology of one slice.

use ndarray::{Array2, s};

/// Grown by one pixel up, down, left and right.
pub fn dilated(mask: &Array2<bool>) -> Array2<bool> {
    let (rows, columns) = mask.dim();
    let mut grown = mask.clone();
    for ((row, column), _) in mask.indexed_iter().filter(|(_, inside)| **inside) {
        grown[[row.saturating_sub(1), column]] = true;
        grown[[(row + 1).min(rows - 1), column]] = true;
        grown[[row, column.saturating_sub(1)]] = true;
        grown[[row, (column + 1).min(columns - 1)]] = true;
    }
    grown
}

/// Eroded with a 3 × 3 square; what lies beyond the border counts as outside.
pub fn eroded(mask: &Array2<bool>) -> Array2<bool> {
    let (rows, columns) = mask.dim();
    let mut eroded = mask.clone();
    for ((row, column), inside) in eroded.indexed_iter_mut().filter(|(_, inside)| **inside) {
        *inside = (1..rows - 1).contains(&row)
            && (1..columns - 1).contains(&column)
            && mask.slice(s![row - 1..=row + 1, column - 1..=column + 1]).iter().all(|&x| x);
    }
    eroded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::fixture::mask;

    #[test]
    fn a_pixel_grows_into_a_cross_also_at_the_border() {
        assert_eq!(dilated(&mask(&["....", ".#..", "...."])), mask(&[".#..", "###.", ".#.."]));
        assert_eq!(dilated(&mask(&["#..", "..."])), mask(&["##.", "#.."]));
    }

    #[test]
    fn erosion_takes_a_square_and_the_border() {
        let full = mask(&["#####", "#####", "#####", "####."]);
        assert_eq!(eroded(&full), mask(&[".....", ".###.", ".##..", "....."]));
        assert_eq!(eroded(&mask(&["##", "##"])), mask(&["..", ".."]));
    }
}
