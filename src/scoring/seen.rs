//! Whose images a model has seen, so that nobody of them is taken for a new patient unnoticed.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::cohort::{HASH_KIND, Subject, file_hash, hashes_differ, person_of};

/// Hexadecimal digits of an image's hash that are kept: enough to tell the images of any cohort apart.
const DIGITS: usize = 16;
/// As many subjects are named in a warning.
const NAMED: usize = 3;

/// Images, each by the name of its subject and the hash of the file's voxels; without a hash where slices came
/// preprocessed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SeenImages(BTreeSet<(String, Option<String>)>);

/// Whose images a model or a scorer learned from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LearnedFrom {
    /// Those that were given as healthy, which is a label.
    #[serde(skip_serializing_if = "SeenImages::is_empty")]
    pub healthy: SeenImages,
    /// Those that were given without a label, as in an adaptation.
    #[serde(skip_serializing_if = "SeenImages::is_empty")]
    pub unlabelled: SeenImages,
}

/// As what a subject was seen before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenAs {
    /// The name of the subject then.
    pub name: String,
    /// Whether it is the same image; else it is another one of the same person, by the name.
    pub same_image: bool,
    /// Whether it was given as healthy; else without a label.
    pub healthy: bool,
}

impl SeenImages {
    /// The images of some subjects.
    pub fn of<'a>(subjects: impl IntoIterator<Item = &'a Subject>) -> Self {
        let hash = |subject: &Subject| subject.image_hash.as_deref().map(short);
        let image = |subject: &Subject| (subject.name.to_string(), hash(subject));
        Self(subjects.into_iter().map(image).collect())
    }

    /// Images of which nothing but the names of their subjects is known.
    pub fn of_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().map(|name| (name.to_owned(), None)).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
    }

    /// As what each of some subjects was seen: by the hash of its image, whatever it is called now, else by its name
    /// or that of its person, which is no proof: other datasets may call other people so. Names tell nothing where one of
    /// them had another image: two datasets use the same ones.
    /// Hashes that earlier versions kept are of another kind and tell nothing either.
    pub fn recognise(&self, subjects: &[&Subject], healthy: bool) -> Vec<Option<SeenAs>> {
        let images = subjects.iter().map(|one| (&*one.name, one.image_hash.as_deref()));
        self.recognise_images(images, healthy)
    }

    /// The same of images by the names of their subjects and [`Subject::image_hash`].
    pub fn recognise_images<'a>(
        &self,
        images: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
        healthy: bool,
    ) -> Vec<Option<SeenAs>> {
        let images: Vec<(&str, Option<String>)> =
            images.into_iter().map(|(name, hash)| (name, hash.map(short))).collect();
        let images = || images.iter().map(|(name, hash)| (*name, hash));
        let differ = |one: &Option<String>, other: &Option<String>| {
            one.as_ref().zip(other.as_ref()).is_some_and(|(one, other)| hashes_differ(one, other))
        };
        let are_others = |(name, hash): (&str, &Option<String>)| {
            let mut known = self.0.iter().filter(|(other, _)| other == name).peekable();
            known.peek().is_some() && known.all(|(_, other)| differ(hash, other))
        };
        let names_tell = !images().any(are_others);
        let seen = |(name, hash): (&str, &Option<String>)| {
            let seen_as = |known: &(String, Option<String>), same_image| SeenAs {
                name: known.0.clone(),
                same_image,
                healthy,
            };
            let same = |known: &&(String, Option<String>)| hash.is_some() && known.1 == *hash;
            // Of equal images the one of the same name.
            let by_hash = self.0.iter().filter(same).find(|known| known.0 == name);
            if let Some(known) = by_hash.or_else(|| self.0.iter().find(same)) {
                return Some(seen_as(known, true));
            }
            if !names_tell {
                return None;
            }
            let by_name = self.0.iter().find(|known| known.0 == name);
            let by_person = || self.0.iter().find(|known| person_of(&known.0) == person_of(name));
            by_name
                .map(|known| seen_as(known, true))
                .or_else(|| by_person().map(|known| seen_as(known, false)))
        };
        images().map(seen).collect()
    }
}

impl LearnedFrom {
    /// Subjects that were given as healthy.
    pub fn of_healthy(subjects: &[Arc<Subject>]) -> Self {
        Self { healthy: SeenImages::of(subjects.iter().map(|one| &**one)), ..Self::default() }
    }

