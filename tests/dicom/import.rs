//! The dataset that `u2ad import` writes.

use std::fs;
use std::path::{Path, PathBuf};

use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::tags;
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};
use tempfile::tempdir;
use u2ad::cohort::{Cohort, LoadOptions};
use u2ad::context::Context;
use u2ad::dicom::{DicomFolder, ImportOptions, Imported, import};
use u2ad::volume::Volume;

use super::common::{Place, ended};
use super::scan::Scan;

fn imported(dicom: &Path, bids: &Path, options: &ImportOptions) -> u2ad::Result<Imported> {
    import(&DicomFolder::read(dicom)?, bids, options)
}

/// All files below a folder, with their content.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else {
            files.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    files.sort();
    files
}

fn names(folder: &Path) -> Vec<String> {
    let name = |(path, _): (PathBuf, _)| path.strip_prefix(folder).unwrap().display().to_string();
    contents(folder).into_iter().map(name).collect()
}

#[test]
fn a_dataset_without_identifiers_is_written() {
    let place = tempdir().unwrap();
    let (dicom, bids) = (place.path().join("dicom"), place.path().join("bids"));
    let mut scan = Scan::small();
    // Free text where only codes belong.
    scan.set(tags::SEQUENCE_VARIANT, VR::CS, "Doe\\SK");
    scan.write(&dicom);
    let images = imported(&dicom, &bids, &ImportOptions::default()).unwrap().images;
    assert_eq!(images[0].path, Path::new("sub-001/anat/sub-001_T2w.nii.gz"));
    assert_eq!(
        names(&bids),
        [
            "dataset_description.json",
            "sub-001/anat/sub-001_T2w.json",
            "sub-001/anat/sub-001_T2w.nii.gz"
        ]
    );
    let volume = Volume::read(&bids.join(&images[0].path)).unwrap();
    scan.check(&volume, |_, sample| sample as f32);
    let json = |name: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(bids.join(name)).unwrap()).unwrap()
    };
    let expected = json!({
        "Manufacturer": "SIEMENS",
        "ManufacturersModelName": "Avanto",
        "ScanningSequence": "SE",
        "SequenceVariant": "SK",
        "MRAcquisitionType": "2D",
        "MagneticFieldStrength": 1.5,
        "EchoTime": 0.102,
        "RepetitionTime": 3.5,
        "FlipAngle": 150.0,
        "SliceThickness": 3.0,
        "SpacingBetweenSlices": 3.3,
    });
    assert_eq!(json("sub-001/anat/sub-001_T2w.json"), expected);
    assert_eq!(json("dataset_description.json")["DatasetType"], "raw");
    for (path, bytes) in contents(&bids) {
        let mut plain = Vec::new();
        match path.extension().is_some_and(|ending| ending == "gz") {
            true => std::io::copy(&mut MultiGzDecoder::new(bytes.as_slice()), &mut plain).map(drop),
            false => std::io::Write::write_all(&mut plain, &bytes),
        }
        .unwrap();
        for secret in
            ["Doe", "Jane", "4711", "2024", "1970", "1.2.276", "Charity", "House", "0815", "neck"]
        {
            let found = plain.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} in {}", path.display());
        }
    }
}

#[test]
fn padding_of_images_is_no_signal() {
    for (signed, padding) in [(false, 4000), (true, -2000)] {
        let place = tempdir().unwrap();
        let (dicom, bids) = (place.path().join("dicom"), place.path().join("bids"));
        let mut scan = Scan { signed, bits: [16, 16, 15], ..Scan::small() };
        let least = scan.samples.iter().copied().min().unwrap();
        scan.samples.mapv_inplace(|sample| if sample == padding { least } else { sample });
        scan.samples.slice_mut(ndarray::s![.., ..2, ..]).fill(padding);
        let rest = scan.samples.iter().filter(|sample| **sample != padding).min().copied().unwrap();
        for file in scan.write(&dicom) {
            let mut object = dicom_object::open_file(&file).unwrap();
            let value = match signed {
                true => PrimitiveValue::from(padding as i16),
                false => PrimitiveValue::from(padding as u16),
            };
            let vr = if signed { VR::SS } else { VR::US };
            object.put(DataElement::new(tags::PIXEL_PADDING_VALUE, vr, value));
            object.write_to_file(&file).unwrap();
        }
        let found = imported(&dicom, &bids, &ImportOptions::default()).unwrap();
        let volume = Volume::read(&bids.join(&found.images[0].path)).unwrap();
        scan.check(&volume, |_, sample| if sample == padding { rest } else { sample } as f32);
        assert_eq!(found.notes.len(), 1, "{:?}", found.notes);
        assert!(found.notes[0].contains("padding (PixelPaddingValue)"), "{:?}", found.notes);
    }
}

