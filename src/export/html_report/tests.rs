//! What the pages hold.

use std::fs;
use std::sync::Arc;

use ndarray::Array2;

use super::*;
use crate::baselines::IntensityThreshold;
use crate::cohort::{Cohort, IntensityScale, SliceGrid};
use crate::context::{Context, Streams};
use crate::detection::{Findings, Scoring, detect};
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

/// The levels of a layer with two bytes, slices side by side, and what one level is.
fn levels(layer: &serde_json::Value) -> (Vec<f64>, usize, f64) {
    use base64::Engine as _;
    let png = base64::engine::general_purpose::STANDARD
        .decode(layer["sprite"].as_str().unwrap())
        .unwrap();
    let strip = image::load_from_memory(&png).unwrap().to_luma8();
    assert_eq!(layer["bytes"], 2);
    let columns = strip.width() as usize;
    let pixels = strip.into_raw();
    let (high, low) = pixels.split_at(pixels.len() / 2);
    let level = |(high, low): (&u8, &u8)| f64::from(u16::from_be_bytes([*high, *low]));
    (high.iter().zip(low).map(level).collect(), columns, layer["step"].as_f64().unwrap())
}

#[test]
fn a_map_reads_as_its_curve_and_tables_do_also_where_scores_are_low() {
    let (mut found, cohort, context) = findings();
    for finding in &mut found.subjects[..1] {
        for slice in &mut finding.slices {
            slice.anomaly.mapv_inplace(|value| value / 700.0);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.html");
    let report =
        FindingsReport { findings: &found, cohort: &cohort, model: None, lesion_threshold: None };
    report.write(&path, &context).unwrap();
    let viewers = viewers(&fs::read_to_string(&path).unwrap());
    assert_eq!(viewers.len(), found.subjects.len());
    for (viewer, finding) in viewers.iter().zip(&found.subjects) {
        let layer = &viewer["overlays"][0];
        let (levels, strip, step) = levels(layer);
        assert_eq!(layer["decimals"], viewer["curve_decimals"]);
        let highest = levels.iter().copied().fold(0.0, f64::max);
        assert!((6553.0..=65535.0).contains(&highest), "{highest} levels are used");
        let crop = sprite::Crop::around(&finding.subject.slices);
        let mut compared = 0;
        for (place, found) in finding.slices.iter().enumerate() {
            for ((row, column), value) in
                found.anomaly.indexed_iter().filter(|(_, value)| **value > 0.0)
            {
                let x = place * crop.columns.len() + column - crop.columns.start;
                let shown = levels[(row - crop.rows.start) * strip + x] * step;
                let away = (shown - f64::from(*value)).abs();
                assert!(away <= 0.501 * step, "{shown} instead of {value}");
                compared += 1;
            }
        }
        assert!(compared > 100, "{compared} pixels");
    }
}

#[test]
fn a_learned_anomaly_and_the_lesion_probability_are_the_same_number() {
    let (mut found, cohort, context) = findings();
    found.scoring = Scoring::Learned;
    let slices = found.subjects.iter().flat_map(|finding| &finding.slices);
    let highest = slices.flat_map(|slice| &slice.anomaly).copied().fold(0.0, f32::max) / 0.9;
    for finding in &mut found.subjects {
        for slice in &mut finding.slices {
            // Beside the scoring region the network sees a lesion, too.
            let probability = slice.anomaly.mapv(|value| (value / highest).max(0.004));
            slice.anomaly.mapv_inplace(|value| value / highest);
            slice.reconstruction.probability = Some(probability);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.html");
    let report =
        FindingsReport { findings: &found, cohort: &cohort, model: None, lesion_threshold: None };
    report.write(&path, &context).unwrap();
    let viewers = viewers(&fs::read_to_string(&path).unwrap());
    assert_eq!(viewers.len(), found.subjects.len());
    let mut compared = 0;
    for viewer in viewers {
        let layers = viewer["overlays"].as_array().unwrap();
        let (anomaly, probability) = (&layers[0], layers.last().unwrap());
        assert_eq!(
            (&anomaly["name"], &probability["name"]),
            (&"Anomaly".into(), &"Lesion probability".into())
        );
        assert_eq!(
            (&anomaly["step"], &anomaly["scored_only"]),
            (&probability["step"], &true.into())
        );
        let (anomaly, _, step) = levels(anomaly);
        let (probability, ..) = levels(probability);
        let pairs = anomaly.iter().zip(&probability);
        let least = 0.004 / step + 1.0;
        assert!(pairs.clone().any(|(anomaly, _)| *anomaly > 0.0));
        for (anomaly, probability) in pairs.filter(|(anomaly, _)| **anomaly > least) {
            assert_eq!(anomaly, probability);
            compared += 1;
        }
    }
    assert!(compared > 0);
}

#[test]
fn a_lesion_that_no_slice_shows_is_explained() {
    let (mut found, cohort, context) = findings();
    let subject = Arc::make_mut(&mut found.subjects[0].subject);
    subject.participant.insert("has_lesion".to_owned(), "1".to_owned());
    for slice in &mut subject.slices {
        slice.lesion = Some(Array2::from_elem(slice.image.dim(), false));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.html");
    let report =
        FindingsReport { findings: &found, cohort: &cohort, model: None, lesion_threshold: None };
    report.write(&path, &context).unwrap();
    let page = fs::read_to_string(&path).unwrap();
    assert_eq!(page.matches("its lesion (ground truth) has no pixel in these slices").count(), 1);
    assert!(page.contains("ground truth: lesion, outside these slices"));
    assert!(page.contains("of these with the lesion outside the slices"));
    let view = finding_view(&found.subjects[0], &found).unwrap();
    assert!(view.html.contains("its lesion (ground truth) has no pixel in these slices"));
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
    assert!(shown.html.starts_with("<iframe title=\""));
    // What is left of it in a notebook that is not trusted.
    let (_, left) = shown.html.split_once("></iframe>").unwrap();
    assert!(left.starts_with("<p>If no viewer appears here, trust this notebook"), "{left}");
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
