//! Every way to store pixels.

use std::fs;

use dicom_core::VR;
use dicom_dictionary_std::tags;
use tempfile::tempdir;
use u2ad::volume::Volume;

use super::scan::{Scan, Syntax, only_series};

fn read(scan: &Scan) -> Volume {
    let folder = tempdir().unwrap();
    scan.write(folder.path());
    only_series(folder.path()).read().unwrap().0
}

fn refusal(scan: &Scan) -> String {
    let folder = tempdir().unwrap();
    scan.write(folder.path());
    only_series(folder.path()).read().unwrap_err().to_string()
}

fn plain(_: usize, sample: i32) -> f32 {
    sample as f32
}

#[test]
fn a_phantom_comes_back_voxel_for_voxel_in_every_encoding() {
    for syntax in [
        Syntax::Implicit,
        Syntax::Explicit,
        Syntax::BigEndian,
        Syntax::Deflated,
        Syntax::Rle,
        Syntax::JpegLossless,
    ] {
        let scan = Scan { syntax, ..Scan::phantom() };
        scan.check(&read(&scan), plain);
    }
}

#[test]
fn samples_of_8_16_and_32_bits_come_back() {
    let cases = [
        (Syntax::Explicit, [8, 8, 7], false),
        (Syntax::BigEndian, [8, 8, 7], false),
        (Syntax::Rle, [8, 8, 7], false),
        (Syntax::JpegBaseline, [8, 8, 7], false),
        (Syntax::JpegLossless, [8, 8, 7], false),
        (Syntax::JpegLossless, [16, 16, 15], true),
        (Syntax::Explicit, [16, 12, 15], false),
        (Syntax::Implicit, [16, 12, 11], true),
        (Syntax::BigEndian, [16, 16, 15], true),
        (Syntax::Rle, [16, 16, 15], true),
        (Syntax::Explicit, [32, 32, 31], true),
        (Syntax::BigEndian, [32, 20, 19], false),
    ];
    for (syntax, bits, signed) in cases {
        let mut scan = Scan { syntax, bits, signed, ..Scan::small() };
        let range = 1i64 << bits[1];
        let lowest = if signed { -range / 2 } else { 0 };
        // Constant in blocks of 8 × 8, with the smallest and the largest sample.
        scan.samples = scan.samples.mapv(|sample| {
            let spread = i64::from(sample).wrapping_mul(0x9e37_79b9).rem_euclid(range);
            (lowest + if sample == 0 { 0 } else { spread }) as i32
        });
        scan.samples.slice_mut(ndarray::s![5, ..8, ..8]).fill((lowest + range - 1) as i32);
        scan.check(&read(&scan), plain);
    }
}

#[test]
fn samples_are_rescaled_and_inverted() {
    let mut scan = Scan::small();
    scan.set(tags::RESCALE_SLOPE, VR::DS, "0.5").set(tags::RESCALE_INTERCEPT, VR::DS, "-100");
    scan.check(&read(&scan), |_, sample| (f64::from(sample) * 0.5 - 100.0) as f32);
    let mut scan = Scan::small();
    scan.set(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME1");
    scan.check(&read(&scan), |_, sample| (4095 - sample) as f32);
}

#[test]
fn an_image_of_many_frames_comes_back_whatever_their_order() {
    for syntax in
        [Syntax::Explicit, Syntax::Implicit, Syntax::BigEndian, Syntax::Rle, Syntax::JpegLossless]
    {
        let scan = Scan { syntax, ..Scan::small() };
        let folder = tempdir().unwrap();
        let file = scan.frames(&[3, 0, 5, 1, 4, 2]);
        file.write_to_file(folder.path().join("image.dcm")).unwrap();
        let series = only_series(folder.path());
        assert_eq!((series.slices, series.echo_time, &series.objection), (6, Some(102.0), &None));
        let (volume, sidecar) = series.read().unwrap();
        // Each frame has a slope of its own.
        scan.check(&volume, |slice, sample| (sample * (slice as i32 + 1)) as f32);
        assert_eq!(sidecar["RepetitionTime"], 3.5);
        assert_eq!(sidecar["EchoTime"], 0.102);
    }
}

#[test]
fn files_without_preamble_and_bare_data_sets_are_read() {
    for syntax in [Syntax::Explicit, Syntax::Implicit] {
        let scan = Scan { syntax, ..Scan::small() };
        for bare in [false, true] {
            let folder = tempdir().unwrap();
            for path in scan.write(folder.path()) {
                let bytes = fs::read(&path).unwrap();
                // The first element behind preamble and DICM holds the length of its group.
                let length = u32::from_le_bytes(bytes[140..144].try_into().unwrap()) as usize;
                let start = if bare { 144 + length } else { 132 };
                fs::write(&path, &bytes[start..]).unwrap();
            }
            let (volume, _) = only_series(folder.path()).read().unwrap();
            scan.check(&volume, plain);
        }
    }
}

#[test]
fn what_is_not_decoded_is_refused_with_the_way_out() {
    let refused = refusal(&Scan { syntax: Syntax::Jpeg2000, ..Scan::small() });
    for part in ["IM0000: has pixels in JPEG 2000", "gdcmconv --raw", "dcmdjpeg"] {
        assert!(refused.contains(part), "{refused}");
    }
    let mut colour = Scan::small();
    colour.set(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "RGB");
    assert!(refusal(&colour).contains("has colours (RGB)"));
    let mut flat = Scan::small();
    flat.set(tags::RESCALE_SLOPE, VR::DS, "0");
    assert!(refusal(&flat).contains("RescaleSlope is 0"));
}
