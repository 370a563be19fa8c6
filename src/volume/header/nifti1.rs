//! The NIfTI-1 header.

use nifti::NiftiHeader;

use super::raw::{RawHeader, dimensions};

/// Bytes of the header; the value of its first field.
pub(in crate::volume) const HEADER_BYTES: usize = 348;

/// The fields of a header of [`HEADER_BYTES`]. The error is a clause.
pub(super) fn parse(bytes: &[u8]) -> Result<RawHeader, String> {
    let big_endian = i32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) == 348;
    let pair = match &bytes[344..348] {
        b"n+1\0" => false,
        b"ni1\0" => true,
        _ => return Err("lacks the NIfTI-1 magic (an ANALYZE image?); convert it".into()),
    };
    let dim: [i64; 8] = std::array::from_fn(|n| {
        let pair = [bytes[40 + 2 * n], bytes[41 + 2 * n]];
        i64::from(if big_endian { i16::from_be_bytes(pair) } else { i16::from_le_bytes(pair) })
    });
    // The crate guesses the byte order from dim[0].
    dimensions(&dim)?;
    let nifti = NiftiHeader::from_reader(bytes)
        .map_err(|error| format!("has a header that cannot be read ({error})"))?;
    let offset = f64::from(nifti.vox_offset);
    Ok(RawHeader { nifti, dim, offset, first_voxel_offset: 352, pair })
}
