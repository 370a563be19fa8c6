//! Verbs for detection and evaluation.

use std::sync::Arc;

use either::Either;
use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::float::UnpackFloat;
use starlark::values::none::NoneOr;

use super::defaults::MASK_RATIO;
use super::long_work::{apply, change, work};
use super::unsigned;
use crate::cohort::Cohort;
use crate::context::{Context, counted};
use crate::detection::{Finding, Findings, MaskedAutoencoder, Reconstructor, Scoring};
use crate::evaluation::{
    EvaluationOptions, HEALTHY_FALSE_POSITIVES, HealthyThreshold, LesionThresholdRule,
    SubjectCounts, ThresholdRule, compare as compare_evaluations, few_patients, warn_of_repeated,
    warn_of_trained_reference,
};
use crate::options::Choice;
use crate::session::engine::jobs::Later;
use crate::session::state::State;
use crate::session::values::{
    CohortValue, ComparisonValue, EvaluationValue, FindingsValue, MapsValue, MethodValue,
    ModelValue,
};
use crate::study::Study;
use crate::uncertainty::MonteCarlo;
use crate::{Error, Result};

#[starlark_module]
pub(super) fn verbs(builder: &mut GlobalsBuilder) {
    /// Detects regions that a model cannot reconstruct, and scores segments and patients by them.
    ///
    /// The AnaScore of a segment is the peak of the anomaly map along the cord; that of a patient is
    /// the highest of all segments and slices. `scoring` says what the map shows:
    ///
    /// * `"learned"`: the lesion probability of the model's scorer (see `train_scorer`).
    /// * `"residual"`: how much brighter the image is than its reconstruction.
    /// * `"published"`: the absolute error, averaged over the cord's width.
    /// * `"own"`: the method's own measure of anomaly, where a baseline has one.
    ///
    /// # Arguments
    /// * `model`: a model, a method such as `intensity_threshold()`, or error maps from a Rust
    ///   cell, one per slice of the cohort.
    /// * `cohort`: the subjects to examine.
    /// * `samples`: how many reconstructions of every patch are averaged.
    /// * `mask_ratio`: share of the region's patches that each pass hides.
    /// * `scoring`: what the anomaly map shows; None: `"learned"` for a model with a scorer,
    ///   `"published"` for error maps, `"own"` for baselines that have a measure of their own, `"residual"`
    ///   for others.
    /// * `name`: name of the method in tables and figures; None: the method's own name.
    ///
    /// Examples:
    /// ```python
    /// found = detect(intensity_threshold(), phantom_cohort(subjects = 2))
    /// found.scores
    /// ```
    fn detect(
        model: Either<&ModelValue, Either<&MethodValue, &MapsValue>>,
        cohort: &CohortValue,
        #[starlark(default = 10)] samples: i64,
        #[starlark(require = named, default = UnpackFloat(MASK_RATIO))] mask_ratio: UnpackFloat,
        #[starlark(require = named, default = NoneOr::None)] scoring: NoneOr<&str>,
        #[starlark(require = named, default = NoneOr::None)] name: NoneOr<&str>,
        eval: &mut Evaluator,
    ) -> anyhow::Result<Later<FindingsValue>> {
        let scoring = scoring.into_option().map(Scoring::from_name).transpose()?;
        let name = name.into_option().map(str::to_owned);
        if name.as_deref().is_some_and(|name| name.trim().is_empty()) {
            return Err(Error::input("detect: the name of a method must not be empty").into());
        }
        let cohort = cohort.cohort.clone();
        let monte_carlo = MonteCarlo {
            samples: unsigned("detect", "samples", samples)?,
            mask_ratio: mask_ratio.0,
            ..MonteCarlo::default()
        };
        // Methods without masks do not use them, but nobody means values that nothing can have.
        monte_carlo.validate()?;
        match model {
            Either::Left(model) => apply("detect", model, eval, move |model, study| {
                let method = MaskedAutoencoder::of(model, monte_carlo)?;
                found(study, &method, &cohort, scoring, name)
            }),
            Either::Right(Either::Left(method)) => {
                let method = method.clone();
                work("detect", eval, move |study| {
                    found(study, method.0.reconstructor(), &cohort, scoring, name)
                })
            }
            Either::Right(Either::Right(maps)) => {
                let study = State::of(eval).context().into();
                Ok(Later::Now(found(&study, &maps.0, &cohort, scoring, name)?))
            }
        }
    }

    /// Calibrates a model with healthy subjects: it keeps what it shows in them, also in its file, and
    /// `detect` then says of a single new patient whether the score is above that. Returns the findings
    /// in the healthy subjects.
    ///
    /// The thresholds allow 0.1 false positives in a new healthy subject: if k of n healthy subjects reach
    /// a threshold, (k + 1) / (n + 1) are expected to. With up to 18 subjects they lie just above the highest
    /// value of them; with fewer than 9, more than 0.1 of new healthy subjects may reach them. Give subjects that the model was not trained on, from the patients' scanner if possible:
    /// scores of its training subjects are lower, and the thresholds would be too low.
    ///
    /// # Arguments
    /// * `model`: the model. It keeps one calibration for each scoring, which holds until the model or its
    ///   scorer is trained again.
    /// * `healthy`: healthy subjects.
    /// * `samples`: as in the detections that follow.
    /// * `mask_ratio`: as in the detections that follow.
    /// * `scoring`: as in the detections that follow; None: the model's own, as in `detect`.
    ///
    /// Examples:
    /// ```python
    /// people = phantom_cohort(subjects = 4)
    /// model = u2ad()
    /// calibrate(model, people.healthy, samples = 2)
    /// detect(model, people.clinical, samples = 2).threshold
    /// ```
    fn calibrate(
        model: &ModelValue,
        healthy: &CohortValue,
        #[starlark(default = 10)] samples: i64,
        #[starlark(require = named, default = UnpackFloat(MASK_RATIO))] mask_ratio: UnpackFloat,
        #[starlark(require = named, default = NoneOr::None)] scoring: NoneOr<&str>,
        eval: &mut Evaluator,
    ) -> anyhow::Result<Later<FindingsValue>> {
        let scoring = scoring.into_option().map(Scoring::from_name).transpose()?;
        let monte_carlo = MonteCarlo {
            samples: unsigned("calibrate", "samples", samples)?,
            mask_ratio: mask_ratio.0,
            ..MonteCarlo::default()
        };
        let cohort = healthy.cohort.clone();
        change("calibrate", model, eval, move |model, study| {
            let cohort = cohort.on_grid(model.grid())?;
            let found = study.calibrate(model, &cohort, monte_carlo, scoring)?;
            Ok(FindingsValue(Arc::new(found), cohort))
        })
    }

    /// Evaluates findings against the ground truth at the level of patients, slices, segments,
    /// lesions and pixels, with 95 % bootstrap intervals over the patients.
    ///
    /// A warning names subjects that the method learned from as healthy, that its thresholds come from, or whose image
    /// another subject has, too. It does not name patients that a model was adapted to without labels, as
    /// published.
    ///
    /// # Arguments
    /// * `found`: the findings that `detect` returned.
    /// * `threshold`: scores at or above it are positive. A number, or findings in healthy subjects:
    ///   then the lowest threshold at which 0.1 false positives are expected in a new one (see
    ///   `calibrate`). None: that of the healthy subjects with which the model was calibrated, else the
    ///   threshold with the best F1, chosen on the same subjects and therefore optimistic.
    /// * `lesion_threshold`: pixels whose anomaly is at or above it are detected. A number, or
    ///   findings in healthy subjects, as for `threshold`. None: the healthy subjects of `threshold`
    ///   or of the calibration, else the threshold with the best lesion F1, which is optimistic too.
    ///
    /// Examples:
    /// ```python
    /// found = detect(intensity_threshold(), phantom_cohort(subjects = 4))
    /// evaluate(found).auroc
    /// ```
    fn evaluate(
        found: &FindingsValue,
        #[starlark(default = NoneOr::None)] threshold: NoneOr<Either<UnpackFloat, &FindingsValue>>,
        #[starlark(require = named, default = NoneOr::None)] lesion_threshold: NoneOr<
            Either<UnpackFloat, &FindingsValue>,
        >,
        eval: &mut Evaluator,
    ) -> anyhow::Result<EvaluationValue> {
        let (threshold, lesion_threshold) =
            (threshold.into_option(), lesion_threshold.into_option());
        for healthy in [&threshold, &lesion_threshold] {
            if let Some(Either::Right(healthy)) = healthy {
                check_reference(&found.0, &healthy.0, &State::of(eval).context())?;
            }
        }
        let healthy = match (&threshold, &lesion_threshold) {
            (_, Some(Either::Right(healthy))) | (Some(Either::Right(healthy)), None) => {
                Some(HealthyThreshold::new(&healthy.0, HEALTHY_FALSE_POSITIVES)?)
            }
            _ => None,
        };
        let own = EvaluationOptions::of(&found.0);
        let options = EvaluationOptions {
            threshold: match threshold {
                Some(Either::Left(threshold)) => ThresholdRule::Value(threshold.0),
                Some(Either::Right(healthy)) => ThresholdRule::HealthyFalsePositives {
                    reference: healthy.0.healthy_scores(),
                    allowed: HEALTHY_FALSE_POSITIVES,
                },
                None => own.threshold,
            },
            lesion_threshold: match (lesion_threshold, healthy) {
                (Some(Either::Left(threshold)), _) => LesionThresholdRule::Value(threshold.0),
                (_, Some(healthy)) => LesionThresholdRule::Healthy(healthy),
                (_, None) => own.lesion_threshold,
            },
        };
        let context = State::of(eval).context();
        let evaluation = EvaluationValue::new(found, options, &context)?;
        let SubjectCounts { with_lesion, without_lesion, .. } =
            evaluation.evaluation.evaluation.subjects;
        if let Some(warning) = few_patients(with_lesion, without_lesion) {
            context.warn_once(warning);
        }
        Ok(evaluation)
    }

    /// Tests whether two methods differ on the same patients: the AUROC of the patients by the
    /// DeLong test, all other measures by a paired bootstrap over the patients.
    ///
    /// Shows both methods, their difference with its 95 % interval, and the two-sided p-value, which is not
    /// corrected for the number of measures.
    ///
    /// # Arguments
    /// * `first`: the evaluation of one method.
    /// * `second`: the evaluation of the other method, which is subtracted from the first.
    ///
    /// Examples:
    /// ```python
    /// people = phantom_cohort(subjects = 8)
    /// whole = evaluate(detect(intensity_threshold(), people))
    /// local = evaluate(detect(intensity_threshold(local_mm = 20), people))
    /// compare(whole, local)
    /// ```
    fn compare(
        first: &EvaluationValue,
        second: &EvaluationValue,
        eval: &mut Evaluator,
    ) -> anyhow::Result<ComparisonValue> {
        let (a, b) = (&first.evaluation.evaluation, &second.evaluation.evaluation);
        let comparison = compare_evaluations(a, b, &State::of(eval).context())?;
        Ok(ComparisonValue(Arc::new(comparison)))
    }
}

