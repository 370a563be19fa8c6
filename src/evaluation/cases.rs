//! Scored cases of single subjects, and those of all with the patient that each belongs to, for bootstrap and comparison.

use std::sync::Arc;

use rayon::slice::ParallelSliceMut;
use serde::{Deserialize, Serialize};

use super::comparison::Examined;
use super::patient_lesions::PatientLesions;
use crate::detection::Finding;
use crate::scoring::SeenAs;

/// What an evaluation needs of one subject: scores, ground truth and lesions, but no image and no map. It can
/// be kept in a file, so that subjects that were examined by different processes are evaluated together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubjectCases {
    pub name: String,
    /// AnaScore of the patient; `None` where nothing could be scored.
    pub score: Option<f64>,
    /// As [`crate::cohort::Subject::has_lesion`].
    pub has_lesion: Option<bool>,
    /// The score of each scored slice and whether it holds lesion pixels, where that is known.
    pub slices: Vec<(f64, bool)>,
    /// The same of segments.
    pub segments: Vec<(f64, bool)>,
    /// As [`crate::cohort::Subject::image_hash`].
    #[serde(default)]
    pub image_hash: Option<String>,
    /// As [`Finding::seen`]; unknown in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<SeenAs>,
    /// What of the subject was evaluated, for comparisons; unknown in files of earlier versions.
    #[serde(default)]
    pub(super) examined: Option<Examined>,
    /// `None` where its lesions are not known.
    pub(super) lesions: Option<PatientLesions>,
}

impl SubjectCases {
    /// What a finding holds.
    pub fn of(finding: &Finding) -> Self {
        let is_known = finding.is_scored() && finding.subject.has_lesion().is_some();
        Self {
            name: finding.subject.name.to_string(),
            score: finding.is_scored().then_some(finding.score),
            has_lesion: finding.subject.has_lesion(),
            slices: of_slices(finding),
            segments: of_segments(finding),
            image_hash: finding.subject.image_hash.clone(),
            seen: finding.seen.clone(),
            examined: Some(Examined::of(&finding.subject)),
            // Costly, and needed of evaluated subjects only.
            lesions: if is_known { PatientLesions::new(finding) } else { None },
        }
    }

    /// Its score and ground truth, if it has both.
    pub(super) fn known(&self) -> Option<(f64, bool)> {
        Some((self.score?, self.has_lesion?))
    }
}

/// Scores of patients and of their parts, ranked. Positions in all of them are those of `names`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Cases {
    #[serde(skip)]
    pub names: Vec<Arc<str>>,
    /// AnaScore and whether there is a lesion, of each patient.
    pub scores: Vec<(f64, bool)>,
    pub patients: RankedCases,
    pub slices: RankedCases,
    pub segments: RankedCases,
    pub pixels: RankedCases,
    /// `None` where the lesions of a patient are not known.
    pub lesions: Vec<Option<PatientLesions>>,
    /// [`Subject::image_hash`](crate::cohort::Subject::image_hash) of each patient; empty in files of earlier versions.
    #[serde(default)]
    pub images: Vec<Option<String>>,
    /// What of each patient was evaluated; empty in files of earlier versions.
    #[serde(default)]
    pub examined: Vec<Option<Examined>>,
    /// The threshold on the anomaly map from which on lesions count as detected.
    pub lesion_threshold: Option<f64>,
}

/// Cases from the highest score to the lowest. Ranked once, so that a replicate of the patients
/// needs no sorting.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct RankedCases(Vec<RankedCase>);

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "(u32, u8)", into = "(u32, u8)")]
struct RankedCase {
    patient: u32,
    positive: bool,
    /// Whether the next score is lower: equal scores are found together.
    ends_tie: bool,
}

/// How many cases are found and how many there are, each patient counted as often as drawn.
#[derive(Clone, Copy, Default)]
struct Counts {
    true_positives: u64,
    false_positives: u64,
}

/// The compact form in a file: the patient, and flags (1: positive, 2: ends a tie).
impl From<RankedCase> for (u32, u8) {
    fn from(case: RankedCase) -> Self {
        (case.patient, u8::from(case.positive) + 2 * u8::from(case.ends_tie))
    }
}

impl From<(u32, u8)> for RankedCase {
    fn from((patient, flags): (u32, u8)) -> Self {
        Self { patient, positive: flags & 1 != 0, ends_tie: flags & 2 != 0 }
    }
}

impl Cases {
    /// Whether all cases belong to one of `patients` patients, as those of an undamaged file do.
    pub fn fit(&self, patients: usize) -> bool {
        let ranked = [&self.patients, &self.slices, &self.segments, &self.pixels];
        let known = |case: &RankedCase| (case.patient as usize) < patients;
        ranked.iter().all(|cases| cases.0.iter().all(known)) && self.lesions.len() == patients
    }

    /// Patients whose lesions are known, including those known to have none.
    pub fn patients_with_known_lesions(&self) -> usize {
        self.lesions.iter().flatten().count()
    }

