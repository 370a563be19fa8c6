//! What an export writes, read back.

use std::collections::BTreeMap;

mod orientations;
mod uncertainty;

use super::*;
use crate::baselines::IntensityThreshold;
use crate::cohort::{IntensityScale, SliceGrid};
use crate::context::Streams;
use crate::detection::detect;
use crate::phantom::PhantomOptions;
use crate::volume::Volume;

const GRID: SliceGrid =
    SliceGrid { size: 64, fov_mm: 128, slice_mm: 0, intensity: IntensityScale::Percentile };

fn findings(grid: SliceGrid) -> (Findings, Cohort, Context) {
    let context = Context::new(0);
    let options = PhantomOptions { subjects: 2, ..PhantomOptions::default() };
    let cohort = Cohort::phantom(&options, grid, &Streams::new(3)).unwrap();
    let subjects = cohort.subjects(&context).unwrap();
    let found = detect(&IntensityThreshold::default(), &subjects, None, &context).unwrap();
    (found, cohort, context)
}

fn threshold(value: f64) -> Threshold {
    Threshold { value, origin: "given".into() }
}

/// Rows of a table by column.
fn table(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let row = |line: &str| {
        let values = line.split('\t').map(str::to_owned);
        names.iter().map(|name| (*name).to_owned()).zip(values).collect()
    };
    lines.map(row).collect()
}

#[test]
fn scores_and_lesions_can_be_computed_again_from_what_is_written() {
    let (found, cohort, context) = findings(GRID);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("derivatives/u2ad");
    let written = export(&found, &cohort, Some(&threshold(0.25)), &folder, &context).unwrap();
    assert_eq!(written.subjects, 2);
    let anomaly = format!("{0}/anat/{0}_desc-anomaly_T2w.json", found.subjects[0].subject.name);
    let sidecar = fs::read(folder.join(anomaly)).unwrap();
    let sidecar: serde_json::Value = serde_json::from_slice(&sidecar).unwrap();
    assert_eq!((&sidecar["Seed"], sidecar.get("ModelSHA256")), (&0.into(), None));
    let (scores, lesions) = (table(&folder.join("scores.tsv")), table(&folder.join("lesions.tsv")));
    assert_eq!(Some(lesions.len()), written.lesions);
    assert!(!lesions.is_empty(), "phantoms have lesions that are brighter than this");
    for finding in &found.subjects {
        let name = &*finding.subject.name;
        let file = |ending: &str| folder.join(format!("{name}/anat/{name}{ending}"));
        // The score of the residual scoring: the highest point of a curve above its mean, both over
        // the part of the cord that is scored.
        let mut curves: BTreeMap<String, Vec<(f64, bool)>> = BTreeMap::new();
        for row in table(&file("_desc-anomaly_curve.tsv")) {
            let point = (row["anomaly"].parse().unwrap(), row["segment"] != "n/a");
            curves.entry(row["slice"].clone()).or_default().push(point);
        }
        let score = curves.values().map(|points| {
            let scored: Vec<f64> =
                points.iter().filter(|point| point.1).map(|point| point.0).collect();
            let mean = scored.iter().sum::<f64>() / scored.len() as f64;
            scored.into_iter().map(|value| value - mean).fold(0.0, f64::max)
        });
        let own = |row: &&BTreeMap<String, String>| row["participant_id"] == name;
        let patient = scores.iter().find(|row| own(row) && row["level"] == "patient").unwrap();
        let stored: f64 = patient["score"].parse().unwrap();
        let again = score.fold(0.0, f64::max);
        assert!((stored - again).abs() < 1e-5 * stored.max(1.0), "{name}: {stored}, {again}");

        let anomaly = Volume::read(&file("_desc-anomaly_T2w.nii.gz")).unwrap();
        let mask = Volume::read(&file("_label-lesion_desc-u2ad_mask.nii.gz")).unwrap();
        let native = finding.subject.native_transform.as_ref().unwrap();
        assert!(anomaly.geometry().matches(native.native_geometry()));
        let inside = anomaly.voxels.mapv(|value| if value >= 0.25 { 1.0 } else { 0.0 });
        let kept = mask.voxels.iter().zip(&inside).all(|(mask, inside)| mask <= inside);
        assert!(kept && mask.voxels.sum() + 20.0 > inside.sum(), "only single voxels are left out");
        let voxel_mm3: f64 = anomaly.affine.spacing().iter().product();
        let volume: f64 =
            lesions.iter().filter(own).map(|row| row["volume_mm3"].parse::<f64>().unwrap()).sum();
        let expected = f64::from(mask.voxels.sum()) * voxel_mm3;
        assert!((volume - expected).abs() < 1e-5 * expected.max(1.0), "{volume}, {expected}");
        for row in lesions.iter().filter(own) {
            let length: f64 = row["length_mm"].parse().unwrap();
            assert!(length > 0.0 && length < 128.0, "{row:?}");
        }
    }
}

