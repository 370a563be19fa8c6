//! Verbs that make the methods to compare with.

use std::sync::Arc;

use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::float::UnpackFloat;
use starlark::values::none::{NoneOr, NoneType};

use super::defaults::MEMORY_SHARE;
use super::long_work::{apply, work};
use super::{optional_unsigned, unsigned};
use crate::Result;
use crate::baselines::{
    Baseline, ConvolutionalTraining, DenoisingTraining, DiffusionTraining, FeatureMemoryOptions,
    IntensityThreshold, UncertaintyTraining, VariationalTraining,
};
use crate::cohort::{Cohort, SliceGrid, Subject};
use crate::context::{Context, counted};
use crate::files::{output_path, user_path};
use crate::model::Config;
use crate::session::engine::jobs::Later;
use crate::session::state::State;
use crate::session::values::{CohortValue, MethodValue, ModelValue};

#[starlark_module]
pub(super) fn verbs(builder: &mut GlobalsBuilder) {
    /// A baseline that treats bright pixels as abnormal. Lesions are bright on T2-weighted images,
    /// so a useful model has to do better.
    ///
    /// # Arguments
    /// * `local_mm`: compare each pixel with the mean over this length of cord; None: with the
    ///   median of the slice.
    ///
    /// Examples:
    /// ```python
    /// baseline = detect(intensity_threshold(), phantom_cohort(subjects = 2))
    /// ```
    fn intensity_threshold(
        #[starlark(default = NoneOr::None)] local_mm: NoneOr<UnpackFloat>,
    ) -> anyhow::Result<MethodValue> {
        let local_mm = local_mm.into_option().map(|length| length.0);
        Ok(Baseline::IntensityThreshold(IntensityThreshold { local_mm }).into())
    }

    /// Trains a denoising autoencoder (Kascenas et al. 2022), the strongest of the simple baselines on
    /// brain MRI: a small U-Net that learns to remove coarse noise, and removes lesions with it. It
    /// needs no labels.
    ///
    /// # Arguments
    /// * `healthy`: subjects to train on; None: the clinical ones only.
    /// * `clinical`: unlabelled subjects to train on as well; None: the healthy ones only, as published.
    /// * `epochs`: how often every slice is shown.
    /// * `batch_size`: slices per step.
    /// * `preset`: whose slices it sees: "small" or "paper", as for `u2ad`.
    /// * `size`: edge of the slices in pixels; None: the preset's.
    /// * `fov_mm`: edge of their field of view in mm, such as that of the model to compare with; None: the preset's.
    ///
    /// Examples:
    /// ```python
    /// people = phantom_cohort(subjects = 2)
    /// detect(denoising_autoencoder(people.healthy, epochs = 1), people.clinical)
    /// ```
    fn denoising_autoencoder(
        #[starlark(default = NoneOr::None)] healthy: NoneOr<&CohortValue>,
        #[starlark(default = NoneOr::None)] clinical: NoneOr<&CohortValue>,
        #[starlark(require = named, default = 60)] epochs: i64,
        #[starlark(require = named, default = 8)] batch_size: i64,
        #[starlark(require = named, default = "small")] preset: &str,
        #[starlark(require = named, default = NoneOr::None)] size: NoneOr<i64>,
        #[starlark(require = named, default = NoneOr::None)] fov_mm: NoneOr<i64>,
        eval: &mut Evaluator,
    ) -> anyhow::Result<Later<MethodValue>> {
        let cohorts = cohorts([healthy, clinical]);
        let grid = grid_of("denoising_autoencoder", preset, size, fov_mm)?;
        let training = DenoisingTraining::default()
            .epochs(unsigned("denoising_autoencoder", "epochs", epochs)?)
            .batch_size(unsigned("denoising_autoencoder", "batch_size", batch_size)?);
        work("denoising_autoencoder", eval, move |study| {
            let subjects = subjects("denoising_autoencoder", &cohorts, grid, &study.context)?;
            let trained = training.train(&subjects, grid, &study.context)?;
            Ok(MethodValue::from(Baseline::DenoisingAutoencoder(trained)))
        })
    }

    /// Trains a convolutional autoencoder (Baur et al. 2021): the image is reconstructed from a sixteenth of its
    /// resolution, by the squared error. It needs no labels.
    ///
    /// # Arguments
    /// * `healthy`: subjects to train on; None: the clinical ones only.
    /// * `clinical`: unlabelled subjects to train on as well; None: the healthy ones only, as published.
    /// * `epochs`: how often every slice is shown.
    /// * `batch_size`: slices per step.
    /// * `bottleneck`: channels of the bottleneck, a multiple of 4; fewer let less of the image through.
    /// * `preset`: whose slices it sees: "small" or "paper", as for `u2ad`.
    /// * `size`: edge of the slices in pixels; None: the preset's.
    /// * `fov_mm`: edge of their field of view in mm, such as that of the model to compare with; None: the preset's.
    ///
    /// Examples:
    /// ```python
    /// people = phantom_cohort(subjects = 2)
    /// detect(convolutional_autoencoder(people.healthy, epochs = 1), people.clinical)
    /// ```
    fn convolutional_autoencoder(
        #[starlark(default = NoneOr::None)] healthy: NoneOr<&CohortValue>,
        #[starlark(default = NoneOr::None)] clinical: NoneOr<&CohortValue>,
        #[starlark(require = named, default = 60)] epochs: i64,
        #[starlark(require = named, default = 8)] batch_size: i64,
        #[starlark(require = named, default = 128)] bottleneck: i64,
        #[starlark(require = named, default = "small")] preset: &str,
        #[starlark(require = named, default = NoneOr::None)] size: NoneOr<i64>,
        #[starlark(require = named, default = NoneOr::None)] fov_mm: NoneOr<i64>,
        eval: &mut Evaluator,
    ) -> anyhow::Result<Later<MethodValue>> {
        let cohorts = cohorts([healthy, clinical]);
        let grid = grid_of("convolutional_autoencoder", preset, size, fov_mm)?;
        let number = |name, given| unsigned("convolutional_autoencoder", name, given);
        let training = ConvolutionalTraining::default()
            .epochs(number("epochs", epochs)?)
            .batch_size(number("batch_size", batch_size)?)
            .bottleneck(number("bottleneck", bottleneck)?);
        work("convolutional_autoencoder", eval, move |study| {
            let subjects = subjects("convolutional_autoencoder", &cohorts, grid, &study.context)?;
            let trained = training.train(&subjects, grid, &study.context)?;
            Ok(MethodValue::from(Baseline::ConvolutionalAutoencoder(trained)))
        })
    }

    /// Trains an autoencoder with uncertainty (AE-U, Mao et al. 2020): it predicts the mean and the variance of
    /// every pixel, so that what is hard to reconstruct in normal images too does not count as a lesion. Its own
    /// scoring is the squared error over the variance, where the image is brighter. It needs no labels.
    ///
    /// # Arguments
    /// * `healthy`: subjects to train on; None: the clinical ones only.
    /// * `clinical`: unlabelled subjects to train on as well; None: the healthy ones only, as published.
    /// * `epochs`: how often every slice is shown.
    /// * `batch_size`: slices per step.
    /// * `latent`: numbers that stand for an image in the bottleneck.
    /// * `preset`: whose slices it sees: "small" or "paper", as for `u2ad`.
    /// * `size`: edge of the slices in pixels; None: the preset's.
    /// * `fov_mm`: edge of their field of view in mm, such as that of the model to compare with; None: the preset's.
    ///
    /// Examples:
    /// ```python
    /// people = phantom_cohort(subjects = 2)
    /// detect(autoencoder_with_uncertainty(people.healthy, epochs = 1), people.clinical)
    /// ```
    fn autoencoder_with_uncertainty(
        #[starlark(default = NoneOr::None)] healthy: NoneOr<&CohortValue>,
        #[starlark(default = NoneOr::None)] clinical: NoneOr<&CohortValue>,
        #[starlark(require = named, default = 60)] epochs: i64,
        #[starlark(require = named, default = 8)] batch_size: i64,
        #[starlark(require = named, default = 16)] latent: i64,
        #[starlark(require = named, default = "small")] preset: &str,
        #[starlark(require = named, default = NoneOr::None)] size: NoneOr<i64>,
        #[starlark(require = named, default = NoneOr::None)] fov_mm: NoneOr<i64>,
        eval: &mut Evaluator,
    ) -> anyhow::Result<Later<MethodValue>> {
        let cohorts = cohorts([healthy, clinical]);
        let grid = grid_of("autoencoder_with_uncertainty", preset, size, fov_mm)?;
        let number = |name, given| unsigned("autoencoder_with_uncertainty", name, given);
        let training = UncertaintyTraining::default()
            .epochs(number("epochs", epochs)?)
            .batch_size(number("batch_size", batch_size)?)
            .latent(number("latent", latent)?);
        work("autoencoder_with_uncertainty", eval, move |study| {
            let subjects =
                subjects("autoencoder_with_uncertainty", &cohorts, grid, &study.context)?;
            let trained = training.train(&subjects, grid, &study.context)?;
            Ok(MethodValue::from(Baseline::AutoencoderWithUncertainty(trained)))
        })
    }

    /// Trains a variational autoencoder (Baur et al. 2021), whose code is a Gaussian near the standard one. It
    /// needs no labels.
    ///
    /// # Arguments
    /// * `healthy`: subjects to train on; None: the clinical ones only.
    /// * `clinical`: unlabelled subjects to train on as well; None: the healthy ones only, as published.
    /// * `epochs`: how often every slice is shown.
    /// * `batch_size`: slices per step.
    /// * `latent`: dimensions of the code.
    /// * `restoration_steps`: move the image itself towards what is likely, by this many steps (Chen et al. 2020),
    ///   instead of reconstructing it. The code of Baur et al. takes 150; each costs as much as a step of
    ///   training. 0: reconstruct.
    /// * `preset`: whose slices it sees: "small" or "paper", as for `u2ad`.
    /// * `size`: edge of the slices in pixels; None: the preset's.
    /// * `fov_mm`: edge of their field of view in mm, such as that of the model to compare with; None: the preset's.
    ///
    /// Examples:
    /// ```python
    /// people = phantom_cohort(subjects = 2)
    /// detect(variational_autoencoder(people.healthy, epochs = 1), people.clinical)
    /// ```
    fn variational_autoencoder(
        #[starlark(default = NoneOr::None)] healthy: NoneOr<&CohortValue>,
        #[starlark(default = NoneOr::None)] clinical: NoneOr<&CohortValue>,
        #[starlark(require = named, default = 60)] epochs: i64,
        #[starlark(require = named, default = 8)] batch_size: i64,
        #[starlark(require = named, default = 128)] latent: i64,
        #[starlark(require = named, default = 0)] restoration_steps: i64,
        #[starlark(require = named, default = "small")] preset: &str,
        #[starlark(require = named, default = NoneOr::None)] size: NoneOr<i64>,
        #[starlark(require = named, default = NoneOr::None)] fov_mm: NoneOr<i64>,
        eval: &mut Evaluator,
    ) -> anyhow::Result<Later<MethodValue>> {
        let cohorts = cohorts([healthy, clinical]);
        let grid = grid_of("variational_autoencoder", preset, size, fov_mm)?;
        let number = |name, given| unsigned("variational_autoencoder", name, given);
        let training = VariationalTraining::default()
            .epochs(number("epochs", epochs)?)
            .batch_size(number("batch_size", batch_size)?)
            .latent(number("latent", latent)?)
            .restoration_steps(number("restoration_steps", restoration_steps)?);
        work("variational_autoencoder", eval, move |study| {
            let subjects = subjects("variational_autoencoder", &cohorts, grid, &study.context)?;
            let trained = training.train(&subjects, grid, &study.context)?;
            Ok(MethodValue::from(Baseline::VariationalAutoencoder(trained)))
        })
    }

    /// Trains a denoising diffusion model (AnoDDPM, Wyatt et al. 2022): an image receives so much simplex noise that
    /// lesions are hidden but the anatomy is not, and a network that learned from healthy images takes the noise
    /// away. It needs no labels. Detection takes as many passes of the network as `passes` says, for every slice.
    ///
    /// # Arguments
    /// * `healthy`: subjects to train on; None: the clinical ones only.
    /// * `clinical`: unlabelled subjects to train on as well; None: the healthy ones only, as published.
    /// * `epochs`: how often every slice is shown.
    /// * `batch_size`: slices per step.
    /// * `noise_steps`: steps of the diffusion, of 1000, whose noise an image receives; more hide larger lesions,
    ///   and more of the anatomy.
    /// * `passes`: in how many passes the noise is taken away, at most `noise_steps`.
    /// * `preset`: whose slices it sees: "small" or "paper", as for `u2ad`.
    /// * `size`: edge of the slices in pixels; None: the preset's.
    /// * `fov_mm`: edge of their field of view in mm, such as that of the model to compare with; None: the preset's.
    ///
    /// Examples:
    /// ```python
    /// people = phantom_cohort(subjects = 2)
    /// detect(diffusion_model(people.healthy, epochs = 1, passes = 2), people.clinical)
    /// ```
    fn diffusion_model(
        #[starlark(default = NoneOr::None)] healthy: NoneOr<&CohortValue>,
        #[starlark(default = NoneOr::None)] clinical: NoneOr<&CohortValue>,
        #[starlark(require = named, default = 60)] epochs: i64,
        #[starlark(require = named, default = 8)] batch_size: i64,
        #[starlark(require = named, default = 250)] noise_steps: i64,
        #[starlark(require = named, default = 50)] passes: i64,
        #[starlark(require = named, default = "small")] preset: &str,
        #[starlark(require = named, default = NoneOr::None)] size: NoneOr<i64>,
        #[starlark(require = named, default = NoneOr::None)] fov_mm: NoneOr<i64>,
        eval: &mut Evaluator,
    ) -> anyhow::Result<Later<MethodValue>> {
        let cohorts = cohorts([healthy, clinical]);
        let grid = grid_of("diffusion_model", preset, size, fov_mm)?;
        let number = |name, given| unsigned("diffusion_model", name, given);
        let training = DiffusionTraining::default()
            .epochs(number("epochs", epochs)?)
            .batch_size(number("batch_size", batch_size)?)
            .noise_steps(number("noise_steps", noise_steps)?)
            .passes(number("passes", passes)?);
        work("diffusion_model", eval, move |study| {
            let subjects = subjects("diffusion_model", &cohorts, grid, &study.context)?;
            let trained = training.train(&subjects, grid, &study.context)?;
            Ok(MethodValue::from(Baseline::DiffusionModel(trained)))
        })
    }

    /// Fills a memory with features of healthy subjects (PatchCore, Roth et al. 2022): the tokens that the encoder of
    /// a pretrained model gives their patches. What is far from every feature of the memory is abnormal, bright or
    /// dark. It reconstructs nothing, so it has no SSIM or PSNR. The model does not change.
    ///
    /// # Arguments
    /// * `model`: a pretrained model.
    /// * `healthy`: healthy subjects.
    /// * `share`: share of the features that the memory keeps, chosen so that the others have one nearby.
    /// * `neighbourhood`: edge of the square of patches whose features are averaged, an odd number; 1: none are.
    ///
    /// Examples:
    /// ```python
    /// people = phantom_cohort(subjects = 2)
    /// model = u2ad()
    /// pretrain(model, people.healthy, epochs = 1)
    /// detect(feature_memory(model, people.healthy), people.clinical)
    /// ```
    fn feature_memory(
        model: &ModelValue,
        healthy: &CohortValue,
        #[starlark(require = named, default = UnpackFloat(MEMORY_SHARE))] share: UnpackFloat,
        #[starlark(require = named, default = 3)] neighbourhood: i64,
        eval: &mut Evaluator,
    ) -> anyhow::Result<Later<MethodValue>> {
        let options = FeatureMemoryOptions::default().share(share.0).neighbourhood(unsigned(
            "feature_memory",
            "neighbourhood",
            neighbourhood,
        )?);
        let healthy = healthy.cohort.clone();
        apply("feature_memory", model, eval, move |model, study| {
            let context = &study.context;
            let subjects = healthy.on_grid(model.grid())?.subjects(context)?;
            if model.parameters.are_initial()? {
                context.warn(
                    "feature_memory: the model has learned nothing, so that its features tell little; pretrain it \
                     first",
                );
            }
            let is_patient = |subject: &&Arc<Subject>| {
                !subject.is_healthy() || subject.has_lesion() == Some(true)
            };
            let patients = subjects.iter().filter(is_patient).count();
            if patients > 0 {
                context.warn(format!(
                    "feature_memory: {patients} of {} are not known to be healthy; what they show counts as normal",
                    counted(subjects.len(), "subject")
                ));
            }
            let memory = options.fill(model, &subjects, context)?;
            Ok(MethodValue::from(Baseline::FeatureMemory(memory)))
        })
    }

    /// Saves a method to compare with: its settings and what it learned.
    ///
    /// The file also names the subjects that a trained method learned from, and holds hashes of their images.
    ///
    /// # Arguments
    /// * `method`: the method.
    /// * `path`: where to; a .safetensors file. An earlier one is replaced, but not one that was loaded from there.
    ///
    /// Examples:
    /// ```python
    /// save_method(intensity_threshold(local_mm = 20), "threshold.safetensors")
    /// ```
    fn save_method(
        method: &MethodValue,
        path: &str,
        eval: &mut Evaluator,
    ) -> anyhow::Result<NoneType> {
        State::of(eval).check_at_once("save_method")?;
        method.0.save(&output_path(path, "a method", &[".safetensors"])?)?;
        Ok(NoneType)
    }

    /// Loads a method from a file that `save_method` wrote.
    ///
    /// # Arguments
    /// * `path`: a .safetensors file.
    ///
    /// Examples:
    /// ```python
    /// save_method(intensity_threshold(), "threshold.safetensors")
    /// detect(load_method("threshold.safetensors"), phantom_cohort(subjects = 2))
    /// ```
    fn load_method(path: &str, eval: &mut Evaluator) -> anyhow::Result<MethodValue> {
        State::of(eval).check_at_once("load_method")?;
        Ok(Baseline::load(&user_path(path)?)?.into())
    }
}

