//! What the pages hold.

use std::fs;

use super::*;
use crate::baselines::IntensityThreshold;
use crate::cohort::{Cohort, IntensityScale, SliceGrid};
use crate::context::{Context, Streams};
use crate::detection::{Findings, detect};
use crate::evaluation::Threshold;
use crate::phantom::PhantomOptions;

const GRID: SliceGrid =
    SliceGrid { size: 64, fov_mm: 128, slice_mm: 0, intensity: IntensityScale::Percentile };

fn findings() -> (Findings, Cohort, Context) {
    let context = Context::new(0);
    let options = PhantomOptions { subjects: 3, ..PhantomOptions::default() };
    let cohort = Cohort::phantom(&options, GRID, &Streams::new(3)).unwrap();
    let subjects = cohort.subjects(&context).unwrap();
    let found = detect(&IntensityThreshold::default(), &subjects, None, &context).unwrap();
    (found, cohort, context)
}

/// The data of the viewers, in the order of the subjects.
fn viewers(page: &str) -> Vec<serde_json::Value> {
    let (start, end) = ("<script type=\"application/json\">", "</script>");
    let scripts = page.split(start).skip(1).map(|rest| rest.split(end).next().unwrap());
    scripts.map(|script| serde_json::from_str(script).unwrap()).collect()
}

#[test]
fn a_report_shows_every_subject_and_fetches_nothing() {
    let (found, cohort, context) = findings();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.html");
    let threshold = Threshold { value: 0.25, origin: "given".into() };
    let report = FindingsReport {
        findings: &found,
        cohort: &cohort,
        model: None,
        lesion_threshold: Some(&threshold),
    };
    let written = report.write(&path, &context).unwrap();
    let page = fs::read_to_string(&path).unwrap();
    assert_eq!((written.subjects, written.bytes), (3, page.len()));
    for outside in ["http:", "https:", " src=\"/", "@import", "url("] {
        let place = page.find(outside).map(|at| &page[at..(at + 80).min(page.len())]);
        assert!(
            place.is_none_or(|text| text.starts_with("http://www.w3.org/2000/svg")),
            "{place:?}"
        );
    }
    let viewers = viewers(&page);
    assert_eq!(viewers.len(), 3);
    for (viewer, finding) in viewers.iter().zip(&found.subjects) {
        let name = &*finding.subject.name;
        assert!(page.contains(&format!("href=\"#subject-{name}\"")), "{name}");
        assert_eq!(viewer["slices"].as_array().unwrap().len(), finding.slices.len());
        assert_eq!(viewer["overlays"][0]["name"], "Anomaly");
        let first = viewer["first"].as_u64().unwrap() as usize;
        let curve = finding.slices[first].curve.as_ref().unwrap();
        let values = viewer["slices"][first]["curve"]["value"].as_array().unwrap();
        assert_eq!(values.len(), curve.error.len());
        assert!((values[5].as_f64().unwrap() - curve.error[5]).abs() < 1e-5);
        assert!(page.contains(&format!("{:.4}", finding.score)), "{name}");
    }
    assert!(page.contains("patient AUROC") && page.contains("Detected lesions"));
    report.write(&path, &context).unwrap();
    assert!(fs::read_to_string(&path).unwrap() == page, "equal findings make equal pages");
}

#[test]
fn the_map_of_a_page_is_the_anomaly_map_to_one_level_of_255() {
    use base64::Engine as _;
    let (found, cohort, context) = findings();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.html");
    let report =
        FindingsReport { findings: &found, cohort: &cohort, model: None, lesion_threshold: None };
    report.write(&path, &context).unwrap();
    let viewer = &viewers(&fs::read_to_string(&path).unwrap())[1];
    let layer = &viewer["overlays"][0];
    let png = base64::engine::general_purpose::STANDARD
        .decode(layer["sprite"].as_str().unwrap())
        .unwrap();
    let strip = image::load_from_memory(&png).unwrap().to_luma8();
    let to = layer["to"].as_f64().unwrap();
    let (columns, slices) =
        (viewer["columns"].as_u64().unwrap() as usize, &found.subjects[1].slices);
    let crop = sprite::Crop::around(&found.subjects[1].subject.slices);
    let mut compared = 0;
    for (place, found) in slices.iter().enumerate() {
        for ((row, column), value) in
            found.anomaly.indexed_iter().filter(|(_, value)| **value > 0.0)
        {
            let x = place * columns + column - crop.columns.start;
            let level = strip.get_pixel(x as u32, (row - crop.rows.start) as u32).0[0];
            let shown = f64::from(level) / 255.0 * to;
            assert!((shown - f64::from(*value)).abs() <= to / 255.0, "{shown} instead of {value}");
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared} pixels");
}

#[test]
fn a_quality_report_measures_the_masks() {
    let (_, cohort, context) = findings();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("qc.html");
    let written = quality_report(&cohort, &path, &context).unwrap();
    let page = fs::read_to_string(&path).unwrap();
    assert_eq!((written.subjects, viewers(&page).len()), (3, 3));
    assert!(page.contains("mean cord width (mm)") && page.contains("cord length (mm)"));
}

#[test]
fn words_cannot_become_markup() {
    let (mut found, cohort, context) = findings();
    found.method = "<script>alert(1)</script>".to_owned();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.html");
    let report =
        FindingsReport { findings: &found, cohort: &cohort, model: None, lesion_threshold: None };
    report.write(&path, &context).unwrap();
    assert!(!fs::read_to_string(&path).unwrap().contains("<script>alert"));
}

#[test]
fn a_report_is_a_file_of_html() {
    let (_, cohort, context) = findings();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("folder.html")).unwrap();
    for name in ["study", "study.pdf", "folder.html"] {
        let error = quality_report(&cohort, &folder.path().join(name), &context).unwrap_err();
        assert!(error.to_string().contains("ends in .html"), "{error}");
    }
    fs::write(folder.path().join("file"), "").unwrap();
    let error = quality_report(&cohort, &folder.path().join("file/a.html"), &context).unwrap_err();
    assert!(error.to_string().contains("a.html"), "{error}");
}

#[test]
fn a_view_is_a_page_of_one_subject_in_a_frame_without_access_to_the_notebook() {
    let (found, cohort, context) = findings();
    let subjects = cohort.subjects(&context).unwrap();
    let shown = subject_view(&subjects[0]).unwrap();
    assert!(shown.html.starts_with("<iframe title=\"") && shown.html.ends_with("></iframe>"));
    assert!(shown.html.contains("sandbox=\"allow-scripts\""));
    // The page is the value of an attribute: a quote in it would end the attribute.
    let page = shown.html.split("srcdoc=\"").nth(1).unwrap().split('"').next().unwrap();
    let page = page.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
    let page = page.replace("&amp;", "&");
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"));
    let viewers = viewers(&page);
    assert_eq!(viewers.len(), 1);
    assert_eq!(viewers[0]["slices"].as_array().unwrap().len(), subjects[0].slices.len());
    let shown = finding_view(&found.subjects[1], &found).unwrap();
    assert!(shown.text.contains(&*found.subjects[1].subject.name), "{}", shown.text);
    assert!(shown.html.contains("Anomaly"));
}
