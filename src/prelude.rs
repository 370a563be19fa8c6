//! Imports for Rust notebooks and programs: `use u2ad::prelude::*;`.
//!
//! ```no_run
//! use u2ad::prelude::*;
//!
//! # fn main() -> Result<()> {
//! let study = study(2026);
//! let people = study.phantom_cohort(16)?;
//! let mut model = study.model(Config::small())?;
//! study.pretrain(&mut model, &people.healthy()?, 100, &TrainingOptions::default().batch_size(4))?;
//! let method = MaskedAutoencoder::of(&mut model, MonteCarlo::default())?;
//! let found = study.detect(&method, &people.clinical()?)?;
//! println!("{}", found.table()?.to_text(100));
//! # Ok(())
//! # }
//! ```

pub use crate::baselines::{
    AutoencoderWithUncertainty, Baseline, ConvolutionalAutoencoder, ConvolutionalTraining,
    DenoisingAutoencoder, DenoisingTraining, DiffusionModel, DiffusionTraining, FeatureMemory,
    FeatureMemoryOptions, IntensityThreshold, UncertaintyTraining, VariationalAutoencoder,
    VariationalTraining,
};
pub use crate::candle_core::{Device, Tensor};
pub use crate::cohort::{Cohort, Slice, SliceGrid, Subject};
pub use crate::context::Context;
pub use crate::detection::{Findings, MaskedAutoencoder, Reconstruction, Reconstructor, Scoring};
pub use crate::evaluation::{
    Comparison, EvaluationOptions, HealthyThreshold, LesionThresholdRule, ThresholdRule,
};
pub use crate::figures::{Area, ColourMap, Drawn, Figure, map_view};
pub use crate::masking::MaskingStrategy;
pub use crate::model::Config;
pub use crate::notebook::{EvcxrDisplay, show, study};
pub use crate::report::{Cell, Column, Display, Part, Show, Table, Tabulate};
pub use crate::scoring::{InitialWeights, ScorerTraining};
pub use crate::simulation::LesionSimulator;
pub use crate::study::{CohortEvaluation, CohortUncertainty, Masks, Study};
pub use crate::training::{Adaptation, Model, TrainingOptions};
pub use crate::uncertainty::MonteCarlo;
pub use crate::{Error, Result};
