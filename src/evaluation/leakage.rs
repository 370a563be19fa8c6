//! Warnings of subjects that a method knew before it examined them.

use super::cases::SubjectCases;
use crate::cohort::{first_of, same_image};
use crate::context::{Context, counted};
use crate::detection::Findings;
use crate::scoring::{Calibration, SeenAs, seen_names};

/// Warns if the method learned from some of the healthy subjects that a threshold comes from, or from other images of
/// the same people. `use_of` says what it is that takes them for new.
pub fn warn_of_trained_reference(healthy: &Findings, use_of: &str, context: &Context) {
    let subjects = healthy.subjects.iter();
    let seen: Vec<(&str, &SeenAs)> =
        subjects.filter_map(|one| Some((&*one.subject.name, one.seen.as_ref()?))).collect();
    if !seen.is_empty() {
        let which = Which::of(&seen);
        let effect = which.effect(
            "where it shows less than in new people: thresholds may be too low",
            "it shows less in them than in new people, and thresholds may be too low",
        );
        context.warn_once(format!(
            "the method {} of the {} that {use_of} comes from ({}), {effect}; give other healthy subjects",
            which.images("learned"),
            counted(healthy.subjects.len(), "subject"),
            seen_names(seen.iter().copied())
        ));
    }
}

/// Warnings of subjects of an evaluation that the method knew: they were given as healthy when it was trained, its
/// thresholds come from them, or the same image has two names. An adaptation to the very patients that are evaluated is
/// the published method: it takes no labels. Subjects without a score or a known ground truth are not evaluated, so they
/// are left out. `calibration` is the one whose thresholds are in use, if any are.
pub fn leakage(subjects: &[SubjectCases], calibration: Option<&Calibration>) -> Vec<String> {
    let known: Vec<&SubjectCases> = subjects.iter().filter(|one| one.known().is_some()).collect();
    let of = |wanted: &dyn Fn(&str, &SeenAs) -> bool| -> Vec<(&str, &SeenAs)> {
        let seen = known.iter().filter_map(|one| Some((&*one.name, one.seen.as_ref()?)));
        seen.filter(|(name, seen)| wanted(name, seen)).collect()
    };
    let mut warnings = Vec::new();
    let seen = of(&|_, seen| seen.healthy);
    if !seen.is_empty() {
        let which = Which::of(&seen);
        let effect = which.effect(
            "so that it shows less in them than in new people",
            "it shows less in them than in new people",
        );
        warnings.push(format!(
            "the method {} of the {} of this evaluation as healthy ({}), {effect}; evaluate other subjects",
            which.images("learned"),
            counted(known.len(), "subject"),
            seen_names(seen.iter().copied())
        ));
    }
    let renamed = of(&|name, seen| !seen.healthy && seen.same_image && seen.name != name);
    if !renamed.is_empty() {
        warnings.push(format!(
            "the method was adapted to {} of this evaluation under another name ({}): if these are two people, one of \
             them has the wrong image",
            counted(renamed.len(), "image"),
            seen_names(renamed.iter().copied())
        ));
    }
    warnings.extend(calibration.and_then(|calibration| calibrated(&known, calibration)));
    warnings.extend(same_images(&known));
    warnings
}

/// A warning if the thresholds of the calibration come from some of the subjects that are evaluated.
fn calibrated(known: &[&SubjectCases], calibration: &Calibration) -> Option<String> {
    let images_of = known.iter().map(|one| (&*one.name, one.image_hash.as_deref()));
    let seen = calibration.subjects.recognise_images(images_of, true);
    let seen: Vec<(&str, &SeenAs)> = known
        .iter()
        .zip(&seen)
        .filter_map(|(one, seen)| Some((&*one.name, seen.as_ref()?)))
        .collect();
    (!seen.is_empty()).then(|| {
        let which = Which::of(&seen);
        let few = "false positives in them are too few by construction";
        let effect = which.effect(&format!(": {few}"), few);
        let effect = if which.by_names_alone() { format!(", {effect}") } else { effect };
        format!(
            "the thresholds of the calibration {} of the {} of this evaluation ({}){effect}; evaluate other subjects, or \
             calibrate with others",
            which.images("come"),
            counted(known.len(), "subject"),
            seen_names(seen.iter().copied())
        )
    })
}

/// A warning if subjects of different names have the same image.
fn same_images(known: &[&SubjectCases]) -> Option<String> {
    let images_of = known.iter().map(|one| (&*one.name, one.image_hash.as_deref()));
    let same = same_image(images_of);
    (!same.is_empty()).then(|| {
        format!(
            "subjects of different names have the same image, and an evaluation takes them for different people: {}",
            first_of(&same)
        )
    })
}

/// What of some subjects was seen.
struct Which {
    number: usize,
    /// Of how many the very image was seen. Of the others it is another image under the name of the same person, which two
    /// datasets may give to two people.
    same_images: usize,
}

impl Which {
    fn of(seen: &[(&str, &SeenAs)]) -> Self {
        let same_images = seen.iter().filter(|(_, seen)| seen.same_image).count();
        Self { number: seen.len(), same_images }
    }

    fn by_names_alone(&self) -> bool {
        self.same_images == 0
    }

    /// "learned from 2 images", or others of the same people, too. Names alone tell no more than that it may have.
    fn images(&self, verb: &str) -> String {
        let images = counted(self.number, "image");
        if self.by_names_alone() {
            let have = if verb == "learned" { "have learned" } else { verb };
            format!("may {have} from other images of {}", self.number)
        } else if self.same_images == self.number {
            format!("{verb} from {images}")
        } else {
            format!("{verb} from {images} or others of the same people")
        }
    }

    /// What follows from it: `certain`, or `possible` where only names say so.
    fn effect(&self, certain: &str, possible: &str) -> String {
        match self.by_names_alone() {
            true => format!("by their names alone: if they are the same people, {possible}"),
            false => certain.to_owned(),
        }
    }
}
