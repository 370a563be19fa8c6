//! Exports as hospitals make them: shuffled, nested, incomplete, several series in one folder.

use std::fs;
use std::path::Path;

use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};
use tempfile::tempdir;
use u2ad::dicom::{DicomFolder, Plane};
use u2ad::volume::Affine;

use super::scan::{Scan, Syntax, element, only_series};

fn plain(_: usize, sample: i32) -> f32 {
    sample as f32
}

/// Why the only series below a folder is no volume.
fn fault(folder: &Path) -> String {
    only_series(folder).read().unwrap_err().to_string()
}

#[test]
fn slices_are_sorted_by_their_place_not_by_name_or_number() {
    let scan = Scan::small();
    let folder = tempdir().unwrap();
    for slice in 0..scan.slices() {
        let shuffled = slice * 5 % 6;
        let mut file = scan.slice(slice);
        file.put(element(tags::INSTANCE_NUMBER, VR::IS, &(9 - shuffled).to_string()));
        let inside =
            folder.path().join(format!("disk{}", slice % 2)).join(format!("{shuffled}.IMA"));
        fs::create_dir_all(inside.parent().unwrap()).unwrap();
        file.write_to_file(inside).unwrap();
    }
    let (volume, _) = only_series(folder.path()).read().unwrap();
    scan.check(&volume, plain);
}

#[test]
fn an_axial_scan_is_placed_right_and_not_taken() {
    let mut scan = Scan::small();
    // The same samples, with slices to the head, rows to the back and columns to the left.
    scan.affine = Affine([[0.0, 0.0, -0.8, 9.0], [0.0, -0.8, 0.0, 8.0], [4.0, 0.0, 0.0, 7.0]]);
    let folder = tempdir().unwrap();
    scan.write(folder.path());
    let series = only_series(folder.path());
    assert_eq!((series.plane, series.objection.as_deref()), (Plane::Axial, Some("axial")));
    let (volume, _) = series.read().unwrap();
    // Columns run to the left, rows are turned round, slices run to the head.
    let place = volume.affine.position([23.0, 0.0, 5.0]);
    let expected = scan.affine.position([5.0, 15.0, 23.0]);
    assert!(place.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3), "{place:?}");
    assert_eq!(volume.voxels[[23, 0, 5]], scan.samples[[5, 15, 23]] as f32);
}

#[test]
fn other_files_are_skipped_and_counted() {
    let folder = tempdir().unwrap();
    let scan = Scan::small();
    let paths = scan.write(&folder.path().join("A/B"));
    fs::copy(&paths[0], folder.path().join("copy.dcm")).unwrap();
    fs::write(folder.path().join("readme.txt"), "hello").unwrap();
    fs::write(folder.path().join("empty"), "").unwrap();
    fs::write(folder.path().join(".hidden"), "x").unwrap();
    let bytes = fs::read(&paths[1]).unwrap();
    fs::write(folder.path().join("torn.dcm"), &bytes[..400]).unwrap();
    let ct = scan.clone().series(9, "neck").set(tags::MODALITY, VR::CS, "CT").slice(0);
    ct.write_to_file(folder.path().join("ct.dcm")).unwrap();
    let mut table = scan.slice(0);
    table.remove_element(tags::PIXEL_DATA);
    table.update_meta(|meta| {
        meta.media_storage_sop_class_uid = uids::MEDIA_STORAGE_DIRECTORY_STORAGE.into();
    });
    table.write_to_file(folder.path().join("DICOMDIR")).unwrap();
    let found = DicomFolder::read(folder.path()).unwrap();
    assert_eq!((found.series.len(), found.series[0].slices), (1, 6));
    let notes = found.notes.join("\n");
    for part in [
        "2 files were left out, the first empty: such files are no DICOM files",
        "1 file was left out, torn.dcm: such files are damaged or truncated DICOM files",
        "1 file was left out, ct.dcm: such files are of another modality than MR",
        "1 file was left out, DICOMDIR: such files are tables of contents (DICOMDIR)",
        // Of two copies, the one that is found later.
        "1 file was left out, copy.dcm: such files are copies of other files",
    ] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
    scan.check(&found.series[0].read().unwrap().0, plain);
}

