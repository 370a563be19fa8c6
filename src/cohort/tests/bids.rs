//! BIDS trees and plain folders.

use std::fs;
use std::path::Path;

use super::*;

fn root() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Loads a tree whose `sub-02` is spoiled and returns the warnings about it.
fn warning_when(spoil: impl Fn(&Path)) -> String {
    let root = root();
    write_subject(root.path(), "sub-01");
    write_subject(root.path(), "sub-02");
    spoil(root.path());
    let (listener, context) = listening();
    let cohort = load(root.path(), &context).unwrap();
    assert_eq!(cohort.names(), ["sub-01", "sub-02"]);
    let usable = cohort.subjects(&context).unwrap();
    assert_eq!(usable.iter().map(|subject| &*subject.name).collect::<Vec<_>>(), ["sub-01"]);
    cohort.subjects(&context).unwrap();
    let warnings = listener.warnings.lock().unwrap();
    assert_eq!(warnings.len(), 1, "told once: {warnings:?}");
    let strict =
        LoadOptions { strict: true, grid: SliceGrid::of_size(32), ..LoadOptions::default() };
    let strict = Cohort::load(root.path(), &strict, &context)
        .and_then(|cohort| cohort.subjects(&context))
        .unwrap_err()
        .to_string();
    assert_eq!(warnings[0], format!("{strict}; the subject is skipped"));
    in_root(root.path(), &strict)
}

#[test]
fn a_folder_that_cannot_be_used_is_refused_in_one_sentence() {
    let root = root();
    let options = LoadOptions::default();
    assert_eq!(refusal(&root.path().join("nowhere"), &options), "ROOT: no such folder");
    assert_eq!(
        refusal(root.path(), &options),
        "ROOT: no subjects found; looked for sub-*/anat/*_T2w.nii.gz, NAME.nii.gz with NAME_seg.nii.gz beside it, and preprocessed slices NAME_INDEX.npy"
    );
    let file = root.path().join("a.nii");
    write(&file, image());
    assert_eq!(refusal(&file, &options), "ROOT: is a file; give the folder that holds it");
    let zero = LoadOptions { grid: SliceGrid::of_size(0), ..LoadOptions::default() };
    assert_eq!(refusal(root.path(), &zero), "size must be 8 to 4096 pixels, not 0");
}

#[cfg(unix)]
#[test]
fn a_folder_without_permission_is_refused_in_one_sentence() {
    use std::os::unix::fs::PermissionsExt;
    let root = root();
    let permit = |mode| fs::set_permissions(root.path(), fs::Permissions::from_mode(mode)).unwrap();
    permit(0o000);
    if fs::read_dir(root.path()).is_ok() {
        println!("skipped: this user may read everything");
    } else {
        let said = refusal(root.path(), &LoadOptions::default());
        assert_eq!(said, "ROOT: the folder cannot be read: permission denied; ask for read access");
    }
    permit(0o700);
}

#[test]
fn a_subject_is_found_in_sessions_and_beside_its_labels() {
    let root = root();
    let at = |path: &str| root.path().join(path);
    write(&at("sub-01/ses-1/anat/sub-01_ses-1_T2w.nii"), image_of("sub-01_ses-1"));
    write(&at("derivatives/sct/sub-01/ses-1/anat/sub-01_ses-1_label-SC_mask.nii"), mask(10));
    write(&at("sub-02/anat/sub-02_acq-sag_run-1_T2w.nii"), image_of("sub-02_acq-sag_run-1"));
    write(&at("sub-02/anat/sub-02_acq-sag_run-1_T2w_seg.nii"), mask(10));
    write(&at("sub-02/anat/sub-02_acq-sag_run-2_T2w.nii"), image_of("sub-02_acq-sag_run-2"));
    write(&at("sub-02/anat/sub-02_acq-sag_run-2_T2w_seg.nii"), mask(10));
    write(&at("sub-03/sub-03_T2w.nii"), image_of("sub-03"));
    write(&at("sub-03/sub-03_T2w_seg-manual.nii"), mask(10));
    write(&at("code/notes.txt"), "not data");
    let (listener, context) = listening();
    let cohort = load(root.path(), &context).unwrap();
    let names = ["sub-01", "sub-02_acq-sag_run-1", "sub-02_acq-sag_run-2", "sub-03"];
    assert_eq!(cohort.names(), names);
    assert_eq!(cohort.subjects(&context).unwrap().len(), 4);
    assert!(listener.warnings.lock().unwrap().is_empty());
    let notes = listener.notes.lock().unwrap().join("\n");
    let said = "sub-02 has 2 images, and each counts as a subject of its own (sub-02_acq-sag_run-1_T2w.nii, \
                sub-02_acq-sag_run-2_T2w.nii)";
    assert!(notes.contains(said), "{notes}");
    let image = cohort.entry(3).unwrap().image().unwrap();
    assert_eq!(image, at("sub-03/sub-03_T2w.nii"));
}

