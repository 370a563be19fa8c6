//! The name that a mistyped one may have meant.

use strsim::levenshtein;

/// The name among `names` that a mistyped `name` may have meant.
pub(crate) fn nearest<'a>(name: &str, names: &'a [String]) -> Option<&'a String> {
    let distance = |other: &String| levenshtein(name, other);
    let closest = names.iter().min_by_key(|other| distance(other))?;
    let is_part = closest.starts_with(name) || name.starts_with(closest.as_str());
    // A short name has too many neighbours.
    let slips = if name.len() < 4 { 1 } else { 2.max(name.len() / 3) };
    (is_part || distance(closest) <= slips).then_some(closest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_finds_the_nearest_one() {
        let names = ["subjects", "lesions", "seed"].map(String::from);
        assert_eq!(nearest("lesion", &names).unwrap(), "lesions");
        assert_eq!(nearest("subejcts", &names).unwrap(), "subjects");
        assert_eq!(nearest("colour", &names), None);
    }
}
