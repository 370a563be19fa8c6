//! From a method and its subjects to findings.

use std::collections::BTreeSet;
use std::sync::Arc;

use ndarray::Array2;
use rayon::prelude::*;

use super::anomaly_map::anomaly_map;
use super::curve::anomaly_curve;
use super::segments::{Segments, Stretch, stretch_at};
use super::{
    CordAxis, Finding, Findings, Island, Reconstruction, Reconstructor, Scoring, SegmentScore,
    SliceFinding,
};
use crate::cohort::{Slice, Subject, TissueIntensity};
use crate::context::{Context, counted};
use crate::uncertainty::IslandRule;
use crate::{Error, Result};

/// Lesion probability above which pixels make an island.
const LIKELY: f32 = 0.5;

/// Lets a method reconstruct all slices of all subjects and scores what it could not reconstruct,
/// as the module's documentation states. Without `scoring`, the method's own default is used
/// ([`Reconstructor::scoring`]).
///
/// # Errors
/// If there are no subjects, if the method fails, if what it returns does not fit the slices or
/// holds values that are not finite (the message names subject and slice), if the method has no
/// lesion probabilities but [`Scoring::Learned`] is asked for, or no measure of its own but
/// [`Scoring::Own`], or no residual but [`Scoring::Residual`], and
/// [`Error::Cancelled`] if the user interrupts; nothing is kept then.
pub fn detect(
    reconstructor: &dyn Reconstructor,
    subjects: &[Arc<Subject>],
    scoring: Option<Scoring>,
    context: &Context,
) -> Result<Findings> {
    if subjects.is_empty() {
        return Err(Error::input("there are no subjects to look for anomalies in"));
    }
    let method = reconstructor.name();
    let slices: Vec<&Slice> = subjects.iter().flat_map(|subject| &subject.slices).collect();
    let reconstructions = reconstructor.reconstruct(&slices, context)?;
    if reconstructions.len() != slices.len() {
        return Err(Error::input(format!(
            "{method} reconstructed {} of {} slices; a method must reconstruct each one",
            reconstructions.len(),
            slices.len()
        )));
    }
    for (slice, reconstruction) in slices.iter().zip(&reconstructions) {
        check(&method, slice, reconstruction)?;
    }

    let scoring = scoring.unwrap_or_else(|| reconstructor.scoring());
    if let Some(missing) = missing(scoring, reconstructor.reconstructs(), &reconstructions) {
        return Err(Error::input(format!("{method} {missing}")));
    }
    let mut reconstructions = reconstructions.into_iter();
    let work: Vec<(&Arc<Subject>, Vec<Reconstruction>)> = subjects
        .iter()
        .map(|subject| (subject, reconstructions.by_ref().take(subject.slices.len()).collect()))
        .collect();
    let progress = context.progress("find anomalies", "subject", subjects.len());
    let found = work
        .into_par_iter()
        .map(|(subject, reconstructions)| {
            context.check()?;
            let found = find(subject, reconstructions, scoring);
            progress.advance(1, &[]);
            Ok(found)
        })
        .collect::<Result<Vec<Found>>>()?;
    found.iter().flat_map(|one| &one.warning).for_each(|warning| context.warn(warning));
    if let Some(warning) = warning_of_unscored(&found) {
        context.warn(warning);
    }
    let seen = reconstructor.learned_from(scoring);
    let seen = seen.recognise(&subjects.iter().map(|subject| &**subject).collect::<Vec<_>>());
    let findings = found.into_iter().zip(seen);
    let subjects: Vec<Finding> =
        findings.map(|(one, seen)| Finding { seen, ..one.finding }).collect();
    for finding in subjects.iter().filter(|finding| !finding.is_scored()) {
        let edge = finding.subject.slices.first().map_or(0.0, |slice| slice.pixel_spacing_mm.0);
        context.warn(format!(
            "subject {}: no slice has {} mm of cord that is {} mm wide without its outermost pixel ({edge:.1} \
             mm), so it has no score; smaller pixels keep more of the cord",
            finding.subject.name,
            super::MINIMUM_LENGTH_MM,
            super::MINIMUM_WIDTH_MM,
        ));
    }
    let calibration = reconstructor.calibration(scoring, context);
    let made_by = reconstructor.made_by(context.streams.seed());
    let (reconstructs, made_by) = (reconstructor.reconstructs(), Some(made_by));
    let findings = Findings { method, scoring, subjects, reconstructs, made_by, calibration };
    if let Some(warning) = findings.unlike_calibration() {
        context.warn(warning);
    }
    Ok(findings)
}

