//! What an export writes, read back.

use std::collections::BTreeMap;

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

#[test]
fn an_averaged_slice_fills_the_slices_it_was_made_of() {
    let options = PhantomOptions { subjects: 2, ..PhantomOptions::default() };
    let context = Context::new(0);
    let acquired = Cohort::phantom(&options, GRID, &Streams::new(3)).unwrap();
    let subject = acquired.subject(0, &context).unwrap();
    // Twice the distance of its slices.
    let slice_mm = (2.0 * subject.slice_spacing_mm().unwrap()).round() as usize;
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
fn an_earlier_export_is_replaced_and_anything_else_is_refused() {
    let (found, cohort, context) = findings(GRID);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("u2ad");
    let write = || export(&found, &cohort, None, &folder, &context);
    assert_eq!(write().unwrap().lesions, None);
    assert!(!folder.join("lesions.tsv").exists());
    fs::write(folder.join("stale.txt"), "").unwrap();
    write().unwrap();
    assert!(!folder.join("stale.txt").exists());
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
