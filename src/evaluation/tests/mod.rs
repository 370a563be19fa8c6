//! Measures against scikit-learn and scikit-image (fixture) and against their definitions.

mod cases;
mod compare;
mod leakage;
mod lesions;

use std::sync::Arc;

use approx::assert_relative_eq;
use ndarray::{Array2, array};
use proptest::prelude::*;
use safetensors::SafeTensors;

use super::*;
use crate::cohort::{Slice, Subject};
use crate::context::Context;
use crate::detection::{
    AnomalyCurve, Finding, Findings, Reconstruction, Scoring, SegmentBorders, SegmentScore,
    SliceFinding,
};

struct Fixture(Vec<u8>);

impl Fixture {
    fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/metrics.safetensors");
        Self(std::fs::read(path).expect("the fixture is part of the repository"))
    }

    /// The 8-byte or 4-byte numbers of a tensor, as f64, and its shape.
    fn numbers(&self, name: &str) -> (Vec<f64>, Vec<usize>) {
        use safetensors::Dtype;
        let tensors = SafeTensors::deserialize(&self.0).expect("the fixture is valid");
        let tensor = tensors.tensor(name).expect("the fixture holds this tensor");
        let wide = || tensor.data().as_chunks::<8>().0.iter().copied();
        let narrow = || tensor.data().as_chunks::<4>().0.iter().copied();
        let values = match tensor.dtype() {
            Dtype::F64 => wide().map(f64::from_le_bytes).collect(),
            Dtype::I64 => wide().map(|bytes| i64::from_le_bytes(bytes) as f64).collect(),
            Dtype::F32 => narrow().map(|bytes| f64::from(f32::from_le_bytes(bytes))).collect(),
            other => panic!("{name} is of type {other:?}"),
        };
        (values, tensor.shape().to_vec())
    }

    fn number(&self, name: &str) -> f64 {
        self.numbers(name).0[0]
    }

    fn image(&self, name: &str) -> Array2<f32> {
        let (values, shape) = self.numbers(name);
        let values = values.into_iter().map(|value| value as f32).collect();
        Array2::from_shape_vec((shape[0], shape[1]), values).expect("two axes")
    }
}

#[test]
fn rankings_equal_scikit_learn_on_the_fixture() {
    let fixture = Fixture::read();
    let truth: Vec<bool> = fixture.numbers("labels").0.iter().map(|label| *label == 1.0).collect();
    let ranking = Ranking::new(&fixture.numbers("scores").0, &truth).expect("no NaN");
    let best = ranking.best_f1().expect("positives");
    for (found, name) in [
        (ranking.auroc().expect("both classes"), "auroc"),
        (ranking.average_precision().expect("positives"), "average_precision"),
        (best.f1, "best_f1"),
        (best.threshold, "best_f1_threshold"),
    ] {
        // The fixture keeps single precision.
        assert_relative_eq!(found, fixture.number(name), epsilon = 1e-6);
    }
    assert_eq!(ranking.at(best.threshold).f1(), Some(best.f1));
}

#[test]
fn image_measures_equal_scikit_image_on_the_fixture() {
    let fixture = Fixture::read();
    let (a, b) = (fixture.image("image_a"), fixture.image("image_b"));
    assert_relative_eq!(ssim(&a, &b).expect("alike"), fixture.number("ssim"), epsilon = 1e-6);
    assert_relative_eq!(psnr_db(&a, &b).expect("alike"), fixture.number("psnr_db"), epsilon = 1e-6);
}

#[test]
fn equal_images_are_perfectly_similar_and_masks_choose_what_counts() {
    let a = Array2::from_shape_fn((12, 9), |(row, column)| ((row * column) % 5) as f32 / 5.0);
    assert_relative_eq!(ssim(&a, &a).expect("alike"), 1.0, epsilon = 1e-12);
    assert_eq!(psnr_db(&a, &a).expect("alike"), f64::INFINITY);
    let mut b = a.clone();
    b[(11, 8)] = 1.0;
    let mut mask = Array2::from_elem((12, 9), false);
    assert_eq!(ssim_within(&a, &b, &mask).expect("alike"), None);
    mask[(0, 0)] = true;
    assert_relative_eq!(ssim_within(&a, &b, &mask).expect("alike").expect("a pixel"), 1.0);
    mask[(11, 8)] = true;
    assert!(ssim_within(&a, &b, &mask).expect("alike").expect("two pixels") < 1.0);
    assert!(ssim(&a, &Array2::zeros((9, 12))).is_err());
    assert!(ssim(&Array2::zeros((6, 20)), &Array2::zeros((6, 20))).is_err());
    assert!(psnr_db(&a, &Array2::from_elem((12, 9), f32::NAN)).is_err());
}

