//! # u2ad: unsupervised anomaly detection in spinal cord MRI
//!
//! U²AD (Zhang et al., Medical Image Analysis 109 (2026) 103939): a masked autoencoder learns to
//! reconstruct hidden patches of the spinal canal; it is pretrained on healthy T2-weighted volumes,
//! adapts on the clinic's own unlabelled data, and chooses what to train on by its own
//! Monte-Carlo uncertainty, so that T2 hyperintensities stay badly reconstructed and stand out.
//!
//! ## The map
//!
//! Data flows down; each floor uses only the floors below it.
//!
//! | floor | rooms | what lives there |
//! |---|---|---|
//! | front ends | [`frontends`] | script runner, terminal shell: turn [`session::Output`] into what their user sees |
//! | session | [`session`] | one Starlark module that lives as long as the session; the verbs |
//! | notebooks | [`notebook`], [`prelude`] | what Rust notebooks need to show values and progress |
//! | Rust cells | `rust_cells` | the process that compiles and runs cells in Rust (feature `rust-cells`) |
//! | study | [`study`] | the steps of a study on whole cohorts |
//! | showing | [`figures`], [`report`] | plotters figures; tables, what values look like, the run folder |
//! | timing | [`benchmark`] | the costly steps on a batch anyone can rebuild |
//! | evaluating | [`detection`], [`evaluation`], [`baselines`] | maps to findings to scores; the baselines |
//! | learning | [`training`], [`masking`], [`uncertainty`] | the loop of the paper |
//! | things | [`model`], [`cohort`] | the network; subjects and their slices |
//! | crossing | [`exchange`] | values on their way between a session and its Rust cells |
//! | numbers | [`ops`], [`volume`] | tensor kernels; NIfTI in and out |
//! | ground | [`context`], [`error`], [`choice`], [`lazy_folder`], `whole_file` | seeded streams, cancel token, progress; the one error type; settings chosen by name; folders made at first use, files that are whole or absent |
//!
//! Three seams carry the design: [`session::Output`] (what running code shows, sent to whoever
//! watches), [`detection::Reconstructor`] (anything that reconstructs a slice inside its region of
//! interest) and [`context::Context`] (what a long task is given: streams, cancel, progress,
//! device).

pub mod baselines;
pub mod benchmark;
pub mod choice;
pub mod cohort;
pub mod context;
pub mod detection;
pub mod error;
pub mod evaluation;
pub mod exchange;
pub mod figures;
#[cfg(feature = "shell")]
pub mod frontends;
pub mod lazy_folder;
pub mod masking;
pub mod model;
pub mod notebook;
pub mod ops;
pub mod phantom;
pub mod prelude;
pub mod report;
#[cfg(feature = "rust-cells")]
pub mod rust_cells;
#[cfg(feature = "shell")]
pub mod session;
mod setters;
pub mod study;
pub mod training;
pub mod uncertainty;
pub mod volume;
mod whole_file;

pub use error::{Error, Result};

// For Rust notebooks: what a cell names must be the very copy that this crate uses.
pub use {candle_core, candle_nn, ndarray, plotters};
