//! The two kinds of uncertainty, exported apart.

use super::*;
use crate::uncertainty::Uncertainty;

/// Maps that can be told apart: the variance is 0.25 and the error 0.5 in the region of interest.
fn drawn(subject: &crate::cohort::Subject) -> Vec<Uncertainty> {
    let slice = |slice: &crate::cohort::Slice| {
        let inside = slice.region.mapv(|inside| f32::from(u8::from(inside)));
        Uncertainty {
            variance: &inside * 0.25,
            mean: &slice.image + &(&inside * 0.5),
            error: &inside * 0.5,
            passes: 14,
        }
    };
    subject.slices.iter().map(slice).collect()
}

#[test]
fn epistemic_and_aleatoric_uncertainty_are_files_of_their_own() {
    let (_, cohort, context) = findings(GRID);
    let subjects = cohort.subjects(&context).unwrap();
    let maps: Vec<Vec<Uncertainty>> = subjects.iter().map(|subject| drawn(subject)).collect();
    let uncertainty: Vec<SubjectUncertainty> = subjects
        .iter()
        .zip(&maps)
        .map(|(subject, maps)| SubjectUncertainty {
            subject,
            slices: maps.iter().enumerate().collect(),
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("uncertainty");
    let written = export_uncertainty(&uncertainty, &cohort, &folder, &context).unwrap();
    assert_eq!((written.subjects, written.lesions), (subjects.len(), None));
    let means = table(&folder.join("uncertainty.tsv"));
    for (subject, row) in subjects.iter().zip(&means) {
        let name = &*subject.name;
        let number = |column: &str| row[column].parse::<f64>().unwrap();
        assert_eq!((number("epistemic"), number("aleatoric")), (0.25, 0.5), "{name}");
        let file = |ending: &str| folder.join(format!("{name}/anat/{name}{ending}"));
        let native = subject.native_transform.as_ref().unwrap().native_geometry();
        for (kind, value) in [("epistemic", 0.25), ("aleatoric", 0.5)] {
            let map = Volume::read(&file(&format!("_desc-{kind}_T2w.nii.gz"))).unwrap();
            assert!(map.geometry().matches(native));
            assert_eq!(map.voxels.iter().copied().fold(0.0, f32::max), value, "{name} {kind}");
            let sidecar = fs::read(file(&format!("_desc-{kind}_T2w.json"))).unwrap();
            let sidecar: serde_json::Value = serde_json::from_slice(&sidecar).unwrap();
            assert_eq!(sidecar["MonteCarloPasses"], 14);
            let unit = sidecar["Units"].as_str().unwrap();
            assert_eq!(unit.contains("squared"), kind == "epistemic", "{unit}");
        }
        assert!(file("_desc-reconstruction_T2w.nii.gz").exists());
    }
    // An export of one kind may be replaced by one of another.
    export_uncertainty(&uncertainty, &cohort, &folder, &context).unwrap();
    let (found, cohort, context) = findings(GRID);
    export(&found, &cohort, None, &folder, &context).unwrap();
    assert!(!folder.join("uncertainty.tsv").exists());
}
