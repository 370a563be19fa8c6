//! Lesions, detections and thresholds from healthy subjects on small drawn findings.

use approx::assert_relative_eq;
use ndarray::Array2;

use super::finding;
use crate::cohort::Slice;
use crate::context::Context;
use crate::detection::{Finding, Findings, Scoring, SliceFinding};
use crate::evaluation::*;

/// A patient of one 16 × 16 slice: the left half scores; rectangles of (rows, columns) are lesion, or
/// have this error.
type Rectangle = (std::ops::Range<usize>, std::ops::Range<usize>);

fn patient(lesions: &[Rectangle], errors: &[(Rectangle, f32)]) -> Finding {
    let mut finding = finding(0.5, Some(!lesions.is_empty()), true);
    let within =
        |at: &(usize, usize), place: &Rectangle| place.0.contains(&at.0) && place.1.contains(&at.1);
    let mut subject = (*finding.subject).clone();
    let slice = &mut subject.slices[0];
    slice.lesion = Some(Array2::from_shape_fn((16, 16), |at| {
        lesions.iter().any(|lesion| within(&at, lesion))
    }));
    finding.slices[0].anomaly = Array2::from_shape_fn((16, 16), |at| {
        let error = errors.iter().rev().find(|(place, _)| within(&at, place));
        if slice.scoring[at] { error.map_or(0.01, |(_, error)| *error) } else { 0.0 }
    });
    finding.subject = subject.into();
    finding
}

/// The same slice `count` times, each the average of three acquired ones.
fn thick(mut finding: Finding, count: usize) -> Finding {
    let mut subject = (*finding.subject).clone();
    let (slice, found) = (subject.slices[0].clone(), finding.slices[0].clone());
    subject.averaged = 3;
    // Seven acquired slices lie before the first average.
    let at = |place: usize| Slice { index: 7 + 1 + 3 * place, ..slice.clone() };
    subject.slices = (0..count).map(at).collect();
    finding.slices = (0..count).map(|slice| SliceFinding { slice, ..found.clone() }).collect();
    finding.subject = subject.into();
    finding
}

fn evaluated(subjects: Vec<Finding>, lesion_threshold: LesionThresholdRule) -> LesionLevel {
    let findings = Findings {
        method: "drawn".into(),
        scoring: Scoring::Published,
        subjects,
        reconstructs: true,
        made_by: None,
        calibration: None,
    };
    let options = EvaluationOptions { lesion_threshold, ..EvaluationOptions::default() };
    let evaluation = evaluate(&findings, &options, &Context::new(0)).expect("truth is known");
    evaluation.lesions.expect("all lesions are known")
}

/// One patient with two lesions, one of them found; and a false alarm. One without lesions and alarms.
fn two_patients() -> Vec<Finding> {
    vec![
        patient(
            &[(2..5, 2..5), (10..12, 2..5)],
            &[((3..5, 3..5), 0.5), ((7..8, 1..5), 0.4), ((14..15, 6..8), 0.9)],
        ),
        patient(&[], &[]),
    ]
}

#[test]
fn a_lesion_is_detected_where_a_detection_overlaps_it() {
    let level = evaluated(two_patients(), LesionThresholdRule::Value(0.3));
    assert_eq!((level.patients, level.lesions, level.lesions_outside), (2, 2, 0));
    // Two pixels of error 0.9 are too few for a detection.
    assert_eq!((level.detected, level.false_positives), (Some(1), Some(1)));
    assert_relative_eq!(level.sensitivity.expect("lesions").value, 0.5);
    assert_relative_eq!(level.f1.expect("lesions").value, 2.0 / (2.0 + 1.0 + 1.0));
    assert_relative_eq!(level.false_positives_per_patient.expect("patients").value, 0.5);
    assert_eq!(level.threshold.map(|threshold| threshold.origin), Some("given".into()));
}

#[test]
fn a_lesion_across_averaged_slices_is_one_lesion() {
    let lesion = (2..5, 2..5);
    let across = patient(std::slice::from_ref(&lesion), &[(lesion.clone(), 0.5)]);
    let level = evaluated(vec![thick(across, 3)], LesionThresholdRule::Value(0.3));
    assert_eq!((level.lesions, level.detected, level.false_positives), (1, Some(1), Some(0)));
    let alarm = patient(&[], &[(lesion, 0.5)]);
    let level = evaluated(vec![thick(alarm, 3)], LesionThresholdRule::Value(0.3));
    assert_eq!(level.false_positives, Some(1));
}