#[test]
fn patients_are_numbered_and_their_examinations_become_sessions() {
    let place = tempdir().unwrap();
    let (dicom, bids) = (place.path().join("dicom"), place.path().join("bids"));
    let first = Scan::small().patient("B2");
    first.write(&dicom.join("1"));
    first.clone().examination("20250102").write(&dicom.join("2"));
    Scan::small().patient("A1").write(&dicom.join("3"));
    let images = imported(&dicom, &bids, &ImportOptions::default()).unwrap().images;
    let told: Vec<_> = images
        .iter()
        .map(|image| (image.patient.as_str(), image.examination, image.path.to_str().unwrap()))
        .collect();
    let expected = [
        ("A1", 1, "sub-001/anat/sub-001_T2w.nii.gz"),
        ("B2", 1, "sub-002/ses-01/anat/sub-002_ses-01_T2w.nii.gz"),
        ("B2", 2, "sub-002/ses-02/anat/sub-002_ses-02_T2w.nii.gz"),
    ];
    assert_eq!(told, expected);
    let cohort = Cohort::load(&bids, &LoadOptions::default(), &Context::new(0)).unwrap();
    assert_eq!(cohort.len(), 3);
}

#[test]
fn a_key_names_patients_alike_in_every_delivery() {
    let place = tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    let key = path("key");
    fs::write(&key, [7; 32]).unwrap();
    let options = ImportOptions { key: Some(key.clone()), ..ImportOptions::default() };
    Scan::small().write(&path("one"));
    Scan::small().write(&path("two"));
    Scan::small().patient("A1").write(&path("two/other"));
    let name = |delivery: &str, options: &ImportOptions| {
        let bids = path(&format!("bids-{delivery}-{}", options.key.is_some()));
        let images = imported(&path(delivery), &bids, options).unwrap().images;
        let image = images.into_iter().find(|image| image.patient == "4711").unwrap();
        image.path.components().next().unwrap().as_os_str().to_str().unwrap().to_owned()
    };
    // python3 -c 'import hmac; print(hmac.new(bytes([7] * 32), b"4711", "sha256").hexdigest()[:10])'
    assert_eq!(name("one", &options), "sub-a0105d71c5");
    assert_eq!(name("two", &options), "sub-a0105d71c5");
    let numbers = ImportOptions::default();
    assert_eq!(
        (name("one", &numbers), name("two", &numbers)),
        ("sub-001".into(), "sub-001".into())
    );
    fs::create_dir(path("bids")).unwrap();
    fs::copy(&key, path("bids/key")).unwrap();
    let inside = ImportOptions { key: Some(path("bids/key")), ..ImportOptions::default() };
    let refused = imported(&path("one"), &path("bids"), &inside).unwrap_err().to_string();
    assert!(refused.contains("lies in the dataset"), "{refused}");
}

