//! The range of intensities in which a cord can be seen.
//!
//! Preprocessing scales a volume between its percentiles, so that fat is white and the cord often nearly black. A
//! radiologist would set the window by hand; here it ends a little above the fluid.

use crate::cohort::Slice;
use crate::statistics::percentile;

/// Percentile of the intensities of the region of interest, most of which is cord and fluid.
const BRIGHT: f64 = 98.0;
/// How far above it white begins.
const MARGIN: f64 = 1.15;
/// White begins no lower than here: a region without fluid would come out as noise.
const LEAST: f64 = 0.2;

/// The intensity, in [0, 1], from which on slices are shown white: 1 where they have no region of interest. Black is 0.
pub(crate) fn white_from<'s>(slices: impl IntoIterator<Item = &'s Slice>) -> f64 {
    let mut inside: Vec<f64> = Vec::new();
    for slice in slices {
        let pixels = slice.image.iter().zip(&slice.region);
        inside.extend(pixels.filter(|(_, inside)| **inside).map(|(value, _)| f64::from(*value)));
    }
    if inside.is_empty() {
        return 1.0;
    }
    // Two decimals: what a colour bar and a slider show.
    let white = (100.0 * MARGIN * percentile(&mut inside, BRIGHT)).round() / 100.0;
    if white.is_finite() { white.clamp(LEAST, 1.0) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::{Cohort, SliceGrid};
    use crate::context::{Context, Streams};
    use crate::phantom::PhantomOptions;

    #[test]
    fn white_begins_above_the_fluid_and_never_beyond_the_scale() {
        let options = PhantomOptions { subjects: 1, ..PhantomOptions::default() };
        let grid = SliceGrid { size: 64, fov_mm: 128, ..SliceGrid::default() };
        let cohort = Cohort::phantom(&options, grid, &Streams::new(1)).unwrap();
        let subject = &cohort.subjects(&Context::new(0)).unwrap()[0];
        let mut slice = subject.mid_cord().unwrap().clone();
        slice.image.fill(0.4);
        assert_eq!(white_from([&slice]), 0.46);
        slice.image.fill(0.95);
        assert_eq!(white_from([&slice]), 1.0);
        slice.image.fill(0.01);
        assert_eq!(white_from([&slice]), LEAST);
        slice.region.fill(false);
        assert_eq!(white_from([&slice]), 1.0);
        assert_eq!(white_from([]), 1.0);
    }
}
