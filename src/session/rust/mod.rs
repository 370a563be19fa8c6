//! Cells in Rust, in a session: `%%rust` in cells, `rust("…")` in scripts.
//!
//! | file | what it holds |
//! |---|---|
//! | `cell` | which cells are in Rust, and how a script writes them |
//! | `run` | running them; this build may be without |
//! | `stop` | why one stopped, as a [`CellError`](super::CellError) |
//! | `cell_exchange` | what a running cell gets from its session |
//! | `give`, `take` | values on their way to Rust and back |
//! | `media` | what a cell shows at its end |

mod cell;
#[cfg(feature = "rust-cells")]
mod cell_exchange;
#[cfg(feature = "rust-cells")]
mod give;
#[cfg(feature = "rust-cells")]
mod media;
mod run;
mod stop;
#[cfg(feature = "rust-cells")]
mod take;

pub use cell::rust_cell;
pub(super) use cell::{from_call, set_names, to_call};
pub(super) use run::{run, run_cell};
pub(super) use stop::RustStop;
