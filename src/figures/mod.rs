//! Figures: readable without their caption, in PNG and SVG, drawn by plotters with an embedded
//! font.
//!
//! Each figure is one function from plain data of the lower layers to a [`Figure`], which draws itself
//! the same way every time. `style` is the common style; figures are composed of `chart`s and
//! `panel`s and drawn on a `canvas`.

mod anomaly_curve;
mod axis;
mod canvas;
mod chart;
mod colour_map;
mod curves;
mod figure;
mod font;
mod histograms;
mod live_curve;
mod maps;
pub(crate) mod markup;
mod masks;
mod montage;
mod outline;
mod panel;
mod picture;
mod png;
mod reconstruction;
mod slice_view;
mod strip;
mod style;
#[cfg(test)]
mod tests;
mod text;
mod ticks;
mod training_history;

pub use anomaly_curve::anomaly_curve;
pub use canvas::{Area, Canvas, CanvasError, Drawn};
pub use colour_map::ColourMap;
pub use curves::{
    LesionOperatingPoint, MethodFroc, MethodRoc, OperatingPoint, froc_curves, roc_curves,
};
pub use figure::Figure;
pub use histograms::intensity_histograms;
pub use live_curve::live_curve;
pub use maps::maps_montage;
pub use masks::{PatchMask, masking_strategies};
pub use montage::cohort_montage;
pub use picture::picture;
pub use reconstruction::{reconstruction_panels, uncertainty_panels};
pub use slice_view::{map_view, slice_view};
pub use strip::cohort_strip;
pub use training_history::training_history;
