//! Verbs for training: the steps of the paper's loop (epoch, uncertainty, masks), and the
//! published loops made of them.

use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::float::UnpackFloat;
use starlark::values::none::{NoneOr, NoneType};

use super::defaults::{LEARNING_RATE, MASK_RATIO, TEMPERATURE};
use super::long_work::{apply, train};
use super::unsigned;
use crate::masking::{MaskingStrategy, Normalisation};
use crate::options::Choice;
use crate::scoring::{FOUND_MASK_AUGMENTATION, InitialWeights, ScorerTraining};
use crate::session::engine::jobs::Later;
use crate::session::state::State;
use crate::session::values::{
    CohortValue, EpochValue, HistoryValue, MasksValue, ModelValue, UncertaintyValue,
};
use crate::training::{Adaptation, TrainingOptions};
use crate::uncertainty::{MonteCarlo, Passes};

#[starlark_module]
pub(super) fn verbs(builder: &mut GlobalsBuilder) {
    /// Trains one epoch: every slice of the cohort once, in batches.
    ///
    /// Without masks, hidden patches are drawn at random, as in pretraining. With the masks of
    /// `regenerate_masks` the epoch counts as adaptation; each new stage resets the optimiser
    /// and the learning rate.
    ///
    /// # Arguments
    /// * `model`: the model; it changes in place.
    /// * `cohort`: the subjects to train on.
    /// * `masks`: the masks that `regenerate_masks` returned; None: patches are hidden at random.
    /// * `learning_rate`: at the start of a stage.
    /// * `decay_every`: epochs of a stage after which the learning rate falls to a tenth; 0:
    ///   never.
    /// * `batch_size`: slices per batch.
    /// * `mask_ratio`: share of the regions' patches that are hidden, on average over a batch.
    /// * `augment`: whether to vary brightness and contrast and to add noise.
    ///
    /// Examples:
    /// ```python
    /// model = u2ad()
    /// people = phantom_cohort(subjects = 2)
    /// train_epoch(model, people)
    /// ```
    fn train_epoch(
        model: &ModelValue,
        cohort: &CohortValue,
        #[starlark(default = NoneOr::None)] masks: NoneOr<&MasksValue>,
        #[starlark(require = named, default = UnpackFloat(LEARNING_RATE))]
        learning_rate: UnpackFloat,
        #[starlark(require = named, default = 50)] decay_every: i64,
        #[starlark(require = named, default = 10)] batch_size: i64,
        #[starlark(require = named, default = UnpackFloat(MASK_RATIO))] mask_ratio: UnpackFloat,
        #[starlark(require = named, default = true)] augment: bool,
        eval: &mut Evaluator,
    ) -> anyhow::Result<Later<EpochValue>> {
        let verb = "train_epoch";
        let options = TrainingOptions {
            batch_size: unsigned(verb, "batch_size", batch_size)?,
            mask_ratio: mask_ratio.0,
            learning_rate: learning_rate.0,
            decay_every: unsigned(verb, "decay_every", decay_every)?,
            augment,
            ..TrainingOptions::default()
        };
        let masks = masks.into_option().map(|masks| masks.0.clone());
        let cohort = cohort.cohort.clone();
        train(verb, model, eval, move |model, study| {
            study.train_epoch(model, &cohort, masks.as_ref(), &options).map(EpochValue)
        })
    }

    /// Pretrains on healthy subjects with random masks.
    ///
    /// # Arguments
    /// * `model`: the model; it changes in place.
    /// * `cohort`: healthy subjects.
    /// * `epochs`: number of epochs; 200 in the paper.
    /// * `learning_rate`: at the start of the stage: a second call goes on where the schedule of the first one ended.
    /// * `decay_every`: epochs after which the learning rate falls to a tenth; 0: never.
    /// * `batch_size`: slices per batch.
    /// * `mask_ratio`: share of the regions' patches that are hidden, on average over a batch.
    ///
    /// Examples:
    /// ```python
    /// model = u2ad()
    /// pretrain(model, phantom_cohort(subjects = 2).healthy, epochs = 1)
    /// ```
    fn pretrain(
        model: &ModelValue,
        cohort: &CohortValue,
        #[starlark(default = 200)] epochs: i64,
        #[starlark(require = named, default = UnpackFloat(LEARNING_RATE))]
        learning_rate: UnpackFloat,
        #[starlark(require = named, default = 50)] decay_every: i64,
        #[starlark(require = named, default = 10)] batch_size: i64,
        #[starlark(require = named, default = UnpackFloat(MASK_RATIO))] mask_ratio: UnpackFloat,
        eval: &mut Evaluator,
    ) -> anyhow::Result<Later<HistoryValue>> {
        let verb = "pretrain";
        let options = TrainingOptions {
            batch_size: unsigned(verb, "batch_size", batch_size)?,
            mask_ratio: mask_ratio.0,
            learning_rate: learning_rate.0,
            decay_every: unsigned(verb, "decay_every", decay_every)?,
            ..TrainingOptions::default()
        };
        let epochs = unsigned(verb, "epochs", epochs)?;
        let cohort = cohort.cohort.clone();
        train(verb, model, eval, move |model, study| {
            study.pretrain(model, &cohort, epochs, &options).map(HistoryValue)
        })
    }

    /// Adapts a pretrained model to a clinic's own unlabelled subjects. It trains first where the
    /// model is unsure ("eu"), then also spares patches whose error stays high ("au").
    ///
    /// # Arguments
    /// * `model`: the model; it changes in place.
    /// * `cohort`: the clinic's subjects, without labels.
    /// * `epochs`: total number of epochs.
    /// * `epistemic_epochs`: how many of them are guided by epistemic uncertainty alone ("eu");
    ///   the others also spare patches of high error ("au"). None: three quarters, as published.
    /// * `refresh`: epochs between two estimations of uncertainty.
    /// * `samples`: how many reconstructions of every patch are averaged per estimation.
    /// * `learning_rate`: at the start of the stage: a second call goes on where the schedule of the first one ended.
    /// * `decay_every`: epochs after which the learning rate falls to a tenth; 0: never.
    /// * `batch_size`: slices per batch.
    /// * `mask_ratio`: share of the regions' patches that are hidden, on average over a batch.
    /// * `temperature`: of the softmax over patch variances.
    ///
    /// Examples:
    /// ```python
    /// model = u2ad()
    /// adapt(model, phantom_cohort(subjects = 2).clinical, epochs = 1, samples = 2)
    /// ```
    fn adapt(
        model: &ModelValue,
        cohort: &CohortValue,
        #[starlark(default = 200)] epochs: i64,
        #[starlark(require = named, default = NoneOr::None)] epistemic_epochs: NoneOr<i64>,
        #[starlark(require = named, default = 10)] refresh: i64,
        #[starlark(require = named, default = 10)] samples: i64,
        #[starlark(require = named, default = UnpackFloat(LEARNING_RATE))]
        learning_rate: UnpackFloat,
        #[starlark(require = named, default = 50)] decay_every: i64,
        #[starlark(require = named, default = 10)] batch_size: i64,
        #[starlark(require = named, default = UnpackFloat(MASK_RATIO))] mask_ratio: UnpackFloat,
        #[starlark(require = named, default = UnpackFloat(TEMPERATURE))] temperature: UnpackFloat,
        eval: &mut Evaluator,
    ) -> anyhow::Result<Later<HistoryValue>> {
        let verb = "adapt";
        let epochs: usize = unsigned(verb, "epochs", epochs)?;
        let epistemic_epochs =
            super::optional_unsigned(verb, "epistemic_epochs", epistemic_epochs)?;
        let options = Adaptation {
            epochs,
            epistemic_epochs,
            refresh: unsigned(verb, "refresh", refresh)?,
            monte_carlo: MonteCarlo {
                samples: unsigned(verb, "samples", samples)?,
                mask_ratio: mask_ratio.0,
                ..MonteCarlo::default()
            },
            temperature: temperature.0,
            training: TrainingOptions {
                batch_size: unsigned(verb, "batch_size", batch_size)?,
                mask_ratio: mask_ratio.0,
                learning_rate: learning_rate.0,
                decay_every: unsigned(verb, "decay_every", decay_every)?,
                ..TrainingOptions::default()
            },
            ..Adaptation::default()
        };
        let cohort = cohort.cohort.clone();
        train(verb, model, eval, move |model, study| {
            study.adapt(model, &cohort, &options).map(HistoryValue)
        })
    }

    /// Estimates the uncertainty of a model by reconstructing every patch of the region several
    /// times under different masks.
    ///
    /// The variance over the reconstructions is the epistemic uncertainty; the absolute difference
    /// between their mean and the image is the error.
    ///
    /// # Arguments
    /// * `model`: the model.
    /// * `cohort`: the subjects to reconstruct.
    /// * `samples`: how many reconstructions of every patch are averaged.
    /// * `mask_ratio`: share of the region's patches that each pass hides.
    /// * `passes`: "balanced" hides every patch at least `samples` times and nearly equally often; "independent" is the published
    ///   loop, with more passes.
    ///
    /// Examples:
    /// ```python
    /// uncertainty = estimate_uncertainty(u2ad(), phantom_cohort(subjects = 1), samples = 2)
    /// uncertainty[0].variance.maximum
    /// ```
    fn estimate_uncertainty(
        model: &ModelValue,
        cohort: &CohortValue,
        #[starlark(default = 10)] samples: i64,
        #[starlark(require = named, default = UnpackFloat(MASK_RATIO))] mask_ratio: UnpackFloat,
        #[starlark(require = named, default = "balanced")] passes: &str,
        eval: &mut Evaluator,
    ) -> anyhow::Result<Later<UncertaintyValue>> {
        let settings = MonteCarlo {
            samples: unsigned("estimate_uncertainty", "samples", samples)?,
            mask_ratio: mask_ratio.0,
            passes: Passes::from_name(passes)?,
        };
        let cohort = cohort.cohort.clone();
        apply("estimate_uncertainty", model, eval, move |model, study| {
            study.estimate_uncertainty(model, &cohort, &settings).map(UncertaintyValue)
        })
    }

    /// Chooses which patches the following epochs hide, from the uncertainty of a cohort.
    ///
    /// "eu" hides more often where the model is unsure; "au" does too, but spares patches of high
    /// error, so that lesions stay badly reconstructed. "eu-published" and "au-published" follow
    /// the published code, which hides unsure patches less often.
    ///
    /// # Arguments
    /// * `uncertainty`: what `estimate_uncertainty` returned.
    /// * `strategy`: "eu", "au", "eu-published", "au-published" or "random".
    /// * `temperature`: of the softmax over patch variances; lower follows them more closely.
    /// * `normalisation`: "standardised" makes the variances of each slice comparable, "raw" takes
    ///   them as they are.
    ///
    /// Examples:
    /// ```python
    /// uncertainty = estimate_uncertainty(u2ad(), phantom_cohort(subjects = 1), samples = 2)
    /// masks = regenerate_masks(uncertainty, strategy = "eu")
    /// ```
    fn regenerate_masks(
        uncertainty: &UncertaintyValue,
        #[starlark(default = "eu")] strategy: &str,
        #[starlark(require = named, default = UnpackFloat(TEMPERATURE))] temperature: UnpackFloat,
        #[starlark(require = named, default = "standardised")] normalisation: &str,
        eval: &mut Evaluator,
    ) -> anyhow::Result<MasksValue> {
        let normalisation = Normalisation::from_name(normalisation)?;
        let strategy = MaskingStrategy::from_name(strategy)?;
        let context = State::of(eval).context();
        Ok(MasksValue(uncertainty.0.masks(strategy, normalisation, temperature.0, &context)?))
    }

    /// Trains a model's scorer to tell lesions from other tissue that is hard to reconstruct. It
    /// learns from simulated lesions and needs no labels.
    ///
    /// Lesions are painted into the cords of both cohorts, the model reconstructs these images, and
    /// small networks learn to find the painted pixels. Unpainted clinical pixels that look
    /// like a lesion are left out. The model keeps the networks (`save_model` saves
    /// them too), and `detect` uses them. Train the scorer last: it fits only the current state
    /// of the model. It takes longer than all other steps together; `members = 1, epochs = 3, rounds = 1` give a
    /// first impression in a small part of the time.
    ///
    /// # Arguments
    /// * `model`: the model; it changes in place.
    /// * `healthy`: subjects without lesions; None: train on the clinical ones only.
    /// * `clinical`: unlabelled subjects of the clinic; None: train on the healthy ones only.
    /// * `members`: number of networks, whose log-odds are averaged.
    /// * `epochs`: training epochs of each network.
    /// * `rounds`: how often lesions are painted into every clinical subject; twice as often into
    ///   every healthy one.
    /// * `samples`: how many reconstructions of every patch are averaged.
    /// * `mask_augmentation`: share of the training views in which the cord is drawn up to a pixel wider,
    ///   narrower or aside, for subjects whose masks are of another kind; None: 0.5 if the program found the
    ///   masks of some subjects (`segment`), otherwise 0.
    /// * `initial_weights`: what the networks begin with: "phantoms", the networks that ship with the program and
    ///   know simulated lesions in synthetic spines, or "random".
    ///
    /// Examples:
    /// ```python
    /// people = phantom_cohort(subjects = 2)
    /// model = u2ad()
    /// train_scorer(model, people.healthy, people.clinical, members = 1, epochs = 1, rounds = 1)
    /// detect(model, people.clinical)
    /// ```
    fn train_scorer(
        model: &ModelValue,
        #[starlark(default = NoneOr::None)] healthy: NoneOr<&CohortValue>,
        #[starlark(default = NoneOr::None)] clinical: NoneOr<&CohortValue>,
        #[starlark(require = named, default = 3)] members: i64,
        #[starlark(require = named, default = 30)] epochs: i64,
        #[starlark(require = named, default = 2)] rounds: i64,
        #[starlark(require = named, default = 10)] samples: i64,
        #[starlark(require = named, default = NoneOr::None)] mask_augmentation: NoneOr<UnpackFloat>,
        #[starlark(require = named, default = "phantoms")] initial_weights: &str,
        eval: &mut Evaluator,
    ) -> anyhow::Result<Later<NoneType>> {
        let verb = "train_scorer";
        let rounds: usize = unsigned(verb, "rounds", rounds)?;
        let cohort =
            |value: NoneOr<&CohortValue>| value.into_option().map(|one| one.cohort.clone());
        let (healthy, clinical) = (cohort(healthy), cohort(clinical));
        let are_found = [&healthy, &clinical].into_iter().flatten().any(|c| c.has_found_masks());
        let usual = if are_found { FOUND_MASK_AUGMENTATION } else { 0.0 };
        let share = mask_augmentation.into_option().map_or(usual, |share| share.0);
        let training = ScorerTraining::default()
            .members(unsigned(verb, "members", members)?)
            .epochs(unsigned(verb, "epochs", epochs)?)
            .healthy_rounds(2 * rounds)
            .clinical_rounds(rounds)
            .mask_augmentation(share)
            .initial_weights(InitialWeights::from_name(initial_weights)?);
        let monte_carlo = MonteCarlo::default().samples(unsigned(verb, "samples", samples)?);
        train(verb, model, eval, move |model, study| {
            let (healthy, clinical) = (healthy.as_ref(), clinical.as_ref());
            study.train_scorer(model, healthy, clinical, &training, monte_carlo)?;
            Ok(NoneType)
        })
    }
}
