//! Scores against ground truth, in the language.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use allocative::Allocative;
use starlark::StarlarkPagablePanic;
use starlark::environment::MethodsBuilder;
use starlark::starlark_module;
use starlark::values::list::ListRef;
use starlark::values::none::NoneOr;
use starlark::values::{NoSerialize, ProvidesStaticType, StarlarkValue, Value, starlark_value};

use super::{FindingsValue, handle, shared_members};
use crate::Result;
use crate::context::Context;
use crate::evaluation::{Estimate, Evaluation, EvaluationOptions, LesionLevel};
use crate::figures::Figure;
use crate::report::{Show as _, Table, Tabulate};
use crate::session::Display;
use crate::session::show::ShowValue;
use crate::study::CohortEvaluation;

/// An evaluation with its findings and options, so that it can be repeated.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct EvaluationValue {
    #[allocative(skip)]
    pub evaluation: Arc<CohortEvaluation>,
    /// `None` of an evaluation from a file.
    pub found: Option<FindingsValue>,
    #[allocative(skip)]
    pub options: EvaluationOptions,
}

impl EvaluationValue {
    /// Evaluates findings.
    ///
    /// # Errors
    /// As [`CohortEvaluation::new`].
    pub fn new(
        found: &FindingsValue,
        options: EvaluationOptions,
        context: &Context,
    ) -> Result<Self> {
        let evaluation = Arc::new(CohortEvaluation::new(&found.0, &options, context)?);
        Ok(Self { evaluation, found: Some(found.clone()), options })
    }

    /// An evaluation from a file.
    ///
    /// # Errors
    /// As [`Evaluation::load`].
    pub fn load(path: &Path) -> Result<Self> {
        let evaluation = Arc::new(CohortEvaluation::of(Evaluation::load(path)?));
        Ok(Self { evaluation, found: None, options: EvaluationOptions::default() })
    }

    fn evaluation(&self) -> &Evaluation {
        &self.evaluation.evaluation
    }
}

handle!(EvaluationValue);
starlark::methods_static!(EVALUATION = evaluation_methods);

impl fmt::Display for EvaluationValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Evaluation { method, patients, .. } = self.evaluation();
        write!(f, "<Evaluation of {method}")?;
        match patients.auroc {
            Some(auroc) => write!(f, ", patient AUROC {auroc:.3}>"),
            None => write!(f, ">"),
        }
    }
}

impl EvaluationValue {
    /// Metrics below each other, one column per evaluation.
    pub fn table(evaluations: &[&Self]) -> Result<Table> {
        let evaluations: Vec<&CohortEvaluation> =
            evaluations.iter().map(|one| &*one.evaluation).collect();
        evaluations.table()
    }

    /// ROC curves on one chart, FROC curves on another.
    pub fn charts(evaluations: &[&Self]) -> Vec<Figure> {
        let evaluations: Vec<&CohortEvaluation> =
            evaluations.iter().map(|one| &*one.evaluation).collect();
        CohortEvaluation::charts(&evaluations)
    }

    fn of_lesions(&self, measure: fn(&LesionLevel) -> Option<Estimate>) -> NoneOr<f64> {
        value(self.evaluation().lesions.as_ref().and_then(measure))
    }
}

fn value(estimate: Option<Estimate>) -> NoneOr<f64> {
    NoneOr::from_option(estimate.map(|estimate| estimate.value))
}

#[starlark_value(type = "Evaluation")]
impl<'v> StarlarkValue<'v> for EvaluationValue {
    shared_members!(EVALUATION);
}

impl ShowValue for EvaluationValue {
    fn show(&self) -> Result<Display> {
        self.evaluation.show()
    }
}

