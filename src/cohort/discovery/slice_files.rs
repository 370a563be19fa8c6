//! Reads slices that were preprocessed elsewhere; [`super::preprocessed`] states their layout.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::{Array2, Array3, Axis};
use ndarray_npy::{ReadNpyError, ReadNpyExt};

use super::npy_header::{Element, NpyHeader};
use crate::cohort::{Slice, SliceGrid};
use crate::files::{note_header_read, note_read, open_regular};
use crate::volume::eroded;
use crate::{Error, Result};

const CORD: u8 = 3;
const FLUID: u8 = 4;
const LESION: u8 = 6;

/// One file and the slice's position in its subject.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cohort) struct SliceFile {
    pub path: PathBuf,
    pub index: usize,
}

/// Checks layout and length of all files without reading their values.
pub(in crate::cohort) fn check_headers(files: &[SliceFile], grid: SliceGrid) -> Result<()> {
    files.iter().try_for_each(|file| open(&file.path, grid.size).map(drop))
}

/// The slices of one subject.
pub(in crate::cohort) struct ReadSlices {
    pub slices: Vec<Slice>,
    /// Whether any file marks a lesion, also one that is left out.
    pub lesion_marked: bool,
    /// The files that are left out for an empty region.
    pub empty: Vec<PathBuf>,
}

/// Reads the slices of one subject.
pub(in crate::cohort) fn read_slices(
    subject: &Arc<str>,
    files: &[SliceFile],
    grid: SliceGrid,
) -> Result<ReadSlices> {
    let mut slices = Vec::new();
    let mut empty = Vec::new();
    let mut lesion_marked = false;
    for file in files {
        let channels = read(&file.path, grid.size)?;
        let slice = slice(subject, file, &channels, grid)?;
        lesion_marked |= slice.lesion.iter().flatten().any(|&lesion| lesion);
        if slice.region.iter().any(|&inside| inside) {
            slices.push(slice);
        } else {
            empty.push(file.path.clone());
        }
    }
    if !lesion_marked {
        slices.iter_mut().for_each(|slice: &mut Slice| slice.lesion = None);
    }
    Ok(ReadSlices { slices, lesion_marked, empty })
}

fn slice(
    subject: &Arc<str>,
    file: &SliceFile,
    channels: &Array3<f64>,
    grid: SliceGrid,
) -> Result<Slice> {
    let [image, inside, labels] = [0, 1, 2].map(|channel| channels.index_axis(Axis(0), channel));
    if let Some(value) = image.iter().find(|value| !(0.0..=1.0).contains(*value)) {
        return Err(Error::file(
            &file.path,
            format!("holds the intensity {value}; the first channel must be scaled to [0, 1]"),
        ));
    }
    if inside.iter().chain(labels).any(|value| !value.is_finite()) {
        return Err(Error::file(
            &file.path,
            "its region or labels are not finite numbers; write 0 where there is nothing",
        ));
    }
    let coded = |code: u8| labels.mapv(|value| value == f64::from(code));
    let lesion: Array2<bool> = coded(LESION);
    let cord = coded(CORD) | &lesion;
    let edge_mm = grid.fov_mm as f64 / grid.size as f64;
    Ok(Slice {
        subject: subject.clone(),
        index: file.index,
        voxels: None,
        image: image.mapv(|value| value as f32),
        scoring: eroded(&cord),
        csf: coded(FLUID),
        cord,
        region: inside.mapv(|value| value != 0.0),
        lesion: Some(lesion),
        pixel_spacing_mm: (edge_mm, edge_mm),
    })
}

/// Opens a file and checks that it is what the layout says.
fn open(path: &Path, size: usize) -> Result<(File, NpyHeader)> {
    let unreadable = |error| Error::file(path, format!("cannot be read ({error})"));
    let mut file = open_regular(path)?;
    note_header_read(path);
    let length = file.metadata().map_err(unreadable)?.len();
    let header = NpyHeader::read(&mut file, length).map_err(|reason| Error::file(path, reason))?;
    let expected = [3, size, size];
    if header.shape != expected {
        let has = header.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
        let advice = match header.shape[..] {
            [3, rows, columns] if rows == columns => format!("load it with size = {rows}"),
            _ => "its channels are image, region of interest and labels".into(),
        };
        return Err(Error::file(path, format!("is {has}, not 3 × {size} × {size}; {advice}")));
    }
    Ok((file, header))
}

fn read(path: &Path, size: usize) -> Result<Array3<f64>> {
    let (mut file, header) = open(path, size)?;
    note_read(path);
    let mut bytes = Vec::new();
    let refuse =
        |error: &dyn std::fmt::Display| Error::file(path, format!("cannot be read ({error})"));
    std::io::Seek::rewind(&mut file).map_err(|e| refuse(&e))?;
    file.read_to_end(&mut bytes).map_err(|e| refuse(&e))?;
    let values = match header.element {
        Element::F64 => Array3::<f64>::read_npy(bytes.as_slice()),
        Element::F32 => {
            Array3::<f32>::read_npy(bytes.as_slice()).map(|channels| channels.mapv(f64::from))
        }
    };
    values.map_err(|error| match error {
        // The own message of this error spreads over several lines.
        ReadNpyError::ParseHeader(_) => Error::file(path, "its .npy header is damaged"),
        error => refuse(&error),
    })
}
