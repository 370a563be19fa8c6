//! Detection on cords drawn here.

use std::f64::consts::PI;
use std::sync::Arc;

use ndarray::{Array2, Axis, Zip};

use super::*;
use crate::cohort::{Disc, Slice, Subject};
use crate::context::Context;
use crate::scoring::{Calibration, MaskOrigins};
use crate::{Error, Result};

const RADIUS: f64 = 70.0;
const HALF_ANGLE: f64 = 0.9;

/// Its error is the image itself: what is bright is an anomaly.
struct Brightness;

impl Reconstructor for Brightness {
    fn name(&self) -> String {
        "brightness".into()
    }

    fn reconstruct(&self, slices: &[&Slice], context: &Context) -> Result<Vec<Reconstruction>> {
        context.check()?;
        Ok(slices
            .iter()
            .map(|slice| Reconstruction {
                reconstruction: Array2::zeros(slice.image.dim()),
                error: slice.image.clone(),
                variance: None,
                probability: None,
                anomaly: None,
            })
            .collect())
    }
}

/// Returns NaN for the second slice.
struct Broken;

impl Reconstructor for Broken {
    fn name(&self) -> String {
        "broken".into()
    }

    fn reconstruct(&self, slices: &[&Slice], context: &Context) -> Result<Vec<Reconstruction>> {
        let mut reconstructions = Brightness.reconstruct(slices, context)?;
        reconstructions[1].error[(3, 3)] = f32::NAN;
        Ok(reconstructions)
    }
}

/// The place (row, column) at an angle of the arc in a slice of `size` pixels for 200 mm.
fn place(size: usize, angle: f64) -> (f64, f64) {
    let pixel = 200.0 / size as f64;
    ((100.0 + RADIUS * angle.sin()) / pixel, (60.0 + RADIUS * angle.cos()) / pixel)
}

/// A cord along an arc of 126 mm, with a bright spot of 3 mm radius at an angle.
fn slice(index: usize, size: usize, spot: Option<f64>) -> Slice {
    let pixel = 200.0 / size as f64;
    let within = |half_width: f64, half_angle: f64| {
        Array2::from_shape_fn((size, size), |(row, column)| {
            let (down, back) = (row as f64 * pixel - 100.0, column as f64 * pixel - 60.0);
            (down.hypot(back) - RADIUS).abs() <= half_width && down.atan2(back).abs() <= half_angle
        })
    };
    let lesion = Array2::from_shape_fn((size, size), |(row, column)| {
        spot.is_some_and(|angle| {
            let centre = place(size, angle);
            (row as f64 - centre.0).hypot(column as f64 - centre.1) * pixel <= 3.0
        })
    });
    // An uneven background, so that islands have something to stand out from.
    let image = Array2::from_shape_fn((size, size), |pixel| {
        let texture = ((pixel.0 * 7 + pixel.1 * 13) % 11) as f32 * 0.005;
        if lesion[pixel] { 0.8 } else { 0.3 + texture }
    });
    Slice {
        subject: "sub-01".into(),
        index,
        voxels: None,
        image,
        cord: within(5.0, HALF_ANGLE),
        csf: Array2::from_elem((size, size), false),
        region: within(6.0, HALF_ANGLE + 0.02),
        scoring: within(4.0, HALF_ANGLE - 0.01),
        lesion: Some(lesion),
        pixel_spacing_mm: (pixel, pixel),
    }
}

/// Discs 15 mm in front of the arc at equal angles: segments of 18 mm, C2 from the upper end.
fn discs(size: usize) -> Vec<Disc> {
    (0..6)
        .map(|disc| {
            let angle = border(disc);
            let back = |radius: f64| (60.0 + radius * angle.cos()) * size as f64 / 200.0;
            let down = |radius: f64| (100.0 + radius * angle.sin()) * size as f64 / 200.0;
            let radius = RADIUS - 15.0;
            Disc { value: 3 + disc, row: down(radius), column: back(radius) }
        })
        .collect()
}

fn border(disc: u8) -> f64 {
    HALF_ANGLE * (2.0 * f64::from(disc + 1) / 7.0 - 1.0)
}

fn subject(slices: Vec<Slice>, discs: Vec<Disc>) -> Arc<Subject> {
    Arc::new(Subject {
        name: "sub-01".into(),
        participant: Default::default(),
        slices,
        averaged: 1,
        healthy: None,
        discs,
        native_transform: None,
        image_hash: None,
        lesion_marked: false,
        masks_found: false,
    })
}

fn detect_one(subject: Arc<Subject>) -> Finding {
    let findings = detect(&Brightness, &[subject], Some(Scoring::Published), &Context::new(0))
        .expect("brightness cannot fail");
    findings.subjects.into_iter().next().expect("one subject")
}

const LEVELS: [&str; 7] = ["above C2/C3", "C3", "C4", "C5", "C6", "C7", "below C7/T1"];

