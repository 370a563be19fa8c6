//! An evaluation with what its chart shows.

use crate::Result;
use crate::context::Context;
use crate::detection::Findings;
use crate::evaluation::{Evaluation, EvaluationOptions, ThresholdRule, evaluate};
use crate::figures::{Figure, MethodRoc, roc_curves};
use crate::report::{Display, Part, Show, Table, Tabulate, evaluation_table};

/// How well a method found what is known to be there. Several stand side by side as a slice of
/// references.
#[derive(Clone, Debug)]
pub struct CohortEvaluation {
    pub evaluation: Evaluation,
    pub roc: MethodRoc,
}

impl CohortEvaluation {
    /// Evaluates findings.
    ///
    /// # Errors
    /// As [`evaluate`].
    pub fn new(found: &Findings, threshold: ThresholdRule, context: &Context) -> Result<Self> {
        let evaluation = evaluate(found, &EvaluationOptions { threshold }, context)?;
        let roc = MethodRoc::new(found, &evaluation);
        Ok(Self { evaluation, roc })
    }

    /// ROC curves on one chart.
    pub fn chart(evaluations: &[&Self]) -> Figure {
        let curves: Vec<MethodRoc> = evaluations.iter().map(|one| one.roc.clone()).collect();
        roc_curves(&curves)
    }
}

impl Tabulate for [&CohortEvaluation] {
    fn table(&self) -> Result<Table> {
        evaluation_table(&self.iter().map(|one| &one.evaluation).collect::<Vec<_>>())
    }
}

impl Show for [&CohortEvaluation] {
    fn show(&self) -> Result<Display> {
        Ok(Display::of([Part::Table(self.table()?), Part::Figure(CohortEvaluation::chart(self))]))
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
