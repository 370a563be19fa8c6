//! Comparisons of two methods on the same drawn patients.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::finding;
use crate::cohort::Slice;
use crate::context::{Context, Event, Reporter};
use crate::detection::{Finding, Findings, Scoring};
use crate::evaluation::*;

/// Patients with these scores; every third has a lesion.
fn evaluated(method: &str, scores: impl Iterator<Item = f64>) -> Evaluation {
    let patient =
        |(place, score): (usize, f64)| named(place, finding(score, Some(place % 3 == 0), true));
    let subjects = scores.enumerate().map(patient).collect();
    of(Findings {
        method: method.into(),
        scoring: Scoring::Published,
        subjects,
        reconstructs: true,
        made_by: None,
        calibration: None,
    })
}

fn named(place: usize, mut finding: Finding) -> Finding {
    let mut subject = (*finding.subject).clone();
    subject.name = format!("sub-{place:02}").into();
    finding.subject = subject.into();
    finding
}

fn of(findings: Findings) -> Evaluation {
    let evaluation = evaluate(&findings, &EvaluationOptions::default(), &Context::new(0));
    evaluation.expect("truth is known")
}

fn compared(first: &Evaluation, second: &Evaluation) -> Comparison {
    compare(first, second, &Context::new(0)).expect("the same patients")
}

/// Higher with lesion, but for `noise` times something that is the same every time.
fn scores(noise: f64) -> impl Iterator<Item = f64> {
    (0..30).map(move |place| {
        f64::from(u8::from(place % 3 == 0)) + noise * f64::from(place * 7 % 11) / 11.0
    })
}

#[test]
fn a_better_method_differs_and_a_method_does_not_differ_from_itself() {
    let (good, poor) = (evaluated("good", scores(1.3)), evaluated("poor", scores(30.0)));
    let comparison = compared(&good, &poor);
    assert_eq!(
        (&*comparison.first, &*comparison.second, comparison.patients),
        ("good", "poor", 30)
    );
    let auroc = &comparison.measures[0];
    assert_eq!((auroc.name, auroc.test), ("patient AUROC", ComparisonTest::DeLong));
    assert!(auroc.p_value.expect("a test") < 0.01);
    let interval = auroc.interval.expect("a test");
    assert!(0.0 < interval.low && interval.low < auroc.difference.expect("both"));
    let precision = &comparison.measures[1];
    assert_eq!(precision.test, ComparisonTest::PairedBootstrap);
    assert!(precision.p_value.expect("enough patients") < 0.05);

    // The errors of pixels are the same, so lesions and pixels are.
    let lesions = comparison.measures.iter().find(|measure| measure.name == "lesion F1");
    let lesions = lesions.expect("lesions are known");
    assert_eq!((lesions.difference, lesions.p_value), (Some(0.0), None));

    let same = compared(&good, &good);
    assert_eq!((same.measures[0].difference, same.measures[0].p_value), (Some(0.0), None));
    assert!(same.measures[1..].iter().all(|measure| measure.p_value.is_none()));
}

/// All replicates that have a lesion have the same one: their spread tells nothing.
#[test]
fn one_patient_with_lesions_gives_no_interval_and_no_p_value() {
    let findings = |method: &str, noise: f64| {
        let patient =
            |(place, score): (usize, f64)| named(place, finding(score, Some(place == 0), true));
        let subjects = scores(noise).enumerate().map(patient).collect();
        of(Findings {
            method: method.into(),
            scoring: Scoring::Published,
            subjects,
            reconstructs: true,
            made_by: None,
            calibration: None,
        })
    };
    let (good, poor) = (findings("good", 1.3), findings("poor", 30.0));
    let comparison = compared(&good, &poor);
    let of_ranking =
        comparison.measures.iter().filter(|measure| measure.name.contains("patient a"));
    for measure in of_ranking.chain([&comparison.measures[0]]) {
        assert!(measure.difference.is_some(), "{}", measure.name);
        assert_eq!((measure.interval, measure.p_value), (None, None), "{}", measure.name);
    }
    let summaries = summarise(&[&good, &poor], Some("poor"), &Context::new(0)).unwrap();
    let auroc = &summaries[0].measures[0];
    assert_eq!((auroc.name, auroc.interval, auroc.p_value), ("patient AUROC", None, None));
}

#[test]
fn a_perfect_result_is_not_certain() {
    let perfect = evaluated("perfect", scores(0.5));
    assert_eq!((perfect.patients.auroc, perfect.patients.auroc_interval), (Some(1.0), None));
    let summaries = summarise(&[&perfect], None, &Context::new(0)).unwrap();
    assert_eq!((summaries[0].measures[0].mean, summaries[0].measures[0].interval), (1.0, None));
}

