//! The NIfTI-1 header, checked before anything is allocated or believed.

use nifti::{Endianness, NiftiHeader};

use super::{Affine, Geometry};

/// Bytes of a NIfTI-1 header; the value of its first field.
pub(super) const HEADER_BYTES: usize = 348;
/// Where voxels start at the earliest in a single-file image: header and extension flag.
const FIRST_VOXEL_OFFSET: u64 = 352;
/// Room left for header extensions; the largest seen in practice hold a few megabytes.
const MAX_VOXEL_OFFSET: f32 = 268_435_456.0;
/// A cube of 512 voxels: far above any spine image, far below what could exhaust memory.
const MAX_VOXELS: usize = 512 * 512 * 512;

/// A header that passed every check.
pub(super) struct Header {
    /// As parsed, with a scaling that is finite and a dimension count of three.
    pub(super) nifti: NiftiHeader,
    pub(super) geometry: Geometry,
    /// Where the voxels start in the file.
    pub(super) offset: u64,
    /// How many bytes the voxels take.
    pub(super) voxel_bytes: u64,
}

impl Header {
    /// Parses and checks the first 348 bytes of an uncompressed image. The error is a clause.
    pub(super) fn parse(bytes: &[u8; HEADER_BYTES]) -> Result<Self, String> {
        let big_endian = endianness(bytes)?;
        match &bytes[344..] {
            b"n+1\0" => {}
            b"ni1\0" => {
                return Err("is one half of a .hdr/.img pair; convert it to a single .nii".into());
            }
            _ => return Err("lacks the NIfTI-1 magic (an ANALYZE image?); convert it".into()),
        }
        let dim: [i16; 8] = std::array::from_fn(|n| {
            let pair = [bytes[40 + 2 * n], bytes[41 + 2 * n]];
            if big_endian { i16::from_be_bytes(pair) } else { i16::from_le_bytes(pair) }
        });
        let shape = shape(&dim)?;
        // Safe now: the crate guesses the byte order from dim[0], which is known to be 1 to 7.
        let mut nifti = NiftiHeader::from_reader(&bytes[..])
            .map_err(|error| format!("has a header that cannot be read ({error})"))?;
        let mut stored_dim = [1; 8];
        stored_dim[0] = 3;
        for (to, from) in stored_dim[1..4].iter_mut().zip(shape) {
            *to = from as u16;
        }
        nifti.dim = stored_dim;

        let voxels: usize = shape.iter().product();
        if voxels > MAX_VOXELS {
            return Err(format!(
                "declares {} × {} × {} voxels; at most {MAX_VOXELS} are accepted",
                shape[0], shape[1], shape[2]
            ));
        }
        let voxel_bytes = (voxels * bytes_per_voxel(nifti.datatype, nifti.bitpix)?) as u64;
        let offset = offset(nifti.vox_offset)?;
        scaling(&mut nifti)?;
        let geometry = Geometry { shape, affine: affine(&nifti)? };
        Ok(Self { nifti, geometry, offset, voxel_bytes })
    }
}

/// Whether the header is big-endian, by its first field.
fn endianness(bytes: &[u8; HEADER_BYTES]) -> Result<bool, String> {
    let first = [bytes[0], bytes[1], bytes[2], bytes[3]];
    match (i32::from_le_bytes(first), i32::from_be_bytes(first)) {
        (348, _) => Ok(false),
        (_, 348) => Ok(true),
        (540, _) | (_, 540) => Err("is a NIfTI-2 image; convert it to NIfTI-1".into()),
        _ => Err("is not a NIfTI-1 image".into()),
    }
}

