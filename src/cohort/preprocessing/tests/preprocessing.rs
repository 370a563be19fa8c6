use std::path::{Path, PathBuf};

use super::*;
use crate::volume::Affine;

/// A drawn neck: a curved cord in fluid, bright at the front and at the top, in scanner space.
fn neck(geometry: Geometry) -> LabelledVolume {
    let [i, j, k] = geometry.shape;
    let draw = |value: &dyn Fn([f64; 3]) -> f64| Volume {
        voxels: Array3::from_shape_fn((i, j, k), |(i, j, k)| {
            value(geometry.affine.position([i as f64, j as f64, k as f64])) as f32
        }),
        affine: geometry.affine,
    };
    let radius = |[x, y, z]: [f64; 3]| (x.powi(2) + (y - 6.0 * (z / 40.0).sin()).powi(2)).sqrt();
    let inside = |p: [f64; 3], from: f64, to: f64| {
        f64::from(p[2].abs() < 60.0 && (from..to).contains(&radius(p)))
    };
    LabelledVolume {
        image: draw(&|p| {
            300.0 + p[1] + 0.5 * p[2] - 100.0 * inside(p, 0.0, 6.0) + 400.0 * inside(p, 6.0, 10.0)
        }),
        cord: draw(&|p| inside(p, 0.0, 6.0)),
        csf: Some(draw(&|p| inside(p, 6.0, 10.0))),
        discs: None,
        lesion: None,
    }
}

/// 11 thick slices stored as right-to-left, superior-to-inferior, anterior-to-posterior.
fn canonical() -> Geometry {
    let affine = Affine([[-3.3, 0.0, 0.0, 16.5], [0.0, 0.0, -0.8, 52.0], [0.0, -0.9, 0.0, 85.0]]);
    Geometry { shape: [11, 190, 130], affine }
}

/// Stored left-handed and tilted by up to a quarter of a right angle.
fn oblique() -> Geometry {
    let (a, b) = (0.3f64.cos(), 0.3f64.sin());
    let affine = Affine([
        [0.0, 0.0, 3.3 * a, -17.0],
        [0.8, 0.0, -1.0, -50.0],
        [0.1, 0.9 * a, 3.3 * b * 0.3, -80.0],
    ]);
    Geometry { shape: [130, 190, 11], affine }
}

fn recipe() -> Preprocessing {
    Preprocessing {
        grid: SliceGrid { size: 128, fov_mm: 140, ..SliceGrid::default() },
        ..Preprocessing::default()
    }
}

fn preprocess(volume: &LabelledVolume) -> Result<Preprocessed> {
    recipe().preprocess(&Arc::from("sub-01"), volume)
}

fn refusal(volume: &LabelledVolume) -> String {
    preprocess(volume).expect_err("should be refused").to_string()
}

fn dice(a: &Array3<bool>, b: &Array3<bool>) -> f64 {
    let both = a.iter().zip(b).filter(|(a, b)| **a && **b).count();
    let each = a.iter().chain(b).filter(|x| **x).count();
    2.0 * both as f64 / each as f64
}

/// The preprocessed cord, carried back to the native grid.
fn cord_in_native(preprocessed: &Preprocessed) -> Array3<bool> {
    let masks: Vec<_> =
        preprocessed.slices.iter().map(|slice| (slice.index, &slice.cord)).collect();
    preprocessed.native_transform.mask_to_native(&masks).unwrap()
}

#[test]
fn slices_hold_what_they_promise() {
    let preprocessed = preprocess(&neck(canonical())).unwrap();
    // Radius 10 mm, dilated in-plane only: the slices within 10 mm of the middle.
    let indices: Vec<usize> = preprocessed.slices.iter().map(|slice| slice.index).collect();
    assert_eq!(indices, [2, 3, 4, 5, 6, 7, 8]);
    assert!(preprocessed.notes.is_empty(), "{:?}", preprocessed.notes);
    let slice = &preprocessed.slices[3];
    assert_eq!((slice.size(), &*slice.subject), (128, "sub-01"));
    assert!(slice.image.iter().all(|x| (0.0..=1.0).contains(x)));
    assert_eq!(slice.lesion, None);
    assert!(
        slice.pixel_spacing_mm.0 > 1.05 && slice.pixel_spacing_mm.0 < 1.15,
        "{:?}",
        slice.pixel_spacing_mm
    );
    let area = |mask: &Array2<bool>| mask.iter().filter(|x| **x).count() as f64;
    let pixel = slice.pixel_spacing_mm.0 * slice.pixel_spacing_mm.1;
    assert!((area(&slice.cord) * pixel / (120.0 * 12.0) - 1.0).abs() < 0.08);
    assert!((area(&slice.csf) * pixel / (120.0 * 8.0) - 1.0).abs() < 0.08);
    for (pixel, &scored) in slice.scoring.indexed_iter() {
        assert!(!scored || slice.cord[pixel]);
        let inside = slice.cord[pixel] || slice.csf[pixel];
        assert!(!inside || slice.region[pixel]);
    }
    assert!(area(&slice.scoring) < area(&slice.cord));
    assert!(area(&slice.region) > area(&slice.cord) + area(&slice.csf));
}

