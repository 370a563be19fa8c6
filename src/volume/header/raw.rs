//! What both versions of the format say, in a common form.

use nifti::NiftiHeader;

/// The fields of a header, not checked yet.
pub(super) struct RawHeader {
    /// All fields but the dimensions and the offset.
    pub(super) nifti: NiftiHeader,
    pub(super) dim: [i64; 8],
    pub(super) offset: f64,
    /// Where voxels start at the earliest in a single file: header and extension flag.
    pub(super) first_voxel_offset: u64,
    pub(super) pair: bool,
}

/// How many dimensions the header declares.
pub(super) fn dimensions(dim: &[i64; 8]) -> Result<usize, String> {
    let count = usize::try_from(dim[0]).ok().filter(|count| (1..=7).contains(count));
    count.ok_or_else(|| format!("declares {} dimensions; 1 to 7 are possible", dim[0]))
}
