use super::*;
use crate::volume::Affine;

/// Thick sagittal slices in four storage orders, one of them oblique by some 15 degrees.
fn placements() -> Vec<NativeTransform> {
    let affines = [
        Affine([[3.0, 0.0, 0.0, -20.0], [0.0, 0.8, 0.0, -60.0], [0.0, 0.0, 0.9, -90.0]]),
        Affine([[0.0, 0.0, -3.0, 20.0], [0.7, 0.0, 0.0, -60.0], [0.0, -0.7, 0.0, 90.0]]),
        Affine([[0.0, 3.0, 0.0, -20.0], [-1.1, 0.0, 0.0, 60.0], [0.0, 0.0, 1.1, -90.0]]),
        Affine([[2.9, 0.1, 0.05, -20.0], [-0.3, 0.77, 0.2, -60.0], [0.2, -0.2, 0.75, -90.0]]),
    ];
    let native_transform = |affine: Affine| {
        let orientation = Orientation::to_sagittal(&affine);
        let mut shape = [0; 3];
        for (axis, length) in orientation.source.into_iter().zip([9, 170, 140]) {
            shape[axis] = length;
        }
        let geometry = Geometry { shape, affine };
        let canonical = orientation.canonical_geometry(&geometry);
        let axis = |axis: usize| {
            FieldAxis::centred(canonical.shape[axis], canonical.affine.spacing()[axis], 120, 160)
        };
        NativeTransform::new(geometry, orientation, Field { rows: axis(1), columns: axis(2) })
    };
    affines.into_iter().map(native_transform).collect()
}

/// A smooth function of scanner position.
fn smooth([x, y, z]: [f64; 3]) -> f64 {
    2.0 + (x / 9.0).sin() + (y / 13.0).cos() + (z / 17.0 + y / 29.0).sin()
}

fn maps(native_transform: &NativeTransform) -> Vec<Array2<f32>> {
    let affine = native_transform.native_geometry().affine;
    let map = |slice: usize| {
        Array2::from_shape_fn((160, 160), |(row, column)| {
            let place = [slice as f64, row as f64, column as f64];
            smooth(affine.position(native_transform.preprocessed_to_voxel(place))) as f32
        })
    };
    (0..9).map(map).collect()
}

#[test]
fn voxels_and_prepared_pixels_are_inverse_to_each_other() {
    for native_transform in placements() {
        for voxel in [[0.0, 0.0, 0.0], [3.0, 7.5, 100.25], [-4.0, 200.0, 1.0]] {
            let back = native_transform
                .preprocessed_to_voxel(native_transform.voxel_to_preprocessed(voxel));
            assert!(back.iter().zip(voxel).all(|(a, b)| (a - b).abs() < 1e-9), "{back:?}");
        }
    }
}

#[test]
fn preprocessed_axes_run_left_down_and_back() {
    for native_transform in placements() {
        let affine = native_transform.native_geometry().affine;
        let at = |place| affine.position(native_transform.preprocessed_to_voxel(place));
        let origin = at([4.0, 80.0, 80.0]);
        assert!(at([5.0, 80.0, 80.0])[0] < origin[0], "slices from right to left");
        assert!(at([4.0, 81.0, 80.0])[2] < origin[2], "rows from superior to inferior");
        assert!(at([4.0, 80.0, 81.0])[1] < origin[1], "columns from anterior to posterior");
    }
}

#[test]
fn preprocessed_pixels_measure_what_the_scanner_says() {
    for native_transform in placements() {
        let affine = native_transform.native_geometry().affine;
        let at = |place| affine.position(native_transform.preprocessed_to_voxel(place));
        let distance = |a: [f64; 3], b: [f64; 3]| -> f64 {
            a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
        };
        let origin = at([4.0, 80.0, 80.0]);
        let (row_mm, column_mm) = native_transform.pixel_spacing_mm();
        assert!((distance(origin, at([4.0, 81.0, 80.0])) - row_mm).abs() < 1e-9);
        assert!((distance(origin, at([4.0, 80.0, 81.0])) - column_mm).abs() < 1e-9);
        assert!(
            (distance(origin, at([5.0, 80.0, 80.0])) - native_transform.slice_mm()).abs() < 1e-9
        );
        assert!((row_mm - 0.75).abs() < 0.02, "about 120 mm over 160 pixels: {row_mm}");
    }
}

