//! The region of interest of a slice.

use std::cmp::Reverse;

use ndarray::Array2;

use crate::volume::{Connectivity, connected_components, dilated};

/// Which components of a slice's region of interest are kept. Components are 4-connected, as in
/// the published scripts, and counted on the grid of 1 mm pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionRule {
    /// The largest one (the first in reading order among equals): what the published code does with healthy volumes.
    /// [`Cohort`](crate::cohort::Cohort) does not, because a score would depend on who is called healthy.
    LargestComponent,
    /// All but those of 20 pixels or fewer: the rule of cohorts, and of the published code for clinical volumes.
    DropSmall,
}

/// Components of at most this many pixels are dropped by [`RegionRule::DropSmall`].
const SMALL: usize = 20;

/// The region of interest around the `inside` of a slice: dilated by one pixel
/// (4-neighbourhood), components kept by `rule`.
pub(in crate::cohort) fn region_of_interest(
    inside: &Array2<bool>,
    rule: RegionRule,
) -> Array2<bool> {
    let grown = dilated(inside);
    let mut kept = connected_components(&grown, Connectivity::Four);
    match rule {
        RegionRule::LargestComponent => {
            // The sort is stable: reading order decides among equals.
            kept.sort_by_key(|component| Reverse(component.len()));
            kept.truncate(1);
        }
        RegionRule::DropSmall => kept.retain(|component| component.len() > SMALL),
    }
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
    fn healthy_regions_keep_the_largest_component_only() {
        let inside = mask(&["#......", ".......", ".......", "....##.", "......."]);
        let region = region_of_interest(&inside, RegionRule::LargestComponent);
        let expected = mask(&[".......", ".......", "....##.", "...####", "....##."]);
        assert_eq!(region, expected);
        let nothing = mask(&["...", "..."]);
        assert_eq!(region_of_interest(&nothing, RegionRule::LargestComponent), nothing);
    }

    #[test]
    fn clinical_regions_drop_components_of_20_pixels_or_fewer() {
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
        let region = region_of_interest(&inside, RegionRule::DropSmall);
        assert_eq!(region.iter().filter(|&&x| x).count(), 23);
        assert!(!region[[1, 3]] && region[[5, 3]]);
    }
}
