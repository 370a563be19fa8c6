//! Damaged and hostile files: refused or read, never a panic, never memory that the file does not fill.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::tempdir;
use u2ad::dicom::DicomFolder;

use super::scan::{Scan, Syntax};

const SYNTAXES: [Syntax; 7] = [
    Syntax::Implicit,
    Syntax::Explicit,
    Syntax::BigEndian,
    Syntax::Deflated,
    Syntax::Rle,
    Syntax::JpegLossless,
    Syntax::JpegBaseline,
];
/// Damaged files of each kind.
const CASES: usize = 400;
/// Memory that reading any of these files of some kilobytes may take on top, bytes.
const MEMORY: u64 = 300_000_000;

/// Reads all that is below a folder; the number of volumes that came out.
fn read(folder: &Path) -> usize {
    let Ok(found) = DicomFolder::read(folder) else { return 0 };
    found.series.iter().filter(|series| series.read().is_ok()).count()
}

/// The most memory that this process ever held, bytes; `None` where the system does not say.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

fn damaged(bytes: &[u8], draw: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if draw.random_bool(0.3) {
        bytes.truncate(draw.random_range(0..bytes.len()));
    }
    for _ in 0..draw.random_range(1..20) {
        if bytes.is_empty() {
            break;
        }
        let at = draw.random_range(0..bytes.len());
        match draw.random_range(0..4) {
            0 => bytes[at] ^= 1 << draw.random_range(0..8),
            1 => bytes[at] = draw.random(),
            // Lengths.
            2 => bytes[at..].iter_mut().take(4).for_each(|byte| *byte = 0xff),
            _ => {
                let part = bytes[at..bytes.len().min(at + 40)].to_vec();
                bytes.splice(at..at, part);
            }
        }
    }
    bytes
}

#[test]
fn damaged_files_neither_panic_nor_claim_memory() {
    let before = peak();
    let mut draw = ChaCha8Rng::seed_from_u64(1);
    let mut read_all = 0;
    for syntax in SYNTAXES {
        let bits = if syntax == Syntax::JpegBaseline { [8, 8, 7] } else { [16, 12, 11] };
        let scan = Scan { syntax, bits, ..Scan::small() };
        let folder = tempdir().unwrap();
        let path = folder.path().join("frames.dcm");
        scan.frames(&[0, 1, 2, 3, 4, 5]).write_to_file(&path).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(read(folder.path()), 1, "{syntax:?}");
        // Where the elements are, and where all the rest is.
        for _ in 0..CASES {
            fs::write(&path, damaged(&bytes, &mut draw)).unwrap();
            read_all += read(folder.path());
        }
        fs::remove_file(&path).unwrap();
        let slices = scan.write(folder.path());
        let bytes = fs::read(&slices[2]).unwrap();
        for _ in 0..CASES {
            fs::write(&slices[2], damaged(&bytes, &mut draw)).unwrap();
            read_all += read(folder.path());
        }
    }
    assert!(read_all > 100, "some damage does not matter: {read_all}");
    if let (Some(before), Some(after)) = (before, peak()) {
        assert!(after - before < MEMORY, "{} bytes", after - before);
    }
}

#[test]
fn every_length_of_a_file_is_refused_or_read() {
    for syntax in SYNTAXES {
        let bits = if syntax == Syntax::JpegBaseline { [8, 8, 7] } else { [16, 12, 11] };
        let folder = tempdir().unwrap();
        let path = folder.path().join("frames.dcm");
        let scan = Scan { syntax, bits, ..Scan::small() };
        scan.frames(&[0, 1, 2, 3, 4, 5]).write_to_file(&path).unwrap();
        let bytes = fs::read(&path).unwrap();
        for length in (0..bytes.len()).step_by(37) {
            fs::write(&path, &bytes[..length]).unwrap();
            read(folder.path());
        }
    }
}

/// A file of one data set in this encoding.
fn file(syntax: Syntax, data_set: &[u8]) -> Vec<u8> {
    let identifier = syntax.identifier().as_bytes();
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM\x02\0\x10\0UI");
    bytes.extend((identifier.len() as u16).to_le_bytes());
    bytes.extend(identifier);
    bytes.extend(data_set);
    bytes
}

#[test]
fn lengths_nesting_and_bombs_are_bounded() {
    let nested =
        b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff".repeat(200_000);
    let mut items = b"\0\x52\x30\x92SQ\0\0\xff\xff\xff\xff".to_vec();
    items.extend(b"\xfe\xff\0\xe0\0\0\0\0".repeat(1 << 20));
    let huge = b"\x08\0\x60\0OB\0\0\xf0\xff\xff\xff".to_vec();
    let delimiters =
        b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\0\xe0\0\0\0\0";
    let mut bomb = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    io::copy(&mut io::repeat(0).take(1 << 31), &mut bomb).unwrap();
    let bomb = bomb.finish().unwrap();
    let before = peak();
    for (syntax, data_set) in [
        (Syntax::Explicit, nested),
        (Syntax::Explicit, items),
        (Syntax::Explicit, huge),
        (Syntax::Explicit, delimiters.to_vec()),
        (Syntax::Deflated, bomb),
    ] {
        let folder = tempdir().unwrap();
        fs::write(folder.path().join("file"), file(syntax, &data_set)).unwrap();
        assert_eq!(read(folder.path()), 0);
    }
    if let (Some(before), Some(after)) = (before, peak()) {
        assert!(after - before < MEMORY, "{} bytes", after - before);
    }
}
