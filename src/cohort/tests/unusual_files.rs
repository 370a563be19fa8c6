//! Files that a folder holds beside the images and masks that are used.

use super::*;

/// What loading a folder says, with its root written as ROOT.
fn said(fill: impl Fn(&Path)) -> (Vec<String>, Vec<String>) {
    let root = tempfile::tempdir().unwrap();
    fill(root.path());
    let (listener, context) = listening();
    let used = load(root.path(), &context).and_then(|cohort| cohort.subjects(&context));
    let names = match used {
        Ok(used) => used.iter().map(|subject| subject.name.to_string()).collect(),
        Err(error) => vec![in_root(root.path(), &error.to_string())],
    };
    (names, listener.all().iter().map(|line| in_root(root.path(), line)).collect())
}

fn find<'a>(lines: &'a [String], part: &str) -> &'a str {
    lines
        .iter()
        .find(|line| line.contains(part))
        .unwrap_or_else(|| panic!("no {part:?} in {lines:?}"))
}

/// The image of the tests with voxels of 5 mm from top to bottom.
fn axial() -> Vec<u8> {
    let mut bytes = image();
    bytes[280 + 16 * 2 + 8..280 + 16 * 2 + 12].copy_from_slice(&5f32.to_le_bytes());
    bytes
}

#[test]
fn an_axial_series_is_left_out_for_the_sagittal_one() {
    let (names, lines) = said(|root| {
        write_subject(root, "sub-01");
        write(&root.join("sub-01/anat/sub-01_acq-ax_T2w.nii"), axial());
    });
    assert_eq!(names, ["sub-01"], "one person, one subject");
    let line = find(&lines, "left out for the sagittal image");
    assert!(line.contains("sub-01_acq-ax_T2w.nii (axial, slices of 5.0 mm)"), "{line}");
    let (names, _) = said(|root| {
        write_subject(root, "sub-01");
        write(&image_path(root, "sub-01"), axial());
    });
    assert!(
        names[0].contains("is axial with slices of 5.0 mm; a sagittal series is needed"),
        "{names:?}"
    );
}

