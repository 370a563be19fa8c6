//! Reading: content decides what a file is, the header is checked first, and no more memory is
//! taken than the file really fills.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use ndarray::{Array3, Axis, Ix3, ShapeBuilder, s};
use nifti::{InMemNiftiVolume, IntoNdArray};

use super::gzip_members::{GZIP_MAGIC, GzipMembers};
use super::header::{HEADER_BYTES, Header, NOT_AN_IMAGE, header_bytes};
use super::other_format::other_format;
use super::{Geometry, Volume};
use crate::files::content_pointer::{self, missing_content};
use crate::files::{note_header_read, note_read};
use crate::{Error, Result};

/// Voxels are decoded in slabs of about this many, so that a volume is held once only: decoding takes
/// up to 24 bytes for each.
const SLAB_VOXELS: usize = 1 << 20;

/// What is said about a file that ends before its header does.
const TOO_SHORT: &str = "is too short for a NIfTI header";

impl Volume {
    /// Reads a NIfTI-1 or NIfTI-2 file (`.nii`, `.nii.gz`, recognised by content; `.hdr` with its
    /// `.img` beside it). Intensity scaling is applied in double precision; NaN voxels are kept, see
    /// [`Self::non_finite_count`].
    ///
    /// # Errors
    /// [`Error::File`] if the file cannot be read, is not a three-dimensional NIfTI image of
    /// real numbers, is truncated or damaged, or its orientation is unusable.
    pub fn read(path: &Path) -> Result<Self> {
        let refuse = |reason| refuse(path, reason);
        let (source, length) = open(path)?;
        note_read(path);
        let (mut stream, compressed) = decompressed(source).map_err(refuse)?;
        let header = header_from(&mut stream).map_err(refuse)?;
        if !header.pair {
            let length = (!compressed).then_some(length);
            return volume_from(stream, header.consumed, &header.header, length).map_err(refuse);
        }
        let voxels = voxel_file(path).ok_or_else(|| {
            Error::file(path, "is a header without its voxels: no .img or .img.gz lies beside it")
        })?;
        let refuse = |reason| Error::file(&voxels, reason);
        let (source, length) = open(&voxels)?;
        note_read(&voxels);
        let (stream, compressed) = decompressed(source).map_err(refuse)?;
        let length = (!compressed).then_some(length);
        volume_from(stream, 0, &header.header, length).map_err(refuse)
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
    note_header_read(path);
    decompressed(source)
        .and_then(|(mut stream, _)| header_from(&mut stream))
        .map(|read| read.header)
        .map_err(|reason| refuse(path, reason))
}

/// The error about an image. What is no image by itself may be the voxels of one.
fn refuse(path: &Path, reason: String) -> Error {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase());
    let is_voxels = name.is_some_and(|name| name.ends_with(".img") || name.ends_with(".img.gz"));
    if !is_voxels || ![NOT_AN_IMAGE, TOO_SHORT].contains(&&*reason) {
        return Error::file(path, reason);
    }
    let stem = if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gz")) {
        path.with_extension("")
    } else {
        path.to_path_buf()
    };
    let header = ["hdr", "hdr.gz"].map(|end| stem.with_extension(end));
    match header.iter().find(|header| header.is_file()).and_then(|header| header.file_name()) {
        Some(header) => {
            let header = header.to_string_lossy();
            Error::file(path, format!("holds the voxels of a pair; give its header, {header}"))
        }
        None => Error::file(path, reason),
    }
}

/// The `.img` or `.img.gz` that belongs to a `.hdr` or `.hdr.gz`, whatever the case of the endings.
pub(crate) fn voxel_file(header: &Path) -> Option<PathBuf> {
    let name = header.file_name()?.to_str()?;
    let lower = name.to_ascii_lowercase();
    let stem = [".hdr.gz", ".hdr"].iter().find_map(|end| lower.strip_suffix(end))?;
    let wanted = [format!("{stem}.img"), format!("{stem}.img.gz")];
    let folder = header.parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?.flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase());
            name.is_some_and(|name| wanted.contains(&name))
        })
        .collect();
    found.sort();
    found.into_iter().next()
}

/// Opens a file and says how many bytes it stores.
fn open(path: &Path) -> Result<(BufReader<File>, u64)> {
    let refuse = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => Error::file(path, missing_content(path)),
        ErrorKind::PermissionDenied => {
            Error::file(path, "cannot be opened: permission denied; ask for read access")
        }
        _ => Error::file(path, format!("cannot be opened ({error})")),
    };
    // Before it is opened: opening a FIFO waits for somebody to write.
    let kind = std::fs::metadata(path).map_err(refuse)?;
    if kind.is_dir() {
        return Err(Error::file(path, "is a folder; put the file itself in its place"));
    }
    if !kind.is_file() {
        return Err(Error::file(path, "is not a file"));
    }
    let file = File::open(path).map_err(refuse)?;
    let length = file.metadata().map_err(refuse)?.len();
    Ok((BufReader::with_capacity(1 << 16, file), length))
}

