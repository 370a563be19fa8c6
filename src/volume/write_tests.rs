use std::path::PathBuf;

use ndarray::Array3;
use tempfile::TempDir;

use super::*;
use crate::volume::Affine;

fn volume(shape: (usize, usize, usize)) -> Volume {
    let voxels =
        Array3::from_shape_fn(shape, |(i, j, k)| (i as f32 - 1.5) * 0.3 + (10 * j + k) as f32);
    let affine = Affine([[0., 0.5, 0., -4.], [0., 0., 0.75, 8.], [3., 0., 0., 16.]]);
    Volume { voxels, affine }
}

fn place(folder: &TempDir, name: &str) -> PathBuf {
    folder.path().join(name)
}

#[test]
fn what_is_written_reads_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["plain.nii", "packed.nii.gz", "sub-01_T2w.anomaly.nii", "UPPER.NII.GZ"] {
        // Shapes with axes of length 1 are the ones the writer has to take care of.
        for shape in [(4, 5, 6), (1, 5, 6), (4, 1, 6), (4, 5, 1), (1, 1, 6), (1, 1, 1)] {
            let written = volume(shape);
            let path = place(&folder, name);
            written.write(&path, None).unwrap();
            assert_eq!(Volume::read(&path).unwrap(), written, "{name} {shape:?}");
        }
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 4, "no temporary file stays behind");
}

#[test]
fn only_the_named_file_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let source = place(&folder, "sub-01_T2w.nii");
    volume((3, 3, 3)).write(&source, None).unwrap();
    let before = std::fs::read(&source).unwrap();
    volume((2, 2, 2)).write(&place(&folder, "sub-01_T2w.anomaly.nii"), None).unwrap();
    assert_eq!(std::fs::read(&source).unwrap(), before);
}

#[test]
fn the_template_lends_its_geometry_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let source = place(&folder, "source.nii");
    let mut written = volume((4, 5, 6));
    written.write(&source, None).unwrap();
    // Give the source a scaling, a qform beside its sform, units, an intent and a description.
    let mut bytes = std::fs::read(&source).unwrap();
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(112, &2f32.to_le_bytes());
    put(116, &9f32.to_le_bytes());
    put(68, &1002i16.to_le_bytes());
    put(123, &[2 | 8]);
    put(124, &77f32.to_le_bytes());
    put(148, b"a patient's name");
    put(252, &3i16.to_le_bytes());
    put(254, &4i16.to_le_bytes());
    put(256, &0.25f32.to_le_bytes());
    put(328, b"label");
    std::fs::write(&source, &bytes).unwrap();

    written.voxels.mapv_inplace(|value| value * 0.5);
    let target = place(&folder, "target.nii");
    written.write(&target, Some(&source)).unwrap();
    assert_eq!(Volume::read(&target).unwrap(), written);
    let (old, new) = (read_header(&source).unwrap().nifti, read_header(&target).unwrap().nifti);
    assert_eq!((new.qform_code, new.sform_code, new.quatern_b), (3, 4, 0.25));
    assert_eq!((new.xyzt_units, new.srow_x, new.pixdim[1]), (10, old.srow_x, old.pixdim[1]));
    assert_eq!((new.scl_slope, new.scl_inter, new.intent_code), (1.0, 0.0, 0));
    assert_eq!((new.datatype, new.bitpix), (16, 32));
    let extremes = written
        .voxels
        .iter()
        .fold((f32::MAX, f32::MIN), |(low, high), &value| (low.min(value), high.max(value)));
    assert_eq!((new.cal_min, new.cal_max), extremes);
    assert!(new.descrip.starts_with(b"u2ad ") && new.intent_name == [0; 16]);
}

#[test]
fn the_source_image_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let source = place(&folder, "source.nii.gz");
    volume((4, 5, 6)).write(&source, None).unwrap();
    let detour = folder.path().join(".").join("source.nii.gz");
    let error = volume((4, 5, 6)).write(&detour, Some(&source)).unwrap_err().to_string();
    assert!(error.contains("is the source image"), "{error}");
}

#[test]
fn a_template_on_another_grid_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let source = place(&folder, "source.nii");
    volume((4, 5, 6)).write(&source, None).unwrap();
    let error = volume((4, 5, 7)).write(&place(&folder, "t.nii"), Some(&source)).unwrap_err();
    assert!(error.to_string().contains("another grid"), "{error}");
}

#[test]
fn names_and_folders_that_cannot_be_written_give_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let refusal =
        |name: &str| volume((2, 2, 2)).write(&place(&folder, name), None).unwrap_err().to_string();
    assert!(refusal("map.png").contains(".nii or .nii.gz only"));
    assert!(refusal(".nii").contains(".nii or .nii.gz only"));
    assert!(refusal("none/map.nii").contains("cannot be written"));
}

#[test]
fn a_template_without_orientation_lends_none() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (place(&folder, "source.nii"), place(&folder, "map.nii"));
    let map = volume((4, 5, 6));
    map.write(&source, None).unwrap();
    let mut bytes = std::fs::read(&source).unwrap();
    bytes[252..256].fill(0); // qform_code, sform_code
    std::fs::write(&source, bytes).unwrap();
    map.write(&target, Some(&source)).unwrap();
    assert_eq!(Volume::read(&target).unwrap(), map);
    let other = volume((4, 5, 7)).write(&target, Some(&source)).unwrap_err().to_string();
    assert!(other.contains("another grid"), "{other}");
}

#[test]
fn masks_and_labels_take_one_and_two_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (mask_file, label_file) = (place(&folder, "mask.nii"), place(&folder, "labels.nii"));
    let affine = volume((4, 5, 6)).affine;
    let mask = Array3::from_shape_fn((4, 5, 6), |(i, j, k)| (i + 2 * j + k) % 3 == 0);
    write_mask(&mask, affine, &mask_file, None).unwrap();
    let labels = Array3::from_shape_fn((4, 5, 6), |(i, j, k)| (3000 * i + 10 * j + k) as u16);
    write_labels(&labels, affine, &label_file, None).unwrap();
    let size = |path: &PathBuf| std::fs::metadata(path).unwrap().len();
    assert_eq!((size(&mask_file), size(&label_file)), (352 + 120, 352 + 240));
    let (read_mask, read_labels) =
        (Volume::read(&mask_file).unwrap(), Volume::read(&label_file).unwrap());
    assert_eq!(read_mask.voxels.mapv(|value| value == 1.0), mask);
    assert_eq!(read_labels.voxels.mapv(|value| value as u16), labels);
    assert_eq!((read_mask.affine, read_labels.affine), (affine, affine));
}