#[test]
fn subjects_with_copies_of_one_image_are_told_when_they_are_loaded() {
    let root = root();
    let names = ["sub-01", "sub-02", "sub-03", "sub-04"];
    names.iter().for_each(|name| write_subject(root.path(), name));
    let told = || {
        let (listener, context) = listening();
        load(root.path(), &context).unwrap();
        listener.all().into_iter().filter(|line| line.contains("same image")).collect::<Vec<_>>()
    };
    assert!(told().is_empty(), "images of one size");
    write(&image_path(root.path(), "sub-04"), image_of("sub-02"));
    let said = "sub-02 and sub-04 hold the same image and count as different subjects; find out whose image it is";
    assert_eq!(told(), [said]);
    write(&image_path(root.path(), "sub-03"), image_of("sub-01"));
    assert_eq!(told().len(), 1);
    assert!(told()[0].contains("different ones: sub-01 and sub-03, sub-02 and sub-04;"));
}

#[test]
fn the_phase_of_an_image_is_no_subject() {
    let root = root();
    let at = |path: &str| root.path().join(path);
    for part in ["part-mag_", "part-phase_", "part-real_"] {
        write(&at(&format!("sub-01/anat/sub-01_{part}T2w.nii")), image());
        write(&at(&format!("sub-01/anat/sub-01_{part}T2w_seg.nii")), mask(10));
    }
    let (listener, context) = listening();
    let cohort = load(root.path(), &context).unwrap();
    assert_eq!(cohort.names(), ["sub-01"]);
    assert_eq!(cohort.subjects(&context).unwrap().len(), 1);
    let image = cohort.entry(0).unwrap().image().unwrap();
    assert_eq!(image, at("sub-01/anat/sub-01_part-mag_T2w.nii"));
    let notes = listener.notes.lock().unwrap().join("\n");
    assert!(notes.contains("left out for the magnitude: sub-01_part-phase_T2w.nii"), "{notes}");
}

#[test]
fn folders_above_a_dataset_are_neither_its_subjects_nor_sessions() {
    let root = root();
    let bids = root.path().join("sub-project/ses-backup/bids");
    write(&bids.join("sub-01/anat/sub-01_T2w.nii"), image());
    write(&bids.join("sub-01/anat/sub-01_T2w_seg.nii"), mask(10));
    write(&bids.join("sub-02/ses-1/anat/sub-02_ses-1_T2w.nii"), image());
    write(&bids.join("sub-02/ses-1/anat/sub-02_ses-1_T2w_seg.nii"), mask(10));
    let cohort = load(&bids, &Context::new(0)).unwrap();
    let sessions: Vec<_> = cohort.entries().map(|entry| entry.session()).collect();
    assert_eq!(sessions, [None, Some("ses-1".to_owned())]);
    let image = cohort.entry(0).unwrap().image().unwrap();
    assert_eq!(crate::cohort::dataset_root(image), Some(&*bids));
}

#[test]
fn tables_of_sessions_say_who_is_healthy_where_the_participants_table_does_not() {
    let root = root();
    for session in ["ses-1", "ses-2"] {
        let stem = root.path().join(format!("sub-01/{session}/anat/sub-01_{session}_T2w"));
        write(&stem.with_extension("nii"), image_of(session));
        write(&stem.with_file_name(format!("sub-01_{session}_T2w_seg.nii")), mask(10));
    }
    let table = root.path().join("sub-01/sub-01_sessions.tsv");
    let loaded = || {
        let (listener, context) = listening();
        let cohort = load(root.path(), &context).unwrap();
        let notes = listener.notes.lock().unwrap().clone();
        let is_told = |note: &String| note.starts_with("tables of sessions");
        let told = notes.into_iter().filter(is_told).collect::<Vec<_>>().join("; ");
        (cohort.entries().map(|entry| entry.health()).collect::<Vec<_>>(), told)
    };
    write(&table, "session_id\tacq_time\nses-1\tn/a\n");
    assert_eq!(loaded(), (vec![None, None], String::new()));
    write(&table, "session_id\tPathology\nses-1\tHC\n2\tMS\n");
    let (health, told) = loaded();
    assert_eq!(health, [Some(true), Some(false)]);
    assert!(told.contains("say who is healthy or has a lesion for 2 images"), "{told}");
    // A missing value says nothing, and a table without the session does not count.
    write(&table, "session_id\tpathology\nses-1\tn/a\n");
    let (health, told) = loaded();
    assert_eq!(health, [None, None]);
    assert!(told.ends_with("sub-01_sessions.tsv (it has no row ses-2)"), "{told}");
    write(&table, "session_id\tpathology\thas_lesion\nses-1\tHC\t0\nses-2\tMS\t1\n");
    write(&root.path().join("participants.tsv"), "participant_id\tgroup\nsub-01\tpatient\n");
    let (health, told) = loaded();
    assert_eq!(health, [Some(false), Some(false)], "the participants table decides");
    assert!(told.contains("participants.tsv decides instead of its column pathology"), "{told}");
    let cohort = load(root.path(), &Context::new(0)).unwrap();
    let lesions: Vec<_> = cohort.entries().map(|entry| entry.has_lesion()).collect();
    assert_eq!(lesions, [Some(false), Some(true)], "of which it says nothing");
}

