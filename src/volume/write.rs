//! Writing: 32-bit floats, atomically, and never over the image that lends its header.

use std::fs;
use std::path::Path;

use nifti::writer::WriterOptions;
use nifti::{Endianness, NiftiHeader};

use super::header::from_geometry;
use super::read::read_header;
use super::{Geometry, Volume};
use crate::files::write_whole_with;
use crate::{Error, Result};

impl Volume {
    /// Writes atomically, as `.nii` or `.nii.gz` by the name of `path`. With `template` the
    /// header geometry (sform, qform, units) of that file is kept; without, the affine becomes
    /// the sform. Voxels are stored as 32-bit floats without scaling.
    ///
    /// # Errors
    /// [`Error::File`] if the name has another ending, the template is on another grid or is the
    /// file to be written, or the folder refuses.
    pub fn write(&self, path: &Path, template: Option<&Path>) -> Result<()> {
        let refuse = |reason: String| Error::file(path, reason);
        let suffix = suffix(path)
            .ok_or_else(|| refuse("an image can be written as .nii or .nii.gz only".to_string()))?;
        let geometry = self.geometry();
        if geometry.shape.iter().any(|&size| size == 0 || size > i16::MAX as usize) {
            let [i, j, k] = geometry.shape;
            return Err(refuse(format!("NIfTI-1 cannot hold {i} × {j} × {k} voxels")));
        }
        let header = match template {
            Some(template) => header_of_template(template, path, &geometry)?,
            None => from_geometry(&geometry),
        };
        let header = self.describe(header);

        write_whole_with(path, suffix, |file| {
            // The crate rebuilds the name from its stem, which is why the stem has no dot inside.
            WriterOptions::new(file.path())
                .reference_header(&header)
                .write_nifti(&self.voxels)
                .map_err(|error| error.to_string())?;
            self.verify_length(file.path(), suffix).map_err(|error| error.to_string())
        })
    }

    /// What the header says about the content: everything but geometry is ours.
    fn describe(&self, geometry: NiftiHeader) -> NiftiHeader {
        let finite = || self.voxels.iter().copied().filter(|value| value.is_finite());
        let mut descrip = concat!("u2ad ", env!("CARGO_PKG_VERSION")).as_bytes().to_vec();
        descrip.resize(80, 0);
        let mut pixdim = geometry.pixdim;
        pixdim[4..].fill(0.0);
        NiftiHeader {
            pixdim,
            cal_min: finite().reduce(f32::min).unwrap_or(0.0),
            cal_max: finite().reduce(f32::max).unwrap_or(0.0),
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
    fn verify_length(&self, written: &Path, suffix: &str) -> std::io::Result<()> {
        let expected = 352 + 4 * self.voxels.len() as u64;
        if suffix == PLAIN && fs::metadata(written)?.len() != expected {
            return Err(std::io::Error::other("the disk took only part of it"));
        }
        Ok(())
    }
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
    if !header.geometry.matches(geometry) {
        let [i, j, k] = geometry.shape;
        return Err(Error::file(
            template,
            format!("is on another grid than the {i} × {j} × {k} volume to be written"),
        ));
    }
    Ok(header.nifti)
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
