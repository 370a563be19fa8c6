//! Faulty NIfTI-2 headers. Their fields are wider than those of NIfTI-1, so they can claim more.

use super::Case;
use super::Expected::{Read, Refused};
use super::image::{gzip, two, two_big, with};

fn field(at: usize, value: &[u8]) -> Vec<u8> {
    with(two(), at, value)
}

fn real(at: usize, value: f64) -> Vec<u8> {
    field(at, &value.to_le_bytes())
}

fn dim(sizes: [i64; 8]) -> Vec<u8> {
    field(16, &sizes.map(i64::to_le_bytes).concat())
}

fn kind(code: i16, bits: i16) -> Vec<u8> {
    field(12, &[code, bits].map(i16::to_le_bytes).concat())
}

/// Codes of qform and sform, and the sform's rows.
fn forms(codes: [i32; 2], rows: [f64; 12]) -> Vec<u8> {
    let bytes = field(344, &codes.map(i32::to_le_bytes).concat());
    with(bytes, 400, &rows.map(f64::to_le_bytes).concat())
}

const UNIT: [f64; 12] = [1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1., 0.];

pub fn cases() -> Vec<Case> {
    let whole = two();
    vec![
        ("NIfTI-2", whole.clone(), Read),
        ("NIfTI-2, big-endian", two_big(), Read),
        ("NIfTI-2, compressed", gzip(&whole), Read),
        ("NIfTI-2, 8 bytes", whole[..8].to_vec(), Refused("too short")),
        ("NIfTI-2, 348 bytes", whole[..348].to_vec(), Refused("too short")),
        ("NIfTI-2, 539 bytes", whole[..539].to_vec(), Refused("too short")),
        ("NIfTI-2, header alone", whole[..540].to_vec(), Refused("truncated")),
        ("NIfTI-2, header and flag", whole[..544].to_vec(), Refused("truncated")),
        ("NIfTI-2, all but a byte", whole[..783].to_vec(), Refused("truncated")),
        ("NIfTI-2, header length of 540 swapped", field(0, &540i32.to_be_bytes()), Refused("")),
        ("NIfTI-2, no magic", field(4, &[0; 8]), Refused("magic")),
        ("NIfTI-2, magic of NIfTI-1", field(4, b"n+1\0\r\n\x1a\n"), Refused("magic")),
        ("NIfTI-2, magic changed by text mode", field(4, b"n+2\0\n\n\x1a\n"), Refused("text mode")),
        ("NIfTI-2, header of a pair", field(4, b"ni2\0"), Refused("without its voxels")),
        ("NIfTI-2, no dimensions", dim([0; 8]), Refused("declares 0 dimensions")),
        ("NIfTI-2, most dimensions", dim([i64::MAX; 8]), Refused("dimensions")),
        ("NIfTI-2, least dimensions", dim([i64::MIN; 8]), Refused("dimensions")),
        (
            "NIfTI-2, longest axes",
            dim([3, i64::MAX, i64::MAX, i64::MAX, 1, 1, 1, 1]),
            Refused("at most"),
        ),
        (
            "NIfTI-2, product that overflows to 0",
            dim([3, 1 << 32, 1 << 32, 1 << 32, 1, 1, 1, 1]),
            Refused("at most"),
        ),
        ("NIfTI-2, width of -4", dim([3, -4, 5, 6, 1, 1, 1, 1]), Refused("dimension of -4")),
        ("NIfTI-2, time series", dim([4, 4, 5, 3, 2, 1, 1, 1]), Refused("4 × 5 × 3 × 2")),
        ("NIfTI-2, unknown data type", kind(i16::MIN, 16), Refused("unknown data type")),
        ("NIfTI-2, -1 bits", kind(4, -1), Refused("contradicts itself")),
        ("NIfTI-2, complex numbers", kind(32, 64), Refused("complex")),
        (
            "NIfTI-2, voxels at the largest offset",
            field(168, &i64::MAX.to_le_bytes()),
            Refused("impossible"),
        ),
        (
            "NIfTI-2, voxels at the least offset",
            field(168, &i64::MIN.to_le_bytes()),
            Refused("impossible"),
        ),
        (
            "NIfTI-2, voxels inside the header",
            field(168, &352i64.to_le_bytes()),
            Refused("impossible"),
        ),
        (
            "NIfTI-2, voxels behind the end",
            field(168, &4096i64.to_le_bytes()),
            Refused("truncated"),
        ),
        ("NIfTI-2, offset of 0", field(168, &0i64.to_le_bytes()), Read),
        ("NIfTI-2, slope of NaN", real(176, f64::NAN), Read),
        ("NIfTI-2, slope that a single cannot hold", real(176, 1e300), Refused("scl_slope")),
        ("NIfTI-2, slope of the least number", real(176, f64::MIN_POSITIVE), Refused("scl_slope")),
        (
            "NIfTI-2, offset of intensities that a single cannot hold",
            real(184, 1e300),
            Refused("scl_inter"),
        ),
        ("NIfTI-2, offset of intensities of NaN", real(184, f64::NAN), Refused("scl_inter")),
        ("NIfTI-2, form codes of a million", forms([0, 1_000_000], UNIT), Read),
        ("NIfTI-2, negative form codes", forms([i32::MIN; 2], UNIT), Read),
        ("NIfTI-2, sform of NaN alone", forms([0, 1], [f64::NAN; 12]), Refused("not finite")),
        (
            "NIfTI-2, sform that a single cannot hold",
            forms([0, 1], UNIT.map(|x| x * 1e300)),
            Refused("not finite"),
        ),
        ("NIfTI-2, unit codes of a million", field(500, &1_000_000i32.to_le_bytes()), Read),
        (
            "NIfTI-2, quaternion of infinity",
            with(forms([1, 0], UNIT), 352, &f64::INFINITY.to_le_bytes()),
            Refused("quaternion"),
        ),
    ]
}