/// The plain bytes of a source and whether they were compressed.
fn decompressed<'a>(mut source: impl BufRead + 'a) -> Result<(Box<dyn Read + 'a>, bool), String> {
    let start = source.fill_buf().map_err(|error| format!("cannot be read ({error})"))?;
    if start.is_empty() {
        return Err("is empty".into());
    }
    if let Some(reason) = content_pointer::pointer(start).or_else(|| other_format(start)) {
        return Err(reason);
    }
    if start.starts_with(&GZIP_MAGIC) {
        Ok((Box::new(GzipMembers::new(source)), true))
    } else {
        Ok((Box::new(source), false))
    }
}

/// A header and how many plain bytes of its stream it took.
struct ReadHeader {
    header: Header,
    consumed: u64,
}

impl std::ops::Deref for ReadHeader {
    type Target = Header;

    fn deref(&self) -> &Header {
        &self.header
    }
}

fn header_from(stream: &mut impl Read) -> Result<ReadHeader, String> {
    let short = |error: io::Error| match error.kind() {
        ErrorKind::UnexpectedEof => TOO_SHORT.into(),
        _ => damaged(&error),
    };
    let mut bytes = vec![0; 4];
    stream.read_exact(&mut bytes).map_err(short)?;
    if bytes == [0, 0, 0, 1] {
        return Err("is a FreeSurfer image (.mgh, .mgz); convert it with mri_convert".into());
    }
    // What is too short is said to be, whatever it begins with.
    let length = header_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    if bytes.starts_with(&GZIP_MAGIC) {
        return Err("is compressed twice; unpack it once".into());
    }
    bytes.resize(*length.as_ref().unwrap_or(&HEADER_BYTES), 0);
    stream.read_exact(&mut bytes[4..]).map_err(short)?;
    Ok(ReadHeader { header: Header::parse(&bytes[..length?])?, consumed: bytes.len() as u64 })
}

/// The voxels that follow in a stream of which `consumed` bytes are read. `length` is that of an
/// uncompressed file. The error is a clause.
fn volume_from(
    mut stream: impl Read,
    consumed: u64,
    header: &Header,
    length: Option<u64>,
) -> Result<Volume, String> {
    let truncated = |found: u64| {
        let needed = header.offset + header.voxel_bytes;
        format!("is truncated: its header promises {needed} bytes, {found} are there")
    };
    if let Some(length) = length.filter(|&length| length < header.offset + header.voxel_bytes) {
        return Err(truncated(length));
    }
    // Straight to where the header says the voxels are: extensions are skipped, whatever sizes
    // they claim.
    let gap = header.offset - consumed;
    let skipped =
        io::copy(&mut (&mut stream).take(gap), &mut io::sink()).map_err(|error| damaged(&error))?;
    let mut arrived = consumed + skipped;
    let [rows, columns, slices] = header.geometry.shape;
    let slice_bytes = header.voxel_bytes as usize / slices;
    let slab = (SLAB_VOXELS / (rows * columns)).clamp(1, slices);
    // The system gives this memory page by page as voxels arrive, so a false header cannot claim it.
    // They stay in the order of the file.
    let mut voxels = Array3::zeros((rows, columns, slices).f());
    for first in (0..slices).step_by(slab) {
        let last = (first + slab).min(slices);
        let wanted = (last - first) * slice_bytes;
        let mut bytes = Vec::with_capacity(wanted);
        (&mut stream)
            .take(wanted as u64)
            .read_to_end(&mut bytes)
            .map_err(|error| damaged(&error))?;
        arrived += bytes.len() as u64;
        if bytes.len() < wanted {
            return Err(truncated(arrived));
        }
        let decoded =
            decode(header, last - first, bytes).map_err(|e| format!("cannot be read ({e})"))?;
        voxels
            .slice_mut(s![.., .., first..last])
            .zip_mut_with(&decoded, |voxel: &mut f32, &value| *voxel = value as f32);
    }
    if length.is_none() {
        // The checksum is verified only when the end of the compressed stream is reached.
        io::copy(&mut stream.take(1), &mut io::sink()).map_err(|error| damaged(&error))?;
    }
    Ok(Volume { voxels, affine: header.geometry.affine })
}

/// Some slices' voxels in (i, j, k) order, scaled.
fn decode(header: &Header, slices: usize, bytes: Vec<u8>) -> nifti::Result<Array3<f64>> {
    let mut nifti = header.nifti.clone();
    nifti.dim[3] = slices as u16;
    // Read as f64: the crate converts before it scales, in the type asked for.
    let scaled = InMemNiftiVolume::from_raw_data(&nifti, bytes)?.into_ndarray::<f64>()?;
    let scaled =
        scaled.into_dimensionality::<Ix3>().map_err(|_| nifti::NiftiError::BadVolumeSize)?;
    debug_assert_eq!(scaled.len_of(Axis(2)), slices);
    Ok(scaled)
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
