//! Simulated lesions on phantoms.

use super::*;
use crate::cohort::{Cohort, SliceGrid};
use crate::context::{Context, Streams};
use crate::phantom::PhantomOptions;

fn healthy() -> std::sync::Arc<Subject> {
    healthy_with_slices_of(3)
}

fn healthy_with_slices_of(slice_mm: usize) -> std::sync::Arc<Subject> {
    let options = PhantomOptions { subjects: 1, clinical: Some(0), ..PhantomOptions::default() };
    let grid = SliceGrid { size: 64, fov_mm: 128, slice_mm, ..SliceGrid::default() };
    let cohort = Cohort::phantom(&options, grid, &Streams::new(5)).unwrap();
    cohort.subject(0, &Context::new(0)).unwrap()
}

fn paint(simulator: &LesionSimulator, seed: u64) -> SimulatedSubject {
    simulator.paint(&healthy(), &mut Streams::new(seed).stream("test", &[])).unwrap()
}

#[test]
fn lesions_are_bright_spots_inside_the_cord_with_their_ground_truth() {
    let simulator = LesionSimulator::default()
        .count((2, 2))
        .length_mm((20.0, 25.0))
        .width_mm((7.0, 8.0))
        .contrast((0.4, 0.5));
    let before = healthy();
    let painted = paint(&simulator, 1);
    assert_eq!(painted.subject.has_lesion(), Some(true));
    let mut lesions = 0;
    for (place, (old, new)) in before.slices.iter().zip(&painted.subject.slices).enumerate() {
        let lesion = new.lesion.as_ref().unwrap();
        for (pixel, &inside) in lesion.indexed_iter() {
            let change = new.image[pixel] - old.image[pixel];
            assert!(change >= -1e-6, "a lesion makes nothing darker");
            if inside {
                lesions += 1;
                assert!(new.cord[pixel]);
                assert!(painted.added[place][pixel] > 0.1);
            }
            if painted.added[place][pixel] == 0.0 {
                assert_eq!(change, 0.0, "nothing changes away from a lesion");
            }
        }
    }
    assert!(lesions > 20, "{lesions} pixels");
}

#[test]
fn the_same_stream_paints_the_same_lesions() {
    let simulator = LesionSimulator::default().count((1, 3));
    let images = |seed| -> Vec<_> {
        paint(&simulator, seed).subject.slices.iter().map(|slice| slice.image.clone()).collect()
    };
    assert_eq!(images(3), images(3));
    assert_ne!(images(3), images(4));
}

#[test]
fn painted_images_are_told_from_those_of_the_file_and_from_each_other() {
    let hash = |contrast| {
        let simulator = LesionSimulator::default().count((1, 1)).contrast((contrast, contrast));
        paint(&simulator, 2).subject.image_hash.unwrap()
    };
    assert_eq!(hash(0.2), hash(0.2));
    assert_ne!(hash(0.2), hash(0.6));
    assert_ne!(hash(0.2), *healthy().image_hash.as_ref().unwrap());
}

#[test]
fn no_lesion_leaves_the_images_and_a_known_ground_truth() {
    let painted = paint(&LesionSimulator::default().count((0, 0)), 1).subject;
    assert_eq!(painted.has_lesion(), Some(false));
    for (old, new) in healthy().slices.iter().zip(&painted.slices) {
        assert_eq!(old.image, new.image);
    }
}

#[test]
fn ranges_that_make_no_sense_are_named() {
    let reason = |simulator: LesionSimulator| simulator.validate().unwrap_err().to_string();
    let simulator = LesionSimulator::default;
    assert!(reason(simulator().count((3, 1))).contains("count"));
    assert!(reason(simulator().length_mm((5.0, 2.0))).contains("length_mm"));
    assert!(reason(simulator().contrast((0.0, 0.2))).contains("contrast"));
    assert!(reason(simulator().depth_mm((1.0, f64::NAN))).contains("depth_mm"));
}

#[test]
fn a_lesion_is_as_thick_in_averaged_slices_as_in_others() {
    // About 6 mm apart, so half of a lesion of 14 mm reaches the neighbours.
    let averaged = healthy_with_slices_of(6);
    assert_eq!(averaged.averaged, 2);
    let simulator = LesionSimulator::default()
        .count((1, 1))
        .length_mm((25.0, 25.0))
        .width_mm((8.0, 8.0))
        .depth_mm((14.0, 14.0));
    let most = (0..8).map(|seed| {
        let mut stream = Streams::new(seed).stream("test", &[]);
        let painted = simulator.paint(&averaged, &mut stream).unwrap();
        let shown = |slice: &&crate::cohort::Slice| slice.lesion.iter().flatten().any(|set| *set);
        painted.subject.slices.iter().filter(shown).count()
    });
    assert!(most.max().unwrap() >= 2, "no lesion reaches a second slice");
}
