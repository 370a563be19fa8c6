//! The interface between methods and the code that evaluates them.

use std::sync::Arc;

use ndarray::{Array2, Zip};

use super::{MadeBy, ModelFacts, Scoring};
use crate::Result;
use crate::cohort::{Slice, SliceGrid};
use crate::context::Context;
use crate::scoring::{Calibration, LearnedFrom};

/// A method's reconstruction of a slice.
#[derive(Clone, Debug, PartialEq)]
pub struct Reconstruction {
    /// The image as the method expects it without anomalies, in the unit of the image, whose values lie in [0, 1]; those
    /// of a network may lie beyond. A method that reconstructs nothing
    /// returns the image; it is not evaluated for similarity.
    pub reconstruction: Array2<f32>,
    /// Difference between the image and the reconstruction, ≥ 0; 0 outside the region of interest.
    pub error: Array2<f32>,
    /// The method's own uncertainty, if it has one: epistemic variance, or the variance that it predicts.
    pub variance: Option<Array2<f32>>,
    /// The method's own lesion probability of every pixel, in [0, 1], if it has one.
    pub probability: Option<Array2<f32>>,
    /// The method's own measure of anomaly, ≥ 0, in any unit and higher where a pixel is more abnormal, if it is
    /// not the residual. 0 outside the region of interest.
    pub anomaly: Option<Array2<f32>>,
}

impl Reconstruction {
    /// The lesion probability inside the cord, 0 elsewhere: outside it means nothing, because scorers learn from cord only.
    pub fn probability_in(&self, cord: &Array2<bool>) -> Option<Array2<f32>> {
        let mut probability = self.probability.clone()?;
        Zip::from(&mut probability).and(cord).for_each(|value, inside| {
            if !inside {
                *value = 0.0;
            }
        });
        Some(probability)
    }
}

/// Anything that reconstructs a slice inside its region of interest.
pub trait Reconstructor {
    /// The method's name as figures and tables show it.
    fn name(&self) -> String;

    /// What tells it from other methods, and its state from others of its own: equal ones give equal scores.
    fn identity(&self) -> String {
        self.name()
    }

    /// What tells its trained model from others; `None` of a method without one.
    fn model_facts(&self) -> Option<ModelFacts> {
        None
    }

    /// Its identity and the facts of its model, for findings with random draws of this seed. A method whose identity and
    /// facts share a hash computes it once here.
    fn made_by(&self, seed: u64) -> MadeBy {
        MadeBy { identity: self.identity(), seed, model: self.model_facts() }
    }

    /// The grid that its slices must have; `None` if any is suitable.
    fn grid(&self) -> Option<SliceGrid> {
        None
    }

    /// Whether its reconstructions are images of their own, whose similarity to the slice means something.
    /// A method that only yields an error may fill them with anything that fits it.
    fn reconstructs(&self) -> bool {
        true
    }

    /// How its reconstructions are scored unless the user chooses: by default by their residual.
    fn scoring(&self) -> Scoring {
        Scoring::Residual
    }

    /// What the method shows in healthy subjects with this scoring, if it was calibrated with any.
    /// Warns of a calibration that no longer holds, and gives none then.
    fn calibration(&self, _scoring: Scoring, _context: &Context) -> Option<Arc<Calibration>> {
        None
    }

    /// Whose images the method learned from, as far as scores of this scoring depend on it and it is known.
    fn learned_from(&self, _scoring: Scoring) -> LearnedFrom {
        LearnedFrom::default()
    }

    /// Reconstructs each slice; one result per slice, in order. Checks `context` for cancellation
    /// and reports progress to it.
    fn reconstruct(&self, slices: &[&Slice], context: &Context) -> Result<Vec<Reconstruction>>;
}