    pub fn patients_with_lesions(&self) -> usize {
        self.lesions.iter().flatten().filter(|of| of.lesions > 0).count()
    }
}

impl RankedCases {
    /// Ranks the (score, ground truth) of each patient's cases.
    pub fn new(patients: &[Vec<(f64, bool)>]) -> Self {
        let mut scored: Vec<(f64, u32, bool)> = Vec::new();
        for (patient, cases) in patients.iter().enumerate() {
            scored
                .extend(cases.iter().map(|(score, positive)| (*score, patient as u32, *positive)));
        }
        // Ties end together, so their order does not matter.
        scored.par_sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let next = scored.iter().skip(1).map(|case| Some(case.0)).chain([None]);
        let ranked = scored.iter().zip(next).map(|(&(score, patient, positive), next)| {
            // `==` on purpose: 0 and -0 are the same score.
            RankedCase { patient, positive, ends_tie: next != Some(score) }
        });
        Self(ranked.collect())
    }

    /// Patients with at least one case of this ground truth.
    pub fn patients_with(&self, positive: bool) -> usize {
        let mut patients: Vec<u32> = self
            .0
            .iter()
            .filter(|case| case.positive == positive)
            .map(|case| case.patient)
            .collect();
        patients.sort_unstable();
        patients.dedup();
        patients.len()
    }

    /// Whether resampling the patients tells how sure AUROC and average precision are: two patients have positives and two
    /// have negatives.
    pub fn are_resampled(&self) -> bool {
        self.patients_with(true) > 1 && self.patients_with(false) > 1
    }

    /// As [`super::Ranking::auroc`], with each patient counted `counts` times.
    pub fn auroc(&self, counts: &[u32]) -> Option<f64> {
        let (mut area, mut before) = (0.0, Counts::default());
        let all = self.walk(counts, |now| {
            let width = (now.false_positives - before.false_positives) as f64;
            area += width * (before.true_positives + now.true_positives) as f64 / 2.0;
            before = now;
        });
        let pairs = all.true_positives as f64 * all.false_positives as f64;
        (pairs > 0.0).then(|| area / pairs)
    }

    /// As [`super::Ranking::average_precision`], with each patient counted `counts` times.
    pub fn average_precision(&self, counts: &[u32]) -> Option<f64> {
        let (mut sum, mut found) = (0.0, 0);
        let all = self.walk(counts, |now| {
            if now.true_positives > found {
                let precision =
                    now.true_positives as f64 / (now.true_positives + now.false_positives) as f64;
                sum += (now.true_positives - found) as f64 * precision;
                found = now.true_positives;
            }
        });
        (all.true_positives > 0).then(|| sum / all.true_positives as f64)
    }

    /// Sensitivity, specificity and F1 where the first `found` cases are called positive, with each
    /// patient counted `counts` times; `None` where there is nothing to divide by.
    pub fn rates(&self, found: usize, counts: &[u32]) -> [Option<f64>; 3] {
        let count = |cases: &[RankedCase]| {
            let mut total = Counts::default();
            cases.iter().for_each(|case| total.add(case, counts));
            total
        };
        let (called, passed) = self.0.split_at(found.min(self.0.len()));
        let (called, passed) = (count(called), count(passed));
        let ratio = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        let positives = called.true_positives + passed.true_positives;
        [
            ratio(called.true_positives, positives),
            ratio(passed.false_positives, called.false_positives + passed.false_positives),
            ratio(
                2 * called.true_positives,
                positives + called.true_positives + called.false_positives,
            ),
        ]
    }

    /// Calls `at` with the counts at each threshold, from the highest, and returns the counts of all
    /// cases.
    fn walk(&self, counts: &[u32], mut at: impl FnMut(Counts)) -> Counts {
        let mut total = Counts::default();
        for case in &self.0 {
            total.add(case, counts);
            if case.ends_tie {
                at(total);
            }
        }
        total
    }
}

impl Counts {
    fn add(&mut self, case: &RankedCase, counts: &[u32]) {
        let times = u64::from(counts[case.patient as usize]);
        *(if case.positive { &mut self.true_positives } else { &mut self.false_positives }) +=
            times;
    }
}

/// The score of each scored slice and whether it holds lesion pixels, where that is known.
fn of_slices(finding: &Finding) -> Vec<(f64, bool)> {
    let slices = finding.slices.iter().filter_map(|found| {
        let lesion = finding.subject.slices[found.slice].lesion.as_ref()?;
        Some((found.score()?, lesion.iter().any(|lesion| *lesion)))
    });
    slices.collect()
}

/// The score of each segment and whether it holds a lesion, where that is known.
fn of_segments(finding: &Finding) -> Vec<(f64, bool)> {
    let segments = finding.segments.iter();
    segments.filter_map(|segment| Some((segment.score, segment.lesion?))).collect()
}
