//! Numbers in sentences.

/// A number with what it counts: "1 subject", "3 subjects", "2 batches".
pub fn counted(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {}", several(thing)) }
}

/// Several of a thing: "slices", "batches".
pub(crate) fn several(thing: &str) -> String {
    let ending = if thing.ends_with("tch") || thing.ends_with('s') { "es" } else { "s" };
    format!("{thing}{ending}")
}

/// Formats with `decimals`, or as `1.2e-5` where those would round to 0.
pub fn shown_number(number: f64, decimals: usize) -> String {
    match number != 0.0 && number.abs() < 0.5 * 0.1_f64.powi(decimals as i32) {
        true => format!("{number:.1e}"),
        false => format!("{number:.decimals$}"),
    }
}
