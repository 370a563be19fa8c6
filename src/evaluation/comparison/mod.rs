//! Two methods on the same patients: which patients they share, and whether they differ.

mod compare;
mod delong;
mod examined;
mod pairing;

pub use compare::{ComparedMeasure, Comparison, ComparisonTest, compare};
pub(super) use compare::{Measure, measure, p_value};
pub(super) use examined::Examined;
pub use pairing::warn_unless_comparable;
pub(super) use pairing::{places, warn_of_mixed_thresholds};
