//! Curves over all thresholds: how much is found for how many false alarms.

mod froc;
mod roc;

pub use froc::{LesionOperatingPoint, MethodFroc, froc_curves};
pub use roc::{MethodRoc, OperatingPoint, roc_curves};
