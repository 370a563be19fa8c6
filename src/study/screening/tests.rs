use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::baselines::{Baseline, IntensityThreshold};
use crate::cohort::{Cohort, LoadOptions, SliceGrid};
use crate::context::Context;
use crate::model::Config;
use crate::phantom::{PhantomOptions, write_bids};
use crate::report::Tabulate;
use crate::study::Study;
use crate::study::folders::files;
use crate::uncertainty::MonteCarlo;

/// Three images: one with masks, one without, one that is none.
fn images(folder: &Path) -> Vec<PathBuf> {
    let root = folder.join("bids");
    let options =
        PhantomOptions { subjects: 2, pixel_spacing_mm: 1.4, ..PhantomOptions::default() };
    write_bids(&root, &options, &Context::new(3)).unwrap();
    let names = crate::cohort::participant_folders(&root).unwrap();
    let image = |name: &str| root.join(format!("{name}/anat/{name}_T2w.nii.gz"));
    let bare = folder.join("bare.nii.gz");
    fs::copy(image(&names[1]), &bare).unwrap();
    let bad = folder.join("bad.nii.gz");
    fs::write(&bad, "no image").unwrap();
    vec![image(&names[0]), bad, bare]
}

fn cohort(paths: &[PathBuf]) -> Cohort {
    let options = LoadOptions {
        grid: SliceGrid { size: 128, fov_mm: 128, ..Default::default() },
        ..Default::default()
    };
    Cohort::of_images(paths, &options, &Context::new(0)).unwrap()
}

#[test]
fn bare_images_are_segmented_and_a_bad_one_does_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let paths = images(folder.path());
    let (detector, context) = (Detector::without_model(), Context::new(0));
    assert!(detector.remark().unwrap().contains("none is shipped"));
    let all = detector.screen(&cohort(&paths), &context).unwrap();
    let masks: Vec<&str> = all.images.iter().map(|image| &*image.masks).collect();
    assert_eq!(masks[..2], ["given", "not usable"]);
    assert!(masks[2].starts_with("found, confidence 0."), "{masks:?}");
    assert_eq!(all.failed().map(|(name, _)| name).collect::<Vec<_>>(), ["bad"]);
    assert_eq!(all.findings.as_ref().unwrap().subjects.len(), 2);
    assert!(all.cohort.broken().len() == 1 && !all.interrupted);
    let table = all.table().unwrap();
    assert_eq!((table.rows().len(), table.columns().len()), (3, 5));
    let remarks = |row: usize| format!("{:?}", table.rows()[row].last().unwrap());
    assert!(remarks(1).contains("bad.nii.gz"), "{}", remarks(1));
    assert!(remarks(2).contains("its masks were found by the program"), "{}", remarks(2));

    // Each by itself, and in another order, gives the same.
    let alone = detector.screen(&cohort(&paths[2..]), &context).unwrap();
    assert_eq!(all.score(&all.images[2]), alone.score(&alone.images[0]));
    assert!(alone.score(&alone.images[0]).is_some());
}

#[test]
fn an_interruption_keeps_what_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let paths = images(folder.path());
    let context = Context::new(0);
    context.cancel.cancel();
    let none = Detector::without_model().screen(&cohort(&paths), &context).unwrap();
    assert!(none.interrupted && none.images.is_empty() && none.findings.is_none());
    assert!(none.table().unwrap().rows().is_empty());
}

#[test]
fn a_saved_model_brings_its_calibration_and_settings() {
    let folder = tempfile::tempdir().unwrap();
    let study = Study::from(Context::new(1));
    let config =
        Config { image: 64, nearest_patches: 48, depth: 1, decoder_depth: 1, ..Config::small() };
    let mut model = study.model(config).unwrap();
    let phantoms = PhantomOptions { subjects: 3, clinical: Some(1), ..Default::default() };
    let people = Cohort::phantom(&phantoms, config.slice_grid(), &study.context.streams).unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    let device = &study.context.device;
    let plain = Detector::load(&path, device).unwrap();
    assert!(plain.remark().unwrap().contains("is not calibrated"));
    let few = MonteCarlo::default().samples(2);
    study.calibrate(&mut model, &people.healthy().unwrap(), few, None).unwrap();
    model.save(&path).unwrap();
    let detector = Detector::load(&path, device).unwrap();
    assert_ne!(plain.digest(), detector.digest());
    let found = detector.screen(&people.clinical().unwrap(), &study.context).unwrap();
    let calibration = found.calibration().expect("its settings are those of the calibration");
    assert_eq!(calibration.p_value(f64::INFINITY), 1.0 / 3.0);
    assert_eq!(calibration.p_value(0.0), 1.0);
    let table = found.table().unwrap();
    assert_eq!(table.columns()[4].name, "p");

    let baseline = folder.path().join("method.safetensors");
    Baseline::IntensityThreshold(IntensityThreshold { local_mm: None }).save(&baseline).unwrap();
    assert_eq!(Detector::load(&baseline, device).unwrap().name(), "intensity threshold");
    fs::write(&baseline, "nothing").unwrap();
    assert!(Detector::load(&baseline, device).is_err());
}

#[test]
fn images_that_go_one_after_the_other_give_the_same_results_and_files() {
    let folder = tempfile::tempdir().unwrap();
    let paths = images(folder.path());
    let (detector, context) = (Detector::without_model(), Context::new(0));
    let whole = folder.path().join("whole");
    let kept = detector.screen(&cohort(&paths), &context).unwrap();
    kept.export(&whole, &context).unwrap();
    // What was remarked on stands in all that is written, and who was left out and why on the page.
    let said = "its masks were found by the program (confidence 0.";
    let page = folder.path().join("page.html");
    kept.report(&page, &detector, &context).unwrap();
    let sidecar = whole.join("sub-bare/anat/sub-bare_desc-anomaly_T2w.json");
    for path in [&page, &whole.join("scores.tsv"), &sidecar] {
        let text = fs::read_to_string(path).unwrap();
        assert_eq!(text.matches(said).count(), 1, "{}", path.display());
    }
    let page = fs::read_to_string(&page).unwrap();
    let (_, left_out) = page.split_once("Left out, because they cannot be used:").unwrap();
    assert!(left_out.contains("<li>bad: bad.nii.gz"), "{left_out}");
    assert!(!page.contains(&folder.path().display().to_string()));
    let grown = folder.path().join("grown");
    let (mut growing, all) = (GrowingExport::default(), cohort(&paths));
    let gone = detector
        .screen_each(&all, &context, |found, of| growing.push(&grown, found, of, &all))
        .unwrap();
    growing.finish(&grown, &context).unwrap();
    assert_eq!(gone.table().unwrap(), kept.table().unwrap());
    assert_eq!(gone.failed().collect::<Vec<_>>(), kept.failed().collect::<Vec<_>>());
    for (one, other) in gone.images.iter().zip(&kept.images) {
        assert_eq!((&one.masks, &one.remarks), (&other.masks, &other.remarks));
    }
    // Nothing large is left.
    let findings = gone.findings.unwrap();
    let is_small = |finding: &crate::detection::Finding| {
        finding.slices.is_empty() && finding.subject.slices.is_empty()
    };
    assert!(findings.subjects.iter().all(is_small));
    let below = |root: &Path| -> Vec<(PathBuf, Vec<u8>)> {
        let files = files(root).into_iter();
        files.map(|(path, bytes)| (path.strip_prefix(root).unwrap().to_owned(), bytes)).collect()
    };
    assert!(below(&whole) == below(&grown) && below(&whole).len() > 10);
}
