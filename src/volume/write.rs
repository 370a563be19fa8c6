//! Writing: 32-bit floats or labels, atomically, and never over the image that lends its header.

use std::fs;
use std::io::BufReader;
use std::path::Path;

use flate2::bufread::GzDecoder;
use ndarray::Array3;
use nifti::writer::WriterOptions;
use nifti::{Endianness, NiftiError, NiftiHeader};

use super::header::from_geometry;
use super::read::read_header;
use super::{Affine, Geometry, Volume};
use crate::files::write_whole_with;
use crate::{Error, Result};

impl Volume {
    /// Writes atomically, as `.nii` or `.nii.gz` by the name of `path`. With `template` the
    /// header geometry (sform, qform, units) of that file is kept; without, or if that file has neither
    /// sform nor qform, the affine becomes both (only the sform, if its axes are not at right angles). Voxels are stored as 32-bit floats without scaling.
    ///
    /// # Errors
    /// [`Error::File`] if the name has another ending, the template is on another grid or is the
    /// file to be written, or the folder refuses.
    pub fn write(&self, path: &Path, template: Option<&Path>) -> Result<()> {
        let finite = || self.voxels.iter().copied().filter(|value| value.is_finite());
        let range = (finite().reduce(f32::min), finite().reduce(f32::max));
        let content = Content { geometry: self.geometry(), range, bytes: 4 * self.voxels.len() };
        // The crate writes voxels in the order of C or Fortran only.
        if self.voxels.is_standard_layout() || self.voxels.t().is_standard_layout() {
            return content.write(path, template, |options| options.write_nifti(&self.voxels));
        }
        let voxels = self.voxels.as_standard_layout();
        content.write(path, template, |options| options.write_nifti(&voxels))
    }
}

/// Writes a mask as 8-bit voxels of 0 and 1, else as [`Volume::write`].
///
/// # Errors
/// As [`Volume::write`].
pub fn write_mask(
    mask: &Array3<bool>,
    affine: Affine,
    path: &Path,
    template: Option<&Path>,
) -> Result<()> {
    let voxels = mask.mapv(u8::from);
    let range = (Some(0.0), voxels.iter().max().map(|value| f32::from(*value)));
    let content = Content { geometry: geometry(mask, affine), range, bytes: voxels.len() };
    content.write(path, template, |options| options.write_nifti(&voxels))
}

/// Writes numbered labels as 16-bit voxels, else as [`Volume::write`].
///
/// # Errors
/// As [`Volume::write`].
pub fn write_labels(
    labels: &Array3<u16>,
    affine: Affine,
    path: &Path,
    template: Option<&Path>,
) -> Result<()> {
    let range = (Some(0.0), labels.iter().max().map(|value| f32::from(*value)));
    let content = Content { geometry: geometry(labels, affine), range, bytes: 2 * labels.len() };
    content.write(path, template, |options| options.write_nifti(labels))
}

fn geometry<T>(voxels: &Array3<T>, affine: Affine) -> Geometry {
    let (i, j, k) = voxels.dim();
    Geometry { shape: [i, j, k], affine }
}

/// What is written, without its voxels.
struct Content {
    geometry: Geometry,
    /// Smallest and largest voxel.
    range: (Option<f32>, Option<f32>),
    /// Size of all voxels.
    bytes: usize,
}

impl Content {
    fn write(
        &self,
        path: &Path,
        template: Option<&Path>,
        voxels: impl FnOnce(&WriterOptions) -> nifti::Result<()>,
    ) -> Result<()> {
        let refuse = |reason: String| Error::file(path, reason);
        let suffix = suffix(path)
            .ok_or_else(|| refuse("an image can be written as .nii or .nii.gz only".to_string()))?;
        let [i, j, k] = self.geometry.shape;
        if self.geometry.shape.iter().any(|&size| size == 0 || size > i16::MAX as usize) {
            return Err(refuse(format!("NIfTI-1 cannot hold {i} × {j} × {k} voxels")));
        }
        let header = match template {
            Some(template) => header_of_template(template, path, &self.geometry)?,
            None => from_geometry(&self.geometry),
        };
        let header = described(header, self.range);
        write_whole_with(path, suffix, |file| {
            // The crate rebuilds the name from its stem, which is why the stem has no dot inside.
            let options = WriterOptions::new(file.path()).reference_header(&header);
            voxels(&options).map_err(|error| match error {
                NiftiError::Io(error) => error.to_string(),
                error => error.to_string(),
            })?;
            verify_length(file.path(), suffix, self.bytes).map_err(|error| error.to_string())
        })
    }
}

/// What the header says about the content: everything but geometry is ours.
fn described(geometry: NiftiHeader, range: (Option<f32>, Option<f32>)) -> NiftiHeader {
    let mut descrip = concat!("u2ad ", env!("CARGO_PKG_VERSION")).as_bytes().to_vec();
    descrip.resize(80, 0);
    let mut pixdim = geometry.pixdim;
    pixdim[4..].fill(0.0);
    NiftiHeader {
        pixdim,
        cal_min: range.0.unwrap_or(0.0),
        cal_max: range.1.unwrap_or(0.0),
        descrip,
        qform_code: geometry.qform_code,
        sform_code: geometry.sform_code,
        quatern_b: geometry.quatern_b,
        quatern_c: geometry.quatern_c,
        quatern_d: geometry.quatern_d,
        quatern_x: geometry.quatern_x,
        quatern_y: geometry.quatern_y,
        quatern_z: geometry.quatern_z,
        srow_x: geometry.srow_x,
        srow_y: geometry.srow_y,
        srow_z: geometry.srow_z,
        xyzt_units: geometry.xyzt_units,
        dim_info: geometry.dim_info,
        regular: b'r',
        endianness: Endianness::Little,
        ..NiftiHeader::default()
    }
}

/// The crate drops a buffered writer without asking whether its last bytes reached the disk.
fn verify_length(written: &Path, suffix: &str, voxel_bytes: usize) -> std::io::Result<()> {
    let part = || std::io::Error::other("the disk took only part of it");
    let length = match suffix {
        PLAIN => fs::metadata(written)?.len(),
        // Up to the checksum at its end.
        _ => {
            let packed = BufReader::new(fs::File::open(written)?);
            std::io::copy(&mut GzDecoder::new(packed), &mut std::io::sink()).map_err(|_| part())?
        }
    };
    if length == 352 + voxel_bytes as u64 { Ok(()) } else { Err(part()) }
}

const PLAIN: &str = ".nii";
const COMPRESSED: &str = ".nii.gz";

/// The ending of an image's name.
fn suffix(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    [COMPRESSED, PLAIN]
        .into_iter()
        .find(|suffix| name.len() > suffix.len() && name.ends_with(suffix))
}

/// The template's header, if it may lend it to `target`.
fn header_of_template(template: &Path, target: &Path, geometry: &Geometry) -> Result<NiftiHeader> {
    let header = read_header(template)?;
    let same_file = match (fs::canonicalize(template), fs::canonicalize(target)) {
        (Ok(template), Ok(target)) => template == target,
        _ => false,
    };
    if same_file {
        return Err(Error::file(target, "is the source image; choose another name"));
    }
    if header.geometry.matches(geometry) {
        return Ok(header.nifti);
    }
    if header.orientation_is_guess && header.geometry.shape == geometry.shape {
        // The header lends nothing but its shape: where the volume lies was learned elsewhere.
        return Ok(from_geometry(geometry));
    }
    let [i, j, k] = geometry.shape;
    Err(Error::file(
        template,
        format!("is on another grid than the {i} × {j} × {k} volume to be written"),
    ))
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
