use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::cohort::{Preprocessed, Preprocessing, SliceGrid};
use crate::context::Streams;
use crate::phantom::{self, PhantomOptions};
use crate::volume::{Affine, LabelledVolume, MaskValues, Volume};

/// Least overlap of a lesion mask with itself after the way to preprocessed slices and back.
const LEAST_DICE: f64 = 0.9;

/// The ground truth carried back to the native grid.
fn in_native(preprocessed: &Preprocessed) -> Array3<bool> {
    let masks = preprocessed.slices.iter().map(|slice| (slice.index, slice.lesion.as_ref()));
    let masks: Vec<_> = masks.map(|(index, mask)| (index, mask.expect("known"))).collect();
    preprocessed.native_transform.mask_to_native(&masks).unwrap()
}

fn preprocess(name: &str, volume: &LabelledVolume) -> Preprocessed {
    Preprocessing::default().preprocess(&Arc::from(name), volume).unwrap()
}

/// Dice of a subject's ground truth with its source; `None` without lesion.
fn overlap(name: &str, volume: &LabelledVolume) -> Option<f64> {
    let source = MaskValues::of(volume.lesion.as_ref()?).inside;
    let voxels = source.iter().filter(|inside| **inside).count();
    if voxels == 0 {
        return None;
    }
    let back = in_native(&preprocess(name, volume));
    let both = source.iter().zip(&back).filter(|(a, b)| **a && **b).count();
    let returned = back.iter().filter(|inside| **inside).count();
    let dice = 2.0 * both as f64 / (voxels + returned) as f64;
    println!("{name}: {voxels} voxels of lesion, Dice {dice:.3}");
    Some(dice)
}

#[test]
fn lesions_of_phantoms_survive_the_way_there_and_back() {
    let options = PhantomOptions { subjects: 24, ..PhantomOptions::default() };
    let streams = Streams::new(7);
    let mut overlaps = Vec::new();
    for index in 0..options.subjects {
        let volume = phantom::draw(&options, index, &streams).unwrap().volume;
        overlaps.extend(overlap(&format!("phantom {index}"), &volume));
    }
    assert!(overlaps.len() >= 5, "{overlaps:?}");
    assert!(overlaps.iter().all(|dice| *dice >= LEAST_DICE), "{overlaps:?}");
}

#[test]
fn lesions_of_the_semi_synthetic_cohort_survive_the_way_there_and_back() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/dev");
    if !root.is_dir() {
        println!("skipped: no dev data beside the project");
        return;
    }
    let mut overlaps = Vec::new();
    for entry in std::fs::read_dir(&root).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let label = |suffix: &str| {
            root.join(format!("derivatives/labels/{name}/anat/{name}_T2w_{suffix}.nii.gz"))
        };
        if !label("label-lesion_seg").exists() {
            continue;
        }
        let volume = LabelledVolume {
            image: Volume::read(&root.join(format!("{name}/anat/{name}_T2w.nii.gz"))).unwrap(),
            cord: Volume::read(&label("label-SC_seg")).unwrap(),
            csf: Some(Volume::read(&label("label-CSF_seg")).unwrap()),
            discs: None,
            lesion: Some(Volume::read(&label("label-lesion_seg")).unwrap()),
        };
        overlaps.extend(overlap(&name, &volume));
    }
    assert!(overlaps.len() >= 5, "{overlaps:?}");
    assert!(overlaps.iter().all(|dice| *dice >= LEAST_DICE), "{overlaps:?}");
}

/// A straight cord in slices 2 to 4 of seven, stored canonically with voxels of 3 × 0.9 × 0.7 mm.
fn drawn(is_lesion: impl Fn(usize, usize, usize) -> bool) -> LabelledVolume {
    let affine = Affine([[-3.0, 0.0, 0.0, 9.0], [0.0, 0.0, -0.7, 35.0], [0.0, -0.9, 0.0, 45.0]]);
    let draw = |value: &dyn Fn(usize, usize, usize) -> f32| Volume {
        voxels: Array3::from_shape_fn((7, 100, 100), |(i, j, k)| value(i, j, k)),
        affine,
    };
    let cord = |i: usize, _, k: usize| f32::from((2..5).contains(&i) && (45..56).contains(&k));
    LabelledVolume {
        image: draw(&|i, j, k| 100.0 + (j + k) as f32 + 300.0 * cord(i, j, k)),
        cord: draw(&cord),
        csf: None,
        discs: None,
        lesion: Some(draw(&|i, j, k| f32::from(is_lesion(i, j, k)))),
    }
}

