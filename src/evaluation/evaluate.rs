//! Findings against ground truth, at the level of patients, slices, segments, lesions and pixels.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::bootstrap::{Resamples, warn_of_repeated};
use super::cases::{Cases, RankedCases, SubjectCases};
use super::leakage::leakage;
use super::lesions::{LesionLevel, LesionThresholdRule, lesion_level};
use super::level::{Level, level};
use super::pixels::{NormalTissue, PixelLevel, Pixels, normal_tissue};
use super::threshold::ThresholdRule;
use crate::context::Context;
use crate::detection::{Finding, Findings, Scoring};
use crate::{Error, Result};

/// How findings are evaluated. The defaults choose thresholds on the cases being evaluated:
/// optimistic, and reported as such.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationOptions {
    /// How the threshold between normal and abnormal AnaScores is chosen.
    pub threshold: ThresholdRule,
    /// How the threshold on the anomaly map, from which pixels are detected, is chosen.
    pub lesion_threshold: LesionThresholdRule,
}

/// This rule for AnaScores, the default for lesions.
impl From<ThresholdRule> for EvaluationOptions {
    fn from(threshold: ThresholdRule) -> Self {
        Self { threshold, ..Self::default() }
    }
}

/// How well a method's findings agree with the ground truth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    pub method: String,
    pub subjects: SubjectCounts,
    /// AnaScore of the patient against whether the subject has a lesion.
    pub patients: Level,
    /// AnaScores of slices, each the highest of its segments, against whether they hold lesion
    /// pixels. Slices with too little cord to score are left out. `None` where no slice's ground
    /// truth is known.
    pub slices: Option<Level>,
    /// AnaScores of segments against their lesion pixels; `None` where no segment's ground truth is
    /// known.
    pub segments: Option<Level>,
    /// Lesions that are detected; `None` where no patient's lesions are known.
    pub lesions: Option<LesionLevel>,
    /// Errors of scoring pixels against lesion pixels; `None` where none are known.
    pub pixels: Option<PixelLevel>,
    /// How well normal tissue was reconstructed; `None` where none is known to be normal, or the method
    /// reconstructs nothing.
    pub normal: Option<NormalTissue>,
    /// What it was computed from, for comparisons.
    #[serde(skip)]
    pub(super) cases: Arc<Cases>,
}

impl Evaluation {
    /// AnaScore of each evaluated patient, and whether it has a lesion.
    pub fn patient_scores(&self) -> &[(f64, bool)] {
        &self.cases.scores
    }
}

/// The subjects that were evaluated and those that were left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectCounts {
    pub with_lesion: usize,
    pub without_lesion: usize,
    /// Left out because it is unknown whether they have a lesion.
    pub unknown: usize,
    /// Left out, because no slice has enough cord to be scored.
    pub unscored: usize,
}

/// Evaluates findings against the ground truth that their subjects carry.
///
/// A subject has a lesion or not as [`crate::cohort::Subject::has_lesion`] says; subjects of
/// unknown ground truth are left out and counted, as are subjects that could not be scored.
/// Slices, segments and pixels are evaluated where [`Slice::lesion`](crate::cohort::Slice::lesion) is known,
/// lesions where it is known for a whole subject.
///
/// # Errors
/// If no scored subject has a known ground truth, a score is NaN, a threshold rule is invalid,
/// and [`Error::Cancelled`] if the user interrupts.
pub fn evaluate(
    findings: &Findings,
    options: &EvaluationOptions,
    context: &Context,
) -> Result<Evaluation> {
    let subjects: Vec<SubjectCases> = findings.subjects.iter().map(SubjectCases::of).collect();
    let is_known = |(_, cases): &(&Finding, &SubjectCases)| cases.known().is_some();
    let known: Vec<&Finding> = findings
        .subjects
        .iter()
        .zip(&subjects)
        .filter(is_known)
        .map(|(finding, _)| finding)
        .collect();
    let own = EvaluationOptions::of(findings);
    let is_calibrated =
        options.threshold == own.threshold || options.lesion_threshold == own.lesion_threshold;
    let calibration = findings.calibration.as_deref().filter(|_| is_calibrated);
    leakage(&subjects, calibration).into_iter().for_each(|warning| context.warn_once(warning));
    let pixels = Pixels::new(&known, findings.scoring);
    let mut evaluation = evaluate_with(&findings.method, &subjects, &pixels, options, context)?;
    if findings.reconstructs {
        evaluation.normal = normal_tissue(&known, context)?;
    }
    Ok(evaluation)
}

/// As [`evaluate`] for subjects that were examined elsewhere. Without their maps, pixels and normal tissue are
/// not evaluated.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_subjects(
    method: &str,
    subjects: &[SubjectCases],
    options: &EvaluationOptions,
    context: &Context,
) -> Result<Evaluation> {
    // Without findings the scoring is not looked at.
    let pixels = Pixels::new(&[], Scoring::default());
    evaluate_with(method, subjects, &pixels, options, context)
}

