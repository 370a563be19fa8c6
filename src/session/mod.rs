//! One Starlark module that lives as long as the session; its verbs; and [`Output`], what running
//! code shows.
//!
//! A front end makes a [`Sink`], starts a [`Session`] with it and runs cells. Whatever the code
//! shows on its way goes to the sink as it happens; the value that ends the cell, or the
//! [`CellError`](crate::language::CellError) that stopped it, is what [`Session::run`] returns. No verb knows who watches.
//!
//! | file | what it holds |
//! |---|---|
//! | `session` | the session itself: a cell in, a value or an error out, interrupting |
//! | `settings`, `cell` | how it starts, what it runs |
//! | `engine` | the thread behind it, where the module and its values live |
//! | `rust` | cells in Rust, with the values they get and set |
//! | `state` | what verbs share: context, sink, seed, device |
//! | `status` | what front ends may know between cells: names, device, what was typed |
//! | `journal` | what brings a session back after a crash |
//! | `verbs` | the verbs by theme; `values` the types they return |
//! | `manual`, `catalogue` | the documentation of verbs and types, for `help`, completion and hints; how this build fills it |
//! | `snapshot` | what a cell leaves behind, for whoever asks while the next one runs |
//! | `show` | the value that ends a cell; the text of values, with floats as in Python; the table of a value |
//! | `assist` | help while typing: completion, inspection, `?`, colours |

mod assist;
mod catalogue;
mod cell;
mod device;
mod engine;
mod journal;
mod manual;
mod output;
mod rust;
mod script_parameters;
#[expect(clippy::module_inception)]
mod session;
mod settings;
mod show;
mod snapshot;
mod state;
mod status;
#[cfg(test)]
mod tests;
mod values;
mod verbs;

pub use crate::context::device_name;
pub use assist::{Candidate, CandidateKind, Completions, Problem, check, highlight};
pub use catalogue::manual;
pub use cell::Cell;
pub use device::open_device;
pub use journal::{check_resumable, is_abandoned, journal_time};
pub use manual::{Chapter, Manual, Parameter, Passing, TUTORIALS, Theme, Tutorial, Verb};
pub use output::{Output, Sink};
pub use script_parameters::ScriptParameters;
pub use session::{ExpectedCell, Interrupter, Session};
pub use settings::{SeedChanges, Settings};
pub use snapshot::Name;

use crate::context::panics;
use crate::language::rust_cell;
pub use crate::report::{Display, Page, Part};

/// What could stand before the character `cursor` of a file, counted from 0. Runs nothing.
pub fn complete_text(source: &str, cursor: usize) -> Completions {
    if rust_cell(source).is_some() {
        return Completions::default();
    }
    panics::catch(|| assist::complete(&[], source, cursor)).unwrap_or_default()
}

/// The page about the name at the character `cursor` of a file, counted from 0; `None` if nothing is known about it.
/// Runs nothing.
pub fn describe_text(source: &str, cursor: usize) -> Option<Page> {
    if rust_cell(source).is_some() {
        return None;
    }
    panics::catch(|| assist::describe(source, cursor)).ok().flatten()
}