/// The slices of a preset, with another size or field of view where they are given.
fn grid_of(verb: &str, preset: &str, size: NoneOr<i64>, fov_mm: NoneOr<i64>) -> Result<SliceGrid> {
    let grid = Config::preset(preset)?.slice_grid();
    Ok(SliceGrid {
        size: optional_unsigned(verb, "size", size)?.unwrap_or(grid.size),
        fov_mm: optional_unsigned(verb, "fov_mm", fov_mm)?.unwrap_or(grid.fov_mm),
        ..grid
    })
}

/// The cohorts that are given: of healthy subjects, and of unlabelled ones.
fn cohorts(given: [NoneOr<&CohortValue>; 2]) -> [Option<Cohort>; 2] {
    given.map(|value| value.into_option().map(|value| value.cohort.clone()))
}

/// The subjects of both cohorts in this grid. Warns of lesions in those that are given as healthy.
fn subjects(
    verb: &str,
    [healthy, clinical]: &[Option<Cohort>; 2],
    grid: SliceGrid,
    context: &Context,
) -> Result<Vec<Arc<Subject>>> {
    let of = |cohort: &Option<Cohort>| match cohort {
        Some(cohort) => cohort.on_grid(grid)?.subjects(context),
        None => Ok(Vec::new()),
    };
    let mut subjects = of(healthy)?;
    let with = subjects.iter().filter(|subject| subject.has_lesion() == Some(true)).count();
    if with > 0 {
        context.warn_once(format!(
            "{verb}: {with} of {} given as healthy have a known lesion, which the method learns to reconstruct and then \
             misses; give healthy subjects, such as cohort.healthy",
            counted(subjects.len(), "subject")
        ));
    }
    subjects.extend(of(clinical)?);
    Ok(subjects)
}