#[test]
fn the_order_of_the_patients_does_not_matter() {
    let (good, poor) = (evaluated("good", scores(1.3)), evaluated("poor", scores(30.0)));
    let mut subjects: Vec<Finding> = scores(30.0)
        .enumerate()
        .map(|(place, score)| named(place, finding(score, Some(place % 3 == 0), true)))
        .collect();
    subjects.rotate_left(7);
    let turned = of(Findings {
        method: "poor".into(),
        scoring: Scoring::Published,
        subjects,
        reconstructs: true,
        made_by: None,
        calibration: None,
    });
    let (one, other) = (compared(&good, &poor), compared(&good, &turned));
    assert!(!one.measures.is_empty());
    assert_eq!(one.measures.len(), other.measures.len());
    for (one, other) in one.measures.iter().zip(&other.measures) {
        assert_eq!((one.interval, one.p_value), (other.interval, other.p_value), "{}", one.name);
    }
}

#[test]
fn other_patients_cannot_be_compared() {
    let (thirty, three) = (evaluated("all", scores(1.0)), evaluated("few", scores(1.0).take(3)));
    let error = |a, b| compare(a, b, &Context::new(0)).expect_err("other patients").to_string();
    let expected = "only methods on the same patients can be compared: sub-03 was evaluated by all but \
                    not by few";
    assert_eq!(error(&thirty, &three), expected);
    assert_eq!(error(&three, &thirty), expected);
    let twice = vec![finding(0.1, Some(true), true), finding(0.1, Some(true), true)];
    let twice = of(Findings {
        method: "twice".into(),
        scoring: Scoring::Published,
        subjects: twice,
        reconstructs: true,
        made_by: None,
        calibration: None,
    });
    assert!(error(&twice, &twice).contains("not unique"));
}

