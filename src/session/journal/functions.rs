//! Functions defined again by the source of their cell.

use std::path::Path;

use starlark::environment::Module;

use crate::language::definitions::computes_defaults;
use crate::language::{Transcript, dialect};
use crate::session::engine::evaluator_context::EvaluatorContext;
use crate::session::engine::is_session_name;
use crate::session::engine::loader::Loader;
use crate::{Error, Result};

/// The outcome of restoring a session's functions.
#[derive(Default)]
pub(super) struct Functions {
    /// Names of those that are defined.
    pub back: Vec<String>,
    /// Of these, those whose default values were computed again.
    pub anew: Vec<String>,
    /// Name, source and why it is not defined.
    pub failed: Vec<(String, String, Error)>,
}

/// Defines functions, given by name and source, in the order of the cells: a function may need an earlier one. It may
/// also need one that was defined anew later, so those that fail are tried again as long as any of them succeeds.
pub(super) fn restored(
    evaluator: EvaluatorContext,
    module: &Module,
    mut waiting: Vec<(String, String)>,
    transcript: &Transcript,
) -> Functions {
    waiting.sort_by_key(|(_, source)| {
        transcript.cells.iter().position(|cell| cell.source.contains(source.as_str()))
    });
    let mut functions = Functions::default();
    loop {
        let tried = waiting.len();
        let mut failed = Vec::new();
        for (name, source) in waiting {
            match define(evaluator, module, &name, &source) {
                Err(error) => failed.push((name, source, error)),
                Ok(()) => {
                    if computes_defaults(&source) {
                        functions.anew.push(name.clone());
                    }
                    functions.back.push(name);
                }
            }
        }
        if failed.is_empty() || failed.len() == tried {
            functions.failed = failed;
            functions.anew.sort();
            return functions;
        }
        waiting = failed.into_iter().map(|(name, source, _)| (name, source)).collect();
    }
}

/// Defines a function again.
///
/// # Errors
/// If its source no longer runs.
pub(super) fn define(
    evaluator: EvaluatorContext,
    module: &Module,
    name: &str,
    source: &str,
) -> Result<()> {
    let loader = Loader::new(evaluator, Path::new(""));
    dialect::parse_in_session(name, source, &|name| is_session_name(module, name))
        .and_then(|ast| evaluator.evaluate(module, ast, &loader))
        .map(drop)
        .map_err(|error| Error::input(error.without_diagnostic().to_string()))
}
