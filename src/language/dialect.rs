//! The language: which Starlark.

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

/// Parses a cell or file; `name` is what errors call it. Source that is nested too deeply for the
/// stack is refused.
pub(crate) fn parse(name: &str, source: &str) -> starlark::Result<AstModule> {
    nesting::check(name, source)?;
    nesting::with_room(|| AstModule::parse(name, source.to_owned(), &DIALECT))
}
