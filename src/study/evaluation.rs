//! An evaluation with the data of its charts.

use crate::Result;
use crate::context::Context;
use crate::detection::Findings;
use crate::evaluation::{Evaluation, EvaluationOptions, evaluate};
use crate::figures::{Figure, MethodFroc, MethodRoc, froc_curves, roc_curves};
use crate::report::{Display, Part, Show, Table, Tabulate, evaluation_table};

/// How well a method's findings agree with the ground truth. A slice of references to several
/// is shown side by side.
#[derive(Clone, Debug)]
pub struct CohortEvaluation {
    pub evaluation: Evaluation,
    pub roc: MethodRoc,
    /// `None` where no lesion is known.
    pub froc: Option<MethodFroc>,
}

impl CohortEvaluation {
    /// Evaluates findings.
    ///
    /// # Errors
    /// As [`evaluate`].
    pub fn new(found: &Findings, options: &EvaluationOptions, context: &Context) -> Result<Self> {
        Ok(Self::of(evaluate(found, options, context)?))
    }

    /// An evaluation that was made before, such as one from a file.
    pub fn of(evaluation: Evaluation) -> Self {
        let (roc, froc) = (MethodRoc::new(&evaluation), MethodFroc::new(&evaluation));
        Self { evaluation, roc, froc }
    }

    /// ROC curves on one chart and, where lesions are known, FROC curves on another.
    pub fn charts(evaluations: &[&Self]) -> Vec<Figure> {
        let curves: Vec<MethodRoc> = evaluations.iter().map(|one| one.roc.clone()).collect();
        let lesions: Vec<MethodFroc> =
            evaluations.iter().filter_map(|one| one.froc.clone()).collect();
        let mut charts = vec![roc_curves(&curves)];
        if !lesions.is_empty() {
            charts.push(froc_curves(&lesions));
        }
        charts
    }
}

impl Tabulate for [&CohortEvaluation] {
    fn table(&self) -> Result<Table> {
        evaluation_table(&self.iter().map(|one| &one.evaluation).collect::<Vec<_>>())
    }
}

impl Show for [&CohortEvaluation] {
    fn show(&self) -> Result<Display> {
        let mut display = Display::of([Part::Table(self.table()?)]);
        display.parts.extend(CohortEvaluation::charts(self).into_iter().map(Part::Figure));
        Ok(display)
    }
}

impl Show for [CohortEvaluation] {
    fn show(&self) -> Result<Display> {
        self.iter().collect::<Vec<_>>().as_slice().show()
    }
}

impl Show for Vec<CohortEvaluation> {
    fn show(&self) -> Result<Display> {
        self.as_slice().show()
    }
}

impl Tabulate for CohortEvaluation {
    fn table(&self) -> Result<Table> {
        [self].as_slice().table()
    }
}

impl Show for CohortEvaluation {
    fn show(&self) -> Result<Display> {
        [self].as_slice().show()
    }
}
