//! Types as the type checker writes them, in plain words.

/// A type without its parts: `int | list[str]` is "int or list". `None` comes last.
pub(super) fn plain(kind: &str) -> String {
    joined(words(kind))
}

/// Two types that differ, each with its article: "a Cohort or None" and "an int". Lists that differ only in what they
/// hold say it.
pub(super) fn expected_and_given(expected: &str, given: &str) -> (String, String) {
    let is_same = words(given).iter().any(|word| words(expected).contains(word));
    let told = |kind: &str| {
        let told = parts(kind).into_iter().map(|part| match item(part).filter(|_| is_same) {
            Some(item) => format!("list of {item}s"),
            None => word(part).to_owned(),
        });
        let with_article = |word: String| match word.as_str() {
            "None" => word,
            _ if word.starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O']) => format!("an {word}"),
            _ => format!("a {word}"),
        };
        joined(told.map(with_article).collect())
    };
    (told(expected), told(given))
}

/// The parts of a type, such as `int` and `list[str]` of `int | list[str]`.
fn parts(kind: &str) -> Vec<&str> {
    if kind.starts_with("def(") {
        return vec![kind];
    }
    let (mut parts, mut from, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, letter) in kind.char_indices() {
        match letter {
            '[' | '(' => depth += 1,
            ']' | ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => {
                parts.push(kind[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(kind[from..].trim());
    parts
}

fn words(kind: &str) -> Vec<String> {
    parts(kind).into_iter().map(|part| word(part).to_owned()).collect()
}

/// One part of a type in a word.
fn word(part: &str) -> &str {
    match part.split(['[', '(']).next().unwrap_or(part) {
        "" => "tuple",
        "str" => "string",
        "def" | "typing.Callable" => "function",
        "namespace" => "group of functions",
        "typing.Any" => "value",
        "typing.Iterable" => "list",
        word => word,
    }
}

/// What the items of a list are, if that is one simple type.
fn item(part: &str) -> Option<&str> {
    let inside = part.strip_prefix("list[").or_else(|| part.strip_prefix("typing.Iterable["))?;
    let inside = inside.strip_suffix(']')?;
    let is_simple = inside.chars().all(char::is_alphanumeric) && inside != "None";
    is_simple.then(|| word(inside))
}

fn joined(words: Vec<String>) -> String {
    let mut all: Vec<String> = Vec::new();
    for word in words {
        if !all.contains(&word) {
            all.push(word);
        }
    }
    all.sort_by_key(|word| word == "None");
    all.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_plain_words() {
        for (kind, expected) in [
            ("str", "string"),
            ("None | str", "string or None"),
            ("list[int | str]", "list"),
            ("dict[str, list[int]] | int", "dict or int"),
            ("(int, str)", "tuple"),
            ("struct(a = int)", "struct"),
            ("def(number: int) -> None | str", "function"),
            ("Cohort", "Cohort"),
        ] {
            assert_eq!(plain(kind), expected);
        }
    }

    #[test]
    fn what_was_expected_and_what_was_given_differ() {
        let told = |expected: &str, given: &str| {
            let (expected, given) = expected_and_given(expected, given);
            format!("{expected}, not {given}")
        };
        assert_eq!(told("Cohort | None", "int"), "a Cohort or None, not an int");
        assert_eq!(told("float | int", "str"), "a float or an int, not a string");
        assert_eq!(
            told("typing.Iterable[str]", "list[int]"),
            "a list of strings, not a list of ints"
        );
        assert_eq!(told("typing.Iterable[str]", "int"), "a list, not an int");
    }
}