/// A straight cord, 40 mm long, 6 × 6 mm, in slices 2 to 4 of 3 mm each, with a lesion whose
/// measures can be counted by hand: 2 slices, 8 rows, 3 columns of 1 mm.
fn drawn() -> Finding {
    let (found, _, _) = findings(SliceGrid { size: 64, fov_mm: 64, ..GRID });
    let mut finding = found.subjects[0].clone();
    let subject = finding.subject.clone();
    let mut subject = (*subject).clone();
    let middle = subject.slices.len() / 2;
    let shape = (64, 64);
    for (place, slice) in subject.slices.iter_mut().enumerate() {
        let near = place.abs_diff(middle) <= 1;
        let inside = |row: usize, column: usize| {
            near && (12..52).contains(&row) && (29..35).contains(&column)
        };
        slice.cord = ndarray::Array2::from_shape_fn(shape, |(r, c)| inside(r, c));
        slice.scoring = slice.cord.clone();
        slice.csf = ndarray::Array2::from_shape_fn(shape, |(r, c)| {
            near && (12..52).contains(&r) && (36..39).contains(&c)
        });
        let is_lesion = |row: usize, column: usize| {
            (place == middle || place == middle + 1)
                && (20..28).contains(&row)
                && (32..35).contains(&column)
        };
        slice.lesion = Some(ndarray::Array2::from_shape_fn(shape, |(r, c)| is_lesion(r, c)));
        slice.image = ndarray::Array2::from_shape_fn(shape, |(r, c)| match () {
            _ if is_lesion(r, c) => 0.5,
            _ if slice.csf[(r, c)] => 0.7,
            _ => 0.3,
        });
        let found = finding.slices.iter_mut().find(|found| found.slice == place).unwrap();
        found.anomaly = slice.lesion.as_ref().unwrap().mapv(|inside| f32::from(inside) * 0.9);
    }
    finding.subject = std::sync::Arc::new(subject);
    finding
}

#[test]
fn a_drawn_lesion_has_the_measures_counted_by_hand() {
    let finding = drawn();
    let native = finding.subject.native_transform.as_ref().unwrap();
    let voxel: f64 = native.native_geometry().affine.spacing().iter().product();
    let [lesion] = &true_lesions(&finding).unwrap().unwrap()[..] else { panic!("one lesion") };
    // Drawn in pixels of 1 mm; the file has voxels of another size, so that edges move by half of one.
    let step = native.row_spacing_mm().max(native.column_spacing_mm());
    let near = |name: &str, value: f64, expected: f64, by: f64| {
        assert!((value - expected).abs() <= by, "{name}: {value} instead of {expected}");
    };
    assert!((lesion.volume_mm3 - lesion.voxels as f64 * voxel).abs() < 1e-9);
    near("length", lesion.length_mm.unwrap(), 8.0, step);
    near("width", lesion.width_mm.unwrap(), 3.0, step);
    near("breadth", lesion.breadth_mm, 2.0 * native.slice_mm(), 1e-9);
    near("midline", lesion.midline_mm.unwrap(), native.slice_mm() / 2.0, 1e-6);
    near("centre line", lesion.centreline_mm.unwrap(), 1.5, step / 2.0);
    // 2 of 3 slices, half of the columns.
    near("share", lesion.cord_share, 1.0 / 3.0, 0.08);
    near("cord", lesion.cord_signal.unwrap(), 0.3, 0.02);
    near("fluid", lesion.fluid_signal.unwrap(), 0.7, 0.05);
    near("peak", lesion.peak_signal, 0.5, 0.05);
    near("relative", lesion.relative_peak_signal.unwrap(), 0.5, 0.15);
    let [one] = &matched_lesions(&finding, 0.45).unwrap().unwrap()[..] else { panic!("one match") };
    assert_eq!(one.status, MatchStatus::Detected);
    assert!(one.dice > 0.75 && one.covered > 0.75, "{one:?}");
    let missed = matched_lesions(&finding, 0.95).unwrap().unwrap();
    assert!(missed.len() == 1 && missed[0].status == MatchStatus::Missed, "{missed:?}");
    let load = lesion_load(&finding, 0.45).unwrap().unwrap();
    let [detected] = &detected_lesions(&finding, 0.45).unwrap().unwrap()[..] else { panic!() };
    near("load", load[0].volume_mm3, detected.volume_mm3, 1e-9);
    assert!(load[0].segment.is_none() && load[0].lesions == 1, "{load:?}");
    let table = lesion_table(std::slice::from_ref(lesion)).unwrap();
    assert_eq!(table.columns().len(), LESION_COLUMNS.len());
}

#[test]
fn a_peak_of_two_pixels_is_no_lesion_however_large_interpolation_makes_it() {
    let mut finding = drawn();
    let middle = finding.subject.slices.len() / 2;
    for (pixels, lesions) in [(2, 0), (3, 1)] {
        for found in &mut finding.slices {
            found.anomaly.fill(0.0);
            if found.slice == middle {
                (0..pixels).for_each(|down| found.anomaly[(20 + down, 32)] = 0.9);
            }
        }
        let detected = detected_lesions(&finding, 0.1).unwrap().unwrap();
        assert_eq!(detected.len(), lesions, "{pixels} pixels");
    }
}