/// What a method finds in a cohort, under this name.
fn found(
    study: &Study,
    method: &dyn Reconstructor,
    cohort: &Cohort,
    scoring: Option<Scoring>,
    name: Option<String>,
) -> Result<FindingsValue> {
    let cohort = match method.grid() {
        Some(grid) => cohort.on_grid(grid)?,
        None => cohort.clone(),
    };
    let findings = study.detect_by(method, &cohort, scoring)?;
    let findings = match name {
        Some(name) => findings.named(&name),
        None => findings,
    };
    Ok(FindingsValue(Arc::new(findings), cohort))
}

/// Refuses healthy subjects with another scoring as a source of thresholds, and warns if their threshold is biased: they
/// come from another method, are among those that are evaluated, the method learned from them, or several images show
/// one of them.
pub(super) fn check_reference(
    found: &Findings,
    healthy: &Findings,
    context: &Context,
) -> Result<()> {
    if found.scoring != healthy.scoring {
        return Err(Error::input(format!(
            "a threshold from healthy subjects needs the same scoring: these findings are \"{}\", those \
             of the healthy subjects \"{}\"",
            found.scoring, healthy.scoring
        )));
    }
    if found.differ_in_method(healthy) {
        context.warn(format!(
            "the threshold comes from another method than these findings of {}, or from another state of it: it says \
             nothing about them; give what the same method finds in healthy subjects",
            found.method
        ));
    }
    let same = |one: &Finding, other: &Finding| {
        one.subject.name == other.subject.name && one.subject.image_hash == other.subject.image_hash
    };
    let examined = |one: &&Finding| found.subjects.iter().any(|other| same(one, other));
    let shared: Vec<&Finding> = healthy.subjects.iter().filter(examined).collect();
    if let Some(first) = shared.first() {
        context.warn(format!(
            "{} that the threshold comes from are among these findings, the first {}: false positives in them are too \
             few by construction; give other healthy subjects",
            counted(shared.len(), "subject"),
            first.subject.name
        ));
    }
    warn_of_trained_reference(healthy, "the threshold", context);
    let names = healthy.subjects.iter().map(|one| &*one.subject.name);
    warn_of_repeated(names, "a threshold from healthy subjects", context);
    Ok(())
}
