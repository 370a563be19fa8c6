use std::sync::Arc;

use ndarray::{Array3, s};

use crate::cohort::{Preprocessing, SliceGrid};
use crate::volume::{Affine, LabelledVolume, Volume};

/// Voxels from the right, from the back and from the feet: a straight cord, 10 mm deep.
const SHAPE: [usize; 3] = [5, 90, 160];
const FRONT: usize = 40;

/// The discs that are used, and what is said about labels.
fn found(mark: impl Fn(&mut Array3<f32>)) -> (Vec<u8>, Vec<String>) {
    let affine = Affine([[3.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]);
    let volume = |voxels| Volume { voxels, affine };
    let mut cord = Array3::zeros(SHAPE);
    cord.slice_mut(s![1..4, 28..38, 10..150]).fill(1.0);
    let mut labels = Array3::zeros(SHAPE);
    mark(&mut labels);
    let image = Array3::from_shape_fn(SHAPE, |(i, j, k)| (1 + (7 * i + 3 * j + k) % 97) as f32);
    let labelled = LabelledVolume {
        image: volume(image),
        cord: volume(cord),
        csf: None,
        discs: Some(volume(labels)),
        lesion: None,
    };
    let grid = SliceGrid { size: 64, fov_mm: 128, ..SliceGrid::default() };
    let made = Preprocessing { grid, ..Preprocessing::default() }
        .preprocess(&Arc::from("sub-01"), &labelled)
        .unwrap();
    let said = made.notes.into_iter().filter(|note| note.topic.contains("disc label"));
    (made.discs.iter().map(|disc| disc.value).collect(), said.map(|note| note.text).collect())
}

/// The height of a disc in the neck.
fn height(value: usize) -> usize {
    140 - 15 * (value - 3)
}

/// C2/C3 to C7/T1.
fn points(labels: &mut Array3<f32>) {
    (3..9).for_each(|value| labels[[2, FRONT, height(value)]] = value as f32);
}

#[test]
fn points_and_masks_of_discs_are_used_without_a_word() {
    let all = (vec![3, 4, 5, 6, 7, 8], Vec::new());
    assert_eq!(found(points), all);
    let masks = |labels: &mut Array3<f32>| {
        for value in 3..9 {
            let rows = height(value) - 2..height(value) + 3;
            labels.slice_mut(s![1..4, FRONT..FRONT + 16, rows]).fill(value as f32);
        }
    };
    assert_eq!(found(masks), all);
    // In the middle of the cord, and beyond its end.
    let others = |labels: &mut Array3<f32>| {
        points(labels);
        labels[[2, 33, 155]] = 2.0;
        labels[[2, 33, 45]] = 9.0;
    };
    assert_eq!(found(others), (vec![2, 3, 4, 5, 6, 7, 8, 9], Vec::new()));
    // A child's, and two far apart with gaps between.
    let small = |labels: &mut Array3<f32>| {
        (3..9).for_each(|value| labels[[2, FRONT, 130 - 6 * value]] = value as f32);
    };
    assert_eq!(found(small).1, Vec::<String>::new());
    let gap = |labels: &mut Array3<f32>| {
        (labels[[2, FRONT, 140]], labels[[2, FRONT, 20]]) = (3.0, 10.0);
    };
    assert_eq!(found(gap), (vec![3, 10], Vec::new()));
}

#[test]
fn single_wrong_values_are_left_out_or_questioned() {
    let (discs, said) = found(|labels| {
        points(labels);
        labels[[2, FRONT, 30]] = 5.0;
        labels[[2, 50, 155]] = 49.0;
    });
    assert_eq!(discs, [3, 4, 6, 7, 8]);
    assert!(said[0].contains("values that name no disc (49)"), "{said:?}");
    assert!(
        said[1].contains("the value 5 (C4/C5) of its disc labels marks places 80 mm"),
        "{said:?}"
    );
    let (discs, said) = found(|labels| {
        points(labels);
        labels[[2, FRONT, height(5)]] = 0.0;
        labels[[2, FRONT, height(4) - 2]] = 5.0;
    });
    assert_eq!(discs, [3, 4, 5, 6, 7, 8]);
    assert_eq!(
        said,
        [
            "the disc labels C3/C4 and C4/C5 lie 2.0 mm apart, 2.0 mm for each level, where 5 to 60 mm are possible; \
             check the labels"
        ]
    );
    let (discs, said) = found(|labels| {
        points(labels);
        labels[[2, FRONT, height(8)]] = 0.0;
        labels[[2, 88, height(8)]] = 8.0;
    });
    assert_eq!(discs.len(), 6);
    assert_eq!(said, ["the disc label C7/T1 lies 51 mm from its cord; check the labels"]);
}

#[test]
fn interpolated_labels_leave_no_single_one() {
    let blobs = |step: fn(f32) -> f32| {
        move |labels: &mut Array3<f32>| {
            for value in 3..9 {
                for (at, weight) in
                    [0.1, 0.35, 0.6, 0.8, 1.0, 0.8, 0.6, 0.35, 0.1].iter().enumerate()
                {
                    labels[[2, FRONT, height(value) + at - 4]] = step(weight * value as f32);
                }
            }
        }
    };
    let (discs, said) = found(blobs(|value| value));
    assert!(discs.is_empty());
    assert!(said[0].contains("most of them hold no whole numbers"), "{said:?}");
    assert!(said[0].ends_with("resample label files with nearest neighbour"), "{said:?}");
    let (discs, said) = found(blobs(f32::round));
    assert!(discs.is_empty());
    assert!(said[0].contains("look interpolated, because most of them mark several"), "{said:?}");
    assert_eq!(said.len(), 1, "{said:?}");
}

#[test]
fn vertebral_levels_are_no_discs() {
    for height in [8, 16] {
        let (discs, said) = found(|labels| {
            for value in 0..6 {
                let rows = 150 - height * (value + 1)..150 - height * value;
                labels.slice_mut(s![1..4, 28..38, rows]).fill((value + 2) as f32);
            }
        });
        assert!(discs.is_empty(), "{discs:?}");
        assert!(said[0].contains("look like a map of vertebral levels"), "{said:?}");
    }
}

/// Discs so deep and thick, mm, so far apart and tilted by so many degrees.
#[test]
fn tilted_discs_are_used_without_a_word() {
    for (deep, thick, apart, degrees) in [
        (16.0, 6.0, 15.0, 35.0_f64),
        (18.0, 6.0, 15.0, 30.0),
        (20.0, 5.0, 15.0, 35.0),
        (18.0, 6.0, 15.0, 40.0),
        (10.0, 4.0, 8.0, 30.0),
        (10.0, 4.0, 11.0, 30.0),
    ] {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let all = found(|labels| {
            for value in 3..9 {
                let middle = 120.0 - apart * f64::from(value - 3);
                for ((_, j, k), label) in labels.slice_mut(s![1..4, .., ..]).indexed_iter_mut() {
                    let (back, up) = (j as f64 - (FRONT as f64 + 10.0), k as f64 - middle);
                    let (along, across) = (back * cos + up * sin, up * cos - back * sin);
                    if along.abs() <= deep / 2.0 && across.abs() <= thick / 2.0 {
                        *label = value as f32;
                    }
                }
            }
        });
        assert_eq!(
            all,
            (vec![3, 4, 5, 6, 7, 8], Vec::new()),
            "{deep} × {thick}, {apart}, {degrees}"
        );
    }
}

#[test]
fn labels_that_no_spine_has_are_left_out() {
    let tens = |count: usize| {
        move |labels: &mut Array3<f32>| {
            (1..=count).for_each(|at| labels[[2, FRONT, 145 - 15 * at]] = 10.0 * at as f32);
        }
    };
    let (discs, said) = found(tens(9));
    assert!(discs.is_empty());
    assert!(said[0].contains("name no disc (40, 50, 60, 70, 80, 90), so all are left"), "{said:?}");
    let (discs, said) = found(tens(3));
    assert!(discs.is_empty());
    assert!(said[0].contains("T2/T3 and T12/L1 lie 15.0 mm apart, 1.5 mm for each"), "{said:?}");
    let (discs, said) = found(|labels| {
        (3..6).for_each(|value| labels[[0, 89, 160 - 3 * (value - 2)]] = value as f32);
    });
    assert!(discs.is_empty());
    assert!(said[0].starts_with("most of its disc labels lie where no discs can be"), "{said:?}");
    // A cord mask in place of labels.
    let (discs, said) = found(|labels| labels.slice_mut(s![1..4, 28..38, 10..150]).fill(1.0));
    assert!(discs.is_empty());
    assert!(said[0].contains("values that name no disc (1)"), "{said:?}");
}
