//! The baselines. Each implements [`crate::detection::Reconstructor`], so that detection,
//! evaluation and figures treat it like any other method.

mod intensity_threshold;

pub use intensity_threshold::IntensityThreshold;
