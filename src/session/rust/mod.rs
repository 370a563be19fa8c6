//! Cells in Rust, in a session: `%%rust` in cells, `rust("…")` in scripts.
//!
//! | file | what it holds |
//! |---|---|
//! | `run` | running them; this build may be without |
//! | `cell_exchange` | what a running cell gets from its session |
//! | `give`, `take` | values on their way to Rust and back |
//! | `media` | what a cell shows at its end |

#[cfg(feature = "rust-cells")]
mod cell_exchange;
#[cfg(feature = "rust-cells")]
mod give;
#[cfg(feature = "rust-cells")]
mod media;
mod run;
#[cfg(feature = "rust-cells")]
mod take;

pub(super) use run::{run, run_cell};