#[test]
fn the_whole_cord_does_not_detect_its_lesions() {
    let level = evaluated(two_patients(), LesionThresholdRule::Value(0.005));
    // 15 of 128 pixels are lesion: enough. With a smaller lesion they are not.
    assert_eq!((level.detected, level.false_positives), (Some(2), Some(1)));
    let small = vec![patient(&[(2..4, 2..4)], &[]), patient(&[], &[])];
    let level = evaluated(small, LesionThresholdRule::Value(0.005));
    assert_eq!((level.detected, level.false_positives), (Some(0), Some(2)));
}

#[test]
fn a_lesion_outside_the_scoring_region_is_missed_and_counted() {
    let outside = patient(&[(2..5, 10..14)], &[((2..5, 10..14), 0.9)]);
    let level = evaluated(vec![outside, patient(&[], &[])], LesionThresholdRule::Value(0.3));
    assert_eq!((level.lesions, level.lesions_outside, level.detected), (1, 1, Some(0)));
    assert_eq!(level.sensitivity_at_one.map(|estimate| estimate.value), Some(0.0));
    assert_eq!(level.f1.map(|estimate| estimate.value), Some(0.0));
    // No threshold detects it, so there is no best one.
    let outside = patient(&[(2..5, 10..14)], &[]);
    let best = evaluated(vec![outside], LesionThresholdRule::BestF1);
    assert_eq!((best.threshold, best.sensitivity), (None, None));
}

#[test]
fn the_froc_curve_holds_the_fewest_false_positives_for_each_sensitivity() {
    let level = evaluated(two_patients(), LesionThresholdRule::BestF1);
    let points: Vec<(f64, f64)> = level
        .froc
        .iter()
        .map(|point| (point.false_positives_per_patient, point.sensitivity))
        .collect();
    // The second lesion has no error of its own: only the whole cord reaches it, as does the healthy
    // patient's, where that is a false positive.
    assert_eq!(points, [(0.0, 0.5), (0.5, 1.0)]);
    assert!(level.froc.iter().all(|point| point.threshold.is_finite()));
    assert_relative_eq!(level.threshold.expect("a lesion is detected").value, 0.01, epsilon = 1e-6);
    assert_relative_eq!(level.sensitivity_at_one.expect("lesions").value, 1.0);
}

#[test]
fn healthy_subjects_set_the_lowest_threshold_they_allow() {
    let healthy = |errors: &[f32]| {
        let subject = |error: &f32| patient(&[], &[((2..5, 2..5), *error)]);
        Findings {
            method: "drawn".into(),
            reconstructs: true,
            made_by: None,
            calibration: None,
            scoring: Scoring::Published,
            subjects: errors.iter().map(subject).collect(),
        }
    };
    let three = healthy(&[0.2, 0.3, 0.4]);
    let strict = HealthyThreshold::new(&three, HEALTHY_FALSE_POSITIVES).expect("healthy subjects");
    assert_eq!((strict.subjects, strict.false_positives_per_subject), (3, 0.0));
    assert!(strict.value > f64::from(0.4_f32) && strict.value < 0.4001);
    let lax = HealthyThreshold::new(&three, 0.5).expect("healthy subjects");
    assert_relative_eq!(lax.false_positives_per_subject, 1.0 / 3.0);
    assert!(lax.value > f64::from(0.3_f32) && lax.value < 0.3001);

    let level = evaluated(two_patients(), LesionThresholdRule::Healthy(strict));
    assert_eq!(level.healthy, Some(strict));
    let origin = level.threshold.expect("a rule").origin;
    assert_eq!(origin, "3 healthy subjects: above all of them; 1 in 4 new ones may reach it");
    assert!(HealthyThreshold::new(&three, f64::NAN).is_err());
    let ill = Findings {
        method: "drawn".into(),
        reconstructs: true,
        made_by: None,
        calibration: None,
        scoring: Scoring::Published,
        subjects: vec![finding(0.5, Some(true), true)],
    };
    assert!(HealthyThreshold::new(&ill, 0.1).is_err());
}

#[test]
fn patients_without_lesions_have_false_positives_but_no_sensitivity() {
    let alarm = patient(&[], &[((2..5, 2..5), 0.5)]);
    let level = evaluated(vec![alarm, patient(&[], &[])], LesionThresholdRule::Value(0.3));
    assert_eq!((level.sensitivity, level.f1, level.sensitivity_at_one), (None, None, None));
    assert!(level.froc.is_empty());
    let alarms = level.false_positives_per_patient.expect("patients");
    assert_eq!(alarms.value, 0.5);
    let interval = alarms.interval.expect("two patients");
    assert_eq!((interval.low, interval.high), (0.0, 1.0));
}
