//! Images without a cord mask, and masks found in them.

use ndarray::Array3;

use super::*;
use crate::cohort::FoundMasks;

/// The cord of [`mask`], as if it had been found.
fn found(confidence: [f32; 3]) -> FoundMasks {
    let inside = |j: usize, k: usize| (15..25).contains(&j) && (5..35).contains(&k);
    FoundMasks {
        cord: Array3::from_shape_fn((3, 40, 40), |(_, j, k)| inside(j, k)),
        csf: Array3::from_elem((3, 40, 40), false),
        disc_by_hand: None,
        discs: vec![(3, [1, 28, 30])],
        slice_confidence: confidence.into_iter().enumerate().collect(),
        confidence: 0.9,
        notes: Vec::new(),
    }
}

fn without_masks() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    write(&image_path(root.path(), "sub-01"), image());
    write(&image_path(root.path(), "sub-02"), image());
    root
}

fn load(root: &Path) -> Cohort {
    Cohort::load(root, &LoadOptions::default(), &Context::new(0)).unwrap()
}

#[test]
fn images_without_masks_load_and_say_what_to_do() {
    let root = without_masks();
    let cohort = load(root.path());
    assert_eq!(cohort.len(), 2);
    let said = cohort.subjects(&Context::new(0)).unwrap_err().to_string();
    let expected = "none of the 2 subjects has a cord mask; `cohort = segment(cohort)` finds it";
    assert_eq!(said, expected);
}

#[test]
fn found_masks_give_the_slices_of_given_ones() {
    let (bare, masked) = (without_masks(), without_masks());
    for name in ["sub-01", "sub-02"] {
        write(&label_path(masked.path(), name, "label-SC_seg"), mask(10));
    }
    let context = Context::new(0);
    let cohort =
        load(bare.path()).segmented(&|_, _| Ok(Ok(found([0.9, 0.8, 0.9]))), &context).unwrap();
    let (found, given) = (cohort.subjects(&context).unwrap(), load(masked.path()));
    for (found, given) in found.iter().zip(given.subjects(&context).unwrap()) {
        assert_eq!(found.slices.len(), given.slices.len());
        for (found, given) in found.slices.iter().zip(&given.slices) {
            assert_eq!((&found.cord, &found.image), (&given.cord, &given.image));
        }
        assert_eq!(found.discs.len(), 1);
    }
    assert_eq!(cohort.mask_origins()[0], ("sub-01", "found, confidence 0.90".to_owned()));
    assert_eq!(given.mask_origins()[1], ("sub-02", "given".to_owned()));
}

#[test]
fn given_masks_win_and_uncertain_slices_are_left_out_with_a_note() {
    let root = without_masks();
    write(&label_path(root.path(), "sub-01", "label-SC_seg"), mask(4));
    let context = Context::new(0);
    let cohort =
        load(root.path()).segmented(&|_, _| Ok(Ok(found([0.9, 0.2, 0.9]))), &context).unwrap();
    let subjects = cohort.subjects(&context).unwrap();
    assert_eq!(subjects[0].slices.len(), 3);
    assert_eq!(subjects[1].slices.len(), 2);
    let notes: Vec<_> = cohort.notes("sub-02").iter().map(ToString::to_string).collect();
    let expected = "in 1 of 3 slices the cord is uncertain; it is left out";
    assert!(notes.iter().any(|note| note == expected), "{notes:?}");
}

#[test]
fn a_subject_in_which_nothing_is_found_stays_unusable_with_the_reason() {
    let root = without_masks();
    write(&label_path(root.path(), "sub-01", "label-SC_seg"), mask(4));
    let context = Context::new(0);
    let nothing = |_: &str, _: &crate::volume::Volume| {
        Ok(Err("no spinal cord was found in its image".into()))
    };
    let cohort = load(root.path()).segmented(&nothing, &context).unwrap();
    assert_eq!(cohort.broken(), [("sub-02", "no spinal cord was found in its image")]);
    let bare = without_masks();
    let said = load(bare.path()).segmented(&nothing, &context).unwrap_err().to_string();
    assert!(said.contains("none of the 2 subjects can be used"), "{said}");
}

#[test]
fn an_interrupted_search_ends() {
    let root = without_masks();
    let context = Context::new(0);
    context.cancel.cancel();
    let said = load(root.path()).segmented(&|_, _| Ok(Ok(found([0.9; 3]))), &context);
    assert!(matches!(said, Err(crate::Error::Cancelled)));
}
