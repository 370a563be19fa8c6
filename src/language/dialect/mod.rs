//! The language: which Starlark.

pub(super) mod marks;

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
    nesting::with_room(|| AstModule::parse(name, source.to_owned(), &DIALECT))
}

/// As [`parse`], for a source that is about to run: with marks around what becomes text.
pub(crate) fn parse_to_run(name: &str, source: &str) -> starlark::Result<AstModule> {
    let source = source_text(source);
    let ast = parse(name, source)?;
    match marks::marked(source, &ast) {
        Some(marked) => nesting::with_room(|| AstModule::parse(name, marked, &DIALECT)),
        None => Ok(ast),
    }
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
}
