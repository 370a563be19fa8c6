//! All DICOM images below a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::file::{DicomFile, is_dicom};
use super::frame::Frame;
use super::series::{Series, sorted_into_series};
use crate::{Error, Result};

/// Files that [`holds_dicom`] looks at.
const SAMPLED: usize = 100;

/// The series below a folder.
#[derive(Clone, Debug)]
pub struct DicomFolder {
    pub folder: PathBuf,
    /// By patient, date of the examination and series number; numbered from 1.
    pub series: Vec<Series>,
    /// Sentences on files that belong to no series.
    pub notes: Vec<String>,
    /// Patients whose images give several dates of birth.
    pub(super) mixed: BTreeSet<String>,
    /// Groups of patient IDs between which one series is divided.
    pub(super) divided: BTreeSet<Vec<String>>,
}

impl DicomFolder {
    /// Reads the headers of all files below `folder`. Files that are no MR images, or cannot be read, are left
    /// out with a note.
    ///
    /// # Errors
    /// If the folder cannot be read, or holds no MR image in DICOM that can be used.
    pub fn read(folder: &Path) -> Result<Self> {
        let files = files_below(folder)?;
        let read: Vec<_> = files.par_iter().map(|path| images_of(path)).collect();
        let mut frames = Vec::new();
        // Why files were left out: how many, and the first.
        let mut left_out: BTreeMap<String, (usize, &Path)> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (path, images) in files.iter().zip(read) {
            let mut leave_out = |reason: &str| {
                left_out.entry(reason.to_owned()).or_insert((0, path)).0 += 1;
            };
            match images {
                Err(reason) => leave_out(&reason),
                Ok(images) => {
                    let count = images.len();
                    let is_new = |frame: &Frame| {
                        // Some exports give all images one identifier: then the place tells them apart.
                        let place = frame.position.map(f64::to_bits);
                        frame.instance.is_empty()
                            || seen.insert((frame.instance.clone(), frame.index, place))
                    };
                    let new: Vec<Frame> = images.into_iter().filter(is_new).collect();
                    if new.len() < count {
                        leave_out("are copies of other files");
                    }
                    frames.extend(new);
                }
            }
        }
        let notes: Vec<String> = left_out
            .iter()
            .map(|(reason, (count, first))| {
                let first = first.strip_prefix(folder).unwrap_or(first).display();
                let which = match count {
                    1 => format!("1 file was left out, {first}"),
                    _ => format!("{count} files were left out, the first {first}"),
                };
                format!("{which}: such files {reason}")
            })
            .collect();
        if frames.is_empty() {
            let why = if notes.is_empty() { "it is empty".to_owned() } else { notes.join("; ") };
            return Err(Error::file(folder, format!("holds no MR image in DICOM; {why}")));
        }
        let mut births: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for frame in frames.iter().filter(|frame| !frame.birth_date.is_empty()) {
            births.entry(&frame.patient).or_default().insert(&frame.birth_date);
        }
        let several = births.into_iter().filter(|(_, dates)| dates.len() > 1);
        let mixed = several.map(|(patient, _)| patient.to_owned()).collect();
        let mut owners: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for frame in frames.iter().filter(|frame| !frame.series.is_empty()) {
            owners.entry(&frame.series).or_default().insert(&frame.patient);
        }
        let several = owners.into_values().filter(|patients| patients.len() > 1);
        let divided = several.map(|all| all.into_iter().map(str::to_owned).collect()).collect();
        let folder = folder.to_path_buf();
        Ok(Self { folder, series: sorted_into_series(frames), notes, mixed, divided })
    }
}

/// Whether there are DICOM files below a folder, by its first files.
pub(crate) fn holds_dicom(folder: &Path) -> bool {
    files_below(folder).is_ok_and(|files| files.iter().take(SAMPLED).any(|path| is_dicom(path)))
}

/// The images of one file. The error is a clause in the plural.
fn images_of(path: &Path) -> Result<Vec<Frame>, String> {
    if !is_dicom(path) {
        return Err("are no DICOM files".into());
    }
    let damaged = |_| "are damaged or truncated DICOM files".to_owned();
    let file = DicomFile::read_header(path).map_err(damaged)?;
    if file.is_directory {
        return Err("are tables of contents (DICOMDIR)".into());
    }
    let header = file.header().map_err(damaged)?;
    Frame::all(path, &header).map_err(str::to_owned)
}

/// All files, in the order of their paths. Hidden ones are skipped, and links to folders are not followed.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let refuse = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotADirectory => {
            Error::file(folder, "is a file; give the folder that holds it")
        }
        _ => Error::file(folder, format!("the folder cannot be read ({error})")),
    };
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        let entries = match fs::read_dir(&next) {
            Ok(entries) => entries,
            Err(error) if next == folder => return Err(refuse(error)),
            // A folder below that may not be read holds nothing for this user.
            Err(_) => continue,
        };
        for entry in entries {
            let entry = entry.map_err(refuse)?;
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ if entry.path().is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files.sort();
    Ok(files)
}
