//! The verbs, by theme. This is the one table: what runs, what is completed, what `help` prints
//! and what the reference page lists all come from here.

mod session;

use starlark::environment::{Globals, GlobalsBuilder, LibraryExtension};

/// Adds the verbs of one theme.
pub(super) type Theme = fn(&mut GlobalsBuilder);

/// Title of each theme and what adds its verbs, in the order of a study.
pub(super) const THEMES: &[(&str, Theme)] = &[("Session", session::verbs)];

/// Everything that a cell finds defined: Starlark's own functions, its common extensions and the
/// verbs.
pub(super) fn globals() -> Globals {
    use LibraryExtension::*;
    let mut globals = GlobalsBuilder::extended_by(&[
        StructType, RecordType, EnumType, SetType, Map, Filter, Partial, Print, Json, Typing,
    ]);
    for (_, add) in THEMES {
        add(&mut globals);
    }
    globals.build()
}