/// How well a method's findings agree with the ground truth. An attribute is None if there is not
/// enough ground truth for it.
#[starlark_module]
fn evaluation_methods(builder: &mut MethodsBuilder) {
    /// Name of the method.
    #[starlark(attribute)]
    fn method(this: &EvaluationValue) -> anyhow::Result<String> {
        Ok(this.evaluation().method.clone())
    }

    /// Area under the ROC curve of the patients' scores.
    #[starlark(attribute)]
    fn auroc(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        Ok(NoneOr::from_option(this.evaluation().patients.auroc))
    }

    /// Average precision of the patients' scores.
    #[starlark(attribute)]
    fn average_precision(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        Ok(NoneOr::from_option(this.evaluation().patients.average_precision))
    }

    /// The threshold of the patients' scores: scores at or above it are positive.
    #[starlark(attribute)]
    fn threshold(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        let threshold = this.evaluation().patients.threshold.as_ref();
        Ok(NoneOr::from_option(threshold.map(|threshold| threshold.value)))
    }

    /// Where the threshold comes from.
    #[starlark(attribute)]
    fn threshold_origin(this: &EvaluationValue) -> anyhow::Result<NoneOr<String>> {
        let threshold = this.evaluation().patients.threshold.as_ref();
        Ok(NoneOr::from_option(threshold.map(|threshold| threshold.origin.clone())))
    }

    /// F1 of the patients at the threshold.
    #[starlark(attribute)]
    fn f1(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        Ok(value(this.evaluation().patients.f1))
    }

    /// Share of the patients with a lesion whose score reaches the threshold.
    #[starlark(attribute)]
    fn sensitivity(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        Ok(value(this.evaluation().patients.sensitivity))
    }

    /// Share of the patients without a lesion whose score is below the threshold.
    #[starlark(attribute)]
    fn specificity(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        Ok(value(this.evaluation().patients.specificity))
    }

    /// Area under the ROC curve of the slices' scores.
    #[starlark(attribute)]
    fn slice_auroc(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        let slices = this.evaluation().slices.as_ref();
        Ok(NoneOr::from_option(slices.and_then(|level| level.auroc)))
    }

    /// Average precision of the slices' scores.
    #[starlark(attribute)]
    fn slice_average_precision(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        let slices = this.evaluation().slices.as_ref();
        Ok(NoneOr::from_option(slices.and_then(|level| level.average_precision)))
    }

    /// Area under the ROC curve of the segments' scores.
    #[starlark(attribute)]
    fn segment_auroc(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        let segments = this.evaluation().segments.as_ref();
        Ok(NoneOr::from_option(segments.and_then(|level| level.auroc)))
    }

    /// Average precision of the segments' scores.
    #[starlark(attribute)]
    fn segment_average_precision(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        let segments = this.evaluation().segments.as_ref();
        Ok(NoneOr::from_option(segments.and_then(|level| level.average_precision)))
    }

    /// The lesion threshold: pixels whose anomaly is at or above it are detected.
    #[starlark(attribute)]
    fn lesion_threshold(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        let threshold = this.evaluation().lesions.as_ref().and_then(|l| l.threshold.as_ref());
        Ok(NoneOr::from_option(threshold.map(|threshold| threshold.value)))
    }

    /// Where the lesion threshold comes from.
    #[starlark(attribute)]
    fn lesion_threshold_origin(this: &EvaluationValue) -> anyhow::Result<NoneOr<String>> {
        let threshold = this.evaluation().lesions.as_ref().and_then(|l| l.threshold.as_ref());
        Ok(NoneOr::from_option(threshold.map(|threshold| threshold.origin.clone())))
    }

    /// Share of the lesions that are detected at the lesion threshold.
    #[starlark(attribute)]
    fn lesion_sensitivity(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        Ok(this.of_lesions(|lesions| lesions.sensitivity))
    }

    /// Number of lesions in the ground truth.
    #[starlark(attribute)]
    fn lesions(this: &EvaluationValue) -> anyhow::Result<NoneOr<i64>> {
        Ok(NoneOr::from_option(this.evaluation().lesions.as_ref().map(|l| l.lesions as i64)))
    }

    /// Number of lesions of the ground truth that are detected at the lesion threshold.
    #[starlark(attribute)]
    fn detected_lesions(this: &EvaluationValue) -> anyhow::Result<NoneOr<i64>> {
        let detected = this.evaluation().lesions.as_ref().and_then(|lesions| lesions.detected);
        Ok(NoneOr::from_option(detected.map(|count| count as i64)))
    }

    /// Number of lesions of the ground truth that are missed at the lesion threshold.
    #[starlark(attribute)]
    fn missed_lesions(this: &EvaluationValue) -> anyhow::Result<NoneOr<i64>> {
        let lesions = this.evaluation().lesions.as_ref();
        let missed = lesions.and_then(|of| Some(of.lesions.saturating_sub(of.detected?)));
        Ok(NoneOr::from_option(missed.map(|count| count as i64)))
    }

    /// Points of the FROC curve by rising sensitivity: (threshold, false positives per patient, lesion
    /// sensitivity).
    #[starlark(attribute)]
    fn froc(this: &EvaluationValue) -> anyhow::Result<Vec<(f64, f64, f64)>> {
        let points = this.evaluation().lesions.iter().flat_map(|lesions| &lesions.froc);
        Ok(points.map(|p| (p.threshold, p.false_positives_per_patient, p.sensitivity)).collect())
    }

    /// F1 of the lesions at the lesion threshold.
    #[starlark(attribute)]
    fn lesion_f1(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        Ok(this.of_lesions(|lesions| lesions.f1))
    }

    /// Mean number of false positives per patient at the lesion threshold.
    #[starlark(attribute)]
    fn false_positives_per_patient(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        Ok(this.of_lesions(|lesions| lesions.false_positives_per_patient))
    }

    /// Mean number of false positives per healthy subject, if these gave the lesion threshold.
    #[starlark(attribute)]
    fn healthy_false_positives(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        let healthy = this.evaluation().lesions.as_ref().and_then(|lesions| lesions.healthy);
        Ok(NoneOr::from_option(healthy.map(|healthy| healthy.false_positives_per_subject)))
    }

    /// Area under the ROC curve of the anomaly of pixels.
    #[starlark(attribute)]
    fn pixel_auroc(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        let pixels = this.evaluation().pixels.as_ref();
        Ok(NoneOr::from_option(pixels.and_then(|level| level.auroc)))
    }

    /// Average precision of the anomaly of pixels.
    #[starlark(attribute)]
    fn pixel_average_precision(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        let pixels = this.evaluation().pixels.as_ref();
        Ok(NoneOr::from_option(pixels.and_then(|level| level.average_precision)))
    }

    /// Dice of the pixels at or above `threshold`, that of the patients' scores, not `lesion_threshold`. As AnaScores do,
    /// pixels count from the mean of their slice's anomaly curve, or from 0 with the scoring "learned".
    #[starlark(attribute)]
    fn pixel_dice(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        let pixels = this.evaluation().pixels.as_ref();
        Ok(NoneOr::from_option(pixels.and_then(|level| level.dice)))
    }

    /// Share of the lesions that are detected where there is at most 1 false positive per patient.
    #[starlark(attribute)]
    fn lesion_sensitivity_at_1_false_positive(
        this: &EvaluationValue,
    ) -> anyhow::Result<NoneOr<f64>> {
        Ok(this.of_lesions(|lesions| lesions.sensitivity_at_one))
    }

    /// Number of evaluated patients with a lesion.
    #[starlark(attribute)]
    fn patients_with_lesion(this: &EvaluationValue) -> anyhow::Result<i64> {
        Ok(this.evaluation().subjects.with_lesion as i64)
    }

    /// Number of evaluated patients without a lesion.
    #[starlark(attribute)]
    fn patients_without_lesion(this: &EvaluationValue) -> anyhow::Result<i64> {
        Ok(this.evaluation().subjects.without_lesion as i64)
    }

    /// Peak signal-to-noise ratio of the reconstruction of normal tissue, dB.
    #[starlark(attribute)]
    fn psnr_db(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        Ok(NoneOr::from_option(this.evaluation().normal.map(|normal| normal.psnr_db)))
    }

    /// Structural similarity of image and reconstruction in normal tissue.
    #[starlark(attribute)]
    fn ssim(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        Ok(NoneOr::from_option(this.evaluation().normal.map(|normal| normal.ssim)))
    }
}

/// An evaluation, or a list of nothing but evaluations.
pub(in crate::session) fn evaluations<'v>(value: Value<'v>) -> Option<Vec<&'v EvaluationValue>> {
    if let Some(one) = EvaluationValue::from_value(value) {
        return Some(vec![one]);
    }
    let list = ListRef::from_value(value).filter(|list| !list.is_empty())?;
    list.iter().map(EvaluationValue::from_value).collect()
}
