//! Whether a cell in Rust is complete.

use super::Completeness;

/// Spaces of one level.
const INDENT: usize = 4;

/// A cell in Rust ends with an empty line, outside all brackets, strings and comments: its
/// statements could always be followed by another.
pub(super) fn completeness(code: &str) -> Completeness {
    let depth = open(code);
    match depth {
        Some(0) if code.ends_with('\n') => Completeness::Complete,
        depth => Completeness::Incomplete { indent: " ".repeat(INDENT * depth.unwrap_or(0)) },
    }
}

/// How many brackets are open at the end; `None` inside a string or comment.
fn open(code: &str) -> Option<usize> {
    let bytes = code.as_bytes();
    let (mut depth, mut at) = (0usize, 0);
    while at < bytes.len() {
        let rest = &code[at..];
        at += match bytes[at] {
            b'(' | b'[' | b'{' => {
                depth += 1;
                1
            }
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                1
            }
            b'/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with("/*") => block_comment(rest)?,
            b'r' if !follows_word(code, at) => match raw_string(rest) {
                Some(length) => length?,
                None => 1,
            },
            b'"' => string(rest)?,
            b'\'' => character(rest),
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
    }
    Some(depth)
}

fn follows_word(code: &str, at: usize) -> bool {
    // `br"…"` is a raw string too.
    let before = code[..at].trim_end_matches('b');
    before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Comments nest.
fn block_comment(rest: &str) -> Option<usize> {
    let (mut depth, mut at) = (0usize, 0);
    loop {
        let next = &rest[at..];
        let (open, close) = (next.find("/*"), next.find("*/")?);
        match open {
            Some(open) if open < close => {
                depth += 1;
                at += open + 2;
            }
            _ => {
                depth -= 1;
                at += close + 2;
            }
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// The length of a raw string, `Some(None)` if it does not end; `None` if there is none.
fn raw_string(rest: &str) -> Option<Option<usize>> {
    let hashes = rest[1..].bytes().take_while(|byte| *byte == b'#').count();
    let body = rest[1 + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(body.find(&end).map(|at| rest.len() - body.len() + at + end.len()))
}

fn string(rest: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// A character literal, or the quote of a lifetime.
fn character(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    let (_, first) = characters.next().unwrap_or((0, ' '));
    if first == '\\' {
        // What is escaped may be the quote itself.
        characters.next();
        return characters.find(|(_, c)| *c == '\'').map_or(1, |(at, _)| at + 1);
    }
    match characters.next() {
        Some((at, '\'')) => at + 1,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_is_too_odd(code in "[rb#'\"/*{}x\u{e9}\u{1f980}\\\\ \n]{0,12}") {
            completeness(&code);
        }
    }

    #[test]
    fn an_empty_line_outside_brackets_ends_a_cell() {
        for complete in [
            "1\n",
            "let x = 1;\nx\n",
            "fn f() {\n}\n",
            "'{'; \"{\"; r#\"\"{\"#; // {\n",
            "fn f<'a>(x: &'a str) {} '\\'' /* { /* */ */\n",
            "'\\u{1f980}' '\\é' '{'\n",
            "\n",
        ] {
            assert_eq!(completeness(complete), Completeness::Complete, "{complete:?}");
        }
        for (open, indent) in [
            ("1", 0),
            ("fn f() {", 4),
            ("fn f() {\n\n", 4),
            ("f(|x| {\n", 8),
            ("\"{\n", 0),
            ("r#\"a\"\n", 0),
            ("/* /* */\n", 0),
            ("", 0),
        ] {
            let expected = Completeness::Incomplete { indent: " ".repeat(indent) };
            assert_eq!(completeness(open), expected, "{open:?}");
        }
    }
}
