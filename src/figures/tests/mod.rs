//! Every figure from a drawn cohort, in both formats, and from inputs that have too little.
//! `U2AD_GALLERY=folder cargo test figures` leaves them there to look at.

use std::collections::BTreeMap;
use std::sync::Arc;

use ndarray::Array2;

use super::*;
use crate::baselines::IntensityThreshold;
use crate::cohort::{Cohort, Slice, SliceGrid, Subject};
use crate::context::Context;
use crate::detection::{
    AnomalyCurve, Finding, Findings, Reconstruction, Scoring, SegmentBorders, SegmentScore,
    SliceFinding, detect,
};
use crate::evaluation::{EvaluationOptions, evaluate};
use crate::masking::MaskingStrategy;
use crate::options::Choice;
use crate::phantom::PhantomOptions;
use crate::training::{EpochRecord, History, Stage};
use crate::uncertainty::Uncertainty;

mod samples;
mod slice_stack;

use samples::*;

/// Every kind of figure, named.
fn gallery() -> Vec<(&'static str, Figure)> {
    let lesion = slice("sub-clinic01", Some(true));
    let mut scored = reconstruction(&lesion);
    scored.probability = Some(scored.error.mapv(|error| (4.0 * error).min(1.0)));
    let reconstructed = reconstruction(&lesion);
    let uncertainty = Uncertainty {
        variance: reconstructed.variance.clone().unwrap(),
        mean: reconstructed.reconstruction.clone(),
        error: reconstructed.error.clone(),
        passes: 14,
    };
    let cohort: Vec<_> = (0..9)
        .map(|n| subject(&format!("sub-{n:02}"), [None, Some(false), Some(true)][n % 3]))
        .collect();
    let methods = [method_roc("U²AD", 0.2), method_roc("intensity threshold", 0.6)];
    let found = findings();
    vec![
        ("montage", cohort_montage("Cohort: clinic", &cohort)),
        (
            "reconstruction",
            reconstruction_panels(
                &lesion,
                &slice_finding(reconstructed.clone(), Some(Scoring::Residual)),
                "U²AD",
                true,
            ),
        ),
        ("uncertainty", uncertainty_panels(&lesion, &uncertainty)),
        ("masks", masking_strategies(&lesion, "hiding probability", &masks(true))),
        ("masks-plain", masking_strategies(&lesion, "", &masks(false))),
        (
            "panels-scored",
            reconstruction_panels(
                &lesion,
                &slice_finding(scored, Some(Scoring::Learned)),
                "U²AD",
                true,
            ),
        ),
        ("history", training_history(&history(120))),
        ("curve", anomaly_curve(&found.subjects[0], "U²AD")),
        ("roc", roc_curves(&methods)),
        ("froc", froc_curves(&[method_froc("U²AD", 1.0), method_froc("intensity threshold", 0.3)])),
        ("histograms", intensity_histograms(&[&found])),
        ("slice", slice_view(&lesion)),
        (
            "map",
            map_view(
                "Error",
                &reconstructed.error,
                (1.0, 1.0),
                "error (intensity)",
                ColourMap::Inferno,
                None,
            ),
        ),
    ]
}

