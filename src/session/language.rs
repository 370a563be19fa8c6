//! The language: which Starlark, and whether a typed text is complete.

use starlark::syntax::{AstModule, Dialect, DialectTypes};

/// How deep functions may call each other.
pub(super) const MAX_CALL_DEPTH: usize = 400;

/// Starlark as a researcher expects it from Python: f-strings, `for` and `if` at the top level,
/// keyword-only parameters, type annotations.
const DIALECT: Dialect = Dialect {
    enable_f_strings: true,
    enable_top_level_stmt: true,
    enable_lambda: true,
    enable_keyword_only_arguments: true,
    enable_types: DialectTypes::Enable,
    ..Dialect::Standard
};

/// Parses a cell or file; `name` is what errors call it.
pub(super) fn parse(name: &str, source: &str) -> starlark::Result<AstModule> {
    AstModule::parse(name, source.to_owned(), &DIALECT)
}

/// Whether a text can run as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// It parses and no block is open.
    Complete,
    /// More lines are expected.
    Incomplete,
    /// No further line can mend it.
    Invalid,
}

/// Judges typed text by the parser, not by counting brackets. An indented block stays open until
/// an empty line ends it, so that it can have more than one line.
pub fn completeness(source: &str) -> Completeness {
    match parse("cell", source) {
        Ok(_) if ends_inside_a_block(source) => Completeness::Incomplete,
        Ok(_) => Completeness::Complete,
        Err(error) if is_at_the_end(&error, source) => Completeness::Incomplete,
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

#[cfg(test)]
mod tests {
    use super::Completeness::*;
    use super::*;

    #[test]
    fn whole_statements_are_complete() {
        for source in ["", "1 + 1", "x = [1,\n2]", "for i in range(3): print(i)", "# a note"] {
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
            assert_eq!(completeness(source), Incomplete, "{source:?}");
        }
    }

    #[test]
    fn a_block_stays_open_until_an_empty_line() {
        assert_eq!(completeness("def f():\n  return 1"), Incomplete);
        assert_eq!(completeness("def f():\n  return 1\n"), Complete);
        assert_eq!(completeness("for i in [1]:\n  print(i)\n  print(i)\n"), Complete);
    }

    #[test]
    fn what_no_line_can_mend_is_invalid() {
        for source in ["x = = 1", "1 +* 2\n3", "text = \"one", "f(]", "def 3():\n  pass\n"] {
            assert_eq!(completeness(source), Invalid, "{source:?}");
        }
    }
}