#[test]
fn dice_is_twice_the_overlap_over_both_areas() {
    let (a, b) = (array![[true, true, false]], array![[false, true, true]]);
    assert_eq!(dice(&a, &b).expect("alike"), Some(0.5));
    let empty = array![[false, false, false]];
    assert_eq!(dice(&a, &empty).expect("alike"), Some(0.0));
    assert_eq!(dice(&empty, &empty).expect("alike"), None);
    assert!(dice(&a, &array![[true]]).is_err());
}

#[test]
fn one_class_has_no_auroc_and_nan_is_refused() {
    let healthy = Ranking::new(&[0.1, 0.2], &[false, false]).expect("no NaN");
    assert_eq!(healthy.auroc(), None);
    assert_eq!(healthy.average_precision(), None);
    assert_eq!(healthy.best_f1(), None);
    assert!(healthy.roc().is_empty());
    assert_eq!(healthy.at(0.15).specificity(), Some(0.5));
    assert_eq!(healthy.at(0.15).sensitivity(), None);
    let ill = Ranking::new(&[0.1], &[true]).expect("no NaN");
    assert_eq!(ill.auroc(), None);
    let nan = Ranking::new(&[0.1, f64::NAN], &[true, false]).expect_err("NaN");
    assert_eq!(nan.to_string(), "score 2 of 2 is NaN");
    assert!(Ranking::new(&[0.1], &[]).is_err());
}

/// Scores on a coarse grid, so that ties are common.
fn cases() -> impl Strategy<Value = Vec<(f64, bool)>> {
    prop::collection::vec(
        ((0..8_i32).prop_map(|score| f64::from(score) / 4.0), any::<bool>()),
        1..40,
    )
}

proptest! {
    #[test]
    fn auroc_is_the_share_of_pairs_in_order(cases in cases()) {
        let (scores, truth): (Vec<f64>, Vec<bool>) = cases.iter().copied().unzip();
        let (mut won, mut pairs) = (0.0, 0.0);
        for (positive, _) in cases.iter().filter(|case| case.1) {
            for (negative, _) in cases.iter().filter(|case| !case.1) {
                pairs += 1.0;
                won += match positive.total_cmp(negative) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                };
            }
        }
        let auroc = Ranking::new(&scores, &truth).expect("no NaN").auroc();
        prop_assert_eq!(auroc.is_some(), pairs > 0.0);
        if let Some(auroc) = auroc {
            prop_assert!((auroc - won / pairs).abs() < 1e-12);
        }
    }

    #[test]
    fn counts_at_every_threshold_are_those_of_counting(cases in cases()) {
        let (scores, truth): (Vec<f64>, Vec<bool>) = cases.iter().copied().unzip();
        let ranking = Ranking::new(&scores, &truth).expect("no NaN");
        let (mut best, mut precision_gained, mut recall) = (0.0_f64, 0.0, 0.0);
        for threshold in (-1..9).rev().map(|step| f64::from(step) / 4.0) {
            let count = |found: bool, positive: bool| {
                let alike = |case: &&(f64, bool)| (case.0 >= threshold) == found && case.1 == positive;
                cases.iter().filter(alike).count()
            };
            let expected = Confusion {
                true_positives: count(true, true),
                false_positives: count(true, false),
                true_negatives: count(false, false),
                false_negatives: count(false, true),
            };
            prop_assert_eq!(ranking.at(threshold), expected);
            best = best.max(expected.f1().unwrap_or(0.0));
            if let (Some(precision), Some(now)) = (expected.precision(), expected.sensitivity()) {
                precision_gained += precision * (now - recall);
                recall = now;
            }
        }
        if let (Some(found), Some(average)) = (ranking.best_f1(), ranking.average_precision()) {
            prop_assert!((found.f1 - best).abs() < 1e-12);
            prop_assert!((average - precision_gained).abs() < 1e-12);
        }
    }

    #[test]
    fn the_area_under_the_roc_points_is_the_auroc(cases in cases()) {
        let (scores, truth): (Vec<f64>, Vec<bool>) = cases.into_iter().unzip();
        let ranking = Ranking::new(&scores, &truth).expect("no NaN");
        let area: f64 = ranking.roc().windows(2).map(|pair| {
            let width = pair[1].false_positive_rate - pair[0].false_positive_rate;
            width * (pair[0].true_positive_rate + pair[1].true_positive_rate) / 2.0
        }).sum();
        prop_assert!((area - ranking.auroc().unwrap_or(0.0)).abs() < 1e-12);
    }
}

