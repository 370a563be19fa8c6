//! Subjects that a method knew before it examined them.

use std::sync::{Arc, Mutex};

use super::finding;
use crate::context::{Context, Event, Reporter};
use crate::detection::{Finding, Findings, Scoring};
use crate::evaluation::*;
use crate::scoring::{CalibratedState, Calibration, SeenAs, SeenImages, TrainingState};
use crate::uncertainty::MonteCarlo;

#[derive(Default)]
struct Warned(Mutex<Vec<String>>);

impl Reporter for Warned {
    fn report(&self, event: Event) {
        if let Event::Warning(text) = event {
            self.0.lock().unwrap().push(text);
        }
    }
}

/// A patient with a lesion or without, whose image has this hash.
fn patient(name: &str, hash: &str, score: f64, lesion: bool) -> Finding {
    let mut finding = finding(score, Some(lesion), true);
    let mut subject = (*finding.subject).clone();
    subject.name = name.into();
    subject.image_hash = Some(hash.to_owned());
    finding.subject = subject.into();
    finding
}

fn three() -> [Finding; 3] {
    [
        patient("sub-01", "aa", 0.9, true),
        patient("sub-02", "bb", 0.2, false),
        patient("sub-03", "cc", 0.3, false),
    ]
}

fn seen(name: &str, same_image: bool, healthy: bool) -> Option<SeenAs> {
    Some(SeenAs { name: name.to_owned(), same_image, healthy })
}

fn findings(subjects: impl Into<Vec<Finding>>) -> Findings {
    Findings {
        method: "drawn".into(),
        scoring: Scoring::Published,
        subjects: subjects.into(),
        reconstructs: true,
        made_by: None,
        calibration: None,
    }
}

fn said(findings: &Findings, options: &EvaluationOptions) -> String {
    let warned = Arc::new(Warned::default());
    evaluate(findings, options, &Context::new(0).with_reporter(warned.clone())).unwrap();
    warned.0.lock().unwrap().join("; ")
}

fn warned(findings: &Findings) -> String {
    said(findings, &EvaluationOptions::of(findings))
}

#[test]
fn subjects_that_were_given_as_healthy_are_told_and_adapted_ones_are_not() {
    assert_eq!(warned(&findings(three())), "");
    let mut subjects = three();
    subjects[0].seen = seen("sub-01", true, false);
    subjects[1].seen = seen("sub-02", true, false);
    assert_eq!(warned(&findings(subjects.clone())), "");
    subjects[1].seen = seen("sub-02", true, true);
    let told = warned(&findings(subjects.clone()));
    let expected = "the method learned from 1 image of the 3 subjects of this evaluation as healthy (sub-02), so";
    assert!(told.starts_with(expected), "{told}");
    subjects[2].seen = seen("sub-03_ses-2", false, true);
    let told = warned(&findings(subjects));
    assert!(told.contains("2 images or others of the same people of the 3 subjects"), "{told}");
    assert!(told.contains("(sub-02, sub-03 as sub-03_ses-2)"), "{told}");
}

#[test]
fn people_who_are_known_by_their_names_alone_may_be_others() {
    let mut subjects = three();
    subjects[1].seen = seen("sub-02_ses-2", false, true);
    subjects[2].seen = seen("sub-03_ses-2", false, true);
    let told = warned(&findings(subjects.clone()));
    let expected = "the method may have learned from other images of 2 of the 3 subjects of this evaluation as healthy \
                    (sub-02 as sub-02_ses-2, sub-03 as sub-03_ses-2), by their names alone: if they are the same people, it shows";
    assert!(told.starts_with(expected), "{told}");
    let warned = Arc::new(Warned::default());
    let context = Context::new(0).with_reporter(warned.clone());
    warn_of_trained_reference(&findings(subjects), "the calibration", &context);
    let told = warned.0.lock().unwrap().join("; ");
    let expected =
        "may have learned from other images of 2 of the 3 subjects that the calibration comes from";
    assert!(told.contains(expected), "{told}");
}

#[test]
fn one_image_under_two_names_is_told() {
    let mut subjects = three();
    subjects[2].seen = seen("sub-77", true, false);
    let told = warned(&findings(subjects));
    assert!(told.contains("under another name (sub-03 as sub-77)"), "{told}");
    let mut subjects = three().to_vec();
    subjects.push(patient("sub-04", "bb", 0.2, false));
    let told = warned(&findings(subjects));
    assert!(told.ends_with("takes them for different people: sub-02 and sub-04"), "{told}");
}

#[test]
fn subjects_that_the_thresholds_come_from_are_told() {
    let mut found = findings(three());
    let calibrated = [patient("sub-03", "cc", 0.3, false), patient("sub-09", "dd", 0.3, false)];
    found.calibration = Some(Arc::new(Calibration {
        scoring: "published".into(),
        state: CalibratedState {
            monte_carlo: MonteCarlo::default(),
            trained: TrainingState { epochs: 0, steps: None },
            scorer: None,
        },
        round: 0,
        scores: vec![0.3, 0.3],
        subjects: SeenImages::of(calibrated.iter().map(|finding| &*finding.subject)),
        lesion_threshold: 0.5,
        false_positives_per_subject: 0.0,
        allowed: 0.1,
        masks: None,
    }));
    let told = warned(&found);
    assert!(
        told.contains("come from 1 image of the 3 subjects of this evaluation (sub-03)"),
        "{told}"
    );
    let mut other = (**found.calibration.as_ref().unwrap()).clone();
    let session = patient("sub-03_ses-2", "ee", 0.3, false);
    other.subjects = SeenImages::of([&*session.subject]);
    let by_name = Findings { calibration: Some(Arc::new(other)), ..found.clone() };
    let told = warned(&by_name);
    let expected = "calibration may come from other images of 1 of the 3 subjects of this evaluation (sub-03 as \
                    sub-03_ses-2), by their names alone: if they are the same people, false positives in them are too few";
    assert!(told.contains(expected), "{told}");
    // Thresholds of the user's own do not come from anybody.
    let own = EvaluationOptions {
        threshold: ThresholdRule::Value(0.5),
        lesion_threshold: LesionThresholdRule::Value(0.5),
    };
    assert_eq!(said(&found, &own), "");
}

#[test]
fn thresholds_from_subjects_of_the_training_are_told() {
    let told = |findings: &Findings| {
        let warned = Arc::new(Warned::default());
        let context = Context::new(0).with_reporter(warned.clone());
        warn_of_trained_reference(findings, "the calibration", &context);
        warned.0.lock().unwrap().join("; ")
    };
    let mut subjects = three();
    assert_eq!(told(&findings(subjects.clone())), "");
    // Also without a label: what was learned from is shown less in.
    subjects[1].seen = seen("sub-02", true, false);
    let said = told(&findings(subjects));
    assert!(
        said.starts_with("the method learned from 1 image of the 3 subjects that the calibration comes from (sub-02)"),
        "{said}"
    );
}
