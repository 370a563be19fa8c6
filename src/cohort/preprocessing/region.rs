//! The region of interest of a slice.

use ndarray::Array2;

use crate::volume::{Connectivity, connected_components, dilated};

/// Components of at most this many pixels are dropped, as by the published code for clinical volumes. Of healthy volumes
/// that code keeps the largest one alone; then a score would depend on who is called healthy.
const SMALL: usize = 20;

/// The region of interest around the `inside` of a slice: dilated by one pixel
/// (4-neighbourhood), without small components. Components are 4-connected, as in the published scripts, and counted
/// on the grid of 1 mm pixels.
pub(in crate::cohort) fn region_of_interest(inside: &Array2<bool>) -> Array2<bool> {
    let grown = dilated(inside);
    let mut kept = connected_components(&grown, Connectivity::Four);
    kept.retain(|component| component.len() > SMALL);
    let mut region = Array2::from_elem(grown.dim(), false);
    for pixel in kept.into_iter().flatten() {
        region[pixel] = true;
    }
    region
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::fixture::mask;

    #[test]
    fn components_of_20_pixels_or_fewer_are_dropped() {
        // Grown, a line of n pixels has 3 n + 2: 20 for 6, 23 for 7.
        let inside = mask(&[
            "...........",
            "..######...",
            "...........",
            "...........",
            "...........",
            "..#######..",
            "...........",
        ]);
        let region = region_of_interest(&inside);
        assert_eq!(region.iter().filter(|&&x| x).count(), 23);
        assert!(!region[[1, 3]] && region[[5, 3]]);
    }
}
