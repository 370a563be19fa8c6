//! One Starlark module that lives as long as the session; its verbs; and [`Output`], what running
//! code shows.
//!
//! A front end makes a [`Sink`], starts a [`Session`] with it and runs cells. Whatever the code
//! shows on its way goes to the sink as it happens; the value that ends the cell, or the
//! [`CellError`] that stopped it, is what [`Session::run`] returns. No verb knows who watches.
//!
//! | file | what it holds |
//! |---|---|
//! | `handle` | the session itself: a cell in, a value or an error out, interrupting |
//! | `settings`, `cell`, `activity` | how it starts, what it runs, what stops it |
//! | `surroundings` | what every evaluator gets |
//! | `engine` | the thread behind it, where the module and its values live |
//! | `language` | the dialect and parsing |
//! | `script_cells` | a script in cells, as editors and notebooks see it |
//! | `rust` | cells in Rust, with the values they get and set |
//! | `loader` | `load("helpers.star", "name")` |
//! | `state` | what verbs share: context, sink, seed, device |
//! | `status`, `transcript` | what front ends may know between cells: names, device, what was typed |
//! | `journal` | what brings a session back after a crash |
//! | `verbs` | the verbs by theme; `values` the types they return |
//! | `manual` | the verbs' documentation, for `help`, completion and error hints |
//! | `choices` | the words that a parameter takes |
//! | `snapshot` | what a cell has defined, for completion and help while the next one runs |
//! | `assist` | help while typing: completion, inspection, `?`, colours, whether text is complete |
//! | `diagnose`, `sentence` | from the language's errors to [`CellError`] |

mod activity;
mod assist;
mod cell;
mod cell_error;
mod choices;
mod device;
mod diagnose;
mod engine;
mod handle;
mod journal;
mod language;
mod loader;
mod manual;
mod nearest;
mod output;
mod panics;
mod rust;
mod script_cells;
mod script_parameters;
mod sentence;
mod settings;
mod show;
mod snapshot;
mod state;
mod status;
mod surroundings;
#[cfg(test)]
mod tests;
mod transcript;
mod values;
mod verbs;

pub use assist::{
    Candidate, CandidateKind, Completeness, Completions, Highlight, Question, completeness,
    highlight, question,
};
pub use cell::Cell;
pub use cell_error::{Call, CellError, Place};
pub use device::{device_name, open_device};
pub use handle::{Interrupter, Session};
pub use journal::{is_abandoned, journal_time};
pub use manual::{Manual, Parameter, Passing, Theme, Verb};
pub use output::{Output, Sink};
pub use rust::rust_cell;
pub use script_cells::{ScriptCell, ScriptCellKind, script_cells, script_of};
pub use script_parameters::ScriptParameters;
pub use settings::Settings;
pub use snapshot::Name;
pub use transcript::{Transcript, TypedCell};

pub use crate::report::{Display, Page, Part};
