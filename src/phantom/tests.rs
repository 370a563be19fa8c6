use std::collections::BTreeSet;
use std::sync::Arc;

use ndarray::Array3;

use super::*;
use crate::cohort::{Cohort, LoadOptions, Preprocessing, SliceGrid};
use crate::context::Context;
use crate::volume::{Orientation, Volume};

/// Coarse pixels: quick to draw.
fn options(subjects: usize) -> PhantomOptions {
    PhantomOptions { subjects, pixel_spacing_mm: 1.4, ..Default::default() }
}

fn clinical(subjects: usize) -> PhantomOptions {
    PhantomOptions { clinical: Some(subjects), with_lesions: Some(subjects), ..options(subjects) }
}

fn canonical(volume: &Volume) -> Array3<f32> {
    Orientation::to_sagittal(&volume.affine).apply(&volume.voxels)
}

/// Mean of the image where `inside` is true; NaN if nowhere.
fn mean(image: &Volume, inside: impl Fn([usize; 3]) -> bool) -> f64 {
    let (sum, count) = image
        .voxels
        .indexed_iter()
        .filter(|((i, j, k), _)| inside([*i, *j, *k]))
        .fold((0.0, 0.0), |(sum, count), (_, value)| (sum + f64::from(*value), count + 1.0));
    sum / count
}

#[test]
fn the_same_seed_draws_the_same_bits_on_one_thread_and_on_many() {
    let draw = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| draw(&clinical(2), 1, &Streams::new(5)).unwrap())
    };
    let (one, three) = (draw(1), draw(3));
    assert_eq!(one.volume.image, three.volume.image);
    assert_eq!(one.volume.lesion, three.volume.lesion);
    assert_eq!(one.lesions, three.lesions);
}

#[test]
fn seeds_and_subjects_draw_different_people() {
    let image = |index, seed| draw(&options(4), index, &Streams::new(seed)).unwrap().volume.image;
    assert_ne!(image(0, 1), image(1, 1));
    assert_ne!(image(0, 1), image(0, 2));
}

#[test]
fn voxels_are_whole_numbers_of_a_scanner_and_the_air_is_nearly_dark() {
    let phantom = draw(&options(2), 1, &Streams::new(1)).unwrap();
    let voxels = &phantom.volume.image.voxels;
    assert!(voxels.iter().all(|v| v.fract() == 0.0 && (0.0..=4095.0).contains(v)));
    let top = voxels.iter().copied().fold(0.0, f32::max);
    assert!((200.0..2500.0).contains(&top), "brightest voxel {top}");
    let dark = voxels.iter().filter(|v| **v < 0.06 * top).count() as f64 / voxels.len() as f64;
    assert!((0.1..0.6).contains(&dark), "dark share {dark}");
}

#[test]
fn labels_lie_on_the_grid_of_the_image_and_fit_together() {
    for index in 0..3 {
        let volume = draw(&clinical(3), index, &Streams::new(2)).unwrap().volume;
        let (csf, lesion) = (volume.csf.unwrap(), volume.lesion.unwrap());
        let discs = volume.discs.unwrap();
        for label in [&volume.cord, &csf, &lesion, &discs] {
            assert_eq!(label.affine, volume.image.affine);
            assert_eq!(label.voxels.shape(), volume.image.voxels.shape());
        }
        ndarray::Zip::from(&volume.cord.voxels).and(&csf.voxels).and(&lesion.voxels).for_each(
            |cord, csf, lesion| {
                assert!(cord * csf == 0.0, "cord and fluid overlap");
                assert!(lesion <= cord, "lesion outside the cord");
            },
        );
        assert!(lesion.voxels.sum() > 0.0);

        // Rows of the cord end in fluid, but for the few where a disc touches it.
        let (cord, csf) = (canonical(&volume.cord), canonical(&csf));
        let (mut ends, mut wet) = (0, 0);
        for ((slice, row, column), value) in cord.indexed_iter() {
            if *value > 0.0 && cord[[slice, row, column + 1]] == 0.0 {
                ends += 1;
                wet += usize::from(csf[[slice, row, column + 1]] > 0.0);
            }
        }
        assert!(wet * 10 > ends * 9, "{wet} of {ends} rows end in fluid");
        let slices = cord.outer_iter().filter(|slice| slice.sum() > 0.0).count();
        assert!((3..=6).contains(&slices), "cord in {slices} slices");
    }
}

#[test]
fn discs_run_from_head_to_foot_at_the_front_of_the_canal() {
    for index in 0..4 {
        let volume = draw(&options(4), index, &Streams::new(3)).unwrap().volume;
        let discs = canonical(&volume.discs.unwrap());
        let mut found: Vec<(u8, usize)> = discs
            .indexed_iter()
            .filter(|(_, value)| **value > 0.0)
            .map(|((_, row, _), value)| (*value as u8, row))
            .collect();
        found.sort_unstable();
        // T1/T2 lies below some fields of view.
        let last = if found.len() == 7 { 8 } else { 9 };
        assert!(found.iter().map(|(value, _)| *value).eq(2..=last), "{found:?}");
        assert!(found.windows(2).all(|pair| pair[0].1 < pair[1].1), "{found:?}");

        let canal = canonical(&volume.csf.unwrap()) + canonical(&volume.cord);
        for ((slice, row, column), value) in discs.indexed_iter().filter(|(_, v)| **v > 0.0) {
            let near = canal.slice(ndarray::s![slice, row, column..column + 4]);
            assert!(near.sum() > 0.0, "disc {value} is away from the canal");
        }
    }
}