    /// Subjects that were given without a label.
    pub fn of_unlabelled(subjects: &[Arc<Subject>]) -> Self {
        Self { unlabelled: SeenImages::of(subjects.iter().map(|one| &**one)), ..Self::default() }
    }

    /// Subjects of a pretraining. They are given as healthy, unless one of them is known to be a patient or to have a
    /// lesion: then whoever was at hand was taken, without a label.
    pub fn of_pretraining(subjects: &[Arc<Subject>]) -> Self {
        match subjects.iter().any(|subject| is_patient(subject)) {
            true => Self::of_unlabelled(subjects),
            false => Self::of_healthy(subjects),
        }
    }

    /// Subjects of a training that takes healthy ones and others together. They are given as healthy, unless one of them
    /// is known to be a patient or to have a lesion: then only those who are known to be healthy are.
    pub fn of_both(subjects: &[Arc<Subject>]) -> Self {
        if subjects.iter().all(|subject| !is_patient(subject)) {
            return Self::of_healthy(subjects);
        }
        let (healthy, others): (Vec<_>, Vec<_>) =
            subjects.iter().map(|one| &**one).partition(|one| one.is_healthy() && !is_patient(one));
        Self { healthy: SeenImages::of(healthy), unlabelled: SeenImages::of(others) }
    }

    pub fn is_empty(&self) -> bool {
        self.healthy.is_empty() && self.unlabelled.is_empty()
    }

    /// Adds those of another one.
    pub fn extend(&mut self, other: &Self) {
        self.healthy.extend(&other.healthy);
        self.unlabelled.extend(&other.unlabelled);
    }

    /// As what each of some subjects was learned from: as healthy if it was, else without a label; `None` of the others.
    pub fn recognise(&self, subjects: &[&Subject]) -> Vec<Option<SeenAs>> {
        let healthy = self.healthy.recognise(subjects, true);
        let unlabelled = self.unlabelled.recognise(subjects, false);
        healthy.into_iter().zip(unlabelled).map(|(one, other)| one.or(other)).collect()
    }
}

/// Whether a subject is known to be a patient, or to have a lesion.
fn is_patient(subject: &Subject) -> bool {
    subject.health() == Some(false) || subject.has_lesion() == Some(true)
}

/// The first of some subjects for a warning, each with the name under which it was seen: "sub-01, sub-02 as sub-07
/// and 4 more".
pub(crate) fn seen_names<'a>(seen: impl IntoIterator<Item = (&'a str, &'a SeenAs)>) -> String {
    let names: Vec<String> = seen
        .into_iter()
        .map(|(name, before)| match before.name == name {
            true => name.to_owned(),
            false => format!("{name} as {}", before.name),
        })
        .collect();
    let first = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// The hash of the file of an image, shortened: an image with painted lesions has that of the image that they were painted
