//! Reading: content decides what a file is, the header is checked first, and no more memory is
//! taken than the file really fills.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use ndarray::{Array3, Ix3};
use nifti::{InMemNiftiVolume, IntoNdArray};

use super::header::{HEADER_BYTES, Header};
use super::{Geometry, Volume};
use crate::{Error, Result};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

impl Volume {
    /// Reads a NIfTI-1 file (`.nii`, `.nii.gz`, recognised by content). Intensity scaling is
    /// applied in double precision; NaN voxels are kept, see [`Self::non_finite_count`].
    ///
    /// # Errors
    /// [`Error::File`] if the file cannot be read, is not a three-dimensional NIfTI-1 image of
    /// real numbers, is truncated or damaged, or its orientation is unusable.
    pub fn read(path: &Path) -> Result<Self> {
        let (source, length) = open(path)?;
        volume_from(source, length).map_err(|reason| Error::file(path, reason))
    }
}

impl Geometry {
    /// Reads the header only.
    ///
    /// # Errors
    /// As [`Volume::read`], but voxels are not looked at.
    pub fn read(path: &Path) -> Result<Self> {
        Ok(read_header(path)?.geometry)
    }
}

/// The checked header of a file.
pub(super) fn read_header(path: &Path) -> Result<Header> {
    let (source, _) = open(path)?;
    decompressed(source)
        .and_then(|(mut stream, _)| header_from(&mut stream))
        .map_err(|reason| Error::file(path, reason))
}

/// Opens a file and says how many bytes it stores.
fn open(path: &Path) -> Result<(BufReader<File>, u64)> {
    let refuse = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => Error::file(path, "there is no such file"),
        _ => Error::file(path, format!("cannot be opened ({error})")),
    };
    let file = File::open(path).map_err(refuse)?;
    let metadata = file.metadata().map_err(refuse)?;
    if !metadata.is_file() {
        return Err(Error::file(path, "is not a file"));
    }
    Ok((BufReader::with_capacity(1 << 16, file), metadata.len()))
}

/// The plain bytes of a source and whether they were compressed.
fn decompressed<'a>(mut source: impl BufRead + 'a) -> Result<(Box<dyn Read + 'a>, bool), String> {
    let start = source.fill_buf().map_err(|error| format!("cannot be read ({error})"))?;
    if start.is_empty() {
        return Err("is empty".into());
    }
    if start.starts_with(&GZIP_MAGIC) {
        Ok((Box::new(MultiGzDecoder::new(source)), true))
    } else {
        Ok((Box::new(source), false))
    }
}

fn header_from(stream: &mut impl Read) -> Result<Header, String> {
    let mut bytes = [0; HEADER_BYTES];
    stream.read_exact(&mut bytes).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => "is too short for a NIfTI-1 header".into(),
        _ => damaged(&error),
    })?;
    Header::parse(&bytes)
}

/// A volume from a source of `length` stored bytes. The error is a clause.
fn volume_from(source: impl BufRead, length: u64) -> Result<Volume, String> {
    let (mut stream, compressed) = decompressed(source)?;
    let header = header_from(&mut stream)?;
    let truncated = |found: u64| {
        let needed = header.offset + header.voxel_bytes;
        format!("is truncated: its header promises {needed} bytes, {found} are there")
    };
    if !compressed && length < header.offset + header.voxel_bytes {
        return Err(truncated(length));
    }
    // Straight to where the header says the voxels are: extensions are skipped, whatever sizes
    // they claim.
    let gap = header.offset - HEADER_BYTES as u64;
    let skipped =
        io::copy(&mut (&mut stream).take(gap), &mut io::sink()).map_err(|error| damaged(&error))?;
    // Memory grows with the bytes that really arrive, so a false header cannot claim any.
    let mut bytes = Vec::new();
    (&mut stream)
        .take(header.voxel_bytes)
        .read_to_end(&mut bytes)
        .map_err(|error| damaged(&error))?;
    if (bytes.len() as u64) < header.voxel_bytes {
        return Err(truncated(HEADER_BYTES as u64 + skipped + bytes.len() as u64));
    }
    if compressed {
        // The checksum is verified only when the end of the compressed stream is reached.
        io::copy(&mut stream.take(1), &mut io::sink()).map_err(|error| damaged(&error))?;
    }
    let voxels = voxels(&header, bytes).map_err(|error| format!("cannot be read ({error})"))?;
    Ok(Volume { voxels, affine: header.geometry.affine })
}

/// Voxels in (i, j, k) order, scaled.
fn voxels(header: &Header, bytes: Vec<u8>) -> nifti::Result<Array3<f32>> {
    // Read as f64: the crate converts before it scales, in the type asked for.
    let scaled = InMemNiftiVolume::from_raw_data(&header.nifti, bytes)?.into_ndarray::<f64>()?;
    let scaled =
        scaled.into_dimensionality::<Ix3>().map_err(|_| nifti::NiftiError::BadVolumeSize)?;
    let mut voxels = Array3::zeros(scaled.raw_dim());
    voxels.zip_mut_with(&scaled, |voxel: &mut f32, &value| *voxel = value as f32);
    Ok(voxels)
}

fn damaged(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::UnexpectedEof => "is truncated: its compressed data end too early".into(),
        _ => format!("is damaged ({error})"),
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