#[test]
fn an_ambiguous_choice_is_listed_and_settled_by_a_number() {
    let place = tempdir().unwrap();
    let (dicom, bids) = (place.path().join("dicom"), place.path().join("bids"));
    Scan::small().write(&dicom.join("a"));
    Scan::small().series(5, "t2_tse_sag_fs").write(&dicom.join("b"));
    let mut axial = Scan::small().series(6, "t1_tse_sag");
    axial.set(tags::ECHO_TIME, VR::DS, "11").write(&dicom.join("c"));
    Scan::small().patient("1000").write(&dicom.join("d"));
    let refused = |series: &[usize]| {
        let options = ImportOptions { series: series.to_vec(), ..ImportOptions::default() };
        imported(&dicom, &bids, &options).unwrap_err().to_string()
    };
    assert_eq!(
        refused(&[]),
        "nothing was written: examination 1 of patient 4711 has 2 sagittal T2-weighted series: 2 (t2_tse_sag, echo time 102 ms, 6 \
         slices, 24 × 16), 3 (t2_tse_sag_fs, echo time 102 ms, 6 slices, 24 × 16); choose one of each \
         examination with --series N"
    );
    assert!(refused(&[2, 3]).contains("several series of examination 1 of patient 4711"));
    assert!(refused(&[9]).contains("there is no series 9, only 1 to 4"));
    assert!(!bids.exists());
    let options = ImportOptions { series: vec![4], ..ImportOptions::default() };
    let imported = imported(&dicom, &bids, &options).unwrap();
    let taken: Vec<usize> = imported.images.iter().map(|image| image.series).collect();
    assert_eq!(taken, [1, 4], "the other patient's is chosen as before");
    assert!(imported.notes[0].contains("although it does not look like"), "{:?}", imported.notes);
    assert!(imported.notes[0].contains("short echo time"), "{:?}", imported.notes);
}

#[test]
fn nothing_is_overwritten_and_a_failure_writes_nothing() {
    let place = tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    Scan::small().write(&path("dicom"));
    imported(&path("dicom"), &path("bids"), &ImportOptions::default()).unwrap();
    fs::write(path("bids/dataset_description.json"), "{}").unwrap();
    let before = contents(&path("bids"));
    let refused = imported(&path("dicom"), &path("bids"), &ImportOptions::default());
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("sub-001: is there already, and nothing is overwritten"), "{refused}");
    assert_eq!(contents(&path("bids")), before);

    // The second of two patients has a slice that cannot be read.
    let torn = Scan::small().patient("5000").write(&path("dicom/other"));
    let bytes = fs::read(&torn[5]).unwrap();
    fs::write(&torn[5], &bytes[..bytes.len() - 10]).unwrap();
    let refused = imported(&path("dicom"), &path("new"), &ImportOptions::default());
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("IM0005: is truncated: element (7fe0,0010) takes"), "{refused}");
    assert!(!path("new").exists());

    let refused = imported(&path("dicom"), &path("dicom"), &ImportOptions::default());
    assert!(refused.unwrap_err().to_string().contains("holds the DICOM files"));
}

#[test]
fn all_patients_whose_series_are_defective_are_named() {
    let place = tempdir().unwrap();
    let (dicom, bids) = (place.path().join("dicom"), place.path().join("bids"));
    Scan::small().write(&dicom.join("a"));
    for patient in ["1000", "5000"] {
        let paths = Scan::small().patient(patient).write(&dicom.join(patient));
        fs::remove_file(&paths[2]).unwrap();
    }
    let refused = imported(&dicom, &bids, &ImportOptions::default()).unwrap_err().to_string();
    for patient in ["1000", "5000"] {
        let part = format!("(t2_tse_sag) of patient {patient}: lacks slices: 1 slice is missing");
        assert!(refused.contains(&part), "{refused}");
    }
    assert!(!refused.contains("4711") && !bids.exists(), "{refused}");
}

