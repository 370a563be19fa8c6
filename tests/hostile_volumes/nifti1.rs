//! Faulty NIfTI-1 files: cut short, and with every field of the header at its worst.

use super::Case;
use super::Expected::{Read, Refused};
use super::image::{VOXELS, gzip, one, one_big, with};

/// Some field of the image set to a value.
fn field(at: usize, value: &[u8]) -> Vec<u8> {
    with(one(), at, value)
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

/// The image without sform or with it, and voxel edges of one length.
fn edges(length: f32, codes: [i16; 2]) -> Vec<u8> {
    with(forms(codes, [0.; 12]), 80, &[length; 3].map(f32::to_le_bytes).concat())
}

/// An extension of 16 bytes before the voxels, which claims another size.
fn extension(size: i32) -> Vec<u8> {
    let whole = with(field(108, &368f32.to_le_bytes()), 348, &[1, 0, 0, 0]);
    let code = [size.to_le_bytes(), 6i32.to_le_bytes()].concat();
    [&whole[..352], &code, &[b'x'; 8], &whole[352..]].concat()
}

/// The image with voxels of 32-bit fractions, all alike.
fn reals(value: f32) -> Vec<u8> {
    let header = kind(16, 32)[..352].to_vec();
    [header, value.to_le_bytes().repeat(VOXELS as usize)].concat()
}

/// The image with voxels of 64-bit fractions, all alike.
fn doubles(value: f64) -> Vec<u8> {
    let header = kind(64, 64)[..352].to_vec();
    [header, value.to_le_bytes().repeat(VOXELS as usize)].concat()
}

pub fn cases() -> Vec<Case> {
    let whole = one();
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
        // Fields that were not spoilt above.
        ("half the voxels", whole[..472].to_vec(), Refused("truncated")),
        ("big-endian", one_big(), Read),
        ("big-endian, cut short", one_big()[..500].to_vec(), Refused("truncated")),
        ("only the header length swapped", field(0, &348i32.to_be_bytes()), Refused("dimensions")),
        (
            "only the dimensions swapped",
            dim([3i16, 4, 5, 6, 1, 1, 1, 1].map(i16::swap_bytes)),
            Refused("dimensions"),
        ),
        (
            "data type and bits swapped",
            kind(4i16.swap_bytes(), 16i16.swap_bytes()),
            Refused("data type"),
        ),
        ("the most dimensions", dim([i16::MAX; 8]), Refused("declares 32767 dimensions")),
        ("the least dimensions", dim([i16::MIN; 8]), Refused("declares -32768 dimensions")),
        ("one dimension", dim([1, 4, 5, 6, 1, 1, 1, 1]), Read),
        (
            "seven dimensions of the most",
            dim([7, 2, 2, 2, i16::MAX, i16::MAX, i16::MAX, i16::MAX]),
            Refused("values"),
        ),
        ("a fourth dimension of 0", dim([4, 4, 5, 6, 0, 1, 1, 1]), Refused("dimension of 0")),
        ("unused dimensions of the least", dim([3, 4, 5, 6, i16::MIN, -1, -1, -1]), Read),
        ("a negative data type", kind(-4, 16), Refused("unknown data type")),
        ("the largest data type", kind(i16::MAX, 16), Refused("unknown data type")),
        ("0 bits", kind(4, 0), Refused("contradicts itself")),
        ("64-bit complex numbers", kind(1792, 128), Refused("complex")),
        ("signed bytes", kind(256, 8), Read),
        (
            "voxels behind the header's end, before the flag's",
            field(108, &348f32.to_le_bytes()),
            Refused("impossible"),
        ),
        ("voxels at infinity", field(108, &f32::INFINITY.to_le_bytes()), Refused("impossible")),
        ("voxels at -0", field(108, &(-0f32).to_le_bytes()), Read),
        (
            "voxels at the largest offset",
            field(108, &268_435_456f32.to_le_bytes()),
            Refused("truncated"),
        ),
        ("a slope of infinity", field(112, &f32::INFINITY.to_le_bytes()), Read),
        ("a negative slope", field(112, &(-2f32).to_le_bytes()), Read),
        ("a slope next to 0", field(112, &1e-45f32.to_le_bytes()), Read),
        ("a slope that makes voxels infinite", field(112, &f32::MAX.to_le_bytes()), Read),
        ("the largest offset of intensities", field(116, &f32::MAX.to_le_bytes()), Read),
        ("extensions of size -1", extension(-1), Read),
        ("extensions of size 0", extension(0), Read),
        ("extensions of size 7", extension(7), Read),
        ("extensions longer than the file", extension(i32::MAX), Read),
        ("lengths in metres", field(123, &[1]), Read),
        ("lengths in micrometres", field(123, &[3]), Read),
        ("unknown units", field(123, &[0xff]), Read),
        ("unit codes of time alone", field(123, &[8]), Read),
        ("display limits of NaN", field(124, &[f32::NAN; 2].map(f32::to_le_bytes).concat()), Read),
        ("slice timing of NaN", field(132, &[f32::NAN; 2].map(f32::to_le_bytes).concat()), Read),
        (
            "slice order out of range",
            with(field(74, &i16::MAX.to_le_bytes()), 120, &[0xff, 0xff, 0xff]),
            Read,
        ),
        ("the intent of a vector", field(68, &1007i16.to_le_bytes()), Read),
        ("texts that are not UTF-8", field(148, &[0xff; 104]), Read),
        ("a name that is not UTF-8", field(328, &[0xfe; 16]), Read),
        ("unused fields of ones", field(4, &[0xff; 36]), Read),
        (
            "voxel edges of NaN, a good sform",
            field(76, &[f32::NAN; 8].map(f32::to_le_bytes).concat()),
            Read,
        ),
        ("voxel edges of NaN, no sform", edges(f32::NAN, [1, 0]), Refused("")),
        ("voxel edges of infinity, no sform", edges(f32::INFINITY, [1, 0]), Refused("")),
        ("voxel edges of 0, no sform", edges(0.0, [1, 0]), Refused("no sensible size")),
        ("negative voxel edges, no sform", edges(-1.0, [1, 0]), Read),
        ("voxel edges of NaN, no form", edges(f32::NAN, [0, 0]), Refused("pixdim")),
        (
            "a qfac of NaN, no sform",
            with(forms([1, 0], [0.; 12]), 76, &f32::NAN.to_le_bytes()),
            Read,
        ),
        ("a qfac of 0, no sform", with(forms([1, 0], [0.; 12]), 76, &0f32.to_le_bytes()), Read),
        (
            "a quaternion of NaN",
            with(forms([1, 0], [0.; 12]), 256, &[f32::NAN; 3].map(f32::to_le_bytes).concat()),
            Refused("quaternion"),
        ),
        (
            "a quaternion of the largest numbers",
            with(forms([1, 0], [0.; 12]), 256, &[f32::MAX; 3].map(f32::to_le_bytes).concat()),
            Refused("quaternion"),
        ),
        (
            "a qform at NaN",
            with(forms([1, 0], [0.; 12]), 268, &f32::NAN.to_le_bytes()),
            Refused("qform"),
        ),
        ("a qform at NaN, a good sform", field(268, &f32::NAN.to_le_bytes()), Read),
        ("an sform at infinity, a good qform", field(292, &f32::INFINITY.to_le_bytes()), Read),
        ("both forms of NaN", with(field(256, &[0xff; 24]), 280, &[0xff; 48]), Refused("sform")),
        ("form codes of the largest number", forms([i16::MAX; 2], diagonal(1., 1., 1.)), Read),
        ("negative form codes", forms([i16::MIN; 2], diagonal(1., 1., 1.)), Read),
        (
            "an sform of the largest numbers",
            forms([0, 1], [f32::MAX; 12]),
            Refused("no sensible size"),
        ),
        (
            "an sform of the least numbers",
            forms([0, 1], diagonal(1e-45, 1e-45, 1e-45)),
            Refused("no sensible size"),
        ),
        (
            "axes that nearly coincide",
            forms([0, 1], [1., 1., 0., 0., 0., 1e-4, 0., 0., 0., 0., 1., 0.]),
            Refused("singular"),
        ),
        ("a sheared sform", forms([0, 1], [1., 0.5, 0., 0., 0., 1., 0., 0., 0., 0., 1., 0.]), Read),
        (
            "a contradicting qform",
            with(field(256, &[0; 12]), 280, &diagonal(-1., 1., 1.).map(f32::to_le_bytes).concat()),
            Read,
        ),
        ("the magic of NIfTI-2", field(344, b"n+2\0"), Refused("magic")),
        ("fractions of NaN", reals(f32::NAN), Read),
        ("fractions of infinity", reals(f32::NEG_INFINITY), Read),
        ("fractions of the largest number", reals(f32::MAX), Read),
        ("doubles that a single cannot hold", doubles(1e300), Read),
    ]
}
