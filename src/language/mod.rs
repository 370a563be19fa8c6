//! The language of cells and scripts: Starlark with cells in Rust. It parses, colours and divides
//! source, and explains errors. It knows nothing of MRI.
//!
//! | file | what it holds |
//! |---|---|
//! | `dialect`, `nesting` | which Starlark, and parsing; how deeply source may be nested |
//! | `tokens`, `brackets` | source as tokens, by the lexer of Starlark; names, calls and indices as units |
//! | `completeness` | whether the text can run, and how its next line begins |
//! | `definitions` | where names get their values |
//! | `highlight` | what to colour |
//! | `question`, `parameters` | cells that ask about a name: `train_epoch?`; cells that set parameters |
//! | `rust_cell`, `rust_stop` | which cells are in Rust; the error that stopped one |
//! | `script_cells`, `transcript` | a script in cells; the cells of a session as a script |
//! | `typing` | what the type checker of the language is given and finds |
//! | `dialect::marks` | calls of inner functions around what f-strings and `format` make text of |
//! | `cell_error`, `diagnose`, `sentence`, `nearest` | errors of Starlark as [`CellError`], one clear sentence each |
//! | `sentence::python_habits` | what people write out of habit from Python, and what stands here for it |

pub(crate) mod brackets;
mod cell_error;
mod completeness;
pub(crate) mod definitions;
mod diagnose;
pub(crate) mod dialect;
mod highlight;
mod nearest;
mod nesting;
mod parameters;
mod question;
mod rust_cell;
mod rust_stop;
mod script_cells;
mod sentence;
pub(crate) mod tokens;
mod transcript;
pub(crate) mod typing;

pub use cell_error::{Call, CellError, Place};
pub use completeness::{Completeness, completeness};
pub(crate) use diagnose::{diagnose, documented_parameters};
pub(crate) use dialect::marks::{ASSIGNED, CHANGED, ITERATED, TEMPLATE, TUPLE, WRITTEN};
pub(crate) use dialect::source_text;
pub use highlight::Highlight;
pub(crate) use highlight::highlight;
pub(crate) use nearest::nearest;
pub use parameters::{only_sets_parameters, parameters_of};
pub use question::{Question, question};
#[cfg(feature = "rust-cells")]
pub(crate) use rust_cell::is_name;
pub use rust_cell::rust_cell;
pub(crate) use rust_cell::set_names;
pub(crate) use rust_stop::{RustStop, relocated};
pub use script_cells::{ScriptCell, ScriptCellKind, notebook_tags, script_cells, script_of};
pub use transcript::{Transcript, TypedCell, rerun_command};