#[test]
fn one_kind_of_patient_has_no_difference_of_aurocs() {
    let healthy = |method: &str| {
        let subjects = (0..4).map(|place| named(place, finding(0.1, Some(false), true)));
        of(Findings {
            method: method.into(),
            reconstructs: true,
            made_by: None,
            calibration: None,
            scoring: Scoring::Published,
            subjects: subjects.collect(),
        })
    };
    let comparison = compared(&healthy("one"), &healthy("other"));
    let auroc = &comparison.measures[0];
    assert_eq!((auroc.first, auroc.difference, auroc.p_value), (None, None, None));
    assert!(comparison.measures.iter().all(|measure| measure.name != "lesion F1"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn nothing_is_ever_nan(
        cases in prop::collection::vec((0..4_u8, 0..4_u8, any::<bool>()), 1..7),
    ) {
        let of_method = |second: bool| {
            let patient = |(place, &(a, b, lesion)): (usize, &(u8, u8, bool))| {
                named(place, finding(f64::from(if second { b } else { a }), Some(lesion), true))
            };
            let subjects = cases.iter().enumerate().map(patient).collect();
            of(Findings { method: "drawn".into(), scoring: Scoring::Published, subjects, reconstructs: true, made_by: None, calibration: None })
        };
        let (first, second) = (of_method(false), of_method(true));
        let patients = &first.patients;
        prop_assert_eq!(patients.undefined().is_some(), patients.auroc.is_none());
        let comparison = compared(&first, &second);
        for measure in &comparison.measures {
            let interval = measure.interval.map(|interval| [interval.low, interval.high]);
            let numbers = [measure.first, measure.second, measure.difference, measure.p_value];
            for number in numbers.into_iter().flatten().chain(interval.into_iter().flatten()) {
                prop_assert!(number.is_finite());
            }
            prop_assert!(measure.p_value.is_none_or(|p| (0.0..=1.0).contains(&p)));
            prop_assert_eq!(measure.p_value.is_some(), measure.interval.is_some());
        }
    }
}

/// Keeps warnings.
#[derive(Default)]
struct Warned(Mutex<Vec<String>>);

impl Reporter for Warned {
    fn report(&self, event: Event) {
        if let Event::Warning(text) = event {
            self.0.lock().unwrap().push(text);
        }
    }
}

#[test]
fn several_images_of_one_person_are_told() {
    let said = |names: &[&str]| {
        let warned = Arc::new(Warned::default());
        let context = Context::new(0).with_reporter(warned.clone());
        warn_of_repeated(names.iter().copied(), "a calibration", &context);
        warned.0.lock().unwrap().join("; ")
    };
    let sessions = said(&["sub-01_ses-1", "sub-01_ses-2", "sub-02"]);
    assert!(
        sessions.starts_with("3 images show 2 people (sub-01: 2), and a calibration"),
        "{sessions}"
    );
    assert_eq!(said(&["sub-01", "sub-02", "case_1", "case_2"]), "");
}

#[test]
fn patients_of_one_name_with_different_images_are_told() {
    let with_images = |first: u64| {
        let patient = |(place, score): (usize, f64)| {
            let mut finding = named(place, finding(score, Some(place % 3 == 0), true));
            let mut subject = (*finding.subject).clone();
            subject.image_hash = Some(format!("{}", first + place as u64));
            finding.subject = subject.into();
            finding
        };
        of(Findings {
            method: "method".into(),
            scoring: Scoring::Published,
            subjects: scores(1.0).enumerate().map(patient).collect(),
            reconstructs: true,
            made_by: None,
            calibration: None,
        })
    };
    let heard = |tell: &dyn Fn(&Context)| {
        let warned = Arc::new(Warned::default());
        tell(&Context::new(0).with_reporter(warned.clone()));
        warned.0.lock().unwrap().join("; ")
    };
    let said = |second: &Evaluation| {
        heard(&|context| drop(compare(&with_images(5), second, context).unwrap()))
    };
    let others = said(&with_images(6));
    assert!(others.contains("30 of 30 patients with the same name"), "{others}");
    assert_eq!(said(&with_images(5)), "");
    // Preprocessed slices and files of earlier versions have no hash.
    assert_eq!(said(&evaluated("other", scores(2.0))), "");

    // The same where evaluations are shown side by side, which need not be of the same patients.
    let side_by_side = |others: &[&Evaluation]| {
        let first = with_images(5);
        let all: Vec<&Evaluation> = [&first].into_iter().chain(others.iter().copied()).collect();
        heard(&|context| warn_unless_comparable(&all, context))
    };
    let others = side_by_side(&[&with_images(5), &with_images(6), &with_images(7)]);
    assert_eq!(others.matches("patients with the same name").count(), 1, "{others}");
    assert_eq!(side_by_side(&[&with_images(5)]), "");
    let fewer = side_by_side(&[&evaluated("fewer", scores(2.0).take(20))]);
    assert!(fewer.contains("was evaluated by method but not by fewer"), "{fewer}");
}

#[test]
fn thresholds_of_different_kinds_are_told() {
    let lesions_at = |method: &str, origin: &str| {
        let mut evaluation = evaluated(method, scores(1.0));
        let lesions = evaluation.lesions.as_mut().expect("lesions are known");
        lesions.threshold = Some(Threshold { value: 0.5, origin: origin.to_owned() });
        evaluation
    };
    let best = lesions_at("best", "best lesion F1 on the same patients: optimistic");
    let fixed = lesions_at("fixed", "given");
    let said = |second: &Evaluation| {
        let warned = Arc::new(Warned::default());
        let context = Context::new(0).with_reporter(warned.clone());
        compare(&best, second, &context).expect("the same patients");
        summarise(&[&best, second], None, &context).expect("the same patients");
        warned.0.lock().unwrap().join("; ")
    };
    let mixed = said(&fixed);
    assert_eq!(mixed.matches("different kinds of thresholds: for best at").count(), 2, "{mixed}");
    assert!(mixed.contains("for fixed at one chosen elsewhere (given)"), "{mixed}");
    assert_eq!(said(&best), "");
}

#[test]
fn a_comparison_of_three_patients_is_said_to_mean_little() {
    let said = |patients: usize| {
        let warned = Arc::new(Warned::default());
        let context = Context::new(0).with_reporter(warned.clone());
        let of = |noise: f64| evaluated("method", scores(noise).take(patients));
        compare(&of(1.0), &of(9.0), &context).expect("the same patients");
        let warnings = warned.0.lock().unwrap();
        warnings.iter().filter(|text| text.contains("mean little")).cloned().collect::<Vec<_>>()
    };
    assert_eq!(said(30), [""; 0]);
    assert!(
        said(3)[0]
            .starts_with("1 patient with a lesion and 2 without: with fewer than 8 of a kind,")
    );
}

#[test]
fn other_masks_and_other_slices_of_the_same_patients_are_told() {
    let with = |change: &dyn Fn(&mut Slice)| {
        let patient = |(place, score): (usize, f64)| {
            let mut finding = named(place, finding(score, Some(place % 3 == 0), true));
            let mut subject = (*finding.subject).clone();
            // Two of those with a lesion.
            if place > 23 && place % 3 == 0 {
                subject.slices.iter_mut().for_each(change);
            }
            finding.subject = subject.into();
            finding
        };
        of(Findings {
            method: "method".into(),
            scoring: Scoring::Published,
            subjects: scores(1.0).enumerate().map(patient).collect(),
            reconstructs: true,
            made_by: None,
            calibration: None,
        })
    };
    let said = |second: &Evaluation| {
        let warned = Arc::new(Warned::default());
        let context = Context::new(0).with_reporter(warned.clone());
        compare(&with(&|_| {}), second, &context).unwrap();
        warned.0.lock().unwrap().join("; ")
    };
    assert_eq!(said(&with(&|_| {})), "");
    let corrected = said(&with(&|slice| {
        let mask = slice.lesion.as_mut().unwrap();
        mask.iter_mut().for_each(|pixel| *pixel = false);
        mask[(0, 0)] = true;
    }));
    assert!(
        corrected.starts_with("the lesion masks of 2 of 30 patients are not the same in"),
        "{corrected}"
    );
    let cord = said(&with(&|slice| slice.scoring[(0, 0)] = !slice.scoring[(0, 0)]));
    assert!(cord.starts_with("the cord masks of 2 of 30 patients"), "{cord}");
    assert!(cord.contains("sub-24 among them"), "{cord}");
    let wide = said(&with(&|slice| slice.pixel_spacing_mm = (1.5, 1.5)));
    assert!(
        wide.starts_with("the slices of 2 of 30 patients have another field of view"),
        "{wide}"
    );
    assert!(!wide.contains("masks"), "{wide}");
}
