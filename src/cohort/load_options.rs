//! How to load a cohort.

use serde::{Deserialize, Serialize};

use super::slice_grid::SliceGrid;

/// How to load a cohort.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadOptions {
    /// Whether a subject that cannot be used is an error instead of a warning.
    pub strict: bool,
    /// What the preprocessed slices show.
    #[serde(alias = "frame")]
    pub grid: SliceGrid,
    /// Name of the one folder under `derivatives/` to take labels from; all of them by default.
    pub derivatives: Option<String>,
}
