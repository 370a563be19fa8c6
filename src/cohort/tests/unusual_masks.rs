//! Masks and images whose voxels or headers are not as plain as 0, 1 and a good sform.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::cohort::Subject;

/// The subject that a folder gives when a file is changed, and what was said about it.
fn with(change: impl Fn(&Path)) -> (Result<Arc<Subject>, String>, Vec<String>) {
    let root = tempfile::tempdir().unwrap();
    write_subject(root.path(), "sub-01");
    write_subject(root.path(), "sub-02");
    change(root.path());
    let (listener, context) = listening();
    let cohort = load(root.path(), &context).unwrap();
    let subject = cohort.subject(0, &context).map_err(|error| error.to_string());
    drop(cohort.subjects(&context));
    (subject, listener.about_subjects())
}

fn cord(root: &Path) -> std::path::PathBuf {
    label_path(root, "sub-01", "label-SC_seg")
}

fn slices(subject: Result<Arc<Subject>, String>) -> Vec<crate::cohort::Slice> {
    subject.unwrap().slices.clone()
}

const INSIDE: fn(usize, usize) -> bool = |j, k| (15..25).contains(&j) && (5..35).contains(&k);

#[test]
fn soft_noisy_and_ringing_masks_give_the_slices_of_the_binary_one() {
    let (plain, said) = with(|_| {});
    let plain = slices(plain);
    assert!(said.is_empty(), "{said:?}");
    type Value = fn(usize, usize) -> f32;
    let values: [(&str, Value, bool); 5] = [
        ("0 and 255", |j, k| if INSIDE(j, k) { 255.0 } else { 0.0 }, false),
        ("noise", |j, k| if INSIDE(j, k) { 1.0 } else { 1e-6 * (j as f32 - 20.0) }, false),
        ("ringing", |j, k| if INSIDE(j, k) { 1.02 } else { -0.02 }, false),
        ("soft", |j, k| if INSIDE(j, k) { 0.6 + 0.04 * (j % 10) as f32 } else { 0.3 }, true),
        ("not a number", |j, k| if INSIDE(j, k) { 1.0 } else { f32::NAN }, true),
    ];
    for (name, value, noted) in values {
        let (subject, said) =
            with(|root| write(&cord(root), nifti(&SHAPE, &voxels(|_, j, k| value(j, k)))));
        assert_eq!(slices(subject), plain, "{name}");
        assert_eq!(!said.is_empty(), noted, "{name}: {said:?}");
    }
    let faint = |root: &Path| {
        write(&cord(root), nifti(&SHAPE, &voxels(|i, j, k| (i + j + k) as f32 * 1e-3)))
    };
    let (subject, _) = with(faint);
    assert!(subject.unwrap_err().contains("marks nothing: a voxel is inside above 0.5"));
}

/// A mask of signed integers of 8 bits.
fn signed_bytes(value: impl Fn(usize, usize) -> u8) -> Vec<u8> {
    let mut bytes = nifti(&SHAPE, &[]);
    bytes[70..72].copy_from_slice(&256i16.to_le_bytes());
    bytes[72..74].copy_from_slice(&8i16.to_le_bytes());
    bytes.extend(voxels(|_, j, k| f32::from(value(j, k))).iter().map(|value| *value as u8));
    bytes
}

const STORE: &str =
    "from 128 up seem to be stored as negative numbers; store the mask as unsigned integers";

