//! What is wrong with a file, found without running it.

use std::collections::HashMap;

use starlark::ErrorKind;
use starlark::typing::AstModuleTypecheck;

use crate::language::{CellError, diagnose, dialect, rust_cell};
use crate::session::catalogue::manual;
use crate::session::engine::panics;
use crate::session::verbs::globals;

/// Something that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub error: CellError,
    /// Whether the file cannot run; otherwise it stops where it gets there.
    pub is_certain: bool,
}

/// Parses a file, looks up its names and compares types. `name` is what errors call it.
pub fn check(name: &str, source: &str) -> Vec<Problem> {
    if rust_cell(source).is_some() {
        return Vec::new();
    }
    // What the checks of the language cannot take is found when the file runs.
    panics::catch(|| problems(name, source)).unwrap_or_default()
}

fn problems(name: &str, source: &str) -> Vec<Problem> {
    let explained = |error| diagnose(error, &|function| manual().parameters(function));
    let ast = match dialect::parse(name, source) {
        Ok(ast) => ast,
        Err(error) => return vec![Problem { error: explained(error), is_certain: true }],
    };
    let (errors, ..) = ast.typecheck(&globals(), &HashMap::new());
    let problem = |error: starlark::Error| {
        let is_certain = matches!(error.kind(), ErrorKind::Scope(_));
        Problem { error: explained(error), is_certain }
    };
    errors.into_iter().map(problem).collect()
}