/// `pixels` are those of the subjects with a score and a known ground truth, or none.
fn evaluate_with(
    method: &str,
    subjects: &[SubjectCases],
    pixels: &Pixels,
    options: &EvaluationOptions,
    context: &Context,
) -> Result<Evaluation> {
    let Known { counts, subjects: known, scores } = known_cases(subjects, context)?;
    let patients: Vec<Vec<(f64, bool)>> = scores.iter().map(|score| vec![*score]).collect();
    let slices: Vec<Vec<(f64, bool)>> = known.iter().map(|one| one.slices.clone()).collect();
    let segments: Vec<Vec<(f64, bool)>> = known.iter().map(|one| one.segments.clone()).collect();
    let mut cases = Cases {
        names: known.iter().map(|one| Arc::from(&*one.name)).collect(),
        patients: RankedCases::new(&patients),
        slices: RankedCases::new(&slices),
        segments: RankedCases::new(&segments),
        pixels: RankedCases::new(&pixels.patients),
        lesions: known.iter().map(|one| one.lesions.clone()).collect(),
        scores,
        images: known.iter().map(|one| one.image_hash.clone()).collect(),
        examined: known.iter().map(|one| one.examined.clone()).collect(),
        lesion_threshold: None,
    };
    let resamples = Resamples::draw(known.len(), context);
    let level = |of: &[Vec<(f64, bool)>], ranked: &RankedCases| {
        let nothing = of.iter().all(Vec::is_empty);
        let level = || level(of, ranked, &options.threshold, &resamples, context);
        if nothing { Ok(None) } else { level().map(Some) }
    };
    let (slices, segments) = (level(&slices, &cases.slices)?, level(&segments, &cases.segments)?);
    let patients =
        self::level(&patients, &cases.patients, &options.threshold, &resamples, context)?;
    let lesions = lesion_level(&cases, &options.lesion_threshold, &resamples, context)?;
    let threshold = lesions.as_ref().and_then(|lesions| lesions.threshold.as_ref());
    cases.lesion_threshold = threshold.map(|threshold| threshold.value);
    let pixels = pixels.level(&cases.pixels, patients.threshold.as_ref(), &resamples, context)?;
    Ok(Evaluation {
        method: method.to_owned(),
        subjects: counts,
        patients,
        slices,
        segments,
        lesions,
        pixels,
        normal: None,
        cases: Arc::new(cases),
    })
}

/// The subjects with a score whose ground truth is known.
struct Known<'a> {
    /// How many they are, and how many others there are.
    counts: SubjectCounts,
    subjects: Vec<&'a SubjectCases>,
    /// The score of each, and whether it has a lesion.
    scores: Vec<(f64, bool)>,
}

/// Finds the subjects that can be evaluated, and warns of those that cannot and of lesions that no score can show.
///
/// # Errors
/// If there is none.
fn known_cases<'a>(subjects: &'a [SubjectCases], context: &Context) -> Result<Known<'a>> {
    let mut counts = SubjectCounts::default();
    let mut known: Vec<&SubjectCases> = Vec::new();
    let mut scores: Vec<(f64, bool)> = Vec::new();
    for subject in subjects {
        match (subject.has_lesion, subject.score) {
            (None, _) => counts.unknown += 1,
            (Some(_), None) => counts.unscored += 1,
            (Some(lesion), Some(score)) => {
                *if lesion { &mut counts.with_lesion } else { &mut counts.without_lesion } += 1;
                known.push(subject);
                scores.push((score, lesion));
            }
        }
    }
    if known.is_empty() {
        return Err(Error::input(format!(
            "no subject of {} has both a score and a known ground truth; give lesion masks or a \
             column has_lesion in the participants table",
            subjects.len()
        )));
    }
    if counts.unscored > 0 {
        context.warn(format!(
            "{} of {} subjects have no score, so they are not evaluated",
            counts.unscored,
            subjects.len()
        ));
    }
    // Segments whose ground truth is known, none of which holds a lesion.
    let is_elsewhere = |one: &&&SubjectCases| {
        one.has_lesion == Some(true)
            && !one.segments.is_empty()
            && one.segments.iter().all(|(_, lesion)| !lesion)
    };
    let elsewhere = known.iter().filter(is_elsewhere).count();
    if elsewhere > 0 {
        context.warn(format!(
            "{} of {} patients with a lesion have it only where no segment is scored (beyond the outer discs, in cord \
             that is too short or narrow, or outside of the slices); their scores cannot show it",
            elsewhere, counts.with_lesion
        ));
    }
    let names = known.iter().map(|one| &*one.name);
    warn_of_repeated(names, "an evaluation", context);
    Ok(Known { counts, subjects: known, scores })
}
