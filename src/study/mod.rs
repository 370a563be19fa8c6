//! The steps of a study, each on whole cohorts: what the verbs of the language do, for Rust.
//!
//! A [`Study`] is the [`Context`] with the methods that take cohorts, preprocess their slices as
//! the model requires, and call the module that does the work.

pub mod bids_app;
#[cfg(test)]
mod calibration_tests;
mod evaluation;
#[cfg(test)]
#[path = "../../tests/common/folders.rs"]
mod folders;
mod masks;
pub mod screening;
pub mod sweep;
mod uncertainty;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub use evaluation::CohortEvaluation;
pub use masks::Masks;
pub use uncertainty::{CohortUncertainty, SliceUncertainty};

use crate::cohort::{Cohort, LoadOptions, SliceGrid, Subject};
use crate::context::{Context, counted};
use crate::detection::{Findings, MaskedAutoencoder, Reconstructor, Scoring, detect};
use crate::evaluation::{
    Comparison, EvaluationOptions, calibration, compare, warn_of_repeated,
    warn_of_trained_reference,
};
use crate::masking::{MaskSampler, MaskingStrategy, Normalisation, TEMPERATURE};
use crate::model::Config;
use crate::phantom::PhantomOptions;
use crate::scoring::ScorerTraining;
use crate::segmentation::{DiscByHand, Segmenter};
use crate::simulation::LesionSimulator;
use crate::training::{
    self, Adaptation, EpochRecord, History, Model, Stage, TrainingOptions, all_slices,
};
use crate::uncertainty::MonteCarlo;
use crate::volume::Volume;
use crate::{Error, Result};

/// The context of a study. Cheap to clone.
#[derive(Clone)]
pub struct Study {
    /// Streams, cancel token, progress, device.
    pub context: Context,
}

impl From<Context> for Study {
    fn from(context: Context) -> Self {
        Self { context }
    }
}

impl Study {
    /// Generates `subjects` synthetic spines: half of them healthy, half patients, half of those with
    /// lesions.
    ///
    /// # Errors
    /// If the options are invalid.
    pub fn phantom_cohort(&self, subjects: usize) -> Result<Cohort> {
        let options = PhantomOptions { subjects, ..PhantomOptions::default() };
        Cohort::phantom(&options, SliceGrid::default(), &self.context.streams)
    }

    /// The same subjects with simulated lesions as their ground truth, as
    /// [`LesionSimulator::paint`]. The draws of a subject depend on its name and on the grid of its slices.
    ///
    /// # Errors
    /// As [`LesionSimulator::paint`], and if no subject can be used.
    pub fn paint_lesions(&self, cohort: &Cohort, simulator: &LesionSimulator) -> Result<Cohort> {
        let paint = |subject: &Arc<Subject>| {
            let name = format!("paint/{}", subject.name);
            let mut stream = self.context.streams.stream(&name, &[]);
            simulator.paint(subject, &mut stream).map(|painted| painted.subject)
        };
        let subjects = cohort.subjects(&self.context)?;
        let subjects = subjects.iter().map(paint).collect::<Result<Vec<_>>>()?;
        Cohort::from_subjects(format!("{} [painted]", cohort.name()), subjects)
    }

    /// Finds the subjects of a folder, as [`Cohort::load`].
    ///
    /// # Errors
    /// As [`Cohort::load`].
    pub fn load_cohort(&self, path: impl AsRef<Path>) -> Result<Cohort> {
        Cohort::load(path.as_ref(), &LoadOptions::default(), &self.context)
    }

    /// The same subjects; those without a cord mask carry masks that the program found in their images.
    /// Given masks stay as they are. `discs` are discs that a person found, by subject; in those subjects the other
    /// discs get their names from it.
    ///
    /// # Errors
    /// As [`Cohort::segmented`], and if a disc is that of a subject that is not there or has a given cord mask.
    pub fn segment(&self, cohort: &Cohort, discs: &BTreeMap<String, DiscByHand>) -> Result<Cohort> {
        for name in discs.keys() {
            let Some(entry) = cohort.entries().find(|entry| *entry.name == **name) else {
                return Err(Error::input(format!(
                    "a disc is given for {name}, which is not in {}",
                    cohort.name()
                )));
            };
            if !entry.is_unsegmented() {
                return Err(Error::input(format!(
                    "a disc is given for {name}, in whose image nothing is looked for: it has masks, or cannot be used"
                )));
            }
        }
        let segmenter = Segmenter::shipped()?;
        let find = |name: &str, image: &Volume| {
            segmenter.segment(image, discs.get(name).copied(), &self.context.cancel)
        };
        cohort.segmented(&find, &self.context)
    }