/// What a scoring needs and the reconstructions lack, as the end of a sentence.
fn missing(
    scoring: Scoring,
    reconstructs: bool,
    reconstructions: &[Reconstruction],
) -> Option<&'static str> {
    match scoring {
        Scoring::Learned if reconstructions.iter().any(|one| one.probability.is_none()) => {
            Some("has no lesion probabilities; train a scorer for it, or choose another scoring")
        }
        Scoring::Own if reconstructions.iter().any(|one| one.anomaly.is_none()) => Some(
            "has no measure of anomaly of its own; choose another scoring, such as \"residual\"",
        ),
        // A threshold reconstructs nothing either, but its error is a residual.
        Scoring::Residual
            if !reconstructs && reconstructions.iter().any(|one| one.anomaly.is_some()) =>
        {
            Some("reconstructs nothing, so it has no residual; choose the scoring \"own\"")
        }
        _ => None,
    }
}

/// Rejects a reconstruction that would silently give wrong scores.
fn check(method: &str, slice: &Slice, reconstruction: &Reconstruction) -> Result<()> {
    let fail = |what: &str| {
        let reason = format!("slice {}: {method} returned {what}", slice.index);
        Err(Error::subject(&*slice.subject, reason))
    };
    let mut maps =
        vec![("reconstruction", &reconstruction.reconstruction), ("error", &reconstruction.error)];
    maps.extend(reconstruction.variance.as_ref().map(|variance| ("variance", variance)));
    maps.extend(reconstruction.probability.as_ref().map(|map| ("probability", map)));
    maps.extend(reconstruction.anomaly.as_ref().map(|map| ("anomaly", map)));
    for (name, map) in maps {
        if map.dim() != slice.image.dim() {
            return fail(&format!(
                "a map of {name} of {:?} pixels for an image of {:?}",
                map.dim(),
                slice.image.dim()
            ));
        }
        if map.iter().any(|value| !value.is_finite()) {
            return fail(&format!("a map of {name} with values that are not finite"));
        }
    }
    if reconstruction.error.iter().any(|error| *error < 0.0) {
        return fail("a negative error");
    }
    if reconstruction.anomaly.iter().flatten().any(|anomaly| *anomaly < 0.0) {
        return fail("a negative anomaly");
    }
    if reconstruction.probability.iter().flatten().any(|p| !(0.0..=1.0).contains(p)) {
        return fail("a lesion probability outside of 0 to 1");
    }
    Ok(())
}

/// A scored subject with its messages. Subjects are scored in parallel; the messages are given in the
/// order of subjects.
struct Found {
    finding: Finding,
    warning: Option<String>,
}

/// A warning about segments without a score. Subjects without any scored segment have a warning of their
/// own.
fn warning_of_unscored(found: &[Found]) -> Option<String> {
    /// Subjects that a warning names at most.
    const NAMED: usize = 3;
    let partly: Vec<&Found> = found
        .iter()
        .filter(|one| one.finding.is_scored() && !one.finding.unscored.is_empty())
        .collect();
    let name = |one: &&Found| {
        format!("{} of {}", one.finding.unscored.join(", "), one.finding.subject.name)
    };
    let mut names: Vec<String> = partly.iter().take(NAMED).map(name).collect();
    if partly.len() > NAMED {
        names.push("…".to_owned());
    }
    (!partly.is_empty()).then(|| {
        format!(
            "segments without a score in {} of {}: {}; the cord is too short there, or too narrow without its outermost \
             pixel, which smaller pixels may change",
            partly.len(),
            counted(found.len(), "subject"),
            names.join("; ")
        )
    })
}

