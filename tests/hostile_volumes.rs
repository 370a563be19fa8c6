//! Damaged, contradictory and oversized images: each is refused with a sentence that says why, or read
//! right. No header makes the reader claim memory that the file does not fill.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use u2ad::volume::Volume;

/// A 4 × 5 × 6 image of 16-bit voxels with sform and qform, little-endian.
fn image() -> Vec<u8> {
    let mut bytes = vec![0u8; 352];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &348i32.to_le_bytes());
    put(40, &[3i16, 4, 5, 6, 1, 1, 1, 1].map(i16::to_le_bytes).concat());
    put(70, &4i16.to_le_bytes());
    put(72, &16i16.to_le_bytes());
    put(76, &[1f32; 8].map(f32::to_le_bytes).concat());
    put(108, &352f32.to_le_bytes());
    put(112, &1f32.to_le_bytes());
    put(252, &1i16.to_le_bytes());
    put(254, &1i16.to_le_bytes());
    let rows = [1f32, 0., 0., 0., 0., 1., 0., 0., 0., 0., 1., 0.];
    put(280, &rows.map(f32::to_le_bytes).concat());
    put(344, b"n+1\0");
    bytes.extend((0..120i16).flat_map(i16::to_le_bytes));
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Some field of the image set to a value.
fn field(at: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = image();
    bytes[at..at + value.len()].copy_from_slice(value);
    bytes
}

fn dim(sizes: [i16; 8]) -> Vec<u8> {
    field(40, &sizes.map(i16::to_le_bytes).concat())
}

fn kind(code: i16, bits: i16) -> Vec<u8> {
    field(70, &[code, bits].map(i16::to_le_bytes).concat())
}

/// The image with both forms set to something: codes, then the sform's rows.
fn forms(codes: [i16; 2], rows: [f32; 12]) -> Vec<u8> {
    let mut bytes = field(252, &codes.map(i16::to_le_bytes).concat());
    bytes[280..328].copy_from_slice(&rows.map(f32::to_le_bytes).concat());
    bytes
}