#[test]
fn an_averaged_slice_fills_the_slices_it_was_made_of() {
    let options = PhantomOptions { subjects: 2, ..PhantomOptions::default() };
    let context = Context::new(0);
    let acquired = Cohort::phantom(&options, GRID, &Streams::new(3)).unwrap();
    let subject = acquired.subject(0, &context).unwrap();
    // Twice the distance of its slices.
    let slice_mm = (2.0 * subject.acquired_spacing_mm().unwrap()).round() as usize;
    let thick = acquired.on_grid(SliceGrid { slice_mm, ..GRID }).unwrap();
    let subjects = vec![thick.subject(0, &context).unwrap()];
    assert_eq!(subjects[0].averaged, 2);
    let found = detect(&IntensityThreshold::default(), &subjects, None, &context).unwrap();
    let folder = tempfile::tempdir().unwrap();
    export(&found, &thick, None, folder.path(), &context).unwrap();
    let name = &*subjects[0].name;
    let path = format!("{name}/anat/{name}_desc-reconstruction_T2w.nii.gz");
    let map = Volume::read(&folder.path().join(path)).unwrap();
    let native = subjects[0].native_transform.as_ref().unwrap();
    let filled: Vec<usize> = {
        let depth = subject.slices.last().unwrap().index + 2;
        let lanes = |index: usize| native.slice_voxel(index);
        let axis = (0..3).find(|axis| map.voxels.shape()[*axis] >= depth).unwrap();
        let axis = (0..3).min_by_key(|axis| map.voxels.shape()[*axis]).unwrap_or(axis);
        let is_filled = |index: &usize| {
            let slice = map.voxels.index_axis(ndarray::Axis(axis), lanes(*index));
            slice.iter().any(|value| *value != 0.0)
        };
        (0..map.voxels.shape()[axis]).filter(is_filled).collect()
    };
    let expected: Vec<usize> =
        subjects[0].slices.iter().flat_map(|slice| [slice.index - 1, slice.index]).collect();
    assert_eq!(filled, expected);
}

#[test]
fn every_file_of_an_export_may_be_replaced_by_the_next() {
    let (mut found, cohort, context) = findings(GRID);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("u2ad");
    let threshold = threshold(0.1);
    // A model with a scorer, then a method that predicts its variance.
    for own in [false, true] {
        for slice in found.subjects.iter_mut().flat_map(|finding| &mut finding.slices) {
            let map = slice.reconstruction.error.clone();
            slice.reconstruction.variance = Some(map.clone());
            slice.reconstruction.probability = Some(map.clone());
            slice.reconstruction.anomaly = own.then_some(map);
        }
        for _ in 0..2 {
            export(&found, &cohort, Some(&threshold), &folder, &context).unwrap();
        }
    }
    assert!(folders(&folder).len() > 5, "tables, descriptions and subjects");
}

#[test]
fn an_earlier_export_is_replaced_and_anything_else_is_refused() {
    let (found, cohort, context) = findings(GRID);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("u2ad");
    let write = || export(&found, &cohort, None, &folder, &context);
    assert_eq!(write().unwrap().lesions, None);
    assert!(!folder.join("lesions.tsv").exists());
    let stale = folder.join("sub-gone/anat/sub-gone_desc-anomaly_T2w.json");
    fs::create_dir_all(stale.parent().unwrap()).unwrap();
    fs::write(&stale, "").unwrap();
    write().unwrap();
    assert!(!stale.exists());
    let corrected = "sub-gone/anat/sub-gone_label-lesion_desc-corrected_mask.nii.gz";
    for mine in ["notes.txt", "sub-gone/rating.txt", corrected].map(|name| folder.join(name)) {
        fs::create_dir_all(mine.parent().unwrap()).unwrap();
        fs::write(&mine, "mine").unwrap();
        let error = write().unwrap_err().to_string();
        assert!(error.contains("which would be lost: ") && error.contains("; move"), "{error}");
        assert_eq!(fs::read_to_string(&mine).unwrap(), "mine");
        fs::remove_file(&mine).unwrap();
    }
    fs::remove_file(folder.join("dataset_description.json")).unwrap();
    let error = write().unwrap_err().to_string();
    assert!(error.contains("something else than an export"), "{error}");
    assert!(folder.join("scores.tsv").exists());
    // u2ad wrote this too, but it is data.
    let phantoms = folder.with_file_name("phantoms");
    let options = PhantomOptions { subjects: 1, ..PhantomOptions::default() };
    crate::phantom::write_bids(&phantoms, &options, &context).unwrap();
    for data in std::iter::once(phantoms.clone()).chain(folders(&phantoms.join("derivatives"))) {
        let error = export(&found, &cohort, None, &data, &context).unwrap_err().to_string();
        assert!(error.contains("something else than an export"), "{}: {error}", data.display());
    }
    fs::remove_dir_all(&phantoms).unwrap();
    context.cancel.cancel();
    fs::remove_dir_all(&folder).unwrap();
    assert!(matches!(write(), Err(Error::Cancelled)));
    let left = fs::read_dir(folder.parent().unwrap()).unwrap().count();
    assert_eq!(left, 0, "an interrupted export leaves nothing behind");
}

/// The folders in a folder.
fn folders(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}
