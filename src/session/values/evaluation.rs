//! Scores against ground truth, in the language.

use std::fmt;
use std::sync::Arc;

use allocative::Allocative;
use starlark::StarlarkPagablePanic;
use starlark::environment::MethodsBuilder;
use starlark::starlark_module;
use starlark::values::none::NoneOr;
use starlark::values::{NoSerialize, ProvidesStaticType, StarlarkValue, starlark_value};

use super::{FindingsValue, handle, shared_members};
use crate::Result;
use crate::context::Context;
use crate::evaluation::{Confusion, Evaluation, ThresholdRule};
use crate::figures::Figure;
use crate::report::{Show as _, Table, Tabulate};
use crate::session::Display;
use crate::session::show::ShowValue;
use crate::study::CohortEvaluation;

/// A evaluation, and what was evaluated by which rule: enough to evaluate it again.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct EvaluationValue {
    #[allocative(skip)]
    pub evaluation: Arc<CohortEvaluation>,
    pub found: FindingsValue,
    #[allocative(skip)]
    pub rule: ThresholdRule,
}

impl EvaluationValue {
    /// Evaluates findings.
    ///
    /// # Errors
    /// As [`CohortEvaluation::new`].
    pub fn new(found: &FindingsValue, rule: ThresholdRule, context: &Context) -> Result<Self> {
        let evaluation = Arc::new(CohortEvaluation::new(&found.0, rule.clone(), context)?);
        Ok(Self { evaluation, found: found.clone(), rule })
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

    /// ROC curves on one chart.
    pub fn chart(evaluations: &[&Self]) -> Figure {
        let evaluations: Vec<&CohortEvaluation> =
            evaluations.iter().map(|one| &*one.evaluation).collect();
        CohortEvaluation::chart(&evaluations)
    }

    fn at_threshold(&self, measure: fn(&Confusion) -> Option<f64>) -> NoneOr<f64> {
        NoneOr::from_option(self.evaluation().patients.confusion.as_ref().and_then(measure))
    }
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

/// How well a method found what is known to be there. Attributes are None where there is not
/// enough ground truth for them.
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

    /// Scores at or above it count as found.
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
        Ok(this.at_threshold(Confusion::f1))
    }

    /// Share of the patients with a lesion that reach the threshold.
    #[starlark(attribute)]
    fn sensitivity(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        Ok(this.at_threshold(Confusion::sensitivity))
    }

    /// Share of the patients without lesion that stay below the threshold.
    #[starlark(attribute)]
    fn specificity(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        Ok(this.at_threshold(Confusion::specificity))
    }

    /// Area under the ROC curve of the segments' scores.
    #[starlark(attribute)]
    fn segment_auroc(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        let segments = this.evaluation().segments.as_ref();
        Ok(NoneOr::from_option(segments.and_then(|level| level.auroc)))
    }

    /// Average precision of the errors of pixels.
    #[starlark(attribute)]
    fn pixel_average_precision(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        let pixels = this.evaluation().pixels.as_ref();
        Ok(NoneOr::from_option(pixels.and_then(|level| level.average_precision)))
    }

    /// Structural similarity of image and reconstruction in normal tissue.
    #[starlark(attribute)]
    fn ssim(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        Ok(NoneOr::from_option(this.evaluation().normal.map(|normal| normal.ssim)))
    }
}