#[test]
fn values_from_128_up_that_were_stored_as_negative_numbers_are_told() {
    // The core of a soft mask is 255, stored as -1, or 200.
    let soft = |core: u8| {
        move |j: usize, k: usize| match (INSIDE(j, k), (17..23).contains(&j)) {
            (true, true) => core,
            (true, false) => 100,
            _ => 0,
        }
    };
    for core in [255, 200, 128] {
        let (subject, said) = with(|root| write(&cord(root), signed_bytes(soft(core))));
        assert!(subject.is_ok());
        let low = i16::from(core) - 256;
        let start = format!("540 values of its cord mask are negative, down to {low}, and count");
        assert!(said.iter().any(|line| line.contains(&start) && line.contains(STORE)), "{said:?}");
        let as_16_bits = voxels(|_, j, k| f32::from(soft(core)(j, k) as i8));
        let (_, said) = with(|root| write(&cord(root), nifti(&SHAPE, &as_16_bits)));
        assert!(said.iter().any(|line| line.contains(STORE)), "{said:?}");
    }
    let binary = |j, k| if INSIDE(j, k) { 255 } else { 0 };
    let (subject, _) = with(|root| write(&cord(root), signed_bytes(binary)));
    let told = subject.unwrap_err();
    assert!(told.contains("its cord mask marks nothing: its values are 0 or negative"), "{told}");
    assert!(told.contains(STORE), "{told}");
    // A background of -1 is not the core of a mask.
    let background = voxels(|_, j, k| if INSIDE(j, k) { 1.0 } else { -1.0 });
    let (subject, said) = with(|root| write(&cord(root), nifti(&SHAPE, &background)));
    assert_eq!(slices(subject), slices(with(|_| {}).0));
    assert!(said.iter().any(|line| line.contains("negative")), "{said:?}");
    assert!(!said.iter().any(|line| line.contains(STORE)), "{said:?}");
    // Splines undershoot, also around a mask of 0 and 255.
    let ringing = |j: usize, k: usize| match (INSIDE(j, k), INSIDE(j + 2, k)) {
        (true, _) => 255.0,
        (false, true) => -18.4,
        _ => 0.0,
    };
    let (subject, said) =
        with(|root| write(&cord(root), nifti(&SHAPE, &voxels(|_, j, k| ringing(j, k)))));
    assert!(subject.is_ok() && said.is_empty(), "{said:?}");
    // Nor in whole numbers, of a soft mask times 100 or 1000.
    for times in [1.0, 10.0] {
        let (subject, said) = with(|root| {
            let whole = |_, j: usize, k: usize| match (INSIDE(j, k), (16..24).contains(&j)) {
                (true, true) => 100.0 * times,
                (true, false) => 60.0 * times,
                _ if INSIDE(j + 1, k) || INSIDE(j.saturating_sub(1), k) => -18.0 * times,
                _ => 0.0,
            };
            write(&cord(root), nifti(&SHAPE, &voxels(whole)));
        });
        assert!(subject.is_ok() && !said.iter().any(|line| line.contains("negative")), "{said:?}");
    }
    // A region that is to be ignored.
    let ignored = |j: usize, k: usize| match (INSIDE(j, k), INSIDE(j + 2, k)) {
        (true, _) => 1.0,
        (false, true) => -1.0,
        _ => 0.0,
    };
    let (subject, said) =
        with(|root| write(&cord(root), nifti(&SHAPE, &voxels(|_, j, k| ignored(j, k)))));
    assert!(subject.is_ok() && said.iter().any(|line| line.contains("are negative, down to -1")));
    assert!(!said.iter().any(|line| line.contains(STORE)), "{said:?}");
}

#[test]
fn a_lesion_mask_in_which_nothing_can_be_read_is_no_sign_of_health() {
    let lesion = |value: f32| {
        let core = move |j: usize, k: usize| (18..21).contains(&j) && (10..16).contains(&k);
        let stored = voxels(|_, j, k| if core(j, k) { value } else { 0.0 });
        with(|root| write(&label_path(root, "sub-01", "label-lesion_seg"), nifti(&SHAPE, &stored)))
    };
    assert_eq!(lesion(0.0).0.unwrap().has_lesion(), Some(false));
    for (value, told) in [(-1.0, "0 or negative, down to -1"), (f32::INFINITY, "0 or infinite")] {
        let refused = lesion(value).0.unwrap_err();
        assert!(refused.contains("its lesion mask marks nothing: its values are"), "{refused}");
        assert!(refused.contains(told), "{refused}");
    }
    let refused = lesion(f32::NAN).0.unwrap_err();
    assert!(
        refused.contains("its lesion mask marks nothing: its values are 0 or NaN"),
        "{refused}"
    );
    // What a resampled mask does not cover.
    let covered = voxels(|_, j, _| if j < 4 { f32::NAN } else { 0.0 });
    let (subject, _) = with(|root| {
        write(&label_path(root, "sub-01", "label-lesion_seg"), nifti(&SHAPE, &covered));
    });
    assert_eq!(subject.unwrap().has_lesion(), Some(false));
}

