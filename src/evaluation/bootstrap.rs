//! How sure an AUROC is.

use rand::RngExt;
use serde::Serialize;

use super::Ranking;
use crate::Result;
use crate::cohort::percentile;
use crate::context::Context;

const REPLICATES: usize = 1000;

/// A 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// Percentile bootstrap (2.5 and 97.5 of 1000 replicates, stream "bootstrap") of the AUROC. Whole
/// subjects are drawn, each with all its (score, ground truth), because segments of one person are
/// not independent. `None` unless two subjects have positives and two have negatives.
///
/// # Errors
/// If a score is NaN.
pub(super) fn auroc_interval(
    subjects: &[Vec<(f64, bool)>],
    context: &Context,
) -> Result<Option<Interval>> {
    let having = |truth: bool| {
        subjects.iter().filter(|cases| cases.iter().any(|case| case.1 == truth)).count()
    };
    if having(true) < 2 || having(false) < 2 {
        return Ok(None);
    }
    let mut stream = context.streams.stream("bootstrap", &[]);
    let mut aurocs = Vec::with_capacity(REPLICATES);
    for _ in 0..REPLICATES {
        context.check()?;
        let (mut scores, mut truth) = (Vec::new(), Vec::new());
        for _ in subjects {
            let drawn = &subjects[stream.random_range(0..subjects.len())];
            scores.extend(drawn.iter().map(|case| case.0));
            truth.extend(drawn.iter().map(|case| case.1));
        }
        // A replicate without positives or negatives has no AUROC.
        aurocs.extend(Ranking::new(&scores, &truth)?.auroc());
    }
    if aurocs.is_empty() {
        return Ok(None);
    }
    let (low, high) = (percentile(&mut aurocs, 2.5), percentile(&mut aurocs, 97.5));
    Ok(Some(Interval { low, high }))
}