/// Inputs with too little, too much or nonsense in them.
fn oddities() -> Vec<(&'static str, Figure)> {
    let nan = f64::NAN;
    let mut bare = slice("sub-bare", None);
    for mask in [&mut bare.region, &mut bare.cord, &mut bare.csf, &mut bare.scoring] {
        mask.fill(false);
    }
    bare.image.fill(f32::NAN);
    bare.pixel_spacing_mm = (nan, 0.0);
    let mut unknown = reconstruction(&bare);
    unknown.variance = None;
    unknown.error.fill(f32::NAN);

    let mut broken = history(3);
    broken.epochs[1].loss = nan;
    broken.epochs[2].learning_rate = f64::INFINITY;
    let name = "sub-".to_string() + &"averylongname".repeat(30);
    let mut odd = finding(&name, None);
    odd.segment_borders = SegmentBorders::EqualBins;
    if let Some(curve) = &mut odd.slices[0].curve {
        curve.error[5..9].fill(nan);
        curve.segments[0].name = "a segment with a very long name".into();
        curve.segments[1].score = nan;
    }
    let mut flat = finding("sub-flat", Some(false));
    flat.slices[0].curve = Some(AnomalyCurve {
        scoring: Scoring::Published,
        position_mm: vec![0.0],
        error: vec![0.0],
        mean: 0.0,
        segments: vec![],
    });
    let mut blank = finding("sub-blank", None);
    blank.slices.clear();
    let constant = MethodRoc {
        method: "constant ".repeat(20),
        points: vec![(0.0, 0.0), (1.0, 1.0)],
        auroc: nan,
        operating_point: None,
        patients: vec![(0.5, true), (0.5, false), (nan, true)],
    };
    let healthy = Findings {
        method: "U²AD".into(),
        reconstructs: true,
        made_by: None,
        calibration: None,
        scoring: Scoring::Published,
        subjects: vec![flat.clone()],
    };
    let empty = Arc::new(Subject {
        name: name.as_str().into(),
        participant: BTreeMap::new(),
        slices: vec![],
        averaged: 1,
        healthy: None,
        discs: vec![],
        native_transform: None,
        image_hash: None,
        lesion_marked: false,
        masks_found: false,
    });
    let many: Vec<_> = (0..31).map(|n| subject(&format!("sub-{n}"), None)).collect();
    let methods: Vec<_> = (0_u8..11)
        .map(|n| {
            method_roc(&format!("autoencoder with uncertainty, variant {n}"), f64::from(n) / 9.0)
        })
        .collect();
    let nothing = Array2::<f32>::zeros((0, 0));
    vec![
        ("montage-none", cohort_montage("Cohort: nobody", &[])),
        ("montage-one", cohort_montage(&name, &[empty])),
        ("montage-many", cohort_montage("Cohort: many", &many)),
        (
            "reconstruction-bare",
            reconstruction_panels(&bare, &slice_finding(unknown, None), "threshold", false),
        ),
        ("masks-none", masking_strategies(&bare, "probability", &[])),
        ("masks-bare", masking_strategies(&bare, "probability", &masks(true))),
        ("history-none", training_history(&History::default())),
        ("history-one", training_history(&history(1))),
        ("history-broken", training_history(&broken)),
        ("curve-odd", anomaly_curve(&odd, "U²AD")),
        ("curve-flat", anomaly_curve(&flat, "U²AD")),
        ("curve-none", anomaly_curve(&blank, "U²AD")),
        ("roc-many", roc_curves(&methods)),
        ("roc-none", roc_curves(&[])),
        ("roc-constant", roc_curves(&[constant])),
        ("froc-none", froc_curves(&[])),
        (
            "froc-far",
            froc_curves(&[MethodFroc {
                points: vec![(0.0, 0.0), (40.0, nan), (400.0, 1.0)],
                operating_point: None,
                ..method_froc(&name, 0.01)
            }]),
        ),
        ("histograms-none", intensity_histograms(&[])),
        ("histograms-healthy", intensity_histograms(&[&healthy])),
        ("slice-bare", slice_view(&bare)),
        ("map-none", map_view("", &nothing, (1.0, 1.0), "", ColourMap::Grey, Some((nan, 1.0)))),
    ]
}

/// Both renderings, and what must hold of any.
fn rendered(name: &str, figure: &Figure) -> (Vec<u8>, String) {
    let png = figure.png().unwrap_or_else(|error| panic!("{name}: {error}"));
    let svg = figure.svg().unwrap_or_else(|error| panic!("{name}: {error}"));
    if let Ok(folder) = std::env::var("U2AD_GALLERY") {
        std::fs::write(format!("{folder}/{name}.png"), &png).unwrap();
        std::fs::write(format!("{folder}/{name}.svg"), &svg).unwrap();
    }
    let image = image::load_from_memory(&png).unwrap().to_rgb8();
    assert_eq!((image.width(), image.height()), (figure.width, figure.height), "{name}");
    let size = format!("<svg width=\"{}\" height=\"{}\" ", figure.width, figure.height);
    assert!(svg.starts_with(&size) && svg.trim_end().ends_with("</svg>"), "{name}");
    (png, svg)
}

#[test]
fn every_figure_renders_in_both_formats_at_its_size() {
    for (name, figure) in gallery() {
        let (png, svg) = rendered(name, &figure);
        let image = image::load_from_memory(&png).unwrap().to_rgb8();
        let marked = image.pixels().filter(|pixel| pixel.0 != [255; 3]).count();
        assert!(marked * 100 > image.pixels().len(), "{name} is nearly empty");
        assert!(figure.width >= 600 && figure.width <= 2400, "{name}: {}", figure.width);
        assert!(svg.contains("<text") && svg.len() < 2_000_000, "{name}: {} bytes", svg.len());
    }
}