#[test]
fn a_folder_without_images_says_what_is_in_it() {
    let folder = tempdir().unwrap();
    let refused = |path: &Path| DicomFolder::read(path).unwrap_err().to_string();
    assert!(refused(folder.path()).ends_with("holds no MR image in DICOM; it is empty"));
    fs::write(folder.path().join("note.txt"), "hello").unwrap();
    assert!(refused(folder.path()).contains("left out, note.txt: such files are no DICOM files"));
    assert!(refused(&folder.path().join("note.txt")).contains("give the folder that holds it"));
    assert!(refused(&folder.path().join("none")).contains("there is no such file or folder"));
}

#[test]
fn every_second_slice_of_a_series_is_not_taken_for_all() {
    let mut scan = Scan::small();
    scan.set(tags::SPACING_BETWEEN_SLICES, VR::DS, "3.3");
    let folder = tempdir().unwrap();
    let paths = scan.write(folder.path());
    [1, 3, 5].iter().for_each(|slice| fs::remove_file(&paths[*slice]).unwrap());
    let missing = fault(folder.path());
    assert!(missing.contains("lacks slices: they are 6.6 mm apart, 2 times as far"), "{missing}");

    // The gap of some scanners is no distance between middles.
    let mut scan = Scan::small();
    scan.set(tags::SPACING_BETWEEN_SLICES, VR::DS, "0.3");
    let folder = tempdir().unwrap();
    scan.write(folder.path());
    assert!(DicomFolder::read(folder.path()).unwrap().series[0].read().is_ok());

    // Another image type, such as that of normalised intensities.
    let folder = tempdir().unwrap();
    let scan = Scan::small();
    let paths = scan.write(folder.path());
    for slice in [1, 3, 5] {
        let mut other = scan.slice(slice);
        other.put(element(tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY\\M\\NORM"));
        other.write_to_file(&paths[slice]).unwrap();
    }
    let found = DicomFolder::read(folder.path()).unwrap();
    let part = found.series[0].read().unwrap_err().to_string();
    assert!(
        part.contains("is only a part of its series: 3 more slices of it lie beside"),
        "{part}"
    );
}

#[test]
fn missing_and_doubled_slices_are_named() {
    let scan = Scan::small();
    let folder = tempdir().unwrap();
    let paths = scan.write(folder.path());
    fs::remove_file(&paths[3]).unwrap();
    let missing = fault(folder.path());
    assert!(missing.contains("lacks slices: 1 slice is missing between "), "{missing}");
    fs::remove_file(&paths[2]).unwrap();
    assert!(fault(folder.path()).contains("2 slices are missing between "));

    let folder = tempdir().unwrap();
    scan.write(folder.path());
    let mut other = scan.slice(2);
    other.put(element(tags::SOP_INSTANCE_UID, VR::UI, "1.2.3.4"));
    other.write_to_file(folder.path().join("other")).unwrap();
    let doubled = fault(folder.path());
    assert!(doubled.contains("two different images at the same place"), "{doubled}");
    assert!(doubled.contains("other, frame 1") && doubled.contains("IM0002, frame 1"), "{doubled}");
}

#[test]
fn stations_and_repetitions_of_one_series_are_told_from_doubled_slices() {
    let scan = Scan::small();
    let folder = tempdir().unwrap();
    scan.write(&folder.path().join("neck"));
    let mut chest = scan.clone();
    chest.affine.0[2][3] -= 88.0;
    chest.write(&folder.path().join("chest"));
    let stations = fault(folder.path());
    assert!(stations.contains("holds 2 stations: its slices lie 88 mm apart"), "{stations}");
    assert!(stations.contains("as a series of its own"), "{stations}");

    let folder = tempdir().unwrap();
    scan.write(folder.path());
    let again = |slice: usize, number: &str| {
        let mut file = scan.slice(slice);
        let instance = format!("1.2.3.{slice}");
        file.put(element(tags::SOP_INSTANCE_UID, VR::UI, &instance));
        file.put(element(tags::ACQUISITION_NUMBER, VR::IS, number));
        file.write_to_file(folder.path().join(instance)).unwrap();
    };
    (0..scan.slices()).for_each(|slice| again(slice, "2"));
    let repeated = fault(folder.path());
    let expected = "has 2 images of every slice, which differ in AcquisitionNumber: time points";
    assert!(repeated.contains(expected), "{repeated}");
    fs::remove_file(folder.path().join("1.2.3.0")).unwrap();
    let doubled = fault(folder.path());
    assert!(doubled.contains("two different images at the same place"), "{doubled}");
    assert!(doubled.contains("which differ in AcquisitionNumber; keep one"), "{doubled}");
}

#[test]
fn slices_that_are_far_apart_for_their_thickness_are_remarked_on() {
    let folder = tempdir().unwrap();
    let mut scan = Scan::small();
    scan.write(folder.path());
    assert_eq!(only_series(folder.path()).note, None);
    let folder = tempdir().unwrap();
    scan.set(tags::SLICE_THICKNESS, VR::DS, "1.2");
    // The gap between slices, as some scanners give it.
    scan.set(tags::SPACING_BETWEEN_SLICES, VR::DS, "0.3");
    scan.write(folder.path());
    let series = only_series(folder.path());
    let note = series.note.as_deref().unwrap();
    assert!(note.contains("3.3 mm apart, 2.2 times their thickness"), "{note}");
    assert!(series.geometry().is_ok());
}

#[test]
fn slices_that_are_no_volume_are_refused() {
    // Slices that are moved from their place to the right and up.
    let write = |moved: &dyn Fn(usize) -> [f64; 2]| {
        let folder = tempdir().unwrap();
        for slice in 0..6 {
            let [x, z] = moved(slice);
            let mut scan = Scan::small();
            scan.affine = Affine([[-3.3, 0.0, 0.0, x], [0.0, 0.0, -0.8, 0.0], [0.0, -0.8, 0.0, z]]);
            scan.slice(slice).write_to_file(folder.path().join(slice.to_string())).unwrap();
        }
        fault(folder.path())
    };
    let uneven = write(&|slice| [if slice == 3 { 1.2 } else { 0.0 }, 0.0]);
    assert!(uneven.contains("not equally spaced: "), "{uneven}");
    let shifted = write(&|slice| [0.0, slice as f64]);
    assert!(shifted.contains("shifted against each other"), "{shifted}");
    let bent = write(&|slice| [0.0, if slice == 3 { 1.0 } else { 0.0 }]);
    assert!(bent.contains("along a straight line"), "{bent}");
}

#[test]
fn echoes_and_orientations_of_one_series_are_kept_apart() {
    let folder = tempdir().unwrap();
    let both = Scan::small().series(4, "pd_t2_tse_sag");
    let mut early = both.clone();
    early.set(tags::ECHO_TIME, VR::DS, "15").set(tags::ECHO_NUMBERS, VR::IS, "1");
    let mut late = both.clone();
    late.set(tags::ECHO_TIME, VR::DS, "90").set(tags::ECHO_NUMBERS, VR::IS, "2");
    early.write(&folder.path().join("early"));
    late.write(&folder.path().join("late"));
    // A localiser: three planes in one series.
    let mut localiser = Scan::small().series(1, "planes");
    localiser.samples = localiser.samples.slice_move(ndarray::s![..2, .., ..]);
    for (plane, affine) in [
        [[-9.0, 0.0, 0.0, 0.0], [0.0, 0.0, -1.0, 0.0], [0.0, -1.0, 0.0, 0.0]],
        [[0.0, 0.0, -1.0, 0.0], [0.0, -1.0, 0.0, 0.0], [9.0, 0.0, 0.0, 0.0]],
        [[0.0, 0.0, -1.0, 0.0], [-9.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0]],
    ]
    .into_iter()
    .enumerate()
    {
        localiser.affine = Affine(affine);
        localiser.set(tags::ECHO_NUMBERS, VR::IS, &(plane + 1).to_string());
        localiser.write(&folder.path().join(format!("plane{plane}")));
    }
    let found = DicomFolder::read(folder.path()).unwrap();
    let said: Vec<_> = found
        .series
        .iter()
        .map(|series| (series.number, series.echo_time, series.objection.as_deref()))
        .collect();
    let localiser = Some("localiser: 3 orientations");
    let expected = [
        (1, Some(102.0), localiser),
        (2, Some(102.0), localiser),
        (3, Some(102.0), localiser),
        (4, Some(15.0), Some("short echo time")),
        (5, Some(90.0), None),
    ];
    assert_eq!(said, expected);
}

#[test]
fn slightly_different_echo_times_are_one_echo() {
    let scan = Scan::small();
    let folder = tempdir().unwrap();
    for slice in 0..scan.slices() {
        let mut file = scan.slice(slice);
        file.put(element(tags::ECHO_TIME, VR::DS, if slice == 2 { "102.4" } else { "102" }));
        file.write_to_file(folder.path().join(slice.to_string())).unwrap();
    }
    let series = only_series(folder.path());
    assert_eq!((series.slices, series.echo_time), (6, Some(102.0)));
    scan.check(&series.read().unwrap().0, plain);
}

#[test]
fn times_within_an_examination_do_not_split_it() {
    let folder = tempdir().unwrap();
    Scan::small().series(2, "t1").write(&folder.path().join("a"));
    let mut later = Scan::small();
    later.set(tags::STUDY_TIME, VR::TM, "120000").write(&folder.path().join("b"));
    Scan::small().examination("20230101").write(&folder.path().join("c"));
    let found = DicomFolder::read(folder.path()).unwrap();
    let examinations: Vec<usize> = found.series.iter().map(|series| series.examination).collect();
    assert_eq!(examinations, [1, 2, 2]);
}

#[test]
fn series_of_other_contrasts_are_not_taken() {
    let objection = |changes: &[(dicom_core::Tag, VR, &str)]| {
        let mut scan = Scan { syntax: Syntax::Implicit, ..Scan::small() };
        changes.iter().for_each(|(tag, vr, text)| {
            scan.set(*tag, *vr, text);
        });
        let folder = tempdir().unwrap();
        scan.write(folder.path());
        only_series(folder.path()).objection.unwrap_or_default()
    };
    let description = |text| objection(&[(tags::SERIES_DESCRIPTION, VR::LO, text)]);
    assert_eq!(description("HWS sag"), "", "by its echo time");
    assert_eq!(description("t2_tirm_sag"), "inversion recovery");
    assert_eq!(description("t2*_sag"), "T2*-weighted");
    assert_eq!(description("Survey"), "localiser");
    let echo = |time, text| {
        objection(&[(tags::ECHO_TIME, VR::DS, time), (tags::SERIES_DESCRIPTION, VR::LO, text)])
    };
    assert_eq!(echo("11", "t1_tse_sag"), "short echo time");
    assert_eq!(echo("50", "T2 sag"), "");
    assert_eq!(echo("50", "sag"), "short echo time");
    assert_eq!(objection(&[(tags::INVERSION_TIME, VR::DS, "150")]), "inversion recovery, 150 ms");
    assert_eq!(objection(&[(tags::SCANNING_SEQUENCE, VR::CS, "GR")]), "gradient echo");
    assert_eq!(objection(&[(tags::SCANNING_SEQUENCE, VR::CS, "EP\\SE")]), "echo planar");
    let localiser = objection(&[(tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY\\LOCALIZER")]);
    assert_eq!(localiser, "localiser");
}
