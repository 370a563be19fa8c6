//! Faulty compression, other formats under the name of a volume, and files that grow when they are read.

use super::Case;
use super::Expected::{Read, Refused};
use super::image::{bomb, gzip, one, with};

fn dim(sizes: [i16; 3]) -> Vec<u8> {
    let [i, j, k] = sizes;
    with(one(), 40, &[3, i, j, k, 1, 1, 1, 1].map(i16::to_le_bytes).concat())
}

/// The header alone, with 8-bit voxels behind it.
fn bytes_of(sizes: [i16; 3]) -> Vec<u8> {
    with(dim(sizes), 70, &[2i16, 8].map(i16::to_le_bytes).concat())[..352].to_vec()
}

/// A gzip stream whose header has these flags and this text behind it.
fn flags(flags: u8, behind: &[u8]) -> Vec<u8> {
    let packed = gzip(&one());
    let mut bytes = packed[..10].to_vec();
    bytes[3] = flags;
    bytes.extend(behind);
    bytes.extend(&packed[10..]);
    bytes
}

pub fn cases() -> Vec<Case> {
    let whole = one();
    let packed = gzip(&whole);
    let last = packed.len();
    let at = |place: usize, value: &[u8]| with(packed.clone(), place, value);
    vec![
        ("gzip: two bytes", packed[..2].to_vec(), Refused("too short")),
        ("gzip: unknown method", at(2, &[7]), Refused("damaged")),
        ("gzip: reserved flags", at(3, &[0xe0]), Refused("")),
        ("gzip: a name", flags(8, b"sub-01_T2w.nii\0"), Read),
        ("gzip: a name without end", flags(8, &[b'x'; 100_000]), Refused("")),
        ("gzip: an extra field longer than the file", flags(4, &[0xff, 0xff]), Refused("")),
        ("gzip: a comment without end", flags(16, &[b'x'; 100_000]), Refused("")),
        ("gzip: a false checksum of its header", flags(2, &[1, 2]), Refused("damaged")),
        ("gzip: a block of an unknown kind", at(10, &[0x07]), Refused("damaged")),
        ("gzip: a stored block of contradicting lengths", at(10, &[0x01, 5, 0, 0, 0]), Refused("")),
        ("gzip: a false length at the end", at(last - 4, &[1, 2, 3, 4]), Refused("damaged")),
        ("gzip: no checksum", packed[..last - 8].to_vec(), Refused("truncated")),
        (
            "gzip: a second member cut short",
            [&packed[..], &packed[..9]].concat(),
            Refused("truncated"),
        ),
        (
            "gzip: the image in two members, the second cut short",
            [gzip(&whole[..400]), gzip(&whole[400..])[..20].to_vec()].concat(),
            Refused(""),
        ),
        ("gzip: 50 000 empty members", gzip(&[]).repeat(50_000), Refused("too short")),
        (
            "gzip: empty members before the image",
            [gzip(&[]).repeat(1000), packed.clone()].concat(),
            Read,
        ),
        (
            "gzip: of a pointer",
            gzip(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
            Refused(""),
        ),
        ("bzip2", [&b"BZh91AY&SY"[..], &[0; 500]].concat(), Refused("bzip2")),
        ("xz", [&b"\xfd7zXZ\0"[..], &[0; 500]].concat(), Refused("xz")),
        ("zstd", [&b"\x28\xb5\x2f\xfd"[..], &[0; 500]].concat(), Refused("Zstandard")),
        ("7-zip", [&b"7z\xbc\xaf\x27\x1c"[..], &[0; 500]].concat(), Refused("7-Zip")),
        ("a MINC image", [&b"CDF\x01"[..], &[0; 500]].concat(), Refused("MINC")),
        (
            "a page of the web",
            [&b"<!DOCTYPE html><html><body>404 Not Found"[..], &[b' '; 500]].concat(),
            Refused("web page"),
        ),
        ("a picture", [&b"\x89PNG\r\n\x1a\n"[..], &[0; 500]].concat(), Refused("picture")),
        ("a photograph", [&b"\xff\xd8\xff\xe0"[..], &[0; 500]].concat(), Refused("picture")),
        ("an array of NumPy", [&b"\x93NUMPY\x01\0"[..], &[b' '; 500]].concat(), Refused("NumPy")),
        ("a file of zeros", vec![0; 1000], Refused("not a NIfTI")),
        ("a file of ones", vec![0xff; 1000], Refused("not a NIfTI")),
        ("bomb: zeros instead of an image", bomb(&[], 256), Refused("not a NIfTI")),
        ("bomb: zeros behind the voxels", bomb(&whole, 256), Read),
        (
            "bomb: zeros before the voxels",
            bomb(&with(one(), 108, &2e8f32.to_le_bytes()), 200),
            Read,
        ),
        ("bomb: the largest image of zeros", bomb(&bytes_of([512, 256, 256]), 32), Read),
        (
            "bomb: the largest image, cut short",
            bomb(&bytes_of([512, 256, 256]), 31),
            Refused("truncated"),
        ),
        ("bomb: one slice of 2048 × 2048", bomb(&bytes_of([2048, 2048, 1]), 4), Read),
        ("bomb: 2048 slices of 1 × 2048", bomb(&bytes_of([1, 2048, 2048]), 4), Read),
        ("bomb: a longer axis", bomb(&bytes_of([30000, 16, 16]), 8), Refused("at most")),
        ("bomb: a promise without voxels", gzip(&bytes_of([512, 256, 256])), Refused("truncated")),
    ]
}
