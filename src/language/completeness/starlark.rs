//! Whether typed text is complete, and how its next line begins.

use super::{Completeness, rust};
use crate::language::brackets::opening;
use crate::language::dialect::parse_to_run;
use crate::language::question::question;
use crate::language::rust_cell::rust_cell;
use crate::language::tokens::{Placed, Token, tokens};

/// Indentation of a block where the text does not show its own.
const INDENT: &str = "    ";

/// Decides by the parser, not by counting brackets. An indented block stays open until
/// an empty line ends it, so that it can have more than one line.
pub fn completeness(source: &str) -> Completeness {
    if let Some((code, _)) = rust_cell(source) {
        return rust::completeness(code);
    }
    let incomplete = || Completeness::Incomplete { indent: indent(source) };
    match parse_to_run("cell", source) {
        Ok(_) if ends_inside_a_block(source) => incomplete(),
        Ok(_) => Completeness::Complete,
        Err(_) if question(source).is_some() => Completeness::Complete,
        Err(error) if is_at_the_end(&error, source) => incomplete(),
        Err(_) => Completeness::Invalid,
    }
}

fn ends_inside_a_block(source: &str) -> bool {
    let ended = source.ends_with('\n');
    let last = source.lines().rev().find(|line| !line.trim().is_empty());
    !ended && last.is_some_and(|line| line.starts_with([' ', '\t']))
}

/// Whether the parser gave up only because the text was over.
fn is_at_the_end(error: &starlark::Error, source: &str) -> bool {
    let Some(span) = error.span() else { return false };
    let begin = span.span.begin().get() as usize;
    if error.without_diagnostic().to_string().contains("unfinished string literal") {
        // Only a string in triple quotes may go on. The place is before the opening quotes, or
        // behind them in an f-string.
        let (before, after) = source.split_at(begin.min(source.len()));
        let after = after.trim_start_matches(['r', 'b']);
        let triple = ["\"\"\"", "'''"];
        return triple.iter().any(|quotes| before.ends_with(quotes) || after.starts_with(quotes));
    }
    source.trim_end().len() <= begin
}

/// What the line after `source` should begin with.
fn indent(source: &str) -> String {
    let tokens = tokens(source);
    let meant = |placed: &&Placed| !matches!(placed.token, Token::Newline | Token::Comment);
    let Some(last) = tokens.iter().rfind(meant) else { return String::new() };
    if matches!(last.token, Token::OpenText { .. }) {
        return String::new();
    }
    let line = source.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let current = indentation(line);
    let step = source.lines().map(indentation).find(|indent| !indent.is_empty()).unwrap_or(INDENT);
    let deeper = format!("{current}{step}");
    let first = line.trim_start().split(|c: char| !c.is_alphanumeric()).next();
    match &source[last.range.clone()] {
        _ if last.token == Token::Open => deeper,
        _ if opening(&tokens).is_some() => current.to_owned(),
        ":" => deeper,
        _ if matches!(first, Some("return" | "pass" | "break" | "continue")) => {
            current.strip_suffix(step).unwrap_or_default().to_owned()
        }
        _ => current.to_owned(),
    }
}

fn indentation(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use Completeness::*;

    fn is_incomplete(source: &str) -> bool {
        matches!(completeness(source), Incomplete { .. })
    }

    #[test]
    fn whole_statements_and_questions_are_complete() {
        for source in [
            "",
            "1 + 1",
            "x = [1,\n2]",
            "for i in range(3): print(i)",
            "# a note",
            "a, b",
            "a, b = 1, 2",
            "train_epoch?",
            "?",
        ] {
            assert_eq!(completeness(source), Complete, "{source:?}");
        }
    }

    #[test]
    fn open_brackets_strings_and_blocks_are_incomplete() {
        for source in [
            "f(",
            "x = [1,",
            "x = {\n  \"a\": 1,",
            "def f():",
            "def f(a,\n      b):",
            "if x:\n  1\nelse:",
            "text = \"\"\"one\ntwo",
            "f\"\"\"a",
            "x = 1 +",
        ] {
            assert!(is_incomplete(source), "{source:?}");
        }
    }

    #[test]
    fn a_block_stays_open_until_an_empty_line() {
        assert!(is_incomplete("def f():\n  return 1"));
        assert_eq!(completeness("def f():\n  return 1\n"), Complete);
        assert_eq!(completeness("for i in [1]:\n  print(i)\n  print(i)\n"), Complete);
    }

    #[test]
    fn what_no_line_can_mend_is_invalid() {
        for source in ["x = = 1", "1 +* 2\n3", "text = \"one", "f(]", "def 3():\n  pass\n"] {
            assert_eq!(completeness(source), Invalid, "{source:?}");
        }
    }

    #[test]
    fn the_next_line_is_indented_as_the_block_asks() {
        for (source, indent) in [
            ("def f():", "    "),
            ("if x:\n  y = 1", "  "),
            ("if x:\n  if y:", "    "),
            ("for s in xs:\n  for t in s:\n    pass", "  "),
            ("def f():\n    return 1", ""),
            ("f(", "    "),
            ("f(\n  a,", "  "),
            ("x = {\n  \"a\": [", "    "),
            ("text = \"\"\"\n    one", ""),
            ("if x: # why", "    "),
        ] {
            let expected = Incomplete { indent: indent.to_owned() };
            assert_eq!(completeness(source), expected, "{source:?}");
        }
    }
}
