//! How a value is restored, as recorded in the journal.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroI32;

use serde::{Deserialize, Serialize};

use crate::cohort;
use crate::detection::{MadeBy, Scoring};
use crate::evaluation::{LesionThresholdRule, ThresholdRule};
use crate::masking::MaskSampler;
use crate::scoring::{Calibration, SeenAs};
use crate::training::{EpochRecord, History};

/// What is needed to restore a value. Large data are in files beside the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Recipe {
    None,
    Bool(bool),
    Int(i64),
    /// A whole number beyond 64 bits, by its decimal digits.
    LargeInt(String),
    /// As text, because JSON cannot represent infinite and NaN values.
    Float(String),
    Text(String),
    List(Vec<Recipe>),
    Tuple(Vec<Recipe>),
    Set(Vec<Recipe>),
    Range {
        start: i32,
        stop: i32,
        step: NonZeroI32,
    },
    Dict(Vec<(Recipe, Recipe)>),
    Struct(Vec<(String, Recipe)>),
    /// Read or generated again.
    Cohort(CohortRecipe),
    Subject {
        of: CohortRecipe,
        position: usize,
    },
    /// Its last snapshot is loaded. Estimations may have been made since.
    Model {
        number: usize,
        estimations: u64,
        #[serde(default)]
        training_estimations: u64,
        saved: bool,
    },
    History(History),
    Epoch(EpochRecord),
    /// Maps from a file; the slices are preprocessed again.
    Uncertainty {
        of: CohortRecipe,
        patch: usize,
        file: String,
    },
    Masks {
        #[serde(alias = "guide")]
        sampler: MaskSampler,
        of: CohortRecipe,
        /// Subject and position of the slice that shows them.
        example: (String, usize),
    },
    /// A baseline without a model.
    IntensityThreshold {
        local_mm: Option<f64>,
    },
    /// A trained baseline from a file.
    Method {
        file: String,
    },
    /// Reconstructions from a file; scored again.
    Findings {
        of: CohortRecipe,
        method: String,
        /// Earlier versions had only the published scoring.
        #[serde(default)]
        scoring: Scoring,
        #[serde(default = "of_earlier_versions")]
        reconstructs: bool,
        #[serde(default)]
        calibration: Option<Box<Calibration>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        made_by: Option<MadeBy>,
        /// Of each subject, as [`Finding::seen`](crate::detection::Finding::seen); empty in earlier versions.
        #[serde(default)]
        seen: Vec<Option<SeenAs>>,
        file: String,
    },
    Finding {
        of: Box<Recipe>,
        position: usize,
    },
    /// Evaluated again.
    Evaluation {
        of: Box<Recipe>,
        rule: ThresholdRule,
        #[serde(default)]
        lesion_threshold: LesionThresholdRule,
    },
    /// Defined again by the source of its cell.
    Function {
        source: String,
    },
}

/// Earlier versions did not tell which methods reconstruct no image.
fn of_earlier_versions() -> bool {
    true
}

/// A cohort's own recipe, with the names and files it had: a folder may have changed since.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct CohortRecipe {
    pub recipe: cohort::Provenance,
    pub names: Vec<String>,
    /// [`Cohort::file_stamps`](cohort::Cohort::file_stamps); earlier versions kept none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
}

impl Recipe {
    /// Whether it is worth saving: a session with only plain numbers and texts leaves no folder.
    pub fn is_worth_a_folder(&self) -> bool {
        !matches!(
            self,
            Self::None
                | Self::Bool(_)
                | Self::Int(_)
                | Self::LargeInt(_)
                | Self::Range { .. }
                | Self::Float(_)
                | Self::Text(_)
                | Self::IntensityThreshold { .. }
        )
    }

    /// The numbers of the models that it needs.
    pub fn models(&self, numbers: &mut BTreeSet<usize>) {
        match self {
            Self::List(items) | Self::Tuple(items) | Self::Set(items) => {
                items.iter().for_each(|item| item.models(numbers));
            }
            Self::Dict(entries) => entries.iter().for_each(|(_, item)| item.models(numbers)),
            Self::Struct(fields) => fields.iter().for_each(|(_, item)| item.models(numbers)),
            Self::Model { number, .. } => drop(numbers.insert(*number)),
            _ => {}
        }
    }

    /// The files that it needs.
    pub fn needs(&self, files: &mut Vec<String>) {
        match self {
            Self::List(items) | Self::Tuple(items) | Self::Set(items) => {
                items.iter().for_each(|item| item.needs(files));
            }
            Self::Dict(entries) => entries.iter().for_each(|(_, item)| item.needs(files)),
            Self::Struct(fields) => fields.iter().for_each(|(_, item)| item.needs(files)),
            Self::Uncertainty { file, .. }
            | Self::Findings { file, .. }
            | Self::Method { file } => files.push(file.clone()),
            Self::Finding { of, .. } | Self::Evaluation { of, .. } => of.needs(files),
            _ => {}
        }
    }
}