#[test]
fn a_plain_folder_holds_images_with_their_masks_beside_them() {
    let root = root();
    let at = |name: &str| root.path().join(name);
    write(&at("t2.nii"), image());
    write(&at("t2_seg-manual.nii"), mask(10));
    write(&at("t2_labeled_center_manual.nii"), mask(10));
    write(&at("patient_T2w.nii"), image());
    write(&at("patient_T2w_seg.nii"), mask(10));
    write(&at("patient_T2w_lesion.nii"), mask(2));
    write(&at("participants.tsv"), "participant_id\tgroup\nt2\tcontrol\npatient\tclinic\n");
    let context = Context::new(0);
    let cohort = load(root.path(), &context).unwrap();
    assert_eq!(cohort.names(), ["patient", "t2"]);
    assert_eq!(cohort.subject(0, &context).unwrap().has_lesion(), Some(true));
    assert_eq!(cohort.healthy().unwrap().names(), ["t2"]);
}

#[test]
fn a_subject_that_cannot_be_used_is_told_once_by_name_and_reason_and_strictly_refused() {
    let image_02 = |root: &Path| image_path(root, "sub-02");
    let cord_02 = |root: &Path| label_path(root, "sub-02", "label-SC_seg");
    assert_eq!(
        warning_when(|root| fs::remove_file(cord_02(root)).unwrap()),
        "subject sub-02: no cord mask; `segment(cohort)` finds one; looked for sub-02_T2w or sub-02 followed by one of _label-SC_seg-manual, _label-SC_mask-manual, _seg-manual, _label-SC_seg, _label-SC_mask, _label-cord_seg, _label-cord_mask, _label-spinalcord_seg, _label-spinalcord_mask, _seg, _softseg-manual, _label-SC_softseg, _softseg (`sct_deepseg spinalcord -i sub-02_T2w.nii` makes one)"
    );
    assert_eq!(
        warning_when(|root| fs::remove_file(image_02(root)).unwrap()),
        "subject sub-02: no *_T2w.nii or *_T2w.nii.gz in its folder"
    );
    assert_eq!(
        warning_when(|root| write(&cord_02(root), nifti(&[2, 4, 4], &[1.0; 32]))),
        "subject sub-02: ROOT/derivatives/labels/sub-02/anat/sub-02_T2w_label-SC_seg.nii: the cord mask has 2 × 4 × 4 voxels instead of the 3 × 40 × 40 of sub-02_T2w.nii; resample it to the image"
    );
    assert_eq!(
        warning_when(|root| {
            let mut moved = mask(10);
            moved[292..296].copy_from_slice(&7f32.to_le_bytes());
            write(&cord_02(root), moved);
        }),
        "subject sub-02: ROOT/derivatives/labels/sub-02/anat/sub-02_T2w_label-SC_seg.nii: the cord mask lies up to 7.0 voxels away from sub-02_T2w.nii; resample it to the image"
    );
    assert_eq!(
        warning_when(|root| write(&cord_02(root), mask(0))),
        "subject sub-02: its cord mask is empty"
    );
    assert_eq!(
        warning_when(|root| {
            let infinite =
                voxels(|i, j, k| if i + j + k == 1 { f32::INFINITY } else { (j + k) as f32 });
            write(&image_02(root), nifti(&SHAPE, &infinite));
        }),
        "subject sub-02: infinite: 3 voxels of its image; replace them with numbers first"
    );
    let twice = warning_when(|root| {
        write(&root.join("derivatives/other/sub-02/anat/sub-02_T2w_label-SC_seg.nii"), mask(10));
    });
    assert!(twice.starts_with("subject sub-02: its cord mask exists twice ("), "{twice}");
    assert!(twice.ends_with("keep one or choose with `derivatives`"), "{twice}");
}