#[test]
fn a_bright_spot_on_a_curved_cord_is_found_at_its_level_and_position() {
    for size in [128, 256] {
        for (level, name) in LEVELS.iter().enumerate() {
            let angle = HALF_ANGLE * ((2 * level + 1) as f64 / 7.0 - 1.0);
            let slices = vec![slice(0, size, None), slice(1, size, Some(angle))];
            let found = detect_one(subject(slices, discs(size)));
            assert_eq!(found.segment_borders, SegmentBorders::Discs);
            assert_eq!(found.segments.len(), 7);
            for segment in &found.segments {
                let hit = segment.name == *name;
                assert_eq!(segment.lesion, Some(hit), "{} for {name}", segment.name);
                assert_eq!(segment.score == found.score, hit);
                assert!((segment.to_mm - segment.from_mm - 18.0).abs() < 1.0);
            }
            assert!(found.score > 0.2, "{}", found.score);

            let highest = found.highest_slice().expect("scored");
            assert_eq!(highest.slice, 1);
            assert_eq!(highest.islands[0].segment.as_deref(), Some(*name));
            assert!((highest.islands[0].area_mm2 - 9.0 * PI).abs() < 6.0);
            let curve = highest.curve.as_ref().expect("scored");
            let peak = (0..curve.error.len())
                .max_by(|a, b| curve.error[*a].total_cmp(&curve.error[*b]))
                .expect("not empty");
            let expected = (angle + HALF_ANGLE) * RADIUS;
            let position = curve.position_mm[peak];
            assert!((position - expected).abs() < 1.5, "{position} instead of {expected}");
        }
    }
}

#[test]
fn a_mirrored_and_a_turned_cord_score_the_same() {
    let original = slice(0, 200, Some(0.3));
    let mirror = |axis: Option<usize>| {
        let turn = |map: &Array2<bool>| transform(map, axis);
        Slice {
            image: transform(&original.image, axis),
            cord: turn(&original.cord),
            csf: turn(&original.csf),
            region: turn(&original.region),
            scoring: turn(&original.scoring),
            lesion: original.lesion.as_ref().map(turn),
            ..original.clone()
        }
    };
    let score = |slice: Slice| detect_one(subject(vec![slice], Vec::new())).score;
    let expected = score(original.clone());
    for axis in [Some(0), Some(1), None] {
        let found = score(mirror(axis));
        assert!((found - expected).abs() < 0.02, "{found} instead of {expected}");
    }
}

/// Mirrored along an axis, or transposed.
fn transform<T: Clone>(map: &Array2<T>, axis: Option<usize>) -> Array2<T> {
    let mut view = map.view();
    match axis {
        Some(axis) => view.invert_axis(Axis(axis)),
        None => view.swap_axes(0, 1),
    }
    view.to_owned()
}

#[test]
fn without_discs_the_cord_is_cut_into_equal_lengths() {
    let found = detect_one(subject(vec![slice(0, 256, Some(0.0))], Vec::new()));
    assert_eq!(found.segment_borders, SegmentBorders::EqualBins);
    let names: Vec<&str> = found.segments.iter().map(|segment| segment.name.as_str()).collect();
    assert_eq!(names, ["bin 1", "bin 2", "bin 3", "bin 4", "bin 5", "bin 6", "bin 7"]);
    let length = found.segments[0].to_mm;
    for segment in &found.segments {
        assert!((segment.to_mm - segment.from_mm - length).abs() < 1e-6);
    }
    assert_eq!(found.segments[3].lesion, Some(true));
    assert_eq!(found.segments[3].score, found.score);
}

#[test]
fn discs_out_of_order_are_not_used() {
    let mut discs = discs(256);
    (discs[1].value, discs[4].value) = (discs[4].value, discs[1].value);
    let found = detect_one(subject(vec![slice(0, 256, None)], discs));
    assert_eq!(found.segment_borders, SegmentBorders::EqualBins);
}

#[test]
fn slices_of_different_sizes_and_a_slice_with_hardly_any_cord_are_scored_as_far_as_possible() {
    let mut small = slice(2, 96, None);
    small.cord.fill(false);
    small.cord[(40, 40)] = true;
    small.scoring.fill(false);
    let slices = vec![slice(0, 128, Some(0.2)), slice(1, 256, Some(0.2)), small];
    let found = detect_one(subject(slices, Vec::new()));
    assert!(found.slices[2].curve.is_none() && found.slices[2].islands.is_empty());
    let scores: Vec<f64> = found.slices.iter().filter_map(SliceFinding::score).collect();
    assert_eq!(scores.len(), 2);
    assert!((scores[0] - scores[1]).abs() < 0.05, "{scores:?}");
    let bins: Vec<usize> = found
        .slices
        .iter()
        .filter_map(|slice| slice.curve.as_ref())
        .map(|curve| curve.segments.iter().position(|segment| segment.lesion == Some(true)))
        .map(|bin| bin.expect("the spot lies in a bin"))
        .collect();
    assert_eq!(bins[0], bins[1]);
}

