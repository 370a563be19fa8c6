//! Typical intensities of cord and fluid in one subject.

use ndarray::Array2;

use crate::cohort::Slice;
use crate::statistics::percentile;
use crate::volume::eroded;

/// Percentile of the fluid's intensities that stands for pure fluid: its masks hold flow voids,
/// roots and partial volume, all darker.
const FLUID_PERCENTILE: f64 = 60.0;
/// Lower limit of the difference between fluid and cord, in units of the image; less is noise.
const LEAST_CONTRAST: f64 = 0.05;

/// Typical intensities of one subject's cord and fluid, in units of its preprocessed images. They
/// are a scale that does not depend on what else lies in the field of view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TissueIntensity {
    /// Median of the cord without its border.
    pub cord: f32,
    /// Fluid minus cord, at least 0.05.
    pub contrast: f32,
}

impl TissueIntensity {
    /// The intensities in the slices of one subject. Without fluid masks, the brightest tenth of
    /// the region of interest counts as fluid. `None` without cord.
    pub fn of(slices: &[&Slice]) -> Option<Self> {
        let within = |mask: &dyn Fn(&Slice) -> Array2<bool>| -> Vec<f64> {
            let inside = |slice: &Slice| -> Vec<f64> {
                let pairs = slice.image.iter().zip(mask(slice)).filter(|(_, inside)| *inside);
                pairs.map(|(value, _)| f64::from(*value)).collect()
            };
            slices.iter().copied().flat_map(inside).collect()
        };
        let mut cord = within(&|slice| eroded(&slice.cord));
        if cord.is_empty() {
            cord = within(&|slice| slice.cord.clone());
        }
        let cord = (!cord.is_empty()).then(|| percentile(&mut cord, 50.0))?;
        let mut fluid = within(&|slice| slice.csf.clone());
        let fluid = if fluid.is_empty() {
            percentile(&mut within(&|slice| slice.region.clone()), 90.0)
        } else {
            percentile(&mut fluid, FLUID_PERCENTILE)
        };
        let contrast = (fluid - cord).max(LEAST_CONTRAST);
        Some(Self { cord: cord as f32, contrast: contrast as f32 })
    }

    /// An image in units of (fluid − cord) above the cord: 0 is cord, 1 is fluid.
    pub fn relative(&self, image: &Array2<f32>) -> Array2<f32> {
        image.mapv(|value| (value - self.cord) / self.contrast)
    }
}
