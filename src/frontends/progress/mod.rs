//! Progress on standard error: bars on a terminal, sparse plain lines elsewhere.

mod bars;
mod lines;
mod sparkline;

use std::fmt::Write;

pub(super) use self::bars::Bars;
pub(super) use self::lines::Lines;

/// Current numbers of a task, such as `("loss", 0.12)`.
pub(super) type Figures = [(&'static str, f64)];

/// `, loss 0.1234`: the figure that is for people.
fn listed(figures: &Figures) -> String {
    figures.iter().take(1).fold(String::new(), |mut list, (name, value)| {
        let _ = write!(list, ", {name} {value:.4}");
        list
    })
}

/// Several of a unit: "slices", "batches".
fn several(unit: &str) -> String {
    let ending = if unit.ends_with("tch") || unit.ends_with('s') { "es" } else { "s" };
    format!("{unit}{ending}")
}
