//! Confidence intervals of measures, from many resamplings of the patients.

use std::collections::BTreeMap;

use rand::RngExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::cohort::person_of;
use crate::context::{Context, counted};
use crate::statistics::percentile;

/// Number of resamplings of the patients.
pub(super) const REPLICATES: usize = 1000;
/// What a 95 % interval leaves out on one side.
const ONE_SIDE: f64 = 0.025;

/// A 95 % confidence interval, from `low` to `high`, in the unit of what it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// A measure with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    pub value: f64,
    /// `None` where there are too few patients to resample.
    pub interval: Option<Interval>,
}

/// The replicates of the percentile bootstrap (1000, stream "bootstrap"). Whole patients are drawn,
/// each with all its segments, slices, pixels and lesions, because those of one patient are not
/// independent. All measures of all methods see the same replicates, which pairs them.
pub(super) struct Resamples {
    /// Of each replicate: how often each patient is in it.
    counts: Vec<Vec<u32>>,
}

/// Fewer patients than this have so few different resamplings that an interval or p-value tells nothing.
const FEW: usize = 8;

/// Warns if the patients of either kind are too few for the intervals and p-values of a comparison.
pub(super) fn warn_of_few(scores: &[(f64, bool)], context: &Context) {
    let with_lesion = scores.iter().filter(|(_, lesion)| *lesion).count();
    let without = scores.len() - with_lesion;
    if with_lesion < FEW || without < FEW {
        context.warn(format!(
            "{} with a lesion and {without} without: with fewer than {FEW} of a kind, the intervals and p-values of a \
             comparison mean little",
            counted(with_lesion, "patient")
        ));
    }
}

/// Warns if several of these images show one person, as sessions and runs of a BIDS tree do. `use_of` says what takes
/// them for independent.
pub fn warn_of_repeated<'a>(
    names: impl IntoIterator<Item = &'a str>,
    use_of: &str,
    context: &Context,
) {
    let mut images: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names {
        *images.entry(person_of(name)).or_default() += 1;
    }
    let all: usize = images.values().sum();
    if let Some((person, count)) = images.iter().find(|(_, count)| **count > 1) {
        context.warn(format!(
            "{all} images show {} ({person}: {count}), and {use_of} takes them for independent; keep one image of \
             each person",
            match images.len() {
                1 => "1 person".to_owned(),
                people => format!("{people} people"),
            }
        ));
    }
}

/// A sentence that warns of the intervals of an evaluation whose patients are few; `None` if they are enough.
pub fn few_patients(with_lesion: usize, without_lesion: usize) -> Option<String> {
    (with_lesion < FEW || without_lesion < FEW).then(|| {
        format!(
            "{} with a lesion and {without_lesion} without: with fewer than {FEW} of a kind, 95 % intervals are too \
             narrow to rely on",
            counted(with_lesion, "patient")
        )
    })
}

impl Resamples {
    pub fn draw(patients: usize, context: &Context) -> Self {
        let mut stream = context.streams.stream("bootstrap", &[]);
        let replicate = |_| {
            let mut counts = vec![0; patients];
            for _ in 0..patients {
                counts[stream.random_range(0..patients)] += 1;
            }
            counts
        };
        Self { counts: (0..REPLICATES).map(replicate).collect() }
    }

    /// The measure of each replicate that defines it: one without lesions has no AUROC.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`] if the user interrupts.
    pub fn values(
        &self,
        context: &Context,
        measure: impl Fn(&[u32]) -> Option<f64> + Sync,
    ) -> Result<Vec<f64>> {
        let values: Result<Vec<Option<f64>>> = self
            .counts
            .par_iter()
            .map(|counts| {
                context.check()?;
                Ok(measure(counts))
            })
            .collect();
        Ok(values?.into_iter().flatten().collect())
    }

    /// The percentiles 2.5 and 97.5 of a measure; `None` where fewer than half of the replicates
    /// define it, and where all of them agree, as those of a perfect AUROC do: that is no certainty.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`] if the user interrupts.
    pub fn interval(
        &self,
        context: &Context,
        measure: impl Fn(&[u32]) -> Option<f64> + Sync,
    ) -> Result<Option<Interval>> {
        Ok(Interval::of(&mut self.values(context, measure)?))
    }

    /// A measure of these patients, with an interval if at least two patients (`of`) determine it; `None`
    /// where it is not defined.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`] if the user interrupts.
    pub fn estimate(
        &self,
        of: usize,
        context: &Context,
        measure: impl Fn(&[u32]) -> Option<f64> + Sync,
    ) -> Result<Option<Estimate>> {
        let once = vec![1; self.patients()];
        let Some(value) = measure(&once) else { return Ok(None) };
        let interval = if of < 2 { None } else { self.interval(context, measure)? };
        Ok(Some(Estimate { value, interval }))
    }

    fn patients(&self) -> usize {
        self.counts.first().map_or(0, Vec::len)
    }
}

impl Estimate {
    /// For a proportion over `patients`: at 0 or 1 the exact Clopper–Pearson interval (1934), with each
    /// patient counted once, because the bootstrap's is empty.
    pub(super) fn of_share(self, patients: usize) -> Self {
        let reach = ONE_SIDE.powf(1.0 / patients.max(1) as f64);
        let interval = match self.value {
            1.0 => Some(Interval { low: reach, high: 1.0 }),
            0.0 => Some(Interval { low: 0.0, high: 1.0 - reach }),
            _ => self.interval,
        };
        Self { interval, ..self }
    }
}

impl Interval {
    /// Percentiles 2.5 and 97.5 of replicates; `None` of fewer than half of [`REPLICATES`], and where all agree.
    pub(super) fn of(values: &mut [f64]) -> Option<Self> {
        if values.len() < REPLICATES / 2 {
            return None;
        }
        let (low, high) = (percentile(values, 2.5), percentile(values, 97.5));
        (low < high).then_some(Self { low, high })
    }
}