/// A finding with one 16 × 16 slice; the left half scores, lesion pixels have the error 0.5, others
/// 0.1, and the reconstruction is 0.1 too low everywhere.
pub(super) fn finding(score: f64, has_lesion: Option<bool>, mask: bool) -> Finding {
    let size = (16, 16);
    let half = Array2::from_shape_fn(size, |(_, column)| column < 8);
    let lesion = Array2::from_shape_fn(size, |pixel| has_lesion == Some(true) && pixel.1 < 2);
    let image = Array2::from_elem(size, 0.6_f32);
    let anomaly = Array2::from_shape_fn(size, |pixel| match (half[pixel], lesion[pixel]) {
        (false, _) => 0.0,
        (true, true) => 0.5,
        (true, false) => 0.1,
    });
    let slice = Slice {
        subject: "sub-01".into(),
        index: 0,
        voxels: None,
        image: image.clone(),
        cord: half.clone(),
        csf: Array2::from_elem(size, false),
        region: half.clone(),
        scoring: half,
        lesion: mask.then_some(lesion),
        pixel_spacing_mm: (1.0, 1.0),
    };
    let told = has_lesion.map(|lesion| ("has_lesion".into(), u8::from(lesion).to_string()));
    let subject = Subject {
        name: "sub-01".into(),
        participant: told.into_iter().collect(),
        slices: vec![slice],
        averaged: 1,
        healthy: None,
        discs: Vec::new(),
        native_transform: None,
        image_hash: None,
        lesion_marked: false,
        masks_found: false,
    };
    let segment = |name: &str, score, lesion: bool| SegmentScore {
        name: name.into(),
        from_mm: 0.0,
        to_mm: 10.0,
        score,
        lesion: mask.then_some(lesion),
    };
    let segments =
        vec![segment("C2", score, has_lesion == Some(true)), segment("C3", score / 2.0, false)];
    let curve = AnomalyCurve {
        scoring: Scoring::Published,
        position_mm: vec![5.0],
        error: vec![0.1],
        mean: 0.2,
        segments: segments.clone(),
    };
    let reconstruction = Reconstruction {
        reconstruction: image.mapv(|value| value - 0.1),
        error: anomaly.clone(),
        variance: None,
        probability: None,
        anomaly: None,
    };
    Finding {
        subject: Arc::new(subject),
        segment_borders: SegmentBorders::EqualBins,
        score,
        segments,
        unscored: Vec::new(),
        slices: vec![SliceFinding {
            slice: 0,
            reconstruction,
            anomaly,
            islands: Vec::new(),
            curve: Some(curve),
        }],
        seen: None,
    }
}

fn evaluated(subjects: Vec<Finding>, threshold: ThresholdRule) -> crate::Result<Evaluation> {
    let findings = Findings {
        method: "drawn".into(),
        scoring: Scoring::Published,
        subjects,
        reconstructs: true,
        made_by: None,
        calibration: None,
    };
    let options = EvaluationOptions { threshold, ..EvaluationOptions::default() };
    evaluate(&findings, &options, &Context::new(0))
}

