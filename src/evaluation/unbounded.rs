//! Reads numbers that may be infinite, which JSON cannot express.

use serde::{Deserialize, Deserializer};

/// A number that may be infinite, which JSON writes as null.
pub(super) fn unbounded<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::INFINITY))
}
