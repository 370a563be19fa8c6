//! Slices preprocessed elsewhere: `.npy` files in the layout of the published code, 3 × size × size
//! of 64- or 32-bit floats: image in [0, 1], region of interest, label map; rows from superior to
//! inferior, columns from anterior to posterior.
//!
//! **Labels.** 3 is the spinal cord, 4 the fluid, 6 a T2 hyperintensity (inside the cord); other
//! codes are tissues this method does not use. A subject with a 6 in any slice has its pixel
//! truth known in all of them.
//!
//! **Region.** The second channel is the region of interest as it stands: whoever preprocessed the
//! file decided it, and the published loader takes it unchanged (the published example files hold
//! the undilated cord and fluid, where its recipe for volumes dilates by a pixel). The scoring
//! region is the cord with its lesions, eroded with a 3 × 3 square, as in the published loader. A
//! slice whose region is empty is left out.
//!
//! **Names.** Folders are searched at most four levels deep (`train/`, `test/`, …).
//! `NAME_INDEX.npy` is slice `INDEX` of subject `NAME`; a file without `_INDEX` is a subject of
//! its own. Subjects of a subfolder carry its path in their name (`train/private`).
//!
//! Pixels measure field / size: 200 mm / size as published, unless the cohort is loaded with another
//! field.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::{Array2, Array3, Axis};
use ndarray_npy::ReadNpyExt;

use super::entry::{Entry, Source};
use super::naming::{Listing, file_name, split_index};
use super::npy_header::{Element, NpyHeader};
use super::participants::Participants;
use super::{Slice, SliceGrid, region};
use crate::{Error, Result};

const CORD: u8 = 3;
const FLUID: u8 = 4;
const LESION: u8 = 6;
const DEPTH: usize = 4;

/// What [`discover`] looked for, for the sentence that nothing was found.
pub(super) const LOOKED_FOR: &str = "preprocessed slices NAME_INDEX.npy";

/// One file and the slice's position in its subject.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SliceFile {
    path: PathBuf,
    index: usize,
}

/// Groups the `.npy` files below `root` by subject, slices in the order of their index.
pub(super) fn discover(
    root: &Path,
    listing: &Listing,
    participants: &Participants,
) -> Result<Vec<Entry>> {
    let mut paths = Vec::new();
    collect(listing, DEPTH, &mut paths)?;
    let mut subjects: BTreeMap<String, Vec<SliceFile>> = BTreeMap::new();
    for path in paths {
        let name = file_name(&path);
        let stem = name.strip_suffix(".npy").unwrap_or(&name);
        let (subject, index) = split_index(stem).unwrap_or((stem, 0));
        let folder = path.parent().and_then(|folder| folder.strip_prefix(root).ok());
        let parts = folder.into_iter().flat_map(Path::iter).map(|part| part.to_string_lossy());
        let name = parts.chain([subject.into()]).collect::<Vec<_>>().join("/");
        subjects.entry(name).or_default().push(SliceFile { path, index });
    }
    let entry = |(name, mut files): (String, Vec<SliceFile>)| {
        files.sort_by_key(|file| file.index);
        let person = name.rsplit('/').next().unwrap_or(&name);
        let columns = participants.row(&name).or_else(|| participants.row(person));
        let columns = columns.cloned().unwrap_or_default();
        let same_index = files.windows(2).find(|pair| pair[0].index == pair[1].index);
        let source = match same_index {
            None => Source::Slices(files),
            Some(pair) => Source::Broken(format!(
                "{} and {} have the same slice index; rename one",
                file_name(&pair[0].path),
                file_name(&pair[1].path)
            )),
        };
        Entry::new(Arc::from(name), columns, source)
    };
    Ok(subjects.into_iter().map(entry).collect())
}

fn collect(listing: &Listing, depth: usize, paths: &mut Vec<PathBuf>) -> Result<()> {
    paths.extend(listing.files.iter().filter(|path| file_name(path).ends_with(".npy")).cloned());
    if depth > 0 {
        for folder in &listing.folders {
            collect(&Listing::read(folder)?, depth - 1, paths)?;
        }
    }
    Ok(())
}

/// Checks layout and length of all files without reading their values.
pub(super) fn check_headers(files: &[SliceFile], grid: SliceGrid) -> Result<()> {
    files.iter().try_for_each(|file| open(&file.path, grid.size).map(drop))
}

/// Reads the slices of one subject, and which files were left out for an empty region.
pub(super) fn read_slices(
    subject: &Arc<str>,
    files: &[SliceFile],
    grid: SliceGrid,
) -> Result<(Vec<Slice>, Vec<PathBuf>)> {
    let mut slices = Vec::new();
    let mut empty = Vec::new();
    let mut any_lesion = false;
    for file in files {
        let channels = read(&file.path, grid.size)?;
        let slice = slice(subject, file, &channels, grid)?;
        any_lesion |= slice.lesion.iter().flatten().any(|&lesion| lesion);
        if slice.region.iter().any(|&inside| inside) {
            slices.push(slice);
        } else {
            empty.push(file.path.clone());
        }
    }
    if !any_lesion {
        slices.iter_mut().for_each(|slice| slice.lesion = None);
    }
    Ok((slices, empty))
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
        return Err(Error::file(&file.path, "its region or labels are not finite numbers"));
    }
    let coded = |code: u8| labels.mapv(|value| value == f64::from(code));
    let lesion: Array2<bool> = coded(LESION);
    let cord = coded(CORD) | &lesion;
    let edge_mm = grid.fov_mm as f64 / grid.size as f64;
    Ok(Slice {
        subject: subject.clone(),
        index: file.index,
        image: image.mapv(|value| value as f32),
        scoring: region::eroded(&cord),
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
    let mut file = File::open(path).map_err(unreadable)?;
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
    let mut bytes = Vec::new();
    let refuse =
        |error: &dyn std::fmt::Display| Error::file(path, format!("cannot be read ({error})"));
    std::io::Seek::rewind(&mut file).map_err(|e| refuse(&e))?;
    file.read_to_end(&mut bytes).map_err(|e| refuse(&e))?;
    match header.element {
        Element::F64 => Array3::<f64>::read_npy(bytes.as_slice()).map_err(|e| refuse(&e)),
        Element::F32 => Array3::<f32>::read_npy(bytes.as_slice())
            .map(|channels| channels.mapv(f64::from))
            .map_err(|e| refuse(&e)),
    }
}