/// The three dimensions of the image. Missing ones count as 1; further ones must be 1.
fn shape(dim: &[i16; 8]) -> Result<[usize; 3], String> {
    let count = usize::try_from(dim[0]).ok().filter(|count| (1..=7).contains(count));
    let Some(count) = count else {
        return Err(format!("declares {} dimensions; 1 to 7 are possible", dim[0]));
    };
    let mut sizes = [1usize; 7];
    for (size, &declared) in sizes.iter_mut().zip(&dim[1..=count]) {
        *size = usize::try_from(declared).unwrap_or(0);
        if *size == 0 {
            return Err(format!("declares a dimension of {declared} voxels"));
        }
    }
    if sizes[3..].iter().any(|&size| size > 1) {
        let text = sizes[..count].iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
        return Err(format!("holds {text} values; extract one three-dimensional volume first"));
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

/// Where the voxels start. Some writers leave 0 for "right after the header".
fn offset(declared: f32) -> Result<u64, String> {
    let plausible = declared == 0.0
        || (declared >= FIRST_VOXEL_OFFSET as f32
            && declared <= MAX_VOXEL_OFFSET
            && declared.fract() == 0.0);
    if plausible {
        Ok((declared as u64).max(FIRST_VOXEL_OFFSET))
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

/// The sform if it is set, else the qform, else voxel sizes alone (axes then count as R, A, S).
fn affine(nifti: &NiftiHeader) -> Result<Affine, String> {
    let widen = |row: [f32; 4]| row.map(f64::from);
    let (affine, name) = if nifti.sform_code > 0 {
        (Affine([widen(nifti.srow_x), widen(nifti.srow_y), widen(nifti.srow_z)]), "sform")
    } else if nifti.qform_code > 0 {
        (qform(nifti)?, "qform")
    } else {
        let [x, y, z] = voxel_edges(nifti);
        (Affine([[x, 0.0, 0.0, 0.0], [0.0, y, 0.0, 0.0], [0.0, 0.0, z, 0.0]]), "pixdim")
    };
    match affine.fault() {
        None => Ok(affine),
        Some(fault) => Err(format!("has an orientation ({name}) that {fault}")),
    }
}

/// Rotation from the quaternion, as in nifti1_io.c; a qfac other than -1 counts as 1.
fn qform(nifti: &NiftiHeader) -> Result<Affine, String> {
    let [mut b, mut c, mut d] = [nifti.quatern_b, nifti.quatern_c, nifti.quatern_d].map(f64::from);
    let square = b * b + c * c + d * d;
    if !square.is_finite() || square > 1.001 {
        return Err("has an orientation (qform) whose quaternion is not a rotation".into());
    }
    let a = (1.0 - square).max(0.0).sqrt();
    if square > 1.0 {
        let length = square.sqrt();
        (b, c, d) = (b / length, c / length, d / length);
    }
    let [x, y, mut z] = voxel_edges(nifti);
    if nifti.pixdim[0] < 0.0 {
        z = -z;
    }
    let [ox, oy, oz] = [nifti.quatern_x, nifti.quatern_y, nifti.quatern_z].map(f64::from);
    let (aa, bb, cc, dd) = (a * a, b * b, c * c, d * d);
    Ok(Affine([
        [x * (aa + bb - cc - dd), y * 2.0 * (b * c - a * d), z * 2.0 * (b * d + a * c), ox],
        [x * 2.0 * (b * c + a * d), y * (aa + cc - bb - dd), z * 2.0 * (c * d - a * b), oy],
        [x * 2.0 * (b * d - a * c), y * 2.0 * (c * d + a * b), z * (aa + dd - bb - cc), oz],
    ]))
}

/// Voxel edges in mm. The sign of `pixdim` carries no meaning beyond its first entry.
fn voxel_edges(nifti: &NiftiHeader) -> [f64; 3] {
    [1, 2, 3].map(|axis| f64::from(nifti.pixdim[axis]).abs())
}

/// A header for a new image without template: geometry in the sform, millimetres.
pub(super) fn from_geometry(geometry: &Geometry) -> NiftiHeader {
    const SCANNER: i16 = 1;
    const MILLIMETRES: u8 = 2;
    let spacing = geometry.affine.spacing();
    let mut pixdim = [1.0; 8];
    for (to, from) in pixdim[1..4].iter_mut().zip(spacing) {
        *to = from as f32;
    }
    let [srow_x, srow_y, srow_z] = geometry.affine.0.map(|row| row.map(|x| x as f32));
    NiftiHeader {
        pixdim,
        srow_x,
        srow_y,
        srow_z,
        sform_code: SCANNER,
        qform_code: 0,
        xyzt_units: MILLIMETRES,
        regular: b'r',
        endianness: Endianness::Little,
        ..NiftiHeader::default()
    }
}
