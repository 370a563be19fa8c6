//! Scores against truth, in the language.

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
use crate::evaluation::{Confusion, Evaluation, EvaluationOptions, Level, ThresholdRule, evaluate};
use crate::figures::{Figure, MethodRoc, roc_curves};
use crate::report::{Cell, Column, Table};
use crate::session::show::Show;
use crate::session::{Display, Part};

/// An evaluation with the scores it was made from.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct EvaluationValue {
    #[allocative(skip)]
    pub evaluation: Arc<Evaluation>,
    /// What its chart shows.
    #[allocative(skip)]
    pub roc: Arc<MethodRoc>,
    /// What was judged, and by which rule: enough to judge it again.
    pub found: FindingsValue,
    #[allocative(skip)]
    pub rule: ThresholdRule,
}

impl EvaluationValue {
    /// Judges findings.
    ///
    /// # Errors
    /// As [`evaluate`].
    pub fn new(found: &FindingsValue, rule: ThresholdRule, context: &Context) -> Result<Self> {
        let options = EvaluationOptions { threshold: rule.clone() };
        let evaluation = evaluate(&found.0, &options, context)?;
        let roc = Arc::new(MethodRoc::new(&found.0, &evaluation));
        Ok(Self { evaluation: Arc::new(evaluation), roc, found: found.clone(), rule })
    }
}

handle!(EvaluationValue);
starlark::methods_static!(EVALUATION = evaluation_methods);

impl fmt::Display for EvaluationValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Evaluation { method, patients, .. } = &*self.evaluation;
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
        let mut columns = vec![Column::text("metric")];
        columns.extend(evaluations.iter().map(|one| Column::number(&one.evaluation.method, 3)));
        let mut table = Table::new("Evaluation", columns);
        for (name, metric) in METRICS {
            let row = evaluations.iter().map(|one| metric(&one.evaluation));
            table.push([Cell::from(*name)].into_iter().chain(row).collect())?;
        }
        Ok(table)
    }

    /// ROC curves on one chart.
    pub fn roc(evaluations: &[&Self]) -> Figure {
        let curves: Vec<MethodRoc> = evaluations.iter().map(|one| (*one.roc).clone()).collect();
        roc_curves(&curves)
    }

    fn at_threshold(&self, measure: fn(&Confusion) -> Option<f64>) -> NoneOr<f64> {
        NoneOr::from_option(self.evaluation.patients.confusion.as_ref().and_then(measure))
    }
}

/// A metric's name and how it is read off.
type Metric = (&'static str, fn(&Evaluation) -> Cell);

/// The rows of an evaluation table.
const METRICS: &[Metric] = &[
    ("patients with lesion", |e| Cell::from(e.subjects.with_lesion)),
    ("patients without lesion", |e| Cell::from(e.subjects.without_lesion)),
    ("patient AUROC", |e| Cell::from(e.patients.auroc)),
    ("… its 95 % interval", |e| {
        let interval = e.patients.auroc_interval.as_ref();
        Cell::from(interval.map(|interval| format!("{:.3} – {:.3}", interval.low, interval.high)))
    }),
    ("patient average precision", |e| Cell::from(e.patients.average_precision)),
    ("threshold", |e| Cell::from(e.patients.threshold.as_ref().map(|t| t.value))),
    ("threshold from", |e| Cell::from(e.patients.threshold.as_ref().map(|t| t.origin.clone()))),
    ("patient F1", |e| Cell::from(confusion(&e.patients).and_then(Confusion::f1))),
    ("patient sensitivity", |e| {
        Cell::from(confusion(&e.patients).and_then(Confusion::sensitivity))
    }),
    ("patient specificity", |e| {
        Cell::from(confusion(&e.patients).and_then(Confusion::specificity))
    }),
    ("segment AUROC", |e| Cell::from(e.segments.as_ref().and_then(|level| level.auroc))),
    ("segment average precision", |e| {
        Cell::from(e.segments.as_ref().and_then(|level| level.average_precision))
    }),
    ("pixel average precision", |e| {
        Cell::from(e.pixels.as_ref().and_then(|level| level.average_precision))
    }),
    ("pixel Dice", |e| Cell::from(e.pixels.as_ref().and_then(|level| level.dice))),
    ("SSIM of normal tissue", |e| Cell::from(e.normal.map(|normal| normal.ssim))),
    ("PSNR of normal tissue, dB", |e| Cell::from(e.normal.map(|normal| normal.psnr_db))),
];

fn confusion(level: &Level) -> Option<&Confusion> {
    level.confusion.as_ref()
}

#[starlark_value(type = "Evaluation")]
impl<'v> StarlarkValue<'v> for EvaluationValue {
    shared_members!(EVALUATION);
}

impl Show for EvaluationValue {
    fn show(&self) -> Result<Display> {
        let all = [self];
        Ok(Display::of([Part::Table(Self::table(&all)?), Part::Figure(Self::roc(&all))]))
    }
}

/// How well a method found what is known to be there. Attributes are None where there is not
/// enough truth for them.
#[starlark_module]
fn evaluation_methods(builder: &mut MethodsBuilder) {
    /// Name of the method.
    #[starlark(attribute)]
    fn method(this: &EvaluationValue) -> anyhow::Result<String> {
        Ok(this.evaluation.method.clone())
    }

    /// Area under the ROC curve of the patients' scores.
    #[starlark(attribute)]
    fn auroc(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        Ok(NoneOr::from_option(this.evaluation.patients.auroc))
    }

    /// Average precision of the patients' scores.
    #[starlark(attribute)]
    fn average_precision(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        Ok(NoneOr::from_option(this.evaluation.patients.average_precision))
    }

    /// Scores at or above it count as found.
    #[starlark(attribute)]
    fn threshold(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        let threshold = this.evaluation.patients.threshold.as_ref();
        Ok(NoneOr::from_option(threshold.map(|threshold| threshold.value)))
    }

    /// Where the threshold comes from.
    #[starlark(attribute)]
    fn threshold_origin(this: &EvaluationValue) -> anyhow::Result<NoneOr<String>> {
        let threshold = this.evaluation.patients.threshold.as_ref();
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
        let segments = this.evaluation.segments.as_ref();
        Ok(NoneOr::from_option(segments.and_then(|level| level.auroc)))
    }

    /// Average precision of the errors of pixels.
    #[starlark(attribute)]
    fn pixel_average_precision(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        let pixels = this.evaluation.pixels.as_ref();
        Ok(NoneOr::from_option(pixels.and_then(|level| level.average_precision)))
    }

    /// Structural similarity of image and reconstruction in normal tissue.
    #[starlark(attribute)]
    fn ssim(this: &EvaluationValue) -> anyhow::Result<NoneOr<f64>> {
        Ok(NoneOr::from_option(this.evaluation.normal.map(|normal| normal.ssim)))
    }
}
