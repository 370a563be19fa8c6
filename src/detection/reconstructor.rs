//! The seam between methods and everything that judges them.

use ndarray::Array2;

use crate::Result;
use crate::cohort::{Frame, Slice};
use crate::context::Context;

/// A slice as a method redrew it.
#[derive(Clone, Debug, PartialEq)]
pub struct Redrawing {
    /// The method's idea of the normal image, in [0, 1].
    pub reconstruction: Array2<f32>,
    /// How far the image is from it, ≥ 0; 0 outside the region of interest.
    pub error: Array2<f32>,
    /// The method's own doubt (epistemic variance), if it has one.
    pub variance: Option<Array2<f32>>,
}

/// Anything that redraws a slice inside its region of interest.
pub trait Reconstructor {
    /// The method's name as figures and tables show it.
    fn name(&self) -> String;

    /// What its slices must show; `None` if any will do.
    fn frame(&self) -> Option<Frame> {
        None
    }

    /// Redraws each slice; one result per slice, in order. Checks `context` for cancellation and
    /// reports progress to it.
    fn redraw(&self, slices: &[&Slice], context: &Context) -> Result<Vec<Redrawing>>;
}
