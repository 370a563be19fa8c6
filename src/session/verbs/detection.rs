//! Verbs that find and evaluate.

use std::sync::Arc;

use either::Either;
use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::float::UnpackFloat;
use starlark::values::none::NoneOr;

use super::defaults::MASK_RATIO;
use super::unsigned;
use crate::baselines::IntensityThreshold;
use crate::detection::{MaskedAutoencoder, Reconstructor};
use crate::evaluation::ThresholdRule;
use crate::session::state::State;
use crate::session::values::{
    CohortValue, EvaluationValue, FindingsValue, MapsValue, MethodValue, ModelValue,
};
use crate::study::Study;
use crate::uncertainty::MonteCarlo;

/// Percentile of healthy scores that `evaluate` draws the line at.
const NORMAL_PERCENTILE: f64 = 95.0;

#[starlark_module]
pub(super) fn verbs(builder: &mut GlobalsBuilder) {
    /// Looks for places that a model cannot reconstruct, and scores segments and patients by them.
    ///
    /// The AnaScore of a segment is the peak of the error along the cord above its mean; that of
    /// a patient is the highest of all segments and slices.
    ///
    /// # Arguments
    /// * `model`: a model, a method such as `intensity_threshold()`, or error maps from a Rust
    ///   cell, one per slice of the cohort.
    /// * `cohort`: where to look.
    /// * `samples`: how many reconstructions of every patch are averaged.
    /// * `mask_ratio`: share of the region's patches that each pass hides.
    /// * `name`: what tables and figures call the method; None: its own name.
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
        #[starlark(require = named, default = NoneOr::None)] name: NoneOr<&str>,
        eval: &mut Evaluator,
    ) -> anyhow::Result<FindingsValue> {
        let context = State::of(eval).context();
        let (findings, cohort) = match model {
            Either::Left(model) => {
                let study = Study::from(model.surroundings(context));
                let cohort = cohort.cohort.on_grid(model.lock().grid())?;
                let monte_carlo = MonteCarlo {
                    samples: unsigned("detect", "samples", samples)?,
                    mask_ratio: mask_ratio.0,
                    ..MonteCarlo::default()
                };
                let method = MaskedAutoencoder::of(&mut model.lock(), monte_carlo)?;
                (study.detect(&method, &cohort)?, cohort)
            }
            Either::Right(method) => {
                let method: &dyn Reconstructor = match &method {
                    Either::Left(method) => &method.0,
                    Either::Right(maps) => &maps.0,
                };
                let findings = Study::from(context).detect(method, &cohort.cohort)?;
                (findings, cohort.cohort.clone())
            }
        };
        let findings = match name.into_option() {
            Some(name) => findings.named(name),
            None => findings,
        };
        Ok(FindingsValue(Arc::new(findings), cohort))
    }

    /// The baseline: bright is abnormal. Lesions are bright on T2-weighted images, so a
    /// model that learned anything has to do better.
    ///
    /// # Arguments
    /// * `local_mm`: compare with the mean over this length of cord instead of the whole slice's
    ///   median; None: the median.
    ///
    /// Examples:
    /// ```python
    /// baseline = detect(intensity_threshold(), phantom_cohort(subjects = 2))
    /// ```
    fn intensity_threshold(
        #[starlark(default = NoneOr::None)] local_mm: NoneOr<UnpackFloat>,
    ) -> anyhow::Result<MethodValue> {
        let local_mm = local_mm.into_option().map(|length| length.0);
        Ok(MethodValue(IntensityThreshold { local_mm }))
    }

    /// Evaluates findings against what is known about the subjects' lesions.
    ///
    /// # Arguments
    /// * `found`: what `detect` found.
    /// * `threshold`: scores at or above it count as found. A number, or what `detect` found in
    ///   healthy subjects, whose 95th percentile is then used; None: the threshold with the best
    ///   F1, chosen on the same subjects and therefore optimistic.
    ///
    /// Examples:
    /// ```python
    /// found = detect(intensity_threshold(), phantom_cohort(subjects = 4))
    /// evaluate(found).auroc
    /// ```
    fn evaluate(
        found: &FindingsValue,
        #[starlark(default = NoneOr::None)] threshold: NoneOr<Either<UnpackFloat, &FindingsValue>>,
        eval: &mut Evaluator,
    ) -> anyhow::Result<EvaluationValue> {
        let rule = match threshold.into_option() {
            Some(Either::Left(threshold)) => ThresholdRule::Value(threshold.0),
            Some(Either::Right(healthy)) => ThresholdRule::NormalPercentile {
                reference: healthy.0.healthy_scores(),
                percentile: NORMAL_PERCENTILE,
            },
            None => ThresholdRule::BestF1,
        };
        Ok(EvaluationValue::new(found, rule, &State::of(eval).context())?)
    }
}