    /// A new model of this size, with weights from the study's seed.
    ///
    /// # Errors
    /// If the sizes do not fit together.
    pub fn model(&self, config: Config) -> Result<Model> {
        Model::new(config, &self.context)
    }

    /// A model that was saved, on the study's device.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn load_model(&self, path: impl AsRef<Path>) -> Result<Model> {
        Model::load(path.as_ref(), &self.context.device)
    }

    /// Trains one epoch: every slice of the cohort once. Without masks, hidden patches are drawn
    /// at random and the epoch counts as pretraining; with masks it counts as adaptation.
    ///
    /// # Errors
    /// As [`training::train_epoch`].
    pub fn train_epoch(
        &self,
        model: &mut Model,
        cohort: &Cohort,
        masks: Option<&Masks>,
        options: &TrainingOptions,
    ) -> Result<EpochRecord> {
        let subjects = cohort.on_grid(model.grid())?.subjects(&self.context)?;
        match masks {
            Some(masks) => {
                let (sampler, stage) = (&masks.sampler, Stage::Adapt);
                training::train_epoch_of(model, &subjects, sampler, stage, options, &self.context)
            }
            None => {
                let (sampler, stage) = (MaskSampler::random(model.config.patch), Stage::Pretrain);
                training::train_epoch_of(model, &subjects, &sampler, stage, options, &self.context)
            }
        }
    }

    /// Pretrains with random masks, as [`training::pretrain`]; returns the model's complete
    /// history.
    ///
    /// # Errors
    /// As [`training::train_epoch`].
    pub fn pretrain(
        &self,
        model: &mut Model,
        cohort: &Cohort,
        epochs: usize,
        options: &TrainingOptions,
    ) -> Result<History> {
        let subjects = cohort.on_grid(model.grid())?.subjects(&self.context)?;
        let with = subjects.iter().filter(|subject| subject.has_lesion() == Some(true)).count();
        if with > 0 {
            self.context.warn_once(format!(
                "pretrain: {with} of {} have a known lesion, which the model learns to reconstruct and then \
                 misses; pretrain on healthy subjects, such as cohort.healthy",
                counted(subjects.len(), "subject")
            ));
        }
        training::pretrain(model, &subjects, epochs, options, &self.context)?;
        Ok(model.history.clone())
    }

    /// Adapts to a clinic's own subjects, as [`training::adapt`]; returns the model's complete
    /// history.
    ///
    /// # Errors
    /// As [`training::train_epoch`].
    pub fn adapt(
        &self,
        model: &mut Model,
        cohort: &Cohort,
        options: &Adaptation,
    ) -> Result<History> {
        let subjects = cohort.on_grid(model.grid())?.subjects(&self.context)?;
        training::adapt(model, &subjects, options, &self.context)?;
        Ok(model.history.clone())
    }

    /// Reconstructs every patch of the cohort's regions several times under different masks.
    ///
    /// # Errors
    /// As [`training::estimate`].
    pub fn estimate_uncertainty(
        &self,
        model: &mut Model,
        cohort: &Cohort,
        settings: &MonteCarlo,
    ) -> Result<CohortUncertainty> {
        let cohort = cohort.on_grid(model.grid())?;
        let subjects = cohort.subjects(&self.context)?;
        let maps = training::estimate(model, &all_slices(&subjects), settings, &self.context)?;
        Ok(CohortUncertainty::new(cohort, &subjects, maps, model.config.patch))
    }

    /// Trains a scorer for a model: networks that tell lesions from other tissue that is hard to
    /// reconstruct. They learn from lesions painted into these subjects. The model keeps it, and
    /// [`Self::detect`] uses it.
    ///
    /// # Errors
    /// As [`ScorerTraining::train`].
    pub fn train_scorer(
        &self,
        model: &mut Model,
        healthy: Option<&Cohort>,
        clinical: Option<&Cohort>,
        training: &ScorerTraining,
        monte_carlo: MonteCarlo,
    ) -> Result<()> {
        let grid = model.grid();
        let subjects = |cohort: Option<&Cohort>| match cohort {
            Some(cohort) => cohort.on_grid(grid)?.subjects(&self.context),
            None => Ok(Vec::new()),
        };
        let (healthy, clinical) = (subjects(healthy)?, subjects(clinical)?);
        training::train_scorer(model, (&healthy, &clinical), training, monte_carlo, &self.context)
    }

    /// Lets a model examine healthy subjects and keeps what it shows in them, one calibration for each
    /// scoring. Findings of later detections bring it with them, so that one new patient has thresholds. Warns if the
    /// model learned from these subjects: its thresholds may be too low then.
    ///
    /// # Errors
    /// As [`detect`], and if no subject is known to have no lesion.
    pub fn calibrate(
        &self,
        model: &mut Model,
        healthy: &Cohort,
        monte_carlo: MonteCarlo,
        scoring: Option<Scoring>,
    ) -> Result<Findings> {
        let cohort = healthy.on_grid(model.grid())?;
        let mut method = MaskedAutoencoder::of(model, monte_carlo)?;
        // An outdated calibration is about to be replaced: no reason to warn.
        method.calibrations.clear();
        let mut found = self.detect_by(&method, &cohort, scoring)?;
        let calibration = calibration(&found, method.state(), method.round)?;
        let names = found.subjects.iter().map(|finding| &*finding.subject.name);
        warn_of_repeated(names, "a calibration", &self.context);
        warn_of_trained_reference(&found, "the calibration", &self.context);
        let left_out = found.subjects.len() - calibration.scores.len();
        if left_out > 0 {
            self.context.warn(format!(
                "{left_out} of the {} subjects given as healthy are left out: they have no score or are \
                 not known to have no lesion",
                found.subjects.len()
            ));
        }
        found.calibration = Some(Arc::new(calibration.clone()));
        model.calibrations.retain(|one| one.scoring != calibration.scoring);
        model.calibrations.push(calibration);
        model.leave_snapshot(&self.context);
        Ok(found)
    }

    /// Masks for the epochs that follow, with the defaults of
    /// [`CohortUncertainty::masks`].
    ///
    /// # Errors
    /// If there is no slice.
    pub fn regenerate_masks(
        &self,
        uncertainty: &CohortUncertainty,
        strategy: MaskingStrategy,
    ) -> Result<Masks> {
        uncertainty.masks(strategy, Normalisation::default(), TEMPERATURE, &self.context)
    }

    /// Lets a method reconstruct the cohort and scores what it could not reconstruct, as
    /// [`detect`].
    ///
    /// # Errors
    /// As [`detect`].
    pub fn detect(&self, method: &dyn Reconstructor, cohort: &Cohort) -> Result<Findings> {
        self.detect_by(method, cohort, None)
    }

    /// As [`Self::detect`], with this scoring instead of the method's best.
    ///
    /// # Errors
    /// As [`detect`].
    pub fn detect_by(
        &self,
        method: &dyn Reconstructor,
        cohort: &Cohort,
        scoring: Option<Scoring>,
    ) -> Result<Findings> {
        let cohort = match method.grid() {
            Some(grid) => cohort.on_grid(grid)?,
            None => cohort.clone(),
        };
        detect(method, &cohort.subjects(&self.context)?, scoring, &self.context)
    }

    /// Evaluates findings against the ground truth of the subjects.
    ///
    /// # Errors
    /// As [`evaluate`](crate::evaluation::evaluate).
    pub fn evaluate(
        &self,
        found: &Findings,
        options: impl Into<EvaluationOptions>,
    ) -> Result<CohortEvaluation> {
        CohortEvaluation::new(found, &options.into(), &self.context)
    }

    /// Tests whether two methods differ on the same patients, as [`compare`].
    ///
    /// # Errors
    /// As [`compare`].
    pub fn compare(
        &self,
        first: &CohortEvaluation,
        second: &CohortEvaluation,
    ) -> Result<Comparison> {
        compare(&first.evaluation, &second.evaluation, &self.context)
    }
}
