//! Figures: readable without their caption, in PNG and SVG, drawn by plotters with an embedded
//! font.
//!
//! Each figure is one function from plain data of the lower layers to a [`Figure`], which draws
//! itself as often as asked and always the same. `drawing` holds what figures are made of: the canvas,
//! charts, panels and the common style.

mod anomaly_curve;
mod curves;
pub(crate) mod drawing;
mod histograms;
mod live_curve;
mod maps;
mod masks;
mod montage;
mod picture;
mod reconstruction;
mod signal;
mod slice_stack;
mod slice_view;
mod spread;
mod strip;
#[cfg(test)]
mod tests;
mod training_history;

pub use anomaly_curve::anomaly_curve;
pub use curves::{
    LesionOperatingPoint, MethodFroc, MethodRoc, OperatingPoint, froc_curves, roc_curves,
};
pub use drawing::canvas::{Area, Canvas, CanvasError, Drawn};
pub use drawing::colour_map::ColourMap;
pub use drawing::figure::Figure;
pub use histograms::intensity_histograms;
pub use live_curve::live_curve;
pub use maps::maps_montage;
pub use masks::{PatchMask, masking_strategies};
pub use montage::cohort_montage;
pub use picture::picture;
pub use reconstruction::{reconstruction_panels, uncertainty_panels};
pub use signal::{signal_curve, signal_levels};
pub use slice_stack::{FindingStack, SliceNote, SliceStack, SliceView, SubjectStack};
pub use slice_view::{map_view, slice_view};
pub use strip::{cohort_strip, subjects_of_strip};
pub use training_history::training_history;