#[test]
fn inputs_with_too_little_still_give_a_figure() {
    for (name, figure) in oddities() {
        rendered(name, &figure);
    }
}

#[test]
fn the_same_input_gives_the_same_bytes_whatever_the_threads() {
    let all = || -> Vec<_> { gallery().iter().map(|(name, f)| rendered(name, f)).collect() };
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert!(all() == single.install(all));
}

#[test]
fn a_phantom_cohort_is_shown_from_its_subjects_to_its_evaluation() {
    let context = Context::new(5);
    let options = PhantomOptions {
        subjects: 4,
        clinical: Some(4),
        pixel_spacing_mm: 1.4,
        ..Default::default()
    };
    let cohort = Cohort::phantom(&options, SliceGrid::of_size(128), &context.streams).unwrap();
    let subjects = cohort.subjects(&context).unwrap();
    let methods = [None, Some(20.0)].map(|local_mm| IntensityThreshold { local_mm });
    let found = methods.map(|method| detect(&method, &subjects, None, &context).unwrap());
    let evaluated = found.each_ref().map(|findings| {
        let evaluation = evaluate(findings, &EvaluationOptions::default(), &context).unwrap();
        (MethodRoc::new(&evaluation), MethodFroc::new(&evaluation))
    });
    let frocs: Vec<MethodFroc> = evaluated.iter().filter_map(|one| one.1.clone()).collect();
    assert_eq!(frocs.len(), 2, "the lesions of phantoms are known");
    let evaluated = evaluated.map(|one| one.0);
    for method in &evaluated {
        assert_eq!(method.patients.len(), subjects.len());
        assert_eq!(
            (method.points.first(), method.points.last()),
            (Some(&(0.0, 0.0)), Some(&(1.0, 1.0)))
        );
        let point = method.operating_point.as_ref().unwrap();
        let at = (point.false_positive_rate, point.true_positive_rate);
        assert!(method.points.contains(&at), "{at:?} is on the curve");
    }
    let findings = &found[0];
    let worst = findings.subjects.iter().max_by(|a, b| a.score.total_cmp(&b.score)).unwrap();
    let slice = worst.highest_slice().unwrap();
    let figures = [
        ("phantom-montage", cohort_montage("Cohort: phantoms", &subjects)),
        (
            "phantom-reconstruction",
            reconstruction_panels(
                &worst.subject.slices[slice.slice],
                slice,
                &findings.method,
                true,
            ),
        ),
        ("phantom-curve", anomaly_curve(worst, &findings.method)),
        ("phantom-roc", roc_curves(&evaluated)),
        ("phantom-froc", froc_curves(&frocs)),
        ("phantom-histograms", intensity_histograms(&found.each_ref())),
        ("phantom-slice", slice_view(&worst.subject.slices[slice.slice])),
    ];
    for (name, figure) in figures {
        rendered(name, &figure);
    }
}

#[test]
fn pictures_in_an_svg_are_embedded_once_each() {
    let svg = slice_view(&slice("sub-a&b\u{1b}", Some(true))).svg().unwrap();
    // The slice and its colour bar.
    assert_eq!(svg.matches("<image").count(), 2);
    assert!(svg.matches("<rect").count() < 10);
    assert!(svg.contains("sub-a&amp;b, slice 7") && !svg.contains("a&b"));
}

#[test]
fn letters_that_the_font_lacks_are_named_and_stay_in_an_svg() {
    let named = |title: &str| Figure::own(title, "Größe in mm²", (300, 80), |_| Ok(()));
    let (chinese, latin) = (named("sub-患者01"), named("sub-01"));
    assert_eq!(chinese.letters_without_a_sign().unwrap(), "患者");
    assert_eq!(latin.letters_without_a_sign().unwrap(), "");
    assert!(chinese.svg().unwrap().contains("sub-患者01"));
    // A sign in a PNG, not a gap.
    assert_ne!(chinese.png().unwrap(), named("sub-  01").png().unwrap());
    assert_eq!(chinese.png().unwrap(), named("sub-\u{FFFD}\u{FFFD}01").png().unwrap());
}