/// The same volume with its first axis stored last and the other way.
fn reoriented(volume: &Volume) -> Volume {
    let mut voxels = volume.voxels.view().permuted_axes([1, 2, 0]);
    voxels.invert_axis(Axis(2));
    let last = volume.voxels.len_of(Axis(0)) as f64 - 1.0;
    let affine = volume.affine.0.map(|[i, j, k, origin]| [j, k, -i, origin + last * i]);
    Volume { voxels: voxels.as_standard_layout().into_owned(), affine: Affine(affine) }
}

#[test]
fn a_copy_in_another_order_of_axes_is_the_same_image() {
    let volume = neck(canonical());
    let copy = LabelledVolume {
        image: reoriented(&volume.image),
        cord: reoriented(&volume.cord),
        csf: volume.csf.as_ref().map(reoriented),
        ..volume.clone()
    };
    let [first, second] = [&volume, &copy].map(|volume| preprocess(volume).unwrap());
    assert_eq!(first.image_hash, second.image_hash);
    assert_eq!(first.slices[3].image, second.slices[3].image);
    assert_ne!(first.image_hash, preprocess(&neck(oblique())).unwrap().image_hash);
}

#[test]
fn superior_is_up_and_anterior_is_left() {
    for geometry in [canonical(), oblique()] {
        let preprocessed = preprocess(&neck(geometry)).unwrap();
        let image = &preprocessed.slices[preprocessed.slices.len() / 2].image;
        let mean = |rows: std::ops::Range<usize>, columns: std::ops::Range<usize>| {
            image.slice(ndarray::s![rows, columns]).mean().unwrap()
        };
        assert!(mean(10..30, 20..40) > mean(100..120, 20..40) + 0.05, "brighter at the top");
        assert!(mean(10..30, 20..40) > mean(10..30, 90..110) + 0.05, "brighter at the front");
    }
}

#[test]
fn the_storage_order_changes_nothing_in_any_of_48() {
    let mut geometry = Geometry { shape: [5, 95, 65], ..canonical() };
    geometry.affine.0.iter_mut().for_each(|row| row[1..3].iter_mut().for_each(|x| *x *= 2.0));
    geometry.affine.0[0][3] = 6.6;
    let reference_volume = neck(geometry);
    let reference = preprocess(&reference_volume).unwrap();
    for code in 0..48 {
        let source = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]][code / 8];
        let flipped = [0, 1, 2].map(|axis| code >> axis & 1 == 1);
        let storage = Orientation { source, flipped };
        let stored = |volume: &Volume| {
            // `apply` is any signed permutation: the stored array of another scanner.
            let affine = storage.canonical_geometry(&volume.geometry()).affine;
            Volume { voxels: storage.apply(&volume.voxels), affine }
        };
        let preprocessed = preprocess(&LabelledVolume {
            image: stored(&reference_volume.image),
            cord: stored(&reference_volume.cord),
            csf: reference_volume.csf.as_ref().map(stored),
            discs: None,
            lesion: None,
        })
        .unwrap();
        // Only the file's own index depends on it.
        let placeless = |slices: &[Slice]| -> Vec<Slice> {
            slices.iter().map(|slice| Slice { voxels: None, ..slice.clone() }).collect()
        };
        assert_eq!(placeless(&preprocessed.slices), placeless(&reference.slices));
        for slice in &preprocessed.slices {
            let voxel = preprocessed.native_transform.slice_voxel(slice.index);
            assert_eq!(slice.voxels, Some(voxel..=voxel));
        }
        let back = storage.undo(&cord_in_native(&preprocessed));
        assert_eq!(back, cord_in_native(&reference));
    }
}

#[test]
fn a_cord_mask_carried_back_overlaps_the_original() {
    for geometry in [canonical(), oblique()] {
        let volume = neck(geometry);
        let preprocessed = preprocess(&volume).unwrap();
        let original = volume.cord.voxels.mapv(|x| x != 0.0);
        let overlap = dice(&cord_in_native(&preprocessed), &original);
        assert!(overlap > 0.93, "{overlap}");
    }
}

