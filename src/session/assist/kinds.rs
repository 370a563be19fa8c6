//! Types as documentation writes them: "None | Image", "list[Slice]", "dict[str, int]".

use crate::session::catalogue::manual;
use crate::session::manual::Type;

/// The alternatives of a type other than None.
fn alternatives(kind: &str) -> Vec<&str> {
    split(kind, " | ").into_iter().map(str::trim).filter(|one| *one != "None").collect()
}

/// The documented types that a value of type `kind` may have.
pub(super) fn documented(kind: &str) -> Vec<&'static Type> {
    let names = alternatives(kind);
    names.into_iter().filter_map(|name| manual().kind(base(name))).collect()
}

/// Type of what stands in a value of type `kind`: of `value[0]`; of `key` in `for key in value`
/// with `iterated`.
pub(super) fn element(kind: &str, iterated: bool) -> Option<String> {
    alternatives(kind).into_iter().find_map(|one| {
        let arguments = one.split_once('[').and_then(|(_, rest)| rest.strip_suffix(']'));
        let argument =
            |at: usize| Some(split(arguments?, ", ").into_iter().nth(at)?.trim().to_owned());
        match base(one) {
            "list" | "set" | "tuple" => argument(0),
            "dict" => argument(if iterated { 0 } else { 1 }),
            "str" => Some("str".to_owned()),
            "range" => Some("int".to_owned()),
            name => manual().kind(name)?.element.map(str::to_owned),
        }
    })
}

/// A type without its arguments.
fn base(kind: &str) -> &str {
    let base = kind.split('[').next().unwrap_or(kind).trim();
    match base {
        "string" => "str",
        base => base,
    }
}

/// Splits at a separator outside brackets.
fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let (mut parts, mut from, mut depth) = (Vec::new(), 0, 0usize);
    for (at, c) in text.char_indices() {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 && at >= from && text[at..].starts_with(separator) => {
                parts.push(&text[from..at]);
                from = at + separator.len();
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_off_the_way_a_type_is_written() {
        assert_eq!(element("list[Slice]", false).as_deref(), Some("Slice"));
        assert_eq!(element("None | list[dict[str, int]]", true).as_deref(), Some("dict[str, int]"));
        assert_eq!(element("dict[str, list[Slice]]", false).as_deref(), Some("list[Slice]"));
        assert_eq!(element("dict[str, list[Slice]]", true).as_deref(), Some("str"));
        assert_eq!(element("Cohort", false).as_deref(), Some("Subject"));
        assert_eq!(element("float", false), None);
        assert_eq!(element("list[typing.Any", false), None);
    }

    #[test]
    fn none_is_no_alternative() {
        let names: Vec<_> = documented("None | Image").iter().map(|kind| &*kind.name).collect();
        assert_eq!(names, ["Image"]);
    }
}