#[test]
fn a_label_with_a_rounded_header_is_taken_voxel_by_voxel() {
    let root = root();
    write_subject(root.path(), "sub-01");
    let mut rounded = mask(10);
    rounded[292..296].copy_from_slice(&0.3f32.to_le_bytes());
    write(&label_path(root.path(), "sub-01", "label-SC_seg"), rounded);
    let (listener, context) = listening();
    load(root.path(), &context).unwrap().subjects(&context).unwrap();
    assert_eq!(
        listener.about_subjects(),
        [
            "subject sub-01: the cord mask lies up to 0.30 voxels away from the image by its header; its voxels are taken for the image's"
        ]
    );
}

#[test]
fn a_damaged_file_is_told_with_its_path() {
    let image_02 = |root: &Path| image_path(root, "sub-02");
    let place = "subject sub-02: ROOT/sub-02/anat/sub-02_T2w.nii: ";
    let reason = |bytes: &[u8]| {
        let sentence = warning_when(|root| write(&image_02(root), bytes));
        sentence.strip_prefix(place).expect(&sentence).to_owned()
    };
    assert_eq!(reason("a letter to a friend ".repeat(20).as_bytes()), "is not a NIfTI image");
    assert_eq!(reason(&image()[..200]), "is too short for a NIfTI header");
    assert_eq!(
        reason(&image()[..3000]),
        "is truncated: its header promises 19552 bytes, 3000 are there"
    );
    assert_eq!(
        reason(&nifti(&[2, 2, 2, 5], &[1.0; 40])),
        "holds 2 × 2 × 2 × 5 values; extract one three-dimensional volume first"
    );
}

#[test]
fn an_image_that_exists_twice_costs_its_subject_only() {
    assert_eq!(
        warning_when(|root| write(&root.join("sub-02/anat/sub-02_T2w.nii.gz"), image())),
        "subject sub-02: its image exists twice, perhaps as .nii and as .nii.gz; keep one"
    );
}

#[test]
fn one_derivatives_folder_can_be_chosen() {
    let root = root();
    write_subject(root.path(), "sub-01");
    write(&root.path().join("derivatives/sct/sub-01/anat/sub-01_T2w_label-SC_seg.nii"), mask(10));
    let choose =
        |name: &str| LoadOptions { derivatives: Some(name.into()), ..LoadOptions::default() };
    Cohort::load(root.path(), &choose("sct"), &Context::new(0)).unwrap();
    let said = refusal(root.path(), &choose("scct"));
    assert_eq!(said, "ROOT/derivatives: has no folder scct; there is labels, sct");
}

#[test]
fn a_participants_table_with_someone_twice_is_refused() {
    let root = root();
    write_subject(root.path(), "sub-01");
    let table = "participant_id\tgroup\nsub-01\thc\nsub-01\tclinic\n";
    write(&root.path().join("participants.tsv"), table);
    assert_eq!(
        refusal(root.path(), &LoadOptions::default()),
        "ROOT/participants.tsv: sub-01 stands in lines 2 and 3; keep one row per participant"
    );
}

#[test]
fn the_development_cohort_loads_whole() {
    let root = Path::new("../shared/data/dev");
    if !root.exists() {
        println!("skipped: ../shared/data/dev is not there");
        return;
    }
    let (listener, context) = listening();
    let cohort = load(root, &context).unwrap();
    assert_eq!(cohort.len(), 26);
    let (healthy, clinical) = (cohort.healthy().unwrap(), cohort.clinical().unwrap());
    assert_eq!((healthy.len(), clinical.len()), (10, 16));
    let truth = |cohort: &Cohort, expected| {
        let subjects = cohort.subjects(&context).unwrap();
        assert!(subjects.iter().all(|subject| !subject.slices.is_empty()));
        subjects.iter().filter(|subject| subject.has_lesion() == expected).count()
    };
    assert_eq!(truth(&healthy, Some(false)), 10);
    assert_eq!(truth(&clinical, Some(true)), 8);
    assert_eq!(truth(&clinical, Some(false)), 8);
    assert!(listener.warnings.lock().unwrap().is_empty());
}

#[test]
fn real_images_load_from_plain_folders() {
    let root = Path::new("../shared/data/real");
    if !root.exists() {
        println!("skipped: ../shared/data/real is not there");
        return;
    }
    let context = Context::new(0);
    let thoracic = load(&root.join("t2"), &context).unwrap();
    assert_eq!(thoracic.names(), ["t2"]);
    assert!(!thoracic.subject(0, &context).unwrap().slices.is_empty());
    let cohort = load(&root.join("sub-unf01"), &context).unwrap();
    assert_eq!(cohort.names(), ["sub-unf01"], "its lesion mask has a rounded header");
    assert_eq!(cohort.subject(0, &context).unwrap().has_lesion(), Some(true));
    let lumbar = load(&root.join("t2_lumbar"), &context).unwrap();
    assert!(lumbar.unsegmented().is_some_and(|sentence| sentence.contains("no cord mask")));
}
