use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

/// A 2 × 3 × 4 image of 16-bit voxels 0, 1, 2 … with an sform, little-endian.
fn image() -> Vec<u8> {
    let mut bytes = vec![0u8; 352];
    put(&mut bytes, 0, &348i32.to_le_bytes());
    for (n, size) in [3i16, 2, 3, 4, 1, 1, 1, 1].into_iter().enumerate() {
        put(&mut bytes, 40 + 2 * n, &size.to_le_bytes());
    }
    put(&mut bytes, 70, &4i16.to_le_bytes());
    put(&mut bytes, 72, &16i16.to_le_bytes());
    for n in 0..8 {
        put(&mut bytes, 76 + 4 * n, &1f32.to_le_bytes());
    }
    put(&mut bytes, 108, &352f32.to_le_bytes());
    put(&mut bytes, 112, &1f32.to_le_bytes());
    put(&mut bytes, 254, &1i16.to_le_bytes());
    for (n, value) in [0f32, 2., 0., 5., 0., 0., 3., 6., 4., 0., 0., 7.].into_iter().enumerate() {
        put(&mut bytes, 280 + 4 * n, &value.to_le_bytes());
    }
    put(&mut bytes, 344, b"n+1\0");
    bytes.extend((0..24i16).flat_map(i16::to_le_bytes));
    bytes
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn with(at: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = image();
    put(&mut bytes, at, value);
    bytes
}

fn read(bytes: &[u8]) -> Result<Volume, String> {
    let (mut stream, compressed) = decompressed(Cursor::new(bytes))?;
    let read = header_from(&mut stream)?;
    let length = (!compressed).then_some(bytes.len() as u64);
    volume_from(stream, read.consumed, &read.header, length)
}

fn refusal(bytes: &[u8]) -> String {
    read(bytes).expect_err("should be refused")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn voxels_come_in_fortran_order_with_the_sform() {
    let volume = read(&image()).unwrap();
    assert_eq!(volume.geometry().shape, [2, 3, 4]);
    assert_eq!(volume.voxels[[1, 0, 0]], 1.0);
    assert_eq!(volume.voxels[[0, 1, 0]], 2.0);
    assert_eq!(volume.voxels[[1, 2, 3]], 23.0);
    assert_eq!(volume.affine.0, [[0., 2., 0., 5.], [0., 0., 3., 6.], [4., 0., 0., 7.]]);
    assert_eq!(volume.non_finite_count(), 0);
}

#[test]
fn big_endian_images_read_the_same() {
    let mut bytes = image();
    for (start, end, width) in [
        (0, 4, 4),
        (32, 36, 4),
        (36, 38, 2),
        (40, 56, 2),
        (56, 68, 4),
        (68, 76, 2),
        (76, 120, 4),
        (120, 122, 2),
        (124, 148, 4),
        (252, 256, 2),
        (256, 328, 4),
        (352, 400, 2),
    ] {
        bytes[start..end].chunks_mut(width).for_each(<[u8]>::reverse);
    }
    assert_eq!(read(&bytes).unwrap(), read(&image()).unwrap());
}

#[test]
fn scaling_is_applied_in_double_precision() {
    let mut bytes = with(112, &0.1f32.to_le_bytes());
    put(&mut bytes, 116, &(-1000f32).to_le_bytes());
    let expected = (23.0 * f64::from(0.1f32) - 1000.0) as f32;
    assert_eq!(read(&bytes).unwrap().voxels[[1, 2, 3]], expected);
}

#[test]
fn an_unset_slope_means_no_scaling() {
    for slope in [0.0, f32::NAN, f32::INFINITY] {
        let mut bytes = with(112, &slope.to_le_bytes());
        put(&mut bytes, 116, &5f32.to_le_bytes());
        assert_eq!(read(&bytes).unwrap().voxels[[1, 0, 0]], 1.0);
    }
    assert!(refusal(&with(116, &f32::NAN.to_le_bytes())).contains("scl_inter"));
}

#[test]
fn gzip_is_recognised_by_content_even_in_several_members() {
    let (head, tail) = (gzip(&image()[..100]), gzip(&image()[100..]));
    assert_eq!(read(&[head, tail].concat()).unwrap(), read(&image()).unwrap());
}

#[test]
fn voxels_start_where_the_header_says_despite_a_gap_or_bad_extensions() {
    let mut bytes = with(108, &384f32.to_le_bytes());
    // An extension flag, then an extension that claims a negative size.
    put(&mut bytes, 348, &[1, 0, 0, 0]);
    let tail = bytes.split_off(352);
    bytes.extend([(-8i32).to_le_bytes(), 6i32.to_le_bytes()].concat());
    bytes.extend([0xab; 24]);
    bytes.extend(tail);
    assert_eq!(read(&bytes).unwrap().voxels, read(&image()).unwrap().voxels);
    for impossible in [100f32, -352.0, 352.5, 1e12, f32::NAN] {
        assert!(refusal(&with(108, &impossible.to_le_bytes())).contains("impossible"));
    }
}

#[test]
fn other_formats_are_named() {
    assert!(refusal(&[]).contains("empty"));
    assert!(refusal(b"hello").contains("too short"));
    assert!(refusal(&[7; 400]).contains("not a NIfTI"));
    assert!(refusal(&[with(0, &540i32.to_le_bytes()), vec![0; 200]].concat()).contains("NIfTI-2"));
    let start = |bytes: &[u8]| [bytes, &[0; 400]].concat();
    assert!(refusal(&start(&[0, 0, 0, 1, 0, 0, 1, 0])).contains("mri_convert"));
    assert!(refusal(&start(b"NRRD0004\n")).contains("NRRD"));
    assert!(refusal(&[&[0; 128][..], b"DICM", &[0; 300]].concat()).contains("DICOM"));
    assert!(refusal(&start(b"version https://git-lfs.github.com/spec/v1")).contains("git lfs"));
    assert!(refusal(&with(344, b"\0\0\0\0")).contains("magic"));
}

/// The same image as NIfTI-2.
fn nifti2(big_endian: bool) -> Vec<u8> {
    let mut bytes = vec![0u8; 544];
    let mut field = |at: usize, mut value: Vec<u8>| {
        if big_endian {
            value.reverse();
        }
        put(&mut bytes, at, &value);
    };
    field(0, 540i32.to_le_bytes().into());
    field(12, 4i16.to_le_bytes().into());
    field(14, 16i16.to_le_bytes().into());
    for (n, size) in [3i64, 2, 3, 4, 1, 1, 1, 1].into_iter().enumerate() {
        field(16 + 8 * n, size.to_le_bytes().into());
        field(104 + 8 * n, 1f64.to_le_bytes().into());
    }
    field(168, 544i64.to_le_bytes().into());
    field(176, 1f64.to_le_bytes().into());
    field(348, 1i32.to_le_bytes().into());
    for (n, value) in [0f64, 2., 0., 5., 0., 0., 3., 6., 4., 0., 0., 7.].into_iter().enumerate() {
        field(400 + 8 * n, value.to_le_bytes().into());
    }
    put(&mut bytes, 4, b"n+2\0\r\n\x1a\n");
    let voxel = |value: i16| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    bytes.extend((0..24).flat_map(voxel));
    bytes
}

#[test]
fn nifti_2_is_the_same_image_in_either_byte_order() {
    let expected = read(&image()).unwrap();
    for big_endian in [false, true] {
        assert_eq!(read(&nifti2(big_endian)).unwrap(), expected);
        assert_eq!(read(&gzip(&nifti2(big_endian))).unwrap(), expected);
    }
    let mut damaged = nifti2(false);
    damaged[8..12].copy_from_slice(b"\n\n\x1a\n");
    assert!(refusal(&damaged).contains("text mode"));
}

#[test]
fn a_pair_of_header_and_voxels_is_read_whatever_its_endings() {
    let mut header = with(344, b"ni1\0");
    put(&mut header, 108, &0f32.to_le_bytes());
    let voxels = image()[352..].to_vec();
    let expected = read(&image()).unwrap();
    for (header_name, voxel_name) in
        [("a.hdr", "a.img"), ("b.HDR", "b.IMG"), ("c.hdr.gz", "c.img.gz")]
    {
        let folder = tempfile::tempdir().unwrap();
        let compress = header_name.ends_with(".gz");
        let stored = |bytes: &[u8]| if compress { gzip(bytes) } else { bytes.to_vec() };
        let path = folder.path().join(header_name);
        std::fs::write(&path, stored(&header[..348])).unwrap();
        let refused = Volume::read(&path).unwrap_err().to_string();
        assert!(refused.contains("without its voxels"), "{refused}");
        std::fs::write(folder.path().join(voxel_name), stored(&voxels)).unwrap();
        assert_eq!(Volume::read(&path).unwrap(), expected);
    }
}

#[test]
fn bytes_behind_a_compressed_image_are_no_damage() {
    for tail in [&[0u8; 512][..], b"padding", &[0x1f]] {
        let bytes = [gzip(&image()), tail.to_vec()].concat();
        assert_eq!(read(&bytes).unwrap(), read(&image()).unwrap());
    }
}

#[test]
fn truncated_and_damaged_files_are_said_to_be() {
    let whole = image();
    assert!(refusal(&whole[..whole.len() - 1]).contains("truncated"));
    let compressed = gzip(&whole);
    assert!(refusal(&gzip(&whole[..380])).contains("promises 400 bytes, 380 are there"));
    assert!(refusal(&compressed[..compressed.len() - 20]).contains("truncated"));
    let mut wrong_checksum = compressed.clone();
    let at = wrong_checksum.len() - 8;
    wrong_checksum[at] ^= 1;
    assert!(refusal(&wrong_checksum).contains("damaged"));
}

#[test]
fn impossible_dimensions_are_refused_before_anything_is_allocated() {
    assert!(refusal(&with(42, &0i16.to_le_bytes())).contains("dimension of 0"));
    assert!(refusal(&with(44, &(-3i16).to_le_bytes())).contains("dimension of -3"));
    assert!(refusal(&with(40, &0i16.to_le_bytes())).contains("declares 0 dimensions"));
    let huge = [3i16, 32767, 32767, 32767].map(i16::to_le_bytes).concat();
    assert!(refusal(&with(40, &huge)).contains("at most"));
    let long = [3i16, 1, 30000, 400].map(i16::to_le_bytes).concat();
    assert!(refusal(&with(40, &long)).contains("at most"));
    let large = [3i16, 320, 320, 320].map(i16::to_le_bytes).concat();
    assert!(refusal(&with(40, &large)).contains("truncated"));
    assert!(refusal(&gzip(&with(40, &large))).contains("truncated"));
    let series = [4i16, 2, 3, 2, 2].map(i16::to_le_bytes).concat();
    assert!(refusal(&with(40, &series)).contains("2 × 3 × 2 × 2"));
}

#[test]
fn trailing_dimensions_of_one_and_planes_are_accepted() {
    let trailing = [5i16, 2, 3, 4, 1, 1].map(i16::to_le_bytes).concat();
    assert_eq!(read(&with(40, &trailing)).unwrap().geometry().shape, [2, 3, 4]);
    let plane = [2i16, 2, 3].map(i16::to_le_bytes).concat();
    assert_eq!(read(&with(40, &plane)).unwrap().geometry().shape, [2, 3, 1]);
}

#[test]
fn data_types_that_are_no_real_numbers_are_refused() {
    for (code, bits, word) in [
        (128i16, 24i16, "colours"),
        (32, 64, "complex"),
        (1536, 128, "128-bit"),
        (99, 8, "unknown"),
        (16, 16, "contradicts"),
        (4, -16, "contradicts"),
    ] {
        let bytes = with(70, &[code.to_le_bytes(), bits.to_le_bytes()].concat());
        assert!(refusal(&bytes).contains(word), "{}", refusal(&bytes));
    }
}

#[test]
fn nan_voxels_are_read_and_counted() {
    let mut bytes = with(70, &[16i16.to_le_bytes(), 32i16.to_le_bytes()].concat());
    bytes.truncate(352);
    bytes.extend((0..24).flat_map(|n| (if n == 5 { f32::NAN } else { 1.0 }).to_le_bytes()));
    assert_eq!(read(&bytes).unwrap().non_finite_count(), 1);
}

#[test]
fn the_qform_serves_where_there_is_no_sform() {
    // A quarter turn about z, left-handed: i to +y, j to -x, k to -z.
    let mut bytes = with(254, &0i16.to_le_bytes());
    put(&mut bytes, 252, &1i16.to_le_bytes());
    for (n, value) in [-1f32, 2.0, 3.0, 4.0].into_iter().enumerate() {
        put(&mut bytes, 76 + 4 * n, &value.to_le_bytes());
    }
    for (n, value) in [0.0, 0.0, 0.5f32.sqrt(), 10.0, 20.0, 30.0].into_iter().enumerate() {
        put(&mut bytes, 256 + 4 * n, &value.to_le_bytes());
    }
    let affine = read(&bytes).unwrap().affine;
    let expected = [[0., -3., 0., 10.], [2., 0., 0., 20.], [0., 0., -4., 30.]];
    for (found, expected) in affine.0.iter().flatten().zip(expected.iter().flatten()) {
        assert!((found - expected).abs() < 1e-6, "{affine:?}");
    }
    // Values the nifti crate would panic on: qfac 0, negative edges.
    put(&mut bytes, 76, &0f32.to_le_bytes());
    put(&mut bytes, 80, &(-2f32).to_le_bytes());
    assert!((read(&bytes).unwrap().affine.0[2][2] - 4.0).abs() < 1e-6);
    put(&mut bytes, 256, &3f32.to_le_bytes());
    assert!(refusal(&bytes).contains("quaternion"));
}

#[test]
fn a_half_turn_of_single_precision_is_one() {
    let mut bytes = with(254, &0i16.to_le_bytes());
    put(&mut bytes, 252, &1i16.to_le_bytes());
    // 1 − b² − c² is 3e-8 by rounding; taken for a turn it would move voxels by 2e-4 of their distance.
    for (n, value) in [-0.793_353_3_f32, -0.608_761_4, 0.0].into_iter().enumerate() {
        put(&mut bytes, 256 + 4 * n, &value.to_le_bytes());
    }
    let affine = read(&bytes).unwrap().affine;
    assert!(affine.0[2][0].abs() < 1e-9 && affine.0[2][1].abs() < 1e-9, "{affine:?}");
}

#[test]
fn voxel_sizes_serve_where_there_is_no_form_at_all() {
    let bytes = with(254, &0i16.to_le_bytes());
    assert_eq!(read(&bytes).unwrap().affine.spacing(), [1.0; 3]);
}

/// Without forms, the axes count as right, anterior, superior; with an unusable sform, the qform serves.
#[test]
fn what_places_the_image_is_said() {
    let header =
        |bytes: &[u8]| header_from(&mut Cursor::new(bytes)).map(|read| read.header).unwrap();
    assert!(!header(&image()).orientation_is_guess);
    assert!(header(&with(254, &0i16.to_le_bytes())).orientation_is_guess);
    // The identity as qform, behind an sform of zeros and one of NaN.
    for value in [0f32, f32::NAN] {
        let mut bytes = with(252, &1i16.to_le_bytes());
        (0..12).for_each(|n| put(&mut bytes, 280 + 4 * n, &value.to_le_bytes()));
        let header = header(&bytes);
        assert!(header.notes[0].contains("its qform was used"), "{:?}", header.notes);
        assert_eq!(header.geometry.affine.0[2], [0.0, 0.0, 1.0, 0.0]);
    }
    let mut both = with(252, &1i16.to_le_bytes());
    put(&mut both, 256, &1f32.to_le_bytes());
    assert!(header(&both).notes[0].contains("contradict"), "{:?}", header(&both).notes);
}

#[test]
fn unusable_orientations_are_refused() {
    assert!(refusal(&with(284, &0f32.to_le_bytes())).contains("sform"));
    assert!(refusal(&with(284, &f32::NAN.to_le_bytes())).contains("not finite"));
}

#[test]
fn missing_files_and_folders_give_a_sentence_with_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none.nii");
    let error = Volume::read(&missing).unwrap_err().to_string();
    assert!(error.ends_with("none.nii: there is no such file"), "{error}");
    assert!(Volume::read(folder.path()).unwrap_err().to_string().contains("is a folder"));
}

#[test]
fn the_geometry_alone_is_read_from_the_header() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("compressed-without-saying.nii");
    std::fs::write(&path, gzip(&image()[..352])).unwrap();
    assert_eq!(Geometry::read(&path).unwrap(), read(&image()).unwrap().geometry());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_mutated_header_panics(
        changes in prop::collection::vec((0usize..352, any::<u8>()), 1..12),
        keep in 0usize..=400,
        compress: bool,
    ) {
        let mut bytes = image();
        for (at, value) in changes {
            bytes[at] = value;
        }
        bytes.truncate(keep.max(1));
        let bytes = if compress { gzip(&bytes) } else { bytes };
        let _ = read(&bytes);
    }

    #[test]
    fn no_plausible_field_panics(
        dim in prop::array::uniform8(-2i16..8),
        types in (prop::sample::select(vec![2i16, 4, 8, 16, 32, 64, 128, 256, 512, 768, 1024, 1280, 1536, 2304]), prop::sample::select(vec![8i16, 16, 24, 32, 64, 128])),
        floats in prop::collection::vec(prop::num::f32::ANY, 11),
        forms in (0i16..3, 0i16..3),
        qform in prop::collection::vec(prop::num::f32::ANY, 18),
    ) {
        let mut bytes = image();
        bytes.resize(352 + 20_000, 1);
        put(&mut bytes, 40, &dim.map(i16::to_le_bytes).concat());
        put(&mut bytes, 70, &[types.0.to_le_bytes(), types.1.to_le_bytes()].concat());
        for (n, value) in floats.into_iter().enumerate().filter(|(n, _)| *n != 8) {
            put(&mut bytes, 76 + 4 * n, &value.to_le_bytes());
        }
        put(&mut bytes, 252, &[forms.0.to_le_bytes(), forms.1.to_le_bytes()].concat());
        for (n, value) in qform.into_iter().enumerate() {
            put(&mut bytes, 256 + 4 * n, &value.to_le_bytes());
        }
        if let Ok(volume) = read(&bytes) {
            prop_assert!(volume.affine.fault().is_none());
        }
    }
}
