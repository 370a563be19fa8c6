//! Simulated lesions on phantoms.

use super::*;
use crate::cohort::{Cohort, SliceGrid};
use crate::context::{Context, Streams};
use crate::phantom::PhantomOptions;

fn healthy() -> std::sync::Arc<Subject> {
    let options = PhantomOptions { subjects: 1, clinical: Some(0), ..PhantomOptions::default() };
    let grid = SliceGrid { size: 64, fov_mm: 128, slice_mm: 3, ..SliceGrid::default() };
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