#[test]
fn lesion_probabilities_count_from_zero_where_errors_count_from_the_mean() {
    let dice = |scoring| {
        let subjects = vec![finding(0.9, Some(true), true), finding(0.3, Some(false), true)];
        let found = Findings {
            method: "test".into(),
            scoring,
            subjects,
            reconstructs: true,
            made_by: None,
            calibration: None,
        };
        let options =
            EvaluationOptions { threshold: ThresholdRule::Value(0.4), ..Default::default() };
        let found = evaluate(&found, &options, &Context::new(0)).expect("ground truth is known");
        found.pixels.expect("masks are known").dice
    };
    // Lesions hold 0.5, which exceeds the mean of its slice's curve, 0.2, by 0.3 only.
    assert_eq!(dice(Scoring::Residual), Some(0.0));
    assert_eq!(dice(Scoring::Learned), Some(1.0));
}

#[test]
fn findings_are_evaluated_at_three_levels() {
    let mut unscored = finding(0.0, Some(true), true);
    unscored.segments.clear();
    let subjects = vec![
        finding(0.9, Some(true), true),
        finding(0.5, Some(true), true),
        finding(0.3, Some(false), true),
        finding(0.2, Some(false), false),
        finding(0.7, None, false),
        unscored,
    ];
    let found = evaluated(subjects, ThresholdRule::Value(0.4)).expect("truth is known");
    assert_eq!(
        found.subjects,
        SubjectCounts { with_lesion: 2, without_lesion: 2, unknown: 1, unscored: 1 }
    );
    assert_eq!(found.patients.auroc, Some(1.0));
    let wrong =
        found.patients.confusion.map(|counts| (counts.false_positives, counts.false_negatives));
    assert_eq!(wrong, Some((0, 0)));
    assert_eq!(found.patients.threshold.map(|threshold| threshold.origin), Some("given".into()));
    // Segments of the three subjects with masks: 0.9 and 0.5 with lesion; 0.45, 0.25, 0.3, 0.15.
    let segments = found.segments.expect("three subjects have masks");
    assert_eq!((segments.positives, segments.negatives), (2, 4));
    assert_eq!(segments.confusion.and_then(|counts| counts.specificity()), Some(0.75));
    let pixels = found.pixels.expect("three subjects have masks");
    assert_eq!((pixels.pixels, pixels.lesion_pixels), (3 * 128, 2 * 32));
    assert_eq!(pixels.average_precision, Some(1.0));
    assert_eq!(pixels.best_dice.map(|best| best.f1), Some(1.0));
    // 0.5 exceeds the mean of its slice's curve, 0.2, by 0.3 only.
    assert_eq!(pixels.dice, Some(0.0));
    let normal = found.normal.expect("three subjects have masks");
    assert_eq!(normal.slices, 3);
    assert_relative_eq!(normal.psnr_db, 20.0, epsilon = 1e-4);
    assert!(normal.ssim < 1.0 && normal.ssim > 0.9);
}

#[test]
fn an_interval_encloses_its_auroc_and_is_the_same_every_time() {
    let subjects: Vec<Finding> = (0..20)
        .map(|place| finding(f64::from((place * 7) % 11), Some(place % 3 == 0), false))
        .collect();
    let level = |seed| {
        let findings = Findings {
            method: "drawn".into(),
            reconstructs: true,
            made_by: None,
            calibration: None,
            scoring: Scoring::Published,
            subjects: subjects.clone(),
        };
        let found = evaluate(&findings, &EvaluationOptions::default(), &Context::new(seed));
        found.expect("truth is known").patients
    };
    let first = level(1);
    let interval = first.auroc_interval.expect("enough subjects");
    let auroc = first.auroc.expect("both kinds");
    assert!(interval.low < auroc && auroc < interval.high);
    assert!(interval.low >= 0.0 && interval.high <= 1.0);
    assert_eq!(level(1), first);
    assert_ne!(level(2).auroc_interval, first.auroc_interval);
}

#[test]
fn healthy_subjects_alone_have_no_best_f1_and_unknown_ones_cannot_be_evaluated() {
    let healthy = vec![finding(0.3, Some(false), false), finding(0.2, Some(false), false)];
    let found = evaluated(healthy, ThresholdRule::BestF1).expect("truth is known");
    assert_eq!(found.patients.threshold, None);
    assert_eq!(found.patients.auroc, None);
    assert!(evaluated(vec![finding(0.3, None, false)], ThresholdRule::BestF1).is_err());
    let nan = evaluated(vec![finding(f64::NAN, Some(true), false)], ThresholdRule::BestF1);
    assert!(nan.is_err());
}