#[test]
fn a_cord_mask_that_marks_nothing_is_refused_with_its_cause() {
    let refused = |value: &dyn Fn(usize, usize) -> f32| {
        let stored = nifti(&SHAPE, &voxels(|_, j, k| value(j, k)));
        with(|root| write(&cord(root), &stored)).0.unwrap_err()
    };
    for (value, told) in [
        (0.0, "its cord mask is empty"),
        (-7.0, "0 or negative, down to -7"),
        (f32::INFINITY, "0 or infinite; write 1 inside"),
        (f32::NAN, "0 or NaN; write 1 inside"),
    ] {
        let error = refused(&|j, k| if INSIDE(j, k) { value } else { 0.0 });
        assert!(error.contains(told), "{error}");
    }
    assert!(refused(&|_, _| f32::NAN).contains("none of its values is a number"));
    assert!(refused(&|_, _| -1.0).ends_with("its values are 0 or negative, down to -1"));
}

#[test]
fn levels_are_a_cord_and_several_labels_are_questioned() {
    let levels = |_: usize, j: usize, k: usize| if INSIDE(j, k) { (1 + k / 8) as f32 } else { 0.0 };
    let (subject, said) = with(|root| write(&cord(root), nifti(&SHAPE, &voxels(levels))));
    assert_eq!(slices(subject)[0].cord, slices(with(|_| {}).0)[0].cord);
    assert!(said[0].contains("levels along the cord (1, 2, 3, 4, 5)"), "{said:?}");
    let tissues =
        |_: usize, j: usize, k: usize| if INSIDE(j, k) { (1 + j % 3) as f32 } else { 0.0 };
    let (_, said) = with(|root| write(&cord(root), nifti(&SHAPE, &voxels(tissues))));
    assert!(said[0].contains("several labels side by side (1, 2, 3)"), "{said:?}");
    let everything = nifti(&SHAPE, &voxels(|_, j, _| f32::from(j > 2)));
    let (_, said) = with(|root| write(&cord(root), &everything));
    assert!(said[0].contains("37 mm wide from front to back"), "{said:?}");
}

#[test]
fn numbered_lesions_one_above_the_other_are_no_levels() {
    let lesions = voxels(|_, j, k| match ((18..21).contains(&j), k) {
        (true, 10..14) => 1.0,
        (true, 22..26) => 2.0,
        _ => 0.0,
    });
    let (subject, said) = with(|root| {
        write(&label_path(root, "sub-01", "label-lesion_seg"), nifti(&SHAPE, &lesions));
    });
    assert_eq!(subject.unwrap().has_lesion(), Some(true));
    assert!(said[0].contains("its lesion mask holds several labels (1, 2); all count"), "{said:?}");
}

/// A soft lesion mask must not grow the ground truth.
#[test]
fn a_soft_lesion_mask_is_cut_at_one_half() {
    let lesion =
        |root: &Path, bytes: Vec<u8>| write(&label_path(root, "sub-01", "label-lesion_seg"), bytes);
    let core = |j: usize, k: usize| (18..21).contains(&j) && (10..16).contains(&k);
    let (binary, _) =
        with(|root| lesion(root, nifti(&SHAPE, &voxels(|_, j, k| f32::from(core(j, k))))));
    let soft = voxels(|_, j, k| match core(j, k) {
        true => 0.9,
        false => 0.4 * f32::from(INSIDE(j, k)) + 0.01,
    });
    let (soft, _) = with(|root| lesion(root, nifti(&SHAPE, &soft)));
    assert_eq!(slices(soft), slices(binary));
}