#[test]
fn fluid_is_brighter_than_lesions_and_lesions_brighter_than_cord() {
    for index in 0..4 {
        let phantom = draw(&clinical(4), index, &Streams::new(4)).unwrap();
        let volume = &phantom.volume;
        let (csf, lesion) = (volume.csf.as_ref().unwrap(), volume.lesion.as_ref().unwrap());
        let inside = |label: &Volume, at: [usize; 3]| label.voxels[at] > 0.0;
        let fluid = mean(&volume.image, |at| inside(csf, at));
        let healthy = mean(&volume.image, |at| inside(&volume.cord, at) && !inside(lesion, at));
        let sick = mean(&volume.image, |at| inside(lesion, at));
        assert!(fluid > 1.3 * healthy, "fluid {fluid}, cord {healthy}");
        assert!(sick > 1.05 * healthy, "lesion {sick}, cord {healthy}");
        assert!((1..=3).contains(&phantom.lesions.len()));
        for truth in &phantom.lesions {
            assert!((0.2..=0.45).contains(&truth.contrast));
            assert!((4.0..=20.0).contains(&truth.length_mm));
            assert!(!truth.segments.is_empty());
        }
    }
}

/// Everything but one.
fn without(switch: impl Fn(&mut NormalStructure)) -> PhantomOptions {
    let mut options = clinical(1);
    switch(&mut options.normal_structure);
    options
}

#[test]
fn each_normal_structure_can_be_switched_off_and_leaves_the_rest_as_it_was() {
    let streams = Streams::new(10);
    let image = |options: &PhantomOptions| draw(options, 0, &streams).unwrap().volume;
    let all = image(&clinical(1));
    let signal_only = [
        without(|on| on.grey_matter = false),
        without(|on| on.truncation = false),
        without(|on| on.coil_fall_off = false),
        without(|on| on.ghosts = false),
        without(|on| on.flow_voids = false),
    ];
    for options in signal_only {
        let volume = image(&options);
        assert!(volume.image != all.image, "{:?}", options.normal_structure);
        let same = volume.cord == all.cord && volume.csf == all.csf && volume.lesion == all.lesion;
        assert!(same, "{:?} changes the labels", options.normal_structure);
    }
    // These two change what a voxel holds.
    for options in [without(|on| on.partial_volume = false), without(|on| on.disc_bulges = false)] {
        let volume = image(&options);
        assert!(
            volume.image != all.image && volume.csf != all.csf,
            "{:?}",
            options.normal_structure
        );
        assert_eq!(volume.image.affine, all.image.affine);
    }
}

#[test]
fn lesions_are_not_the_brightest_of_the_cord_unless_the_rest_is_even() {
    let outshone = |normal_structure: NormalStructure| {
        let options = PhantomOptions { normal_structure, ..clinical(8) };
        let is_outshone = |index: &usize| {
            let volume = draw(&options, *index, &Streams::new(4)).unwrap().volume;
            let lesion = volume.lesion.unwrap().voxels;
            // Away from the fluid: the centre of a 3 x 3 x 3 block of cord.
            let inner = |at: [usize; 3]| {
                (0..27).all(|near| {
                    let [i, j, k] = [near / 9, near / 3 % 3, near % 3].map(|by| by as isize - 1);
                    let at = (
                        at[0].wrapping_add_signed(i),
                        at[1].wrapping_add_signed(j),
                        at[2].wrapping_add_signed(k),
                    );
                    volume.cord.voxels.get(at).is_some_and(|cord| *cord > 0.0)
                })
            };
            let sick = mean(&volume.image, |at| lesion[at] > 0.0);
            let brighter = volume.image.voxels.indexed_iter().filter(|((i, j, k), value)| {
                f64::from(**value) > sick && lesion[[*i, *j, *k]] == 0.0 && inner([*i, *j, *k])
            });
            brighter.count() >= 5
        };
        (0..8).filter(is_outshone).count()
    };
    let (structured, even) = (outshone(NormalStructure::ALL), outshone(NormalStructure::NONE));
    assert!(structured >= 6, "{structured} of 8");
    assert!(even <= 3, "{even} of 8");
}

