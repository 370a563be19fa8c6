//! Formats that people mistake for NIfTI, by their first bytes.

/// What a file is instead of an image, and what to do, as a clause.
pub(super) fn other_format(start: &[u8]) -> Option<String> {
    if start.get(128..132) == Some(b"DICM") {
        return Some(
            "is a DICOM file, not a NIfTI image; `u2ad import` converts folders of them".into(),
        );
    }
    // What a failed download leaves.
    let first = start.trim_ascii_start();
    let begins =
        |tag: &[u8]| first.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    if begins(b"<!doctype html") || begins(b"<html") {
        return Some("is a web page, not a NIfTI image; fetch the image again".into());
    }
    let of = |known: &[(&[u8], &'static str)]| {
        known.iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, name)| *name)
    };
    if let Some(name) = of(&COMPRESSIONS) {
        return Some(format!("is compressed with {name}; unpack it, only gzip is read"));
    }
    of(&FORMATS).map(|name| format!("is {name}, not a NIfTI image; convert it"))
}

const COMPRESSIONS: [(&[u8], &str); 4] = [
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
];

const FORMATS: [(&[u8], &str); 9] = [
    (b"NRRD", "an NRRD image"),
    (b"ObjectType", "a MetaImage (.mha)"),
    (b"\x89HDF", "an HDF5 file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"CDF\x01", "a MINC image"),
    (b"CDF\x02", "a MINC image"),
    (b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"\x93NUMPY", "an array of NumPy"),
];
