//! Small sound images, byte by byte, and ways to spoil them.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Voxels of the images: 4 × 5 × 6 of 16 bits, 0 to 119.
pub const VOXELS: i16 = 120;

/// A version of the format: where its fields lie and how wide they are.
struct Layout {
    header: usize,
    magic: (usize, &'static [u8]),
    kind: usize,
    dim: (usize, usize),
    pixdim: usize,
    offset: usize,
    slope: usize,
    codes: (usize, usize),
    rows: usize,
    /// Bytes of a fractional number.
    real: usize,
}

const ONE: Layout = Layout {
    header: 348,
    magic: (344, b"n+1\0"),
    kind: 70,
    dim: (40, 2),
    pixdim: 76,
    offset: 108,
    slope: 112,
    codes: (252, 2),
    rows: 280,
    real: 4,
};

const TWO: Layout = Layout {
    header: 540,
    magic: (4, b"n+2\0\r\n\x1a\n"),
    kind: 12,
    dim: (16, 8),
    pixdim: 104,
    offset: 168,
    slope: 176,
    codes: (344, 4),
    rows: 400,
    real: 8,
};

/// An image of unit voxels with sform and qform in one version and byte order.
fn sound(layout: &Layout, big_endian: bool) -> Vec<u8> {
    let mut bytes = vec![0u8; layout.header + 4];
    let mut put = |at: usize, mut value: Vec<u8>| {
        if big_endian {
            value.reverse();
        }
        bytes[at..at + value.len()].copy_from_slice(&value);
    };
    let whole = |value: i64, width: usize| value.to_le_bytes()[..width].to_vec();
    let real = |value: f32| match layout.real {
        4 => value.to_le_bytes().to_vec(),
        _ => f64::from(value).to_le_bytes().to_vec(),
    };
    put(0, whole(layout.header as i64, 4));
    let (at, width) = layout.dim;
    for (n, size) in [3, 4, 5, 6, 1, 1, 1, 1].into_iter().enumerate() {
        put(at + n * width, whole(size, width));
    }
    put(layout.kind, whole(4, 2));
    put(layout.kind + 2, whole(16, 2));
    for n in 0..8 {
        put(layout.pixdim + n * layout.real, real(1.0));
    }
    match layout.real {
        4 => put(layout.offset, real(352.0)),
        _ => put(layout.offset, whole(544, 8)),
    }
    put(layout.slope, real(1.0));
    let (at, width) = layout.codes;
    put(at, whole(1, width));
    put(at + width, whole(1, width));
    for n in 0..3 {
        put(layout.rows + (4 * n + n) * layout.real, real(1.0));
    }
    let (at, magic) = layout.magic;
    bytes[at..at + magic.len()].copy_from_slice(magic);
    let voxel = |n: i16| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
    bytes.extend((0..VOXELS).flat_map(voxel));
    bytes
}

/// A NIfTI-1 image, little-endian.
pub fn one() -> Vec<u8> {
    sound(&ONE, false)
}

/// A NIfTI-1 image, big-endian.
pub fn one_big() -> Vec<u8> {
    sound(&ONE, true)
}

/// A NIfTI-2 image, little-endian.
pub fn two() -> Vec<u8> {
    sound(&TWO, false)
}

/// A NIfTI-2 image, big-endian.
pub fn two_big() -> Vec<u8> {
    sound(&TWO, true)
}

/// An image with other bytes in a place.
pub fn with(mut bytes: Vec<u8>, at: usize, value: &[u8]) -> Vec<u8> {
    bytes[at..at + value.len()].copy_from_slice(value);
    bytes
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Some bytes and then zeros, compressed: a megabyte of zeros takes a kilobyte.
pub fn bomb(start: &[u8], megabytes: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(start).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..megabytes {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap()
}
