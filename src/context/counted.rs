//! Numbers of things in sentences.

/// A number with what it counts: "1 subject", "3 subjects".
pub fn counted(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}
