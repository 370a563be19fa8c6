//! How to load a cohort.

use serde::{Deserialize, Serialize};

use super::health::HealthRule;
use super::slice_grid::SliceGrid;

/// How to load a cohort.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadOptions {
    /// Whether a subject that cannot be used is an error instead of a warning.
    pub strict: bool,
    /// Size and field of view of the preprocessed slices.
    #[serde(alias = "frame")]
    pub grid: SliceGrid,
    /// Name of the only folder under `derivatives/` from which labels are taken; by default all.
    pub derivatives: Option<String>,
    /// Who is healthy; by default known words in the participants table decide.
    #[serde(default)]
    pub healthy: Option<HealthRule>,
}
