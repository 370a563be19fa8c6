//! The verbs, by theme. What runs, what is completed and what `help` prints all come from this
//! table.
#![allow(clippy::too_many_arguments, reason = "the parameters of a verb are its keyword arguments")]

mod baselines;
mod builtins;
mod cohorts;
mod defaults;
mod detection;
mod export;
mod figures;
mod help;
mod jobs;
mod long_work;
mod models;
mod numbers;
mod reports;
mod session;
mod studies;
mod tables;
mod training;

pub(super) use builtins::guard;
pub(super) use defaults::fraction;
use starlark::environment::{Globals, GlobalsBuilder, LibraryExtension};
use starlark::values::none::NoneOr;

use crate::{Error, Result};

/// Adds the verbs of one theme.
pub(super) type Theme = fn(&mut GlobalsBuilder);

/// Title of each theme and what adds its verbs, in the order of a study.
pub(super) const THEMES: &[(&str, Theme)] = &[
    ("Cohorts", cohorts::verbs),
    ("Models", models::verbs),
    ("Training", training::verbs),
    ("Detection", detection::verbs),
    ("Methods to compare with", baselines::verbs),
    ("Studies", studies::verbs),
    ("Figures", figures::verbs),
    ("Tables", tables::verbs),
    ("Export", export::verbs),
    ("Reports", reports::verbs),
    ("Numbers", numbers::verbs),
    ("Jobs", jobs::verbs),
    ("Session", session::verbs),
    ("Help", help::verbs),
];

/// Everything that a cell finds defined: Starlark's own functions, its common extensions and the
/// verbs.
pub(super) fn globals() -> Globals {
    let mut globals = language_builder();
    builtins::replace(&mut globals);
    for (_, add) in THEMES {
        add(&mut globals);
    }
    globals.build()
}

/// What the language itself defines.
pub(super) fn language() -> Globals {
    language_builder().build()
}

fn language_builder() -> GlobalsBuilder {
    use LibraryExtension::*;
    GlobalsBuilder::extended_by(&[
        StructType, RecordType, EnumType, SetType, Map, Filter, Partial, Print, Json, Typing,
    ])
}

/// A count or size that the user gave for the parameter `name` of `verb`.
fn unsigned<T: TryFrom<i64>>(verb: &str, name: &str, given: i64) -> Result<T> {
    T::try_from(given)
        .map_err(|_| Error::input(format!("{verb}: `{name}` must be 0 or more, not {given}")))
}

/// The same for a parameter that may be None.
fn optional_unsigned<T: TryFrom<i64>>(
    verb: &str,
    name: &str,
    given: NoneOr<i64>,
) -> Result<Option<T>> {
    given.into_option().map(|given| unsigned(verb, name, given)).transpose()
}