#[test]
fn a_lesion_changes_nothing_else_about_its_subject() {
    let streams = Streams::new(6);
    let sick = draw(&clinical(1), 0, &streams).unwrap().volume;
    let well = draw(&PhantomOptions { with_lesions: Some(0), ..clinical(1) }, 0, &streams);
    let well = well.unwrap().volume;
    assert_eq!(sick.cord, well.cord);
    assert_eq!(sick.csf, well.csf);
    assert!(well.lesion.is_none());
    let changed = sick.image.voxels.iter().zip(&well.image.voxels).filter(|(a, b)| a != b).count();
    assert!(changed > 0 && changed * 20 < sick.image.voxels.len(), "{changed} voxels changed");
}

#[test]
fn participants_are_listed_as_they_are_drawn() {
    let (options, streams) = (options(5), Streams::new(7));
    let listed = participants(&options, &streams).unwrap();
    let names: Vec<&str> = listed.iter().map(|(name, _)| name.as_str()).collect();
    let expected =
        ["sub-healthy01", "sub-healthy02", "sub-clinic01", "sub-clinic02", "sub-clinic03"];
    assert_eq!(names, expected);
    let lesions: Vec<&str> = listed.iter().map(|(_, row)| row["has_lesion"].as_str()).collect();
    assert_eq!(lesions, ["0", "0", "1", "0", "1"]);
    let phantom = draw(&options, 4, &streams).unwrap();
    assert_eq!((phantom.name, phantom.participant), listed[4]);
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let refused =
        |options: PhantomOptions| participants(&options, &Streams::new(0)).unwrap_err().to_string();
    let crowded = PhantomOptions { clinical: Some(9), ..options(4) };
    assert!(refused(crowded).contains("4 subjects cannot have 9 clinical ones"));
    let sharp = PhantomOptions { pixel_spacing_mm: 0.01, ..options(4) };
    assert!(refused(sharp).contains("pixel_spacing_mm"));
    let missing = draw(&options(4), 4, &Streams::new(0)).unwrap_err().to_string();
    assert!(missing.contains("does not exist"), "{missing}");
}

#[test]
fn storage_orders_differ_but_prepared_slices_stand_upright() {
    let streams = Streams::new(8);
    let mut sources = BTreeSet::new();
    for index in 0..6 {
        let phantom = draw(&options(6), index, &streams).unwrap();
        let affine = phantom.volume.image.affine;
        let orientation = Orientation::to_sagittal(&affine);
        sources.insert((orientation.source, orientation.flipped));

        let name: Arc<str> = phantom.name.as_str().into();
        let preprocessed = Preprocessing { grid: SliceGrid::of_size(128), ..Default::default() }
            .preprocess(&name, &phantom.volume);
        let preprocessed = preprocessed.unwrap();
        assert!(
            preprocessed.slices.iter().filter(|slice| slice.cord.iter().any(|c| *c)).count() >= 3
        );
        for slice in &preprocessed.slices {
            // Air in front of the throat is dark; fat behind the neck is bright.
            let column = |range: std::ops::Range<usize>| {
                slice.image.slice(ndarray::s![90..110, range]).mean().unwrap()
            };
            assert!(column(0..10) < 0.3 * column(64..110), "slice {} is mirrored", slice.index);
        }
    }
    assert_eq!(sources.len(), 6);
}

#[test]
fn a_written_cohort_loads_as_it_was_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("phantoms");
    let (options, context) = (options(3), Context::new(9));
    write_bids(&root, &options, &context).unwrap();
    let exists = |path: &str| root.join(path).is_file();
    assert!(exists("participants.tsv") && exists("dataset_description.json"));
    assert!(exists("derivatives/labels/lesions.tsv"));
    assert!(exists("sub-healthy01/anat/sub-healthy01_T2w.nii.gz"));
    let labels = "derivatives/labels/sub-clinic01/anat/sub-clinic01_T2w";
    for suffix in ["label-SC_seg", "label-CSF_seg", "labels-disc", "label-lesion_seg"] {
        assert!(exists(&format!("{labels}_{suffix}.nii.gz")), "{suffix}");
    }

    let drawn = draw(&options, 1, &context.streams).unwrap();
    let path = root.join("sub-clinic01/anat/sub-clinic01_T2w.nii.gz");
    assert_eq!(Volume::read(&path).unwrap().voxels, drawn.volume.image.voxels);

    let cohort = Cohort::load(&root, &LoadOptions::default(), &context).unwrap();
    assert_eq!(cohort.len(), 3);
    assert_eq!(cohort.healthy().unwrap().len(), 1);
    for subject in cohort.subjects(&context).unwrap() {
        let sick = subject.slices.iter().any(|s| s.lesion.as_ref().unwrap().iter().any(|l| *l));
        assert_eq!(subject.has_lesion(), Some(sick), "{}", subject.name);
        assert!(!subject.discs.is_empty());
    }
}

#[test]
fn a_cohort_is_not_written_over_other_files_nor_after_an_interrupt() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let context = Context::new(0);
    let error = write_bids(folder.path(), &options(1), &context).unwrap_err().to_string();
    assert!(error.contains("is not empty"), "{error}");

    let root = folder.path().join("new");
    context.cancel.cancel();
    assert!(matches!(write_bids(&root, &options(1), &context), Err(Error::Cancelled)));
}