#[test]
fn the_result_does_not_depend_on_the_thread_count() {
    let volume = neck(oblique());
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| preprocess(&volume)).unwrap().slices
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn discs_and_lesions_land_where_they_were_marked() {
    let mut volume = neck(oblique());
    let mut discs = volume.cord.clone();
    discs.voxels.fill(0.0);
    let mut lesion = discs.clone();
    // Two voxels of one disc count as their centre; 49 is another landmark.
    discs.voxels[[60, 120, 5]] = 4.0;
    discs.voxels[[62, 120, 5]] = 4.0;
    discs.voxels[[60, 80, 5]] = 5.0;
    discs.voxels[[60, 90, 5]] = 49.0;
    for k in 4..7 {
        for j in 100..110 {
            for i in 58..66 {
                lesion.voxels[[i, j, k]] = 6.0;
            }
        }
    }
    (volume.discs, volume.lesion) = (Some(discs), Some(lesion));
    let preprocessed = preprocess(&volume).unwrap();
    assert_eq!(preprocessed.discs.iter().map(|disc| disc.value).collect::<Vec<_>>(), [4, 5]);
    let [_, row, column] = preprocessed.native_transform.voxel_to_preprocessed([61.0, 120.0, 5.0]);
    assert!((preprocessed.discs[0].row - row).abs() < 1e-9);
    assert!((preprocessed.discs[0].column - column).abs() < 1e-9);
    let lesion_of = |index: usize| {
        let slice = preprocessed.slices.iter().find(|slice| slice.index == index).unwrap();
        slice.lesion.clone().unwrap()
    };
    let [slice, row, column] =
        preprocessed.native_transform.voxel_to_preprocessed([61.0, 105.0, 5.0]);
    assert!(lesion_of(slice as usize)[[row.round() as usize, column.round() as usize]]);
    assert!(lesion_of(slice as usize - 2).iter().all(|x| !x));
}

#[test]
fn short_and_narrow_fields_of_view_are_padded() {
    for shape in [[11, 16, 130], [11, 190, 16], [11, 16, 16]] {
        let mut geometry = canonical();
        let centre = [0, 1, 2].map(|axis| ((canonical().shape[axis] - shape[axis]) / 2) as f64);
        let origin = geometry.affine.position(centre);
        geometry.shape = shape;
        for (row, origin) in geometry.affine.0.iter_mut().zip(origin) {
            row[3] = origin;
        }
        let preprocessed = preprocess(&neck(geometry)).unwrap();
        let slice = &preprocessed.slices[preprocessed.slices.len() / 2];
        assert_eq!(slice.image.dim(), (128, 128));
        assert!(slice.image.iter().all(|x| (0.0..=1.0).contains(x)));
        assert_eq!(slice.image[[0, 0]], slice.image[[127, 127]], "padding is one value");
    }
}

#[test]
fn the_cord_is_not_lost_in_a_tall_field_of_view() {
    let mut volume = neck(canonical());
    // Only the upper end holds cord, above the centred 60 mm field.
    for (index, value) in volume.cord.voxels.indexed_iter_mut() {
        if index.1 > 60 {
            *value = 0.0;
        }
    }
    volume.csf = None;
    let recipe = Preprocessing {
        grid: SliceGrid { size: 64, fov_mm: 60, ..SliceGrid::default() },
        ..Preprocessing::default()
    };
    let preprocessed = recipe.preprocess(&Arc::from("sub-01"), &volume).unwrap();
    assert!(preprocessed.notes[0].text.contains("mm up"), "{:?}", preprocessed.notes);
    let original = volume.cord.voxels.mapv(|x| x != 0.0);
    assert!(dice(&cord_in_native(&preprocessed), &original) > 0.9);
}

#[test]
fn unusable_volumes_are_refused_with_a_sentence() {
    let volume = neck(canonical());
    let mut other = volume.clone();
    other.cord.voxels = Array3::zeros((11, 190, 131));
    let expected = "subject sub-01: grids differ: cord mask 11 × 190 × 131, image 11 × 190 × 130";
    assert!(refusal(&other).starts_with(expected), "{}", refusal(&other));

    let mut other = volume.clone();
    other.csf.as_mut().unwrap().affine.0[0][3] += 1.0;
    assert!(refusal(&other).contains("CSF mask and image both have"), "{}", refusal(&other));

    let mut other = volume.clone();
    other.cord.voxels.fill(0.0);
    assert!(refusal(&other).contains("its cord mask is empty"));

    let mut other = volume.clone();
    other.image.voxels[[1, 2, 3]] = f32::NEG_INFINITY;
    other.image.voxels[[1, 2, 4]] = f32::INFINITY;
    assert!(refusal(&other).contains("infinite: 2 voxels of its image"));

    let mut other = volume.clone();
    other.image.voxels.fill(7.0);
    assert!(refusal(&other).contains("the same value everywhere"));

    let mut other = volume.clone();
    ndarray::Zip::from(&mut other.image.voxels).and(&other.cord.voxels).for_each(|voxel, cord| {
        *voxel = if *cord > 0.0 { 300.0 } else { *voxel };
    });
    other.image.voxels[[5, 90, 60]] = 400.0;
    assert!(refusal(&other).contains("the same value everywhere in the cord"));

    let mut other = volume.clone();
    other.csf = None;
    other.cord.voxels.fill(0.0);
    other.cord.voxels[[5, 90, 60]] = 1.0;
    assert!(refusal(&other).contains("no slice has a region of interest"), "{}", refusal(&other));

    let mut other = volume.clone();
    let tiny = |volume: &mut Volume| {
        volume.affine.0.iter_mut().for_each(|row| row[..3].iter_mut().for_each(|x| *x /= 1000.0));
    };
    tiny(&mut other.image);
    tiny(&mut other.cord);
    tiny(other.csf.as_mut().unwrap());
    assert!(refusal(&other).contains("check the voxel size"), "{}", refusal(&other));
}