/// Unscored stretches shorter than this are not reported, mm.
const MISSED_MM: f64 = 10.0;

/// Scores one subject.
fn find(subject: &Arc<Subject>, reconstructions: Vec<Reconstruction>, scoring: Scoring) -> Found {
    let axes: Vec<Option<CordAxis>> = subject
        .slices
        .iter()
        .map(|slice| CordAxis::new(&slice.cord, slice.pixel_spacing_mm))
        .collect();
    let (segments, warning) = Segments::new(subject, &axes);
    let all: Vec<&Slice> = subject.slices.iter().collect();
    let tissue = TissueIntensity::of(&all);
    let mut slices = Vec::with_capacity(reconstructions.len());
    let mut reached: BTreeSet<String> = BTreeSet::new();
    for (place, (reconstruction, axis)) in reconstructions.into_iter().zip(&axes).enumerate() {
        let slice = &subject.slices[place];
        let anomaly = anomaly_map(scoring, slice, &reconstruction, tissue);
        let stretches = axis.as_ref().map_or_else(Vec::new, |axis| segments.cut(axis));
        let long =
            stretches.iter().filter(|one| one.scored && one.to_mm - one.from_mm >= MISSED_MM);
        reached.extend(long.map(|one| one.name.clone()));
        let curve = axis
            .as_ref()
            .and_then(|axis| anomaly_curve(slice, &anomaly, axis, &stretches, scoring));
        let islands = islands(slice, &anomaly, axis.as_ref(), &stretches, scoring);
        slices.push(SliceFinding { slice: place, reconstruction, anomaly, islands, curve });
    }
    let scores: Vec<SegmentScore> =
        segments.names.iter().filter_map(|name| highest(name, &slices)).collect();
    let score = scores.iter().map(|segment| segment.score).fold(0.0, f64::max);
    let is_scored = |name: &String| scores.iter().any(|segment| segment.name == *name);
    let missed = segments.names.iter().filter(|name| reached.contains(*name) && !is_scored(name));
    let unscored = missed.cloned().collect();
    let finding = Finding {
        subject: subject.clone(),
        segment_borders: segments.segment_borders,
        score,
        segments: scores,
        unscored,
        slices,
        seen: None,
    };
    Found { finding, warning }
}

/// The islands of an anomaly map, each with the segment its centre lies in.
fn islands(
    slice: &Slice,
    anomaly: &Array2<f32>,
    axis: Option<&CordAxis>,
    stretches: &[Stretch],
    scoring: Scoring,
) -> Vec<Island> {
    let segment = |pixels: &[(usize, usize)]| {
        let mean = |values: &dyn Fn(&(usize, usize)) -> usize| {
            pixels.iter().map(|pixel| values(pixel) as f64).sum::<f64>() / pixels.len() as f64
        };
        let position = axis?.position_mm(mean(&|pixel| pixel.0), mean(&|pixel| pixel.1));
        stretch_at(stretches, position).map(|stretch| stretches[stretch].name.clone())
    };
    let rule = IslandRule::default();
    let found = match scoring {
        Scoring::Published | Scoring::Residual | Scoring::Own => rule.find(anomaly),
        Scoring::Learned => rule.find_above(anomaly, LIKELY),
    };
    found
        .into_iter()
        .map(|island| Island {
            mean_error: island.mean,
            total_error: island.total,
            area_mm2: island.pixels.len() as f64
                * slice.pixel_spacing_mm.0
                * slice.pixel_spacing_mm.1,
            segment: segment(&island.pixels),
            pixels: island.pixels,
        })
        .collect()
}

/// A segment's highest score over slices, the first of equals, with the ground truth of all of
/// them.
fn highest(name: &str, slices: &[SliceFinding]) -> Option<SegmentScore> {
    slices
        .iter()
        .filter_map(|slice| slice.curve.as_ref())
        .flat_map(|curve| &curve.segments)
        .filter(|segment| segment.name == name)
        .cloned()
        .reduce(|best, other| {
            let lesion = match (best.lesion, other.lesion) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            };
            SegmentScore { lesion, ..if other.score > best.score { other } else { best } }
        })
}
