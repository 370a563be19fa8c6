//! Figures of a study as SVG.

use u2ad::baselines::IntensityThreshold;
use u2ad::cohort::{Cohort, SliceGrid};
use u2ad::context::Context;
use u2ad::detection::detect;
use u2ad::figures::intensity_histograms;
use u2ad::phantom::PhantomOptions;

use super::snapshot::check_svg;
use super::study::{figures, numbers_are_comparable};

/// Compares the figures that a cell shows, one for each name.
fn figures_are(source: &str, names: &[&str]) {
    if !numbers_are_comparable() {
        return;
    }
    let figures = figures(source);
    let titles: Vec<_> = figures.iter().map(|figure| &figure.title).collect();
    assert_eq!(figures.len(), names.len(), "{titles:?}");
    for (figure, name) in figures.iter().zip(names) {
        check_svg("figures", name, figure.svg().unwrap());
    }
}

#[test]
fn figures_of_cohorts_and_slices() {
    figures_are("plot(everyone)", &["montage"]);
    figures_are("clinic", &["strip"]);
    figures_are("plot(clinic[0].slices[1])", &["slice"]);
    figures_are("clinic[0].image", &["image"]);
}

#[test]
fn figures_of_training_and_masks() {
    figures_are("plot(model)", &["training_history"]);
    figures_are("plot(uncertainty[\"sub-clinic01\"])", &["uncertainty"]);
    figures_are("plot(masks)", &["masks"]);
}

#[test]
fn figures_of_findings() {
    figures_are("plot(found[0])", &["finding_panels", "anomaly_curve"]);
    figures_are("plot(bright[1], kind = \"curve\")", &["anomaly_curve_of_a_threshold"]);
}

#[test]
fn figures_of_evaluations() {
    figures_are("plot(evaluated)", &["roc", "froc"]);
}

/// A figure that only the library draws.
#[test]
fn histograms() {
    if !numbers_are_comparable() {
        return;
    }
    let context = Context::new(2026);
    let grid = SliceGrid { size: 64, fov_mm: 128, ..SliceGrid::default() };
    let options =
        PhantomOptions { subjects: 2, pixel_spacing_mm: 2.0, ..PhantomOptions::default() };
    let cohort = Cohort::phantom(&options, grid, &context.streams).unwrap();
    let subjects = cohort.subjects(&context).unwrap();
    let found = detect(&IntensityThreshold::default(), &subjects, None, &context).unwrap();
    check_svg("figures", "histograms", intensity_histograms(&[&found]).svg().unwrap());
}
