//! The NIfTI header (versions 1 and 2), checked before anything is allocated or believed.

mod nifti1;
mod nifti2;
mod placing;
mod raw;

use nifti::NiftiHeader;

use placing::{Placing, placing};
use raw::{RawHeader, dimensions};

use super::Geometry;

pub(super) use nifti1::HEADER_BYTES;
pub(super) use placing::from_geometry;

/// Room left for header extensions; the largest seen in practice hold a few megabytes.
const MAX_VOXEL_OFFSET: f64 = 268_435_456.0;
/// About 320 voxels along each axis: twice the largest spine image, and little enough that an image
/// with its masks never exhausts memory.
pub(crate) const MAX_VOXELS: usize = 1 << 25;
/// Voxels along one axis, twice as many as scanners reconstruct.
pub(crate) const MAX_EDGE: usize = 2048;

/// A header that passed every check.
pub(super) struct Header {
    /// As parsed, with a scaling that is finite and a dimension count of three.
    pub(super) nifti: NiftiHeader,
    pub(super) geometry: Geometry,
    /// Whether neither form places the image in the patient, so that its axes are a guess.
    pub(super) orientation_is_guess: bool,
    /// Clauses about the header that its user should know.
    pub(super) notes: Vec<String>,
    /// Whether the voxels lie in a file of their own.
    pub(super) pair: bool,
    /// Where the voxels start in their file.
    pub(super) offset: u64,
    /// How many bytes the voxels take.
    pub(super) voxel_bytes: u64,
}

impl Header {
    /// Parses and checks a header, given the bytes of its version. The error is a clause.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let RawHeader { mut nifti, dim, offset, first_voxel_offset, pair } =
            if bytes.len() == HEADER_BYTES { nifti1::parse(bytes)? } else { nifti2::parse(bytes)? };
        let shape = shape(&dim)?;
        nifti.dim = [3, shape[0] as u16, shape[1] as u16, shape[2] as u16, 1, 1, 1, 1];
        let voxels: usize = shape.iter().product();
        let voxel_bytes = (voxels * bytes_per_voxel(nifti.datatype, nifti.bitpix)?) as u64;
        let first = if pair { 0 } else { first_voxel_offset };
        let offset = checked_offset(offset, first)?;
        scaling(&mut nifti)?;
        let Placing { affine, is_guess, mut notes } = placing(&nifti)?;
        notes.extend(other_units(nifti.xyzt_units));
        let geometry = Geometry { shape, affine };
        Ok(Self {
            nifti,
            geometry,
            orientation_is_guess: is_guess,
            notes,
            pair,
            offset,
            voxel_bytes,
        })
    }
}

/// What is said about a file that does not begin like a header.
pub(super) const NOT_AN_IMAGE: &str = "is not a NIfTI image";

/// How many bytes the header takes, by its first field: the length of the structure.
pub(super) fn header_bytes(first: [u8; 4]) -> Result<usize, String> {
    match (i32::from_le_bytes(first), i32::from_be_bytes(first)) {
        (348, _) | (_, 348) => Ok(HEADER_BYTES),
        (540, _) | (_, 540) => Ok(nifti2::HEADER_BYTES),
        _ => Err(NOT_AN_IMAGE.into()),
    }
}

/// The three dimensions of the image. Missing ones count as 1; further ones must be 1.
fn shape(dim: &[i64; 8]) -> Result<[usize; 3], String> {
    let count = dimensions(dim)?;
    let mut sizes = [1usize; 7];
    for (size, &declared) in sizes.iter_mut().zip(&dim[1..=count]) {
        *size = usize::try_from(declared).unwrap_or(0);
        if *size == 0 {
            return Err(format!("declares a dimension of {declared} voxels"));
        }
    }
    let text = || sizes[..count].iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
    if sizes[3..].iter().any(|&size| size > 1) {
        return Err(format!("holds {} values; extract one three-dimensional volume first", text()));
    }
    let voxels = sizes[..3].iter().try_fold(1usize, |voxels, &size| voxels.checked_mul(size));
    if sizes[..3].iter().any(|&size| size > MAX_EDGE) || voxels.is_none_or(|n| n > MAX_VOXELS) {
        return Err(format!(
            "declares {} voxels; at most {MAX_EDGE} along an axis and {MAX_VOXELS} in all are accepted",
            text()
        ));
    }
    Ok([sizes[0], sizes[1], sizes[2]])
}

/// Bytes of one voxel, if the type is a real number and its two declarations agree.
fn bytes_per_voxel(datatype: i16, bitpix: i16) -> Result<usize, String> {
    let bytes = match datatype {
        2 | 256 => 1,
        4 | 512 => 2,
        8 | 16 | 768 => 4,
        64 | 1024 | 1280 => 8,
        32 | 1792 | 2048 => return Err("holds complex numbers; extract the magnitude".into()),
        128 | 2304 => return Err("holds colours; convert it to grey values".into()),
        1536 => return Err("holds 128-bit numbers; convert it to 32-bit".into()),
        _ => return Err(format!("has an unknown data type (code {datatype})")),
    };
    if usize::try_from(bitpix) != Ok(8 * bytes) {
        return Err(format!(
            "contradicts itself: data type {datatype} takes {} bits per voxel, the header says \
             {bitpix}",
            8 * bytes
        ));
    }
    Ok(bytes)
}

/// A clause about lengths that are not in millimetres. Most programs ignore the unit, and most headers
/// that state another one hold millimetres all the same.
fn other_units(code: u8) -> Option<String> {
    let unit = match code & 7 {
        1 => "metres",
        3 => "micrometres",
        _ => return None,
    };
    Some(format!(
        "its header says that lengths are in {unit}; they were taken for millimetres, so check the size of its voxels"
    ))
}

/// Where the voxels start. Some writers leave 0 for "right after the header".
fn checked_offset(declared: f64, first: u64) -> Result<u64, String> {
    let plausible = declared == 0.0
        || (declared >= first as f64 && declared <= MAX_VOXEL_OFFSET && declared.fract() == 0.0);
    if plausible {
        Ok((declared as u64).max(first))
    } else {
        Err(format!("says its voxels start at byte {declared}, which is impossible"))
    }
}

/// As nibabel: a slope of 0, NaN or infinity means "not scaled".
fn scaling(nifti: &mut NiftiHeader) -> Result<(), String> {
    if nifti.scl_slope == 0.0 || !nifti.scl_slope.is_finite() {
        (nifti.scl_slope, nifti.scl_inter) = (1.0, 0.0);
    }
    if nifti.scl_inter.is_finite() {
        Ok(())
    } else {
        Err(format!("has an intensity offset (scl_inter) of {}", nifti.scl_inter))
    }
}
