//! Which cells are in Rust, and how a script writes them.

/// The first line of such a cell.
const HEAD: &str = "%%rust";

/// The Rust code of a cell that begins with `%%rust`, and how many lines stand before it.
pub fn rust_cell(source: &str) -> Option<(&str, usize)> {
    let blank = |line: &&str| line.trim().is_empty();
    let before: Vec<&str> = source.split_inclusive('\n').take_while(blank).collect();
    let rest = &source[before.iter().map(|line| line.len()).sum::<usize>()..];
    let (head, code) = rest.split_once('\n').unwrap_or((rest, ""));
    (head.trim_end() == HEAD).then_some((code, before.len() + 1))
}

/// A cell in Rust as a call of the language; others as they are.
pub(crate) fn to_call(source: &str) -> String {
    let Some((code, _)) = rust_cell(source) else { return source.to_owned() };
    // As it stands, if the language then reads the same.
    let raw = !code.contains("\"\"\"") && !code.ends_with(['"', '\\']) && !code.contains('\r');
    match raw {
        true => format!("rust(r\"\"\"\n{code}\n\"\"\")"),
        false => {
            let escaped = code.replace('\\', "\\\\").replace('"', "\\\"").replace('\r', "\\r");
            format!("rust(\"\"\"\n{escaped}\n\"\"\")")
        }
    }
}

/// A cell that is nothing but such a call, as a cell in Rust; others as they are.
pub(crate) fn from_call(source: &str) -> String {
    let inside = |head: &str| source.strip_prefix(head)?.strip_suffix("\n\"\"\")");
    let code = match (inside("rust(r\"\"\"\n"), inside("rust(\"\"\"\n")) {
        (Some(code), _) if !code.contains("\"\"\"") => Some(code.to_owned()),
        (_, Some(code)) if !code.contains("\"\"\"") => unescaped(code),
        _ => None,
    };
    match code {
        // Only what comes back the same.
        Some(code) if to_call(&format!("{HEAD}\n{code}")) == source => format!("{HEAD}\n{code}"),
        _ => source.to_owned(),
    }
}

fn unescaped(text: &str) -> Option<String> {
    let (mut plain, mut characters) = (String::with_capacity(text.len()), text.chars());
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next()? {
                'r' => '\r',
                kept @ ('\\' | '"') => kept,
                _ => return None,
            },
            other => other,
        });
    }
    Some(plain)
}

/// Names that Rust code in this script may set. The language wants every name known before a
/// script runs.
pub(crate) fn set_names(source: &str) -> Vec<String> {
    let after = source.split("session.set(").skip(1);
    let name = |text: &str| {
        let text = text.trim_start().trim_start_matches('\\').strip_prefix('"')?;
        let end = text.find(['"', '\\'])?;
        is_name(&text[..end]).then(|| text[..end].to_owned())
    };
    after.filter_map(name).collect()
}

/// Whether the language takes this for a name.
pub(crate) fn is_name(text: &str) -> bool {
    const RESERVED: [&str; 16] = [
        "and", "break", "continue", "def", "elif", "else", "for", "if", "in", "lambda", "load",
        "not", "or", "pass", "return", "None",
    ];
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !text.is_empty()
        && text.chars().all(part)
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && !RESERVED.contains(&text)
        && !["True", "False"].contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_in_rust_begins_with_its_line() {
        assert_eq!(rust_cell("%%rust\nlet x = 1;"), Some(("let x = 1;", 1)));
        assert_eq!(rust_cell("\n%%rust  \n1\n2"), Some(("1\n2", 2)));
        assert_eq!(rust_cell("%%rust"), Some(("", 1)));
        for other in ["", "%%rusty\n1", "x = 1\n%%rust", "# %%rust", "%% rust"] {
            assert_eq!(rust_cell(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_cell_survives_a_script() {
        for code in [
            "let x = \"a\\n\";\nx",
            "fn f() {}",
            "",
            "let x = r#\"\"\"\"#; // \"\"\"",
            "\"ends\"",
            "one\\",
        ] {
            let cell = format!("%%rust\n{code}");
            let call = to_call(&cell);
            assert!(call.starts_with("rust("), "{call}");
            assert_eq!(from_call(&call), cell);
        }
        for other in
            ["x = 1", "rust(\"\"\"1\"\"\")", "rust(r\"\"\"\n1\n\"\"\")\nrust(r\"\"\"\n2\n\"\"\")"]
        {
            assert_eq!((to_call(other), from_call(other)), (other.to_owned(), other.to_owned()));
        }
    }

    #[test]
    fn names_that_rust_will_set_are_seen() {
        let script = "rust(\"\"\"session.set(\"mine\", &a)?; session.set(name, 1)?;\"\"\")\n\
                      rust('session.set( \"b_2\", 1)?; session.set(\"no name\", 2)')";
        assert_eq!(set_names(script), ["mine", "b_2"]);
        assert!(is_name("_x1") && !is_name("1x") && !is_name("for") && !is_name(""));
    }
}