#[test]
fn smooth_maps_survive_the_way_to_the_native_grid() {
    for native_transform in placements() {
        let maps = maps(&native_transform);
        let numbered: Vec<_> = maps.iter().enumerate().collect();
        let native = native_transform.to_native(&numbered).unwrap();
        let geometry = native_transform.native_geometry();
        assert_eq!(native.shape(), geometry.shape);
        let mut inside = 0;
        for ((i, j, k), &value) in native.indexed_iter() {
            let voxel = [i as f64, j as f64, k as f64];
            let [_, row, column] = native_transform.voxel_to_preprocessed(voxel);
            if (0.0..=159.0).contains(&row) && (0.0..=159.0).contains(&column) {
                inside += 1;
                let expected = smooth(geometry.affine.position(voxel));
                assert!((f64::from(value) - expected).abs() < 2e-3, "{value} {expected}");
            } else {
                assert!(value == 0.0 || !(-1e-5..=159.0 + 1e-5).contains(&row.max(column)));
            }
        }
        assert!(inside > 9 * 90 * 90, "{inside}");
    }
}

#[test]
fn smooth_maps_survive_the_way_there_and_back() {
    for native_transform in placements() {
        let maps = maps(&native_transform);
        let native = native_transform.to_native(&[(4, &maps[4])]).unwrap();
        let canonical = native_transform.orientation.apply(&native);
        let slice = canonical.index_axis(Axis(0), 4);
        let mut compared = 0;
        for ((row, column), &value) in maps[4].indexed_iter() {
            // Beside the field's border the native neighbours lie outside and are 0.
            if !(3..157).contains(&row) || !(3..157).contains(&column) {
                continue;
            }
            let row = native_transform.field.rows.to_canonical(row as f64);
            let column = native_transform.field.columns.to_canonical(column as f64);
            if let Some(back) = sample_linear(slice, row, column) {
                compared += 1;
                assert!((back - value).abs() < 4e-3, "{back} {value}");
            }
        }
        assert!(compared > 150 * 120, "{compared}");
        assert!(canonical.index_axis(Axis(0), 3).iter().all(|&x| x == 0.0), "only slice 4");
    }
}

#[test]
fn masks_go_to_the_native_grid_by_nearest_neighbour() {
    for native_transform in placements() {
        let mask = Array2::from_shape_fn((160, 160), |(r, c)| {
            (40..120).contains(&r) && (60..90).contains(&c)
        });
        let native = native_transform.mask_to_native(&[(2, &mask)]).unwrap();
        for ((i, j, k), &inside) in native.indexed_iter() {
            let [slice, row, column] =
                native_transform.voxel_to_preprocessed([i as f64, j as f64, k as f64]);
            let expected = slice.round() == 2.0
                && (40.0..120.0).contains(&row.round())
                && (60.0..90.0).contains(&column.round());
            assert_eq!(inside, expected);
        }
    }
}

/// Slices saved as an image lie where the transform says.
#[test]
fn the_affine_of_slices_agrees_with_the_transform() {
    for native in placements() {
        let affine = native.slices_affine(4.0, 1.0);
        let averages = native.slices_affine(2.5, 2.0);
        for (row, column) in [(0.0, 0.0), (17.0, 120.0), (159.0, 31.5)] {
            let place = native.preprocessed_to_voxel([4.0, row, column]);
            let expected = native.native_geometry().affine.position(place);
            let found = affine.position([0.0, row, column]);
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9));
            // The second average of two slices lies between slices 4 and 5.
            let place = native.preprocessed_to_voxel([4.5, row, column]);
            let expected = native.native_geometry().affine.position(place);
            let found = averages.position([1.0, row, column]);
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9));
        }
    }
}
