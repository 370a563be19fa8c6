//! Warnings of subjects that a method knew before it examined them.

use std::collections::BTreeMap;

use crate::context::{Context, counted};
use crate::detection::{Finding, Findings};
use crate::scoring::{SeenAs, seen_names};

/// As many names are told.
const NAMED: usize = 3;

/// Warns if the method learned from some of the healthy subjects that a threshold comes from, or from other images of
/// the same people. `use_of` says what it is that takes them for new.
pub fn warn_of_trained_reference(healthy: &Findings, use_of: &str, context: &Context) {
    let seen = names(healthy.subjects.iter(), |_| true);
    if !seen.is_empty() {
        context.warn_once(format!(
            "the method learned from {} of the {} that {use_of} comes from ({}), where it shows less than in new people: \
             thresholds may be too low; give other healthy subjects",
            images(&seen),
            counted(healthy.subjects.len(), "subject"),
            seen_names(seen.iter().copied())
        ));
    }
}

/// Warns if the method knew some of the subjects that are evaluated: they were given as healthy when it was trained, its
/// thresholds come from them, or the same image has two names. An adaptation to the very patients that are evaluated is
/// the published method: it takes no labels. `is_calibrated` tells whether thresholds of the calibration are in use.
pub(super) fn warn_of_leakage(
    findings: &Findings,
    known: &[&Finding],
    is_calibrated: bool,
    context: &Context,
) {
    let seen = names(known.iter().copied(), |seen| seen.healthy);
    if !seen.is_empty() {
        context.warn_once(format!(
            "the method learned from {} of the {} of this evaluation as healthy ({}), so that it shows less in them than \
             in new people; evaluate other subjects",
            images(&seen),
            counted(known.len(), "subject"),
            seen_names(seen.iter().copied())
        ));
    }
    let other_names = known.iter().copied().filter(|finding| {
        let renamed = |seen: &SeenAs| seen.same_image && seen.name != *finding.subject.name;
        finding.seen.as_ref().is_some_and(renamed)
    });
    let renamed = names(other_names, |seen| !seen.healthy);
    if !renamed.is_empty() {
        context.warn_once(format!(
            "the method was adapted to {} of this evaluation under another name ({}): if these are two people, one of \
             them has the wrong image",
            counted(renamed.len(), "image"),
            seen_names(renamed.iter().copied())
        ));
    }
    if is_calibrated {
        warn_of_calibrated(findings, known, context);
    }
    warn_of_same_images(known, context);
}

/// Warns if the thresholds of the calibration come from some of the subjects that are evaluated.
fn warn_of_calibrated(findings: &Findings, known: &[&Finding], context: &Context) {
    let Some(calibration) = &findings.calibration else { return };
    let subjects: Vec<_> = known.iter().map(|finding| &*finding.subject).collect();
    let seen = calibration.subjects.recognise(&subjects, true);
    let seen: Vec<(&str, &SeenAs)> = subjects
        .iter()
        .zip(&seen)
        .filter_map(|(subject, seen)| Some((&*subject.name, seen.as_ref()?)))
        .collect();
    if !seen.is_empty() {
        context.warn_once(format!(
            "the thresholds of the calibration come from {} of the {} of this evaluation ({}): false positives in them are \
             too few by construction; evaluate other subjects, or calibrate with others",
            images(&seen),
            counted(known.len(), "subject"),
            seen_names(seen.iter().copied())
        ));
    }
}

/// Warns if subjects of different names have the same image.
fn warn_of_same_images(known: &[&Finding], context: &Context) {
    let mut by_hash: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for finding in known {
        if let Some(hash) = &finding.subject.image_hash {
            let names = by_hash.entry(hash).or_default();
            if !names.contains(&&*finding.subject.name) {
                names.push(&finding.subject.name);
            }
        }
    }
    let same: Vec<String> = known
        .iter()
        .filter_map(|finding| by_hash.remove(finding.subject.image_hash.as_deref()?))
        .filter(|names| names.len() > 1)
        .map(|names| names.join(" and "))
        .collect();
    if !same.is_empty() {
        let more = match same.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        context.warn_once(format!(
            "subjects of different names have the same image, and an evaluation takes them for different people: {}{more}",
            same[..same.len().min(NAMED)].join(", ")
        ));
    }
}

/// The names of the findings in subjects that the method knew, as far as `of` holds, and as what it knew them.
fn names<'a>(
    findings: impl Iterator<Item = &'a Finding>,
    of: impl Fn(&SeenAs) -> bool,
) -> Vec<(&'a str, &'a SeenAs)> {
    let seen = |finding: &'a Finding| {
        let seen = finding.seen.as_ref().filter(|seen| of(seen))?;
        Some((&*finding.subject.name, seen))
    };
    findings.filter_map(seen).collect()
}

/// What of some subjects was seen: "2 images", or others of the same people, too.
fn images(seen: &[(&str, &SeenAs)]) -> String {
    match seen.iter().all(|(_, seen)| seen.same_image) {
        true => counted(seen.len(), "image"),
        false => format!("{} or others of the same people", counted(seen.len(), "image")),
    }
}
