//! The origin of a cohort, so that it can be loaded again: where its subjects come from, then what
//! was selected from them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::load_options::LoadOptions;
use super::slice_grid::SliceGrid;
use crate::phantom::PhantomOptions;

/// Everything needed to make a cohort again. Holds no voxels: they are read or generated again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    pub origin: Origin,
    pub steps: Vec<Step>,
}

/// Where the subjects come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A folder, by its absolute path.
    Folder { path: PathBuf, options: LoadOptions },
    /// The procedural phantom.
    Phantom {
        options: PhantomOptions,
        #[serde(alias = "frame")]
        grid: SliceGrid,
        seed: u64,
    },
    /// Two cohorts put together.
    Joined(Box<[Provenance; 2]>),
}

/// What was selected or changed, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    Healthy,
    Clinical,
    Filter {
        column: String,
        value: String,
    },
    Slice {
        from: usize,
        to: usize,
    },
    /// These subjects, in this order.
    Picked {
        names: Vec<String>,
    },
    Without {
        names: Vec<String>,
    },
    Prefixed {
        prefix: String,
    },
    #[serde(alias = "frame")]
    Grid(SliceGrid),
}

impl Provenance {
    /// Without further steps.
    pub(super) fn of(origin: Origin) -> Self {
        Self { origin, steps: Vec::new() }
    }

    /// The folders that its subjects come from.
    pub fn folders(&self) -> Vec<&Path> {
        match &self.origin {
            Origin::Folder { path, .. } => vec![path],
            Origin::Phantom { .. } => Vec::new(),
            Origin::Joined(both) => both.iter().flat_map(Self::folders).collect(),
        }
    }

    /// With one more step.
    pub(super) fn then(&self, step: Step) -> Self {
        let mut longer = self.clone();
        longer.steps.push(step);
        longer
    }
}
