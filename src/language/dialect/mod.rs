//! The language: which Starlark.

pub(super) mod bindings;
mod changeable;
mod loops;
pub(super) mod marks;
mod needed_marks;
mod refused_assignments;
mod tabs;
mod tuples;
mod type_comparisons;

pub(crate) use changeable::assigned_names;
use starlark::syntax::{AstModule, Dialect, DialectTypes};

use super::nesting;

/// How deep functions may call each other.
pub(crate) const MAX_CALL_DEPTH: usize = 400;

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

/// A source without the byte order marks that editors on Windows put before it.
pub(crate) fn source_text(source: &str) -> &str {
    source.trim_start_matches('\u{feff}')
}

/// Parses a cell or file; `name` is what errors call it. Source that is nested too deeply for the
/// stack is refused.
pub(crate) fn parse(name: &str, source: &str) -> starlark::Result<AstModule> {
    let source = source_text(source);
    nesting::check(name, source)?;
    parse_text(name, source.to_owned())
}

/// Parses what is not nested too deeply.
fn parse_text(name: &str, text: String) -> starlark::Result<AstModule> {
    nesting::with_room(|| AstModule::parse(name, text, &DIALECT)).map_err(tabs::placed)
}

/// Statements without brackets that one cell may have.
const MOST_TUPLES: usize = 32;

/// As [`parse`], for a source that is about to run: with marks around what becomes text and what loops go over, and
/// around tuples without brackets.
pub(crate) fn parse_to_run(name: &str, source: &str) -> starlark::Result<AstModule> {
    parse_in_session(name, source, &|_| false)
}

/// As [`parse_to_run`], for a cell that later cells follow: its functions look at the values that names have when they are
/// called. `is_name` tells the names that the session has so far.
pub(crate) fn parse_in_session(
    name: &str,
    source: &str,
    is_name: &dyn Fn(&str) -> bool,
) -> starlark::Result<AstModule> {
    let source = source_text(source);
    let (source, ast) = parse_with_tuples(name, source)?;
    refused_assignments::check(name, &source, &ast)?;
    type_comparisons::check(name, &source, &ast)?;
    let marked = needed_marks::marked(&source, &ast);
    let text = marked.as_deref().unwrap_or(&source);
    match changeable::with_changeable_names(text, &ast, is_name).or(marked) {
        Some(text) => parse_text(name, text),
        None => Ok(ast),
    }
}

/// The tree of a source, and the source with marks around tuples without brackets. The error is that of the source
/// without marks, or that of a later line.
pub(crate) fn parse_with_tuples(name: &str, source: &str) -> starlark::Result<(String, AstModule)> {
    let first = match parse(name, source) {
        Ok(ast) => return Ok((source.to_owned(), ast)),
        Err(error) => error,
    };
    let mut marked = tuples::marked(source, &first);
    for _ in 0..MOST_TUPLES {
        let Some(text) = marked else { break };
        match parse_text(name, text.clone()) {
            Ok(ast) => return Ok((text, ast)),
            Err(error) => {
                marked = tuples::marked(&text, &error);
                // The tuple before it is none of the errors.
                if marked.is_none() && line_of(&error) > line_of(&first) {
                    return Err(error);
                }
            }
        }
    }
    Err(first)
}

fn line_of(error: &starlark::Error) -> Option<usize> {
    error.span().map(|span| span.resolve_span().begin.line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_ignored() {
        for source in ["\u{feff}x = 1\n", "\u{feff}", "\u{feff}# %%\nprint(f'{1}')"] {
            assert!(parse("cell", source).is_ok() && parse_to_run("cell", source).is_ok());
        }
    }

    #[test]
    fn tuples_without_brackets_are_statements() {
        for source in [
            "1, 2",
            "a, b\n",
            "x = 1\nx, 2  # both\n",
            "if x:\n  x, 1\n  y, 2\n",
            "f(1,\n 2), 3",
            "1,",
            "a; b, c",
        ] {
            assert!(parse("cell", source).is_err(), "{source:?}");
            let text = parse_with_tuples("cell", source).unwrap().0;
            assert_eq!(marks::unmarked(&text), source);
            assert!(parse_to_run("cell", source).is_ok());
        }
        for source in
            ["1, = 2", "x y, z", "f(1, 2", "a, b c", "for x, y", "if a, b:\n  1", ", a", "a,, b"]
        {
            let plain = parse("cell", source).unwrap_err().to_string();
            assert_eq!(parse_to_run("cell", source).unwrap_err().to_string(), plain, "{source:?}");
        }
        for source in ["x = 1\nx, 2\ny = a b", "1, 2\nx = y is None", "a, b\nc, d\n\ne, f g\n"] {
            let error = parse_to_run("cell", source).unwrap_err();
            assert_eq!(line_of(&error).unwrap() + 1, source.trim_end().lines().count(), "{error}");
        }
    }
}