#[test]
fn recipes_that_make_no_sense_are_refused() {
    let volume = neck(canonical());
    let grid = recipe().grid;
    for wrong in [
        Preprocessing { grid: SliceGrid { size: 0, ..grid }, ..recipe() },
        Preprocessing { grid: SliceGrid { fov_mm: 0, ..grid }, ..recipe() },
        Preprocessing { grid: SliceGrid { fov_mm: 1 << 40, ..grid }, ..recipe() },
        Preprocessing { clip: (99.8, 0.2), ..recipe() },
        Preprocessing { clip: (f64::NAN, 50.0), ..recipe() },
    ] {
        let error = wrong.preprocess(&Arc::from("sub-01"), &volume).unwrap_err();
        assert!(matches!(error, Error::Input(_)), "{error}");
    }
}

/// Volumes that lie beside the project on some machines.
fn shared_data(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(folder);
    let found = path.is_dir().then_some(path);
    if found.is_none() {
        println!("skipped: no {folder} data beside the project");
    }
    found
}

fn read_if_there(path: PathBuf) -> Option<Volume> {
    path.exists().then(|| Volume::read(&path).unwrap())
}

#[test]
fn every_subject_of_the_semi_synthetic_cohort_prepares() {
    let Some(root) = shared_data("dev") else { return };
    let mut count = 0;
    for entry in std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap()) {
        let name = entry.file_name().into_string().unwrap();
        if !name.starts_with("sub-") {
            continue;
        }
        let label = |suffix: &str| {
            root.join(format!("derivatives/labels/{name}/anat/{name}_T2w_{suffix}.nii.gz"))
        };
        let volume = LabelledVolume {
            image: Volume::read(&root.join(format!("{name}/anat/{name}_T2w.nii.gz"))).unwrap(),
            cord: Volume::read(&label("label-SC_seg")).unwrap(),
            csf: read_if_there(label("label-CSF_seg")),
            discs: read_if_there(label("labels-disc")),
            lesion: read_if_there(label("label-lesion_seg")),
        };
        let preprocessed =
            Preprocessing::default().preprocess(&Arc::from(&*name), &volume).unwrap();
        assert_eq!(
            preprocessed.discs.iter().map(|d| d.value).collect::<Vec<_>>(),
            [1, 2, 3, 4, 5, 6, 7, 8, 9],
            "{name}"
        );
        assert!(preprocessed.slices.len() >= 3, "{name}: {} slices", preprocessed.slices.len());
        assert!(preprocessed.notes.iter().all(|note| note.topic != slice_order::TOPIC), "{name}");
        let original = volume.cord.voxels.mapv(|x| x != 0.0);
        let overlap = dice(&cord_in_native(&preprocessed), &original);
        assert!(overlap > 0.9, "{name}: {overlap}");
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn real_volumes_prepare() {
    let Some(root) = shared_data("real") else { return };
    for (image, cord) in [
        ("t2/t2.nii.gz", "t2/t2_seg-manual.nii.gz"),
        ("sub-unf01/sub-unf01_T2w.nii.gz", "sub-unf01/sub-unf01_T2w_seg-manual.nii.gz"),
    ] {
        let volume = LabelledVolume {
            image: Volume::read(&root.join(image)).unwrap(),
            cord: Volume::read(&root.join(cord)).unwrap(),
            csf: None,
            discs: None,
            lesion: None,
        };
        let preprocessed = Preprocessing::default().preprocess(&Arc::from(image), &volume).unwrap();
        let original = volume.cord.voxels.mapv(|x| x != 0.0);
        let overlap = dice(&cord_in_native(&preprocessed), &original);
        assert!(overlap > 0.9, "{image}: {overlap}");
        assert!(preprocessed.notes.iter().all(|note| note.topic != slice_order::TOPIC), "{image}");
    }
}