/// What reading must give: part of the refusing sentence, or success.
enum Expected {
    Refused(&'static str),
    Read,
}

use Expected::{Read, Refused};

fn volumes() -> Vec<(&'static str, Vec<u8>, Expected)> {
    let whole = image();
    let packed = gzip(&whole);
    let mut damaged = packed.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    let mut checksum = packed.clone();
    let last = checksum.len() - 8;
    checksum[last] ^= 1;
    let diagonal = |a: f32, b: f32, c: f32| [a, 0., 0., 0., 0., b, 0., 0., 0., 0., c, 0.];
    vec![
        ("whole", whole.clone(), Read),
        ("compressed", packed.clone(), Read),
        ("compressed twice in a row", [gzip(&whole[..200]), gzip(&whole[200..])].concat(), Read),
        ("zeros behind the stream", [packed.clone(), vec![0; 1000]].concat(), Read),
        ("text behind the stream", [packed.clone(), b"end of tape".to_vec()].concat(), Read),
        ("bytes behind the voxels", [whole.clone(), vec![7; 100]].concat(), Read),
        ("nothing", vec![], Refused("is empty")),
        ("one byte", vec![92], Refused("too short")),
        ("the first field", whole[..4].to_vec(), Refused("too short")),
        ("half a header", whole[..174].to_vec(), Refused("too short")),
        ("a header", whole[..348].to_vec(), Refused("truncated")),
        ("a header and its flag", whole[..352].to_vec(), Refused("truncated")),
        ("all voxels but one byte", whole[..591].to_vec(), Refused("truncated")),
        ("a compressed header", gzip(&whole[..348]), Refused("truncated")),
        ("compressed voxels but one byte", gzip(&whole[..591]), Refused("truncated")),
        ("the start of a stream", packed[..10].to_vec(), Refused("too short")),
        ("half a stream", packed[..packed.len() / 2].to_vec(), Refused("")),
        ("a stream without its end", packed[..packed.len() - 4].to_vec(), Refused("truncated")),
        ("a damaged checksum", checksum, Refused("damaged")),
        ("compressed twice over", gzip(&packed), Refused("")),
        ("text", b"participant_id\tage\n".repeat(40), Refused("not a NIfTI")),
        ("noise", (0..600u32).map(|n| (n * 2654435761) as u8).collect(), Refused("not a NIfTI")),
        ("a FreeSurfer image", [&[0, 0, 0, 1][..], &[0; 600]].concat(), Refused("mri_convert")),
        ("a DICOM file", [&[0; 128][..], b"DICM", &[0; 300]].concat(), Refused("DICOM")),
        ("an NRRD image", [&b"NRRD0005\n"[..], &[0; 400]].concat(), Refused("NRRD")),
        ("a MetaImage", [&b"ObjectType = Image\n"[..], &[0; 400]].concat(), Refused("MetaImage")),
        ("a zip archive", [&b"PK\x03\x04"[..], &[0; 400]].concat(), Refused("zip")),
        (
            "a Git LFS pointer",
            b"version https://git-lfs.github.com/spec/v1\n".to_vec(),
            Refused("git lfs pull"),
        ),
        (
            "a git-annex pointer",
            b"/annex/objects/MD5E-s1--a.nii.gz\n".to_vec(),
            Refused("git annex get"),
        ),
        ("a header length of 0", field(0, &0i32.to_le_bytes()), Refused("not a NIfTI")),
        ("a header length of -1", field(0, &(-1i32).to_le_bytes()), Refused("not a NIfTI")),
        ("a header length of 540", field(0, &540i32.to_le_bytes()), Refused("NIfTI-2")),
        ("no magic", field(344, &[0; 4]), Refused("magic")),
        ("a magic without its end", field(344, b"n+1x"), Refused("magic")),
        ("the header of a pair", field(344, b"ni1\0"), Refused("without its voxels")),
        ("no dimensions", dim([0; 8]), Refused("declares 0 dimensions")),
        ("eight dimensions", dim([8, 4, 5, 6, 1, 1, 1, 1]), Refused("declares 8 dimensions")),
        ("-3 dimensions", dim([-3, 4, 5, 6, 1, 1, 1, 1]), Refused("declares -3 dimensions")),
        ("a width of 0", dim([3, 0, 5, 6, 1, 1, 1, 1]), Refused("dimension of 0")),
        ("a height of -5", dim([3, 4, -5, 6, 1, 1, 1, 1]), Refused("dimension of -5")),
        ("a depth of -32768", dim([3, 4, 5, -32768, 1, 1, 1, 1]), Refused("dimension of -32768")),
        ("a time series", dim([4, 4, 5, 3, 2, 1, 1, 1]), Refused("4 × 5 × 3 × 2")),
        ("a vector image", dim([5, 4, 5, 2, 1, 3, 1, 1]), Refused("4 × 5 × 2 × 1 × 3")),
        ("trailing dimensions of 1", dim([7, 4, 5, 6, 1, 1, 1, 1]), Read),
        ("unused dimensions of 0", dim([3, 4, 5, 6, 0, 0, 0, 0]), Read),
        ("a plane", dim([2, 4, 5, 0, 0, 0, 0, 0]), Read),
        ("32767 cubed", dim([3, 32767, 32767, 32767, 1, 1, 1, 1]), Refused("at most")),
        ("a line of 30000", dim([3, 1, 30000, 4000, 1, 1, 1, 1]), Refused("at most")),
        ("512 cubed", dim([3, 512, 512, 512, 1, 1, 1, 1]), Refused("at most")),
        ("320 cubed", dim([3, 320, 320, 320, 1, 1, 1, 1]), Refused("truncated")),
        ("320 cubed, compressed", gzip(&dim([3, 320, 320, 320, 1, 1, 1, 1])), Refused("truncated")),
        ("no data type", kind(0, 16), Refused("unknown data type")),
        ("an unknown data type", kind(99, 16), Refused("unknown data type")),
        ("bits", kind(1, 1), Refused("unknown data type")),
        ("complex numbers", kind(32, 64), Refused("complex")),
        ("colours", kind(128, 24), Refused("colours")),
        ("colours with opacity", kind(2304, 32), Refused("colours")),
        ("128-bit numbers", kind(1536, 128), Refused("128-bit")),
        ("bits that contradict the type", kind(4, 32), Refused("contradicts itself")),
        ("-16 bits", kind(4, -16), Refused("contradicts itself")),
        ("64-bit numbers in too few bytes", kind(64, 64), Refused("truncated")),
        ("voxels inside the header", field(108, &100f32.to_le_bytes()), Refused("impossible")),
        ("voxels at -352", field(108, &(-352f32).to_le_bytes()), Refused("impossible")),
        ("voxels at half a byte", field(108, &352.5f32.to_le_bytes()), Refused("impossible")),
        ("voxels at NaN", field(108, &f32::NAN.to_le_bytes()), Refused("impossible")),
        ("voxels at a terabyte", field(108, &1e12f32.to_le_bytes()), Refused("impossible")),
        ("voxels behind the end", field(108, &400f32.to_le_bytes()), Refused("truncated")),
        ("voxels right after the header", field(108, &0f32.to_le_bytes()), Read),
        ("a slope of 0", field(112, &0f32.to_le_bytes()), Read),
        ("a slope of NaN", field(112, &f32::NAN.to_le_bytes()), Read),
        ("an offset of NaN", field(116, &f32::NAN.to_le_bytes()), Refused("scl_inter")),
        ("an infinite offset", field(116, &f32::INFINITY.to_le_bytes()), Refused("scl_inter")),
        ("an sform of zeros, a good qform", forms([1, 1], [0.; 12]), Read),
        ("an sform of zeros alone", forms([0, 1], [0.; 12]), Refused("sform")),
        ("an sform of NaN alone", forms([0, 1], [f32::NAN; 12]), Refused("not finite")),
        ("a flat sform", forms([0, 1], diagonal(1., 1., 0.)), Refused("no sensible size")),
        (
            "an sform with two equal axes",
            forms([0, 1], [1., 1., 0., 0., 0., 0., 0., 0., 0., 0., 1., 0.]),
            Refused("singular"),
        ),
        (
            "voxels of a light year",
            forms([0, 1], diagonal(9e18, 1., 1.)),
            Refused("no sensible size"),
        ),
        ("voxels of an atom", forms([0, 1], diagonal(1e-10, 1., 1.)), Refused("no sensible size")),
        (
            "no form, voxels of 0 mm",
            {
                let mut bytes = forms([0, 0], [0.; 12]);
                bytes[76..108].fill(0);
                bytes
            },
            Refused("pixdim"),
        ),
        ("no form", forms([0, 0], [0.; 12]), Read),
        (
            "a quaternion that is none",
            {
                let mut bytes = forms([1, 0], [0.; 12]);
                bytes[256..260].copy_from_slice(&3f32.to_le_bytes());
                bytes
            },
            Refused("quaternion"),
        ),
        ("a damaged stream", damaged, Refused("")),
    ]
}

#[test]
fn every_hostile_volume_is_read_right_or_refused_with_its_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let volumes = volumes();
    assert!(volumes.len() >= 60, "{}", volumes.len());
    for (name, bytes, expected) in volumes {
        let path = folder.path().join("volume.nii.gz");
        std::fs::write(&path, &bytes).unwrap();
        match (Volume::read(&path), expected) {
            (Ok(_), Read) => {}
            (Ok(_), Refused(part)) => panic!("{name}: read, though {part:?} was expected"),
            (Err(error), Read) => panic!("{name}: {error}"),
            (Err(error), Refused(part)) => {
                let sentence = error.to_string();
                assert!(sentence.contains(part), "{name}: {sentence}");
                assert!(sentence.starts_with(&*path.to_string_lossy()), "{name}: {sentence}");
                assert_eq!(sentence.lines().count(), 1, "{name}: {sentence}");
            }
        }
    }
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = |path: &Path| Volume::read(path).unwrap_err().to_string();
    assert!(refusal(folder.path()).contains("is not a file"));
    assert!(refusal(&folder.path().join("a.nii")).contains("there is no such file"));
    #[cfg(unix)]
    assert!(refusal(Path::new("/dev/zero")).contains("is not a file"));
}
