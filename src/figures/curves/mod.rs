//! Curves over all thresholds: sensitivity against false positives.

mod froc;
mod roc;

pub use froc::{LesionOperatingPoint, MethodFroc, froc_curves};
pub use roc::{MethodRoc, OperatingPoint, roc_curves};