#[test]
fn every_image_of_a_folder_is_accounted_for() {
    let (names, lines) = said(|root| {
        for name in ["sub-01", "sub-02"] {
            write_subject(root, name);
            write(&root.join(format!("{name}/anat/{name}_T1w.nii")), image());
            write(&label_path(root, name, "label-canal_seg"), mask(10));
        }
        write(&root.join("stray_T2w.nii"), image());
        write(&root.join("scan.mgz"), "x");
    });
    assert_eq!(names, ["sub-01", "sub-02"]);
    let line = find(&lines, "not used");
    for part in [
        "6 image files are not used",
        "2 *_T1w (not T2-weighted), the first sub-01/anat/sub-01_T1w.nii",
        "2 *_label-canal_seg (no label that is used",
        "1 *_T2w (belongs to no subject's folder), the first stray_T2w.nii",
        "1 *.mgz (FreeSurfer; convert it with mri_convert)",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[test]
fn labels_of_known_names_that_are_not_used_are_told_why() {
    let labels = ["label-lesion_seg", "label-CSF_seg", "labels-disc", "desc-x_label-SC_seg"];
    let (_, lines) = said(|root| {
        write_subject(root, "sub-01");
        write_subject(root, "sub-02");
        // The image is refused, because its cord mask exists twice.
        write(&root.join("derivatives/b/sub-02/anat/sub-02_T2w_label-SC_seg.nii"), mask(10));
        labels.iter().for_each(|label| write(&label_path(root, "sub-02", label), mask(2)));
    });
    let line = find(&lines, "not used: ");
    for label in labels {
        let part = format!("1 *_{label} (labels of an image that is not used), the first");
        assert!(line.contains(&part), "{part}: {line}");
    }
    let (_, lines) = said(|root| {
        write_subject(root, "sub-01");
        write(&label_path(root, "sub-01", "seg"), mask(10));
        write(&root.join("derivatives/labels/sub-01_T2w_lesion.nii"), mask(2));
        write(&label_path(root, "sub-01", "label-lesion_desc-u2ad_mask"), mask(2));
    });
    let line = find(&lines, "not used: ");
    for part in [
        "1 *_seg (another label of its kind is used instead)",
        "1 *_lesion (neither beside the image nor in its place under derivatives)",
        "1 *_label-lesion_desc-u2ad_mask (no label that is used",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[test]
fn disc_labels_as_text_are_named_with_what_they_need_to_be() {
    let (_, lines) = said(|root| {
        write_subject(root, "sub-01");
        write_subject(root, "sub-02");
        for ending in ["json", "CSV", "txt"] {
            write(
                &image_path(root, "sub-01").with_file_name(format!("sub-01_labels-disc.{ending}")),
                "x",
            );
        }
        // What describes a label file or an image, and other texts.
        for sidecar in ["label-SC_seg", "labels-disc"] {
            write(&label_path(root, "sub-02", sidecar).with_extension("json"), "{}");
        }
        write(&label_path(root, "sub-02", "labels-disc"), mask(0));
        write(&image_path(root, "sub-02").with_extension("json"), "{}");
        write(&root.join("notes_discs.txt"), "x");
        write(&label_path(root, "sub-02", "label-discs").with_extension("txt"), "x");
    });
    let line = find(&lines, "not used: ");
    assert!(line.starts_with("4 files are not used: "), "{line}");
    let needed = "disc labels as text; they are read from a NIfTI file on the grid of its image, where each disc has its \
                  number in one place";
    for ending in ["json", "csv", "txt"] {
        assert!(
            line.contains(&format!("1 *_labels-disc.{ending} ({needed}), the first")),
            "{line}"
        );
    }
    let other = "1 *_label-discs.txt (another label of its kind is used instead)";
    assert!(line.contains(other), "{line}");
}

#[test]
fn a_folder_in_place_of_a_file_is_named() {
    let sentence = "is a folder; put the file itself in its place";
    for label in ["lesion", "label-SC_seg-manual", "labels-disc", "csf"] {
        let (names, lines) = said(|root| {
            write_subject(root, "sub-01");
            write_subject(root, "sub-02");
            // As some programs unpack it.
            let path = label_path(root, "sub-02", label);
            write(&path.join(path.file_name().unwrap()), mask(2));
        });
        assert_eq!(names, ["sub-01"], "{label}");
        let line = find(&lines, "subject sub-02");
        assert!(line.contains(&format!("sub-02_T2w_{label}.nii: {sentence}")), "{line}");
    }
    let (names, lines) = said(|root| {
        write_subject(root, "sub-01");
        std::fs::create_dir_all(root.join("sub-02/anat/sub-02_T2w.nii.gz")).unwrap();
        write(&label_path(root, "sub-02", "label-SC_seg"), mask(10));
    });
    assert_eq!(names, ["sub-01"]);
    assert!(find(&lines, "subject sub-02").contains(sentence), "{lines:?}");
}

#[test]
fn an_image_without_mask_in_a_plain_folder_is_named() {
    let (names, lines) = said(|root| {
        write(&root.join("a.nii"), image());
        write(&root.join("a_seg.nii"), mask(10));
        write(&root.join("b.NII"), image());
    });
    assert_eq!(names, ["a"]);
    assert!(
        find(&lines, "subject b")
            .contains("no cord mask; `segment(cohort)` finds one; looked for b followed by one of")
    );
    let (refused, _) = said(|root| write(&root.join("t2.nii.gz"), image()));
    assert!(refused[0].contains("the only subject has no cord mask"), "{refused:?}");
    let (refused, _) = said(|root| write(&root.join("export.dcm"), "x"));
    assert!(refused[0].contains("no subjects found"), "{refused:?}");
    assert!(refused[0].contains("convert it with `u2ad import`"), "{refused:?}");
}

#[test]
fn many_broken_subjects_are_a_summary() {
    let (names, lines) = said(|root| {
        write_subject(root, "sub-000");
        (1..40).for_each(|n| write(&image_path(root, &format!("sub-{n:03}")), image()));
    });
    assert_eq!(names, ["sub-000"]);
    let skipped = lines.iter().filter(|line| line.contains("is skipped")).count();
    assert_eq!(skipped, 8);
    assert!(find(&lines, "are named above").starts_with("39 of 40 subjects are skipped"));
}

#[test]
fn a_pointer_without_content_is_named_with_the_command_that_fetches_it() {
    let (_, lines) = said(|root| {
        write_subject(root, "sub-01");
        write_subject(root, "sub-02");
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 5\n";
        write(&image_path(root, "sub-02"), pointer);
    });
    assert!(find(&lines, "sub-02").contains("git lfs pull"));
}

#[test]
fn preprocessed_slices_beside_images_are_named() {
    let (names, lines) = said(|root| {
        write_subject(root, "sub-01");
        std::fs::create_dir_all(root.join("slices")).unwrap();
        for number in 1..4 {
            write(&root.join(format!("slices/anna_{number}.npy")), "x");
        }
    });
    assert_eq!(names, ["sub-01"]);
    let line = find(&lines, ".npy");
    let expected =
        "3 .npy files are not used, the first slices/anna_1.npy: preprocessed slices are taken";
    assert!(line.contains(expected), "{line}");
}

#[test]
fn a_stray_npy_file_does_not_hide_images_that_wait_for_masks() {
    let (names, lines) = said(|root| {
        for name in ["sub-01", "sub-02"] {
            write(&image_path(root, name), image());
        }
        write(&root.join("derivatives/analysis/embeddings.npy"), "x");
    });
    let sentence = "none of the 2 subjects has a cord mask; `cohort = segment(cohort)` finds it";
    assert_eq!(names, [sentence]);
    find(&lines, sentence);
}