#[test]
fn every_voxel_of_a_lesion_comes_back_where_preprocessed_pixels_are_smaller() {
    // An uneven lesion: 200 mm over 320 pixels are finer than the voxels.
    let lesion = |i: usize, j: usize, k: usize| {
        (i == 3 && (40..47).contains(&j) && (47..50).contains(&k))
            || (i == 4 && (40..42).contains(&j) && k == 47)
            || (i == 3 && j == 60 && k == 52)
    };
    let volume = drawn(lesion);
    let fine = Preprocessing {
        grid: SliceGrid { size: 320, ..SliceGrid::default() },
        ..Preprocessing::default()
    };
    let made = fine.preprocess(&Arc::from("drawn"), &volume).unwrap();
    assert!(made.notes.is_empty(), "{:?}", made.notes);
    for ((i, j, k), inside) in in_native(&made).indexed_iter() {
        assert_eq!(*inside, lesion(i, j, k), "voxel {i} {j} {k}");
    }
}

#[test]
fn lost_parts_of_a_lesion_are_told_with_their_reason() {
    // Slice 6 has no cord; a quarter of the lesion is there.
    let volume = drawn(|i, j, k| {
        (i == 3 || i == 6) && j < 30 + 60 * (i / 6) && j >= 20 * (i / 6) && k == 50
    });
    let counts = |slice: usize| {
        let lesion = volume.lesion.as_ref().unwrap();
        lesion.voxels.index_axis(Axis(0), slice).iter().filter(|value| **value > 0.5).count()
    };
    let (kept, without_cord) = (counts(3), counts(6));
    let percent = 100.0 * without_cord as f64 / (kept + without_cord) as f64;
    let notes = preprocess("drawn", &volume).notes;
    let [note] = &notes[..] else { panic!("{notes:?}") };
    assert!(note.is_warning && note.is_on_lost_lesions());
    assert!(note.text.starts_with(&format!("{percent:.0} % of the lesion area")), "{note}");
    assert!(note.text.contains("slices without spinal cord"), "{note}");

    // Fluid there changes nothing.
    let mut with_fluid = volume.clone();
    with_fluid.csf = Some(Volume {
        voxels: Array3::from_shape_fn((7, 100, 100), |(_, _, k)| {
            f32::from((41..45).contains(&k) || (56..60).contains(&k))
        }),
        affine: volume.image.affine,
    });
    let notes = preprocess("drawn", &with_fluid).notes;
    let lost: Vec<_> = notes.iter().filter(|note| note.is_on_lost_lesions()).collect();
    let [lost] = &lost[..] else { panic!("{notes:?}") };
    assert_eq!(lost.text, note.text);

    // A field of 40 mm around the middle: of the rows 0 to 29 of 0.9 mm, all lie outside.
    let small = Preprocessing {
        grid: SliceGrid { size: 40, fov_mm: 40, ..SliceGrid::default() },
        ..Preprocessing::default()
    };
    let volume = drawn(|i, j, k| i == 3 && (j < 20 || (45..55).contains(&j)) && k == 50);
    let notes = small.preprocess(&Arc::from("drawn"), &volume).unwrap().notes;
    let outside = notes.iter().find(|note| note.is_on_lost_lesions()).expect("a note");
    assert!(
        outside.text.starts_with("67 % of the lesion area (ground truth) lies outside"),
        "{outside}"
    );

    // A patient stays one, wherever the lesion lies.
    let volume = drawn(|i, j, k| i == 3 && j < 20 && k == 50);
    let made = small.preprocess(&Arc::from("drawn"), &volume).unwrap();
    let shown = made.slices.iter().flat_map(|slice| &slice.lesion).flatten().any(|set| *set);
    assert!(made.lesion_marked && !shown);
    let empty = small.preprocess(&Arc::from("drawn"), &drawn(|_, _, _| false)).unwrap();
    assert!(!empty.lesion_marked);
}
