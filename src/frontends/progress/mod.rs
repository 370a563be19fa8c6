//! Progress on standard error: bars on a terminal, sparse plain lines elsewhere.

mod bars;
mod sparkline;

pub(super) use self::bars::Bars;

/// Several of a unit: "slices", "batches".
fn several(unit: &str) -> String {
    let ending = if unit.ends_with("tch") || unit.ends_with('s') { "es" } else { "s" };
    format!("{unit}{ending}")
}
