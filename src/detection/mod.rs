//! From maps to findings: islands, the anomaly curve along the cord, segment and patient scores.
//!
//! The paper (section 3.4) scores a segment by the peak of the error along the cord above the
//! curve's mean, and gives no code. The design here is ours:
//!
//! 1. **Anomaly map**: inside the slice's scoring region (the cord, eroded) the lesion probability, the
//!    positive residual or the absolute error, as [`Scoring`] says; 0 elsewhere.
//! 2. **Islands**: the published rule ([`crate::uncertainty::IslandRule`]) on that map; of lesion probabilities with a
//!    threshold of 0.5 instead of the percentile. In both, the best 3 groups of at least 2 pixels. They are shown and listed; the curve uses the complete map.
//! 3. **Axis** ([`CordAxis`]): the smoothed centreline of the cord mask, a principal curve, so
//!    that oblique, curved and interrupted cords are measured along themselves, in mm of arc
//!    length. Slices with less than [`MINIMUM_LENGTH_MM`] of axis are not scored.
//! 4. **Curve** ([`AnomalyCurve`]): the highest value of the scoring pixels in bins of about 1 mm of
//!    arc length; with the published scoring their mean, smoothed with a Gaussian of σ =
//!    [`CURVE_SMOOTHING_MM`], every pixel counting once.
//!    Stretches where the scoring region is, over a vertebral level, less than
//!    [`MINIMUM_WIDTH_MM`] wide are left out: they are the side of the cord, bright with fluid.
//!    (The value was set on a semi-synthetic cohort; 2.5 to 3.5 mm perform alike there.)
//! 5. **Segments**: the axis is cut at its points nearest to the disc labels and named by the
//!    vertebra in between. Where C1/C2 and T1/T2 are labelled, the cord beyond them is drawn but not
//!    scored: the paper evaluates the cervical levels, and a region of interest is reconstructed
//!    worst at its ends, where it has only one neighbour. A thoracic image, in which no disc above C7/T1
//!    is labelled, is scored everywhere. The outer
//!    segments are called "above C2/C3", "below C7/T1". Without usable labels, the
//!    longest axis of the subject is cut into equal lengths of about 18 mm ("bin 1" …) and the other
//!    slices at the points nearest to those cuts.
//! 6. **AnaScore**: of a segment, the curve's peak in it, minus the mean of the curve's scored part
//!    unless the map shows probabilities, at least 0; of a patient, the highest over segments and slices.
//! 7. **Ground truth** of a segment, where lesion pixels are known: at least [`LESION_PIXELS`] of them
//!    are nearest to its stretch of the axis, in any scored slice.

mod anomaly_map;
mod axis;
mod curve;
mod detect;
mod error_maps;
mod finding;
mod made_by;
mod masked_autoencoder;
mod polyline;
mod profile;
mod reconstructor;
mod scoring;
mod segments;
mod signal;
#[cfg(test)]
mod tests;

pub use axis::{CordAxis, MINIMUM_LENGTH_MM};
pub use curve::{CURVE_SMOOTHING_MM, LESION_PIXELS, MINIMUM_WIDTH_MM, curve_points};
pub use detect::detect;
pub use error_maps::ErrorMaps;
pub use finding::{
    AnomalyCurve, Finding, Findings, Island, SegmentBorders, SegmentScore, SliceFinding,
};
pub use made_by::{MadeBy, ModelFacts};
pub use masked_autoencoder::MaskedAutoencoder;
pub(crate) use profile::AxisProfile;
pub use reconstructor::{Reconstruction, Reconstructor};
pub use scoring::Scoring;
pub use signal::{LevelSignal, SignalCurve};
