//! # u2ad: unsupervised anomaly detection in spinal cord MRI
//!
//! U²AD (Zhang et al., Medical Image Analysis 109 (2026) 103939): a masked autoencoder learns to
//! reconstruct hidden patches of the spinal canal. It is pretrained on healthy T2-weighted volumes,
//! adapts on the clinic's own unlabelled data, and chooses which patches to train on by its own
//! Monte-Carlo uncertainty, so that T2 hyperintensities stay badly reconstructed and stand out.
//!
//! ## Layers and modules
//!
//! A module imports from the layers below its own; `tests/architecture.rs` checks it.
//!
//! | layer | modules | what they hold |
//! |---|---|---|
//! | front ends | `frontends` | script runner, terminal shell, Jupyter kernel: show a session's output to its user |
//! | session | `session` | one Starlark module that lives as long as the session; the verbs |
//! | language | `language` | Starlark with cells in Rust: parsing, colours, cells, error sentences |
//! | notebooks | [`prelude`], [`notebook`] | what Rust notebooks need to show values and progress |
//! | study | [`study`] | the steps of a study on whole cohorts; screening of images, BIDS trees; sweeps |
//! | Rust cells | `rust_cells` | the process that compiles and runs cells in Rust (feature `rust-cells`) |
//! | presentation | [`report`], [`figures`] | tables, what values look like, the run folder; plotters figures |
//! | export | [`export`] | findings as BIDS derivatives in the grid of the source images, and as HTML pages |
//! | timing | [`benchmark`] | the costly steps on a batch that anyone can rebuild |
//! | scoring | [`evaluation`], [`baselines`], [`detection`] | from maps to findings to metrics; methods to compare with |
//! | segmentation | [`segmentation`] | cord, fluid and discs found by a network trained on synthetic slices |
//! | learning | [`training`], [`masking`], [`scoring`], [`uncertainty`] | the published loop; lesion probabilities learned from simulated lesions |
//! | network | [`model`], [`simulation`] | the masked autoencoder, which patches are hidden; simulated lesions |
//! | Rust exchange | [`exchange`] | values on their way between a session and its Rust cells |
//! | data | [`cohort`], [`dicom`], [`phantom`] | subjects and their preprocessed slices; DICOM files become a BIDS dataset; synthetic volumes |
//! | numerics | [`volume`], [`ops`] | NIfTI in and out; tensor kernels |
//! | base | [`context`], [`files`], [`options`], [`statistics`], [`error`] | seeded streams, cancel token, progress, checkpoints; files and folders that are whole or absent; settings chosen by name, options as builders; percentiles and means; the one error type |
//!
//! Three types connect the layers: `session::Output` (what running code shows, sent to the front
//! end as it happens), [`detection::Reconstructor`] (anything that reconstructs a slice inside its
//! region of interest) and [`context::Context`] (what a long task needs: random streams, cancel
//! token, progress, device).

pub mod baselines;
pub mod benchmark;
pub mod cohort;
pub mod context;
pub mod detection;
pub mod dicom;
pub mod error;
pub mod evaluation;
pub mod exchange;
pub mod export;
pub mod figures;
pub mod files;
#[cfg(feature = "shell")]
pub mod frontends;
#[cfg(feature = "shell")]
pub mod language;
pub mod masking;
pub mod model;
pub mod notebook;
pub mod ops;
pub mod options;
pub mod phantom;
pub mod prelude;
pub mod report;
#[cfg(feature = "rust-cells")]
pub mod rust_cells;
pub mod scoring;
pub mod segmentation;
#[cfg(feature = "shell")]
pub mod session;
pub mod simulation;
pub mod statistics;
pub mod study;
pub mod training;
pub mod uncertainty;
pub mod volume;

pub use error::{Error, Result};

// For Rust notebooks: what a cell names must be the very copy that this crate uses.
pub use {candle_core, candle_nn, ndarray, plotters};