#[test]
fn the_list_says_why_a_series_cannot_be_imported_and_tells_alike_ones_apart() {
    let place = Place::new();
    let paths = Scan::small().write(&place.path("one"));
    let listed = ended(&mut place.command(&["import", "one"]));
    assert!(!listed.out.contains("image type") && !listed.out.contains("number"), "{}", listed.out);
    fs::remove_file(&paths[3]).unwrap();
    let listed = ended(&mut place.command(&["import", "one"]));
    assert!(listed.out.contains("yes, but it cannot be imported"), "{}", listed.out);
    let reason = "note: series 1 (t2_tse_sag) of patient 4711: cannot be imported as it is: it lacks slices: 1 slice";
    assert!(listed.err.contains(reason), "{}", listed.err);

    Scan::small().write(&place.path("two/a"));
    let mut normalised = Scan::small().series(5, "t2_tse_sag");
    normalised.set(tags::IMAGE_TYPE, VR::CS, "DERIVED\\PRIMARY\\M\\NORM");
    normalised.write(&place.path("two/b"));
    let listed = ended(&mut place.command(&["import", "two", "bids"]));
    for part in ["scanner's number", "image type", "M ND", "DERIVED M NORM"] {
        assert!(listed.out.contains(part), "{part}: {}", listed.out);
    }
    for part in ["1 (t2_tse_sag, M ND, 3 of the scanner, echo", "(t2_tse_sag, DERIVED M NORM, 5 of"]
    {
        assert!(listed.err.contains(part), "{part}: {}", listed.err);
    }
}

#[test]
fn one_id_of_several_people_is_refused() {
    let place = tempdir().unwrap();
    let (dicom, bids) = (place.path().join("dicom"), place.path().join("bids"));
    Scan::small().write(&dicom.join("a"));
    let mut other = Scan::small().examination("20250102");
    other.set(tags::PATIENT_BIRTH_DATE, VR::DA, "19800202").write(&dicom.join("b"));
    let refused = imported(&dicom, &bids, &ImportOptions::default()).unwrap_err().to_string();
    assert!(refused.contains("images of patient 4711 give several dates of birth"), "{refused}");
}

#[test]
fn a_cohort_of_dicom_files_says_how_to_import_them() {
    let folder = tempdir().unwrap();
    Scan::small().write(&folder.path().join("deep/inside"));
    let loaded = Cohort::load(folder.path(), &LoadOptions::default(), &Context::new(0));
    let refused = loaded.err().unwrap().to_string();
    assert!(refused.contains("holds DICOM files; `u2ad import "), "{refused}");
    let file = folder.path().join("deep/inside/IM0001");
    let screened = Cohort::of_images(&[file], &LoadOptions::default(), &Context::new(0)).unwrap();
    let (name, reason) = screened.broken()[0];
    assert!(name == "IM0001" && reason.starts_with("is a DICOM file; `u2ad import "), "{reason}");
}

#[test]
fn the_command_lists_series_and_says_who_became_who() {
    let place = Place::new();
    Scan::small().write(&place.path("dicom"));
    let listed = ended(&mut place.command(&["import", "dicom"]));
    assert_eq!((listed.code, listed.err.as_str()), (Some(0), ""));
    for part in
        ["Series in dicom", "t2_tse_sag", "sagittal", "102.0", "24 × 16 × 6", "1.00 × 0.80 × 3.30"]
    {
        assert!(listed.out.contains(part), "{part}: {}", listed.out);
    }
    let done = ended(&mut place.command(&["import", "dicom", "bids"]));
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""));
    assert!(done.out.contains("sub-001/anat/sub-001_T2w.nii.gz"), "{}", done.out);
    assert!(done.out.contains("This list says who is who"), "{}", done.out);
    let again = ended(&mut place.command(&["import", "dicom", "bids"]));
    assert_eq!(again.code, Some(1));
    assert!(again.err.starts_with("error: nothing was written: bids/sub-001: is there already"));
}

#[test]
fn a_series_divided_between_patient_ids_is_refused() {
    let place = tempdir().unwrap();
    let (dicom, bids) = (place.path().join("dicom"), place.path().join("bids"));
    let mut scan = Scan::small();
    for (number, id) in ["A", "B"].into_iter().enumerate() {
        scan.set(tags::PATIENT_ID, VR::LO, id);
        let files = scan.write(&dicom.join(id));
        for (_, file) in files.iter().enumerate().filter(|(slice, _)| slice % 2 != number) {
            fs::remove_file(file).unwrap();
        }
    }
    let error = imported(&dicom, &bids, &ImportOptions::default()).unwrap_err().to_string();
    assert!(error.contains("one series has images of several patient IDs (A, B)"), "{error}");
    assert!(!bids.exists());
}
