//! The NIfTI-2 header: the fields of NIfTI-1 in wider types and another order.

use nifti::{Endianness, NiftiHeader};

use super::raw::RawHeader;

/// Bytes of the header; the value of its first field.
pub(super) const HEADER_BYTES: usize = 540;
/// What follows the magic: a file that was changed by a transfer in text mode lacks it.
const AFTER_MAGIC: [u8; 4] = [0x0d, 0x0a, 0x1a, 0x0a];

/// Reads numbers at their places in either byte order.
struct Fields<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl Fields<'_> {
    fn at<const N: usize>(&self, place: usize) -> [u8; N] {
        let mut field: [u8; N] = std::array::from_fn(|n| self.bytes[place + n]);
        if self.big_endian {
            field.reverse();
        }
        field
    }

    fn i16(&self, place: usize) -> i16 {
        i16::from_le_bytes(self.at(place))
    }

    fn i32(&self, place: usize) -> i32 {
        i32::from_le_bytes(self.at(place))
    }

    fn i64(&self, place: usize) -> i64 {
        i64::from_le_bytes(self.at(place))
    }

    fn f64(&self, place: usize) -> f64 {
        f64::from_le_bytes(self.at(place))
    }

    /// A double as the single that NIfTI-1 has. What a single cannot hold becomes infinite, which the
    /// checks refuse.
    fn f32(&self, place: usize) -> f32 {
        self.f64(place) as f32
    }
}

/// The fields of a NIfTI-2 header of [`HEADER_BYTES`]. The error is a clause.
pub(super) fn parse(bytes: &[u8]) -> Result<RawHeader, String> {
    let big_endian = bytes[..4] == 540i32.to_be_bytes();
    let fields = Fields { bytes, big_endian };
    let pair = match &bytes[4..8] {
        b"n+2\0" => false,
        b"ni2\0" => true,
        _ => return Err("lacks the NIfTI-2 magic; convert it again from its source".into()),
    };
    if bytes[8..12] != AFTER_MAGIC {
        return Err("is a NIfTI-2 image damaged by a transfer in text mode; copy it again".into());
    }
    let slope = fields.f64(176);
    if slope != 0.0 && slope.is_finite() && !(slope as f32).is_normal() {
        return Err(format!("has an intensity scale (scl_slope) of {slope:e}; scale it anew"));
    }
    let code =
        |place: usize| fields.i32(place).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
    let row = |place: usize| std::array::from_fn(|n| fields.f32(place + 8 * n));
    let nifti = NiftiHeader {
        datatype: fields.i16(12),
        bitpix: fields.i16(14),
        pixdim: std::array::from_fn(|n| fields.f32(104 + 8 * n)),
        scl_slope: fields.f32(176),
        scl_inter: fields.f32(184),
        qform_code: code(344),
        sform_code: code(348),
        quatern_b: fields.f32(352),
        quatern_c: fields.f32(360),
        quatern_d: fields.f32(368),
        quatern_x: fields.f32(376),
        quatern_y: fields.f32(384),
        quatern_z: fields.f32(392),
        srow_x: row(400),
        srow_y: row(432),
        srow_z: row(464),
        xyzt_units: u8::try_from(fields.i32(500)).unwrap_or(0),
        dim_info: bytes[524],
        endianness: if big_endian { Endianness::Big } else { Endianness::Little },
        ..NiftiHeader::default()
    };
    Ok(RawHeader {
        nifti,
        dim: std::array::from_fn(|n| fields.i64(16 + 8 * n)),
        offset: fields.i64(168) as f64,
        first_voxel_offset: 544,
        pair,
    })
}
