//! The seam between methods and everything that evaluates them.

use ndarray::Array2;

use super::Scoring;
use crate::Result;
use crate::cohort::{Slice, SliceGrid};
use crate::context::Context;

/// A slice as a method reconstructed it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reconstruction {
    /// The method's idea of the normal image, in [0, 1].
    pub reconstruction: Array2<f32>,
    /// How far the image is from it, ≥ 0; 0 outside the region of interest.
    pub error: Array2<f32>,
    /// The method's own uncertainty (epistemic variance), if it has one.
    pub variance: Option<Array2<f32>>,
    /// The method's own lesion probability of every pixel, in [0, 1], if it has one.
    pub probability: Option<Array2<f32>>,
}

/// Anything that reconstructs a slice inside its region of interest.
pub trait Reconstructor {
    /// The method's name as figures and tables show it.
    fn name(&self) -> String;

    /// What its slices must show; `None` if any will do.
    fn grid(&self) -> Option<SliceGrid> {
        None
    }

    /// How its reconstructions are scored unless its user chooses: by default by their residual.
    fn scoring(&self) -> Scoring {
        Scoring::Residual
    }

    /// Reconstructs each slice; one result per slice, in order. Checks `context` for cancellation
    /// and reports progress to it.
    fn reconstruct(&self, slices: &[&Slice], context: &Context) -> Result<Vec<Reconstruction>>;
}