#[test]
fn a_mask_in_another_order_of_axes_is_brought_to_its_image() {
    // Stored (k, i, j) with the affine that says so: the same places in the scanner.
    let [i, j, k] = SHAPE;
    let permuted = {
        let mut bytes = nifti(&[k, i, j], &{
            let [ni, nj, nk] = SHAPE.map(|edge| edge as usize);
            let mut stored = Vec::new();
            for j in 0..nj {
                for _ in 0..ni {
                    for k in 0..nk {
                        stored.push(f32::from(INSIDE(j, k)));
                    }
                }
            }
            stored
        });
        for (row, values) in [[0f32, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]].iter().enumerate()
        {
            for (column, value) in values.iter().enumerate() {
                let at = 280 + 16 * row + 4 * column;
                bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            }
        }
        bytes
    };
    let (plain, _) = with(|_| {});
    let (subject, said) = with(|root| write(&cord(root), &permuted));
    assert_eq!(slices(subject), slices(plain));
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn an_image_without_orientation_takes_that_of_its_mask_or_is_called_a_guess() {
    let without = |mut bytes: Vec<u8>| {
        bytes[254..256].copy_from_slice(&0i16.to_le_bytes());
        bytes
    };
    let (plain, _) = with(|_| {});
    let (subject, said) = with(|root| write(&image_path(root, "sub-01"), without(image())));
    assert_eq!(slices(subject), slices(plain));
    assert!(said[0].ends_with("that of its cord mask was taken"), "{said:?}");
    let (_, said) = with(|root| {
        write(&image_path(root, "sub-01"), without(image()));
        write(&cord(root), without(mask(10)));
    });
    assert!(said[0].contains("which is a guess"), "{said:?}");
    let (subject, said) = with(|root| write(&cord(root), without(mask(10))));
    assert!(subject.is_ok() && said.is_empty(), "the same by voxel sizes: {said:?}");
}

/// Storage, intercept, slope and padding say nothing about the tissue.
#[test]
fn the_same_image_stored_otherwise_gives_the_same_slices() {
    let value = |i: usize, j: usize, k: usize| ((1 + i + 3 * j + k) % 97) as f32;
    let images = |change: &dyn Fn(f32) -> f32| {
        let bytes = nifti(&SHAPE, &voxels(|i, j, k| change(value(i, j, k))));
        slices(with(|root| write(&image_path(root, "sub-01"), &bytes)).0)
    };
    let plain = images(&|value| value);
    let changes: [&dyn Fn(f32) -> f32; 4] =
        [&|v| v + 1000.0, &|v| v - 500.0, &|v| 4.0 * v, &|v| 0.25 * v + 8.0];
    for (number, change) in changes.into_iter().enumerate() {
        let changed = images(change);
        assert!(!plain.is_empty());
        assert_eq!(plain.len(), changed.len());
        for (a, b) in plain.iter().zip(changed) {
            let worst = (&a.image - &b.image).iter().fold(0f32, |worst, x| worst.max(x.abs()));
            assert!(worst < 1e-5, "change {number}: {worst}");
        }
    }
    // Stored negated, with the slope that takes it back.
    let mut negated = nifti(&SHAPE, &voxels(|i, j, k| -value(i, j, k)));
    negated[112..116].copy_from_slice(&(-1f32).to_le_bytes());
    assert_eq!(slices(with(|root| write(&image_path(root, "sub-01"), &negated)).0), plain);
}

#[test]
fn a_hot_voxel_and_not_a_number_as_background_change_little() {
    let bytes = |hot: f32| {
        nifti(
            &SHAPE,
            &voxels(|i, j, k| match (i, j, k) {
                (1, 2, 2) => hot,
                _ => ((i + 3 * j + k) % 97) as f32,
            }),
        )
    };
    let (plain, _) = with(|root| write(&image_path(root, "sub-01"), bytes(90.0)));
    let (hot, said) = with(|root| write(&image_path(root, "sub-01"), bytes(1e9)));
    assert!(said[0].contains("1 voxel of its image lies far beyond"), "{said:?}");
    let (plain, hot) = (slices(plain), slices(hot));
    assert!(!plain.is_empty());
    assert_eq!(plain.len(), hot.len());
    for (a, b) in plain.iter().zip(hot) {
        let difference = (&a.image - &b.image).mapv(f32::abs);
        assert!(difference.mean().unwrap() < 0.05, "{}", difference.mean().unwrap());
    }
    let nan = |i: usize, j: usize, k: usize| if j < 5 { f32::NAN } else { (i + j + k) as f32 };
    let (subject, _) = with(|root| write(&image_path(root, "sub-01"), nifti(&SHAPE, &voxels(nan))));
    assert!(slices(subject)[0].image.iter().all(|value| (0.0..=1.0).contains(value)));
}