#[test]
fn an_empty_scoring_region_gives_no_score_instead_of_a_number() {
    let mut empty = slice(0, 128, None);
    empty.scoring.fill(false);
    let found = detect_one(subject(vec![empty], Vec::new()));
    assert!(!found.is_scored() && found.highest_slice().is_none());
    assert_eq!(found.score, 0.0);
    let found = detect_one(subject(Vec::new(), discs(128)));
    assert!(!found.is_scored());
}

#[test]
fn the_bright_side_of_the_cord_is_left_out_but_a_compressed_cord_is_scored() {
    let narrow = |narrowed: &dyn Fn(f64) -> bool| {
        let mut slice = slice(0, 256, Some(0.0));
        let pixel = slice.pixel_spacing_mm.0;
        slice.scoring.indexed_iter_mut().for_each(|((row, column), scored)| {
            let (down, back) = (row as f64 * pixel - 100.0, column as f64 * pixel - 60.0);
            let outside = (down.hypot(back) - RADIUS).abs() > 0.8;
            *scored &= !(narrowed(down.atan2(back)) && outside);
        });
        detect_one(subject(vec![slice], discs(256)))
    };
    assert!(!narrow(&|_| true).is_scored());
    // Over 10 mm around the spot.
    let compressed = narrow(&|angle| angle.abs() < 5.0 / RADIUS);
    let highest = compressed.segments.iter().max_by(|a, b| a.score.total_cmp(&b.score));
    assert_eq!(highest.map(|segment| segment.name.as_str()), Some("C5"));
    assert!(compressed.score > 0.2);
}

#[test]
fn the_anomaly_map_is_the_error_inside_the_scoring_region() {
    let slice = slice(0, 128, Some(0.1));
    let found = detect_one(subject(vec![slice.clone()], Vec::new()));
    Zip::from(&found.slices[0].anomaly).and(&slice.image).and(&slice.scoring).for_each(
        |&anomaly, &image, &scored| assert_eq!(anomaly, if scored { image } else { 0.0 }),
    );
}

#[test]
fn not_a_number_is_refused_with_subject_and_slice() {
    let subject = subject(vec![slice(4, 128, None), slice(5, 128, None)], Vec::new());
    let error = detect(&Broken, &[subject], None, &Context::new(0)).expect_err("NaN");
    assert_eq!(
        error.to_string(),
        "subject sub-01: slice 5: broken returned a map of error with values that are not finite"
    );
}

#[test]
fn an_interrupt_ends_detection_and_an_empty_cohort_is_an_error() {
    let context = Context::new(0);
    context.cancel.cancel();
    let subjects = [subject(vec![slice(0, 128, None)], Vec::new())];
    assert!(matches!(detect(&Brightness, &subjects, None, &context), Err(Error::Cancelled)));
    assert!(matches!(detect(&Brightness, &[], None, &Context::new(0)), Err(Error::Input(_))));
}

#[test]
fn p_values_of_other_masks_than_those_of_the_calibration_are_questioned() {
    let size = 128;
    let with = |masks_found: bool| {
        let subject = (*subject(vec![slice(0, size, None)], discs(size))).clone();
        Arc::new(Subject { masks_found, ..subject })
    };
    let people = [with(false), with(true), with(true)];
    let mut found =
        detect(&Brightness, &people, Some(Scoring::Published), &Context::new(0)).unwrap();
    let calibrated = |masks: Option<(usize, usize)>| {
        let monte_carlo = crate::uncertainty::MonteCarlo::default();
        let trained = crate::scoring::TrainingState { epochs: 1, steps: None };
        Arc::new(Calibration {
            scoring: "published".to_owned(),
            state: crate::scoring::CalibratedState { monte_carlo, trained, scorer: None },
            round: 0,
            scores: vec![1.0],
            subjects: crate::scoring::SeenImages::default(),
            lesion_threshold: 1.0,
            false_positives_per_subject: 0.0,
            allowed: 0.5,
            masks: masks.map(|(given, found)| MaskOrigins { given, found }),
        })
    };
    let mut said = |masks| {
        found.calibration = Some(calibrated(masks));
        found.unlike_calibration()
    };
    assert_eq!(
        said(Some((5, 0))).unwrap(),
        "the model was calibrated on subjects with given masks; 2 subjects here have masks that the program found, so \
         their p-values may be too small or too large"
    );
    let other = said(Some((0, 5))).unwrap();
    assert!(other.contains("1 subject here has given masks, so its p-value may be"), "{other}");
    assert_eq!((said(Some((4, 1))), said(None)), (None, None));
    // Files of earlier versions do not say it.
    let mut file = serde_json::to_value(&*calibrated(Some((1, 0)))).unwrap();
    file.as_object_mut().unwrap().remove("masks");
    assert_eq!(serde_json::from_value::<Calibration>(file).unwrap(), *calibrated(None));
}