/// into.
fn short(image_hash: &str) -> String {
    let hash = file_hash(image_hash);
    let kind = if hash.starts_with(HASH_KIND) { HASH_KIND.len() } else { 0 };
    hash.chars().take(kind + DIGITS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(name: &str, hash: Option<&str>) -> Subject {
        Subject {
            name: name.into(),
            participant: Default::default(),
            healthy: None,
            slices: Vec::new(),
            averaged: 1,
            discs: Vec::new(),
            native_transform: None,
            image_hash: hash.map(str::to_owned),
            lesion_marked: false,
            masks_found: false,
        }
    }

    /// As what each of some subjects is recognised: "sub-01", "person of sub-01" or "".
    fn told(known: &[(&str, Option<&str>)], now: &[(&str, Option<&str>)]) -> Vec<String> {
        let known: Vec<Subject> = known.iter().map(|(name, hash)| subject(name, *hash)).collect();
        let now: Vec<Subject> = now.iter().map(|(name, hash)| subject(name, *hash)).collect();
        let seen = SeenImages::of(&known).recognise(&now.iter().collect::<Vec<_>>(), true);
        let word = |one: Option<SeenAs>| match one {
            Some(SeenAs { name, same_image: true, .. }) => name,
            Some(SeenAs { name, .. }) => format!("person of {name}"),
            None => String::new(),
        };
        seen.into_iter().map(word).collect()
    }

    #[test]
    fn images_are_recognised_by_their_hash_and_people_by_their_name() {
        let known = [("sub-01_ses-1", Some("aa")), ("sub-02", Some("bb"))];
        let now = [
            ("sub-01_ses-1", Some("aa")),
            ("sub-01_ses-2", Some("cc")),
            ("other", Some("bb")),
            ("sub-03", Some("dd")),
        ];
        assert_eq!(told(&known, &now), ["sub-01_ses-1", "person of sub-01_ses-1", "sub-02", ""]);
        // Painted into an image that was seen.
        assert_eq!(told(&known, &[("sub-02", Some("bb+123"))]), ["sub-02"]);
        // Preprocessed slices have no hash.
        assert_eq!(
            told(&[("sub-01", None)], &[("sub-01", None), ("sub-02", None)]),
            ["sub-01", ""]
        );
    }

    #[test]
    fn names_of_another_dataset_tell_nothing() {
        let known = [("sub-01", Some("aa")), ("sub-02", Some("bb"))];
        let now = [("sub-01", Some("cc")), ("sub-02_ses-1", Some("dd")), ("sub-09", Some("bb"))];
        assert_eq!(told(&known, &now), ["", "", "sub-02"]);
    }

    #[test]
    fn hashes_of_earlier_versions_are_unknown() {
        let known = [("sub-01", Some("0123")), ("sub-02", Some("4567"))];
        let now = [("sub-01", Some("v2-89")), ("sub-03", Some("v2-0123"))];
        assert_eq!(told(&known, &now), ["sub-01", ""], "names tell");
        let now = [("sub-01", Some("v2-89")), ("sub-02", Some("v2-ab"))];
        assert_eq!(told(&[("sub-01", Some("v2-ab"))], &now), ["", "sub-01"]);
        let long = format!("v2-{}", "0123456789abcdef".repeat(4));
        assert_eq!(short(&long), "v2-0123456789abcdef");
    }

    #[test]
    fn who_is_learned_from_is_kept_short_and_in_order() {
        let of = |names: &[&str]| {
            let hash = "0123456789abcdef0123";
            let subjects: Vec<_> =
                names.iter().map(|name| Arc::new(subject(name, Some(hash)))).collect();
            LearnedFrom::of_pretraining(&subjects)
        };
        let mut both = of(&["sub-02"]);
        both.extend(&of(&["sub-01", "sub-02"]));
        let json = r#"{"healthy":[["sub-01","0123456789abcdef"],["sub-02","0123456789abcdef"]]}"#;
        assert_eq!(serde_json::to_string(&both).unwrap(), json);
        assert_eq!(serde_json::from_str::<LearnedFrom>(json).unwrap(), both);
        assert!(serde_json::from_str::<LearnedFrom>("{}").unwrap().is_empty());
    }

    #[test]
    fn a_pretraining_on_patients_has_no_labels() {
        let mut patient = subject("sub-02", None);
        patient.participant.insert("has_lesion".into(), "1".into());
        let all = [Arc::new(subject("sub-01", None)), Arc::new(patient)];
        assert!(LearnedFrom::of_pretraining(&all).healthy.is_empty());
        assert!(LearnedFrom::of_pretraining(&all[..1]).unlabelled.is_empty());
    }

    #[test]
    fn of_both_the_healthy_are_told_from_patients() {
        let mut patient = subject("sub-02", None);
        patient.participant.insert("has_lesion".into(), "1".into());
        let mut healthy = subject("sub-03", None);
        healthy.participant.insert("group".into(), "hc".into());
        let all = [subject("sub-01", None), healthy, patient].map(Arc::new);
        let names = |of: &SeenImages| of.0.iter().map(|one| one.0.clone()).collect::<Vec<_>>();
        let mixed = LearnedFrom::of_both(&all);
        assert_eq!(names(&mixed.healthy), ["sub-03"]);
        assert_eq!(names(&mixed.unlabelled), ["sub-01", "sub-02"]);
        assert_eq!(names(&LearnedFrom::of_both(&all[..2]).healthy), ["sub-01", "sub-03"]);
    }

    #[test]
    fn three_names_are_told() {
        let seen = |name: &str| SeenAs { name: name.into(), same_image: true, healthy: true };
        let all =
            ["a", "b", "c", "d"].map(|name| (name, seen(if name == "b" { "x" } else { name })));
        let told = seen_names(all.iter().map(|(name, seen)| (*name, seen)));
        assert_eq!(told, "a, b as x, c and 1 more");
    }
}
