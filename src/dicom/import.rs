//! The sagittal T2-weighted image of every examination, into a BIDS dataset.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::choice::Choice;
use super::dataset::{NewSubject, describe, refuse_existing};
use super::folder::DicomFolder;
use super::pseudonym::PseudonymRule;
use super::series::Series;
use crate::{Error, Result};

/// How to import.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Numbers of the series to take where an examination has no or several sagittal T2-weighted ones.
    pub series: Vec<usize>,
    /// A file whose bytes are the key of pseudonyms; `None`: patients are numbered.
    pub key: Option<PathBuf>,
}

/// What was imported.
#[derive(Clone, Debug)]
pub struct Imported {
    pub images: Vec<ImportedImage>,
    /// Sentences on examinations without an image, on images that were asked for in spite of an objection, and on padding
    /// in images.
    pub notes: Vec<String>,
}

/// One image and where it came from. Only `path` is in the dataset.
#[derive(Clone, Debug)]
pub struct ImportedImage {
    pub patient: String,
    /// Number of the examination of the patient, from 1.
    pub examination: usize,
    /// Number of the series.
    pub series: usize,
    /// The image, in the dataset's folder.
    pub path: PathBuf,
}

/// Writes the sagittal T2-weighted image of every examination in `folder`, with its sidecar, into the BIDS
/// dataset `bids`, which is made if it does not exist. All images are written, or none. Names, identifiers and
/// dates stay behind: patients get pseudonyms (see [`ImportOptions::key`]), their examinations are numbered by
/// date where they have several.
///
/// # Errors
/// If an examination has several sagittal T2-weighted series, if a series is no volume or cannot be decoded,
/// if the folder of a subject is there already, if there is nothing to import, or if the disk refuses.
pub fn import(folder: &DicomFolder, bids: &Path, options: &ImportOptions) -> Result<Imported> {
    let is_new = !bids.exists();
    let Prepared { growing, imported } = prepare(folder, bids, options).map_err(|error| {
        if is_new {
            // Only if it is empty.
            fs::remove_dir(bids).ok();
        }
        Error::input(format!("nothing was written: {error}"))
    })?;
    growing.into_iter().try_for_each(NewSubject::finish)?;
    describe(bids)?;
    Ok(imported)
}

/// Images that are decoded and not yet in their place.
struct Prepared {
    growing: Vec<NewSubject>,
    imported: Imported,
}

/// Chooses the series and writes all subjects beside their places.
fn prepare(folder: &DicomFolder, bids: &Path, options: &ImportOptions) -> Result<Prepared> {
    check_places(folder, bids, options)?;
    let rule = PseudonymRule::read(options.key.as_deref())?;
    let Plan { chosen, mut notes } = Plan::of(folder, &options.series)?;
    let patients: BTreeSet<&str> =
        folder.series.iter().map(|series| series.patient.as_str()).collect();
    let names = rule.names(patients.into_iter())?;
    let mut subjects: BTreeMap<&str, Vec<&Series>> = BTreeMap::new();
    // Everything that can be known before pixels are read.
    let defects: Vec<String> = chosen.iter().filter_map(|series| defect(series)).collect();
    if !defects.is_empty() {
        return Err(Error::input(defects.join("; ")));
    }
    for series in chosen {
        let Some(name) = names.get(series.patient.as_str()) else { continue };
        refuse_existing(&bids.join(name))?;
        subjects.entry(name).or_default().push(series);
    }
    let mut growing = Vec::new();
    let mut images = Vec::new();
    for (name, series) in &subjects {
        let subject = NewSubject::begin(bids, name)?;
        for (at, one) in series.iter().enumerate() {
            let (image, sidecar, padded) = one.read_padded()?;
            if padded > 0 {
                let percent = 100.0 * padded as f64 / image.voxels.len() as f64;
                notes.push(format!(
                    "{percent:.0} % of the voxels of series {} of examination {} of patient {} are padding \
                     (PixelPaddingValue) and got the smallest of the other values",
                    one.number, one.examination, one.patient
                ));
            }
            let session = (series.len() > 1).then(|| format!("ses-{:02}", at + 1));
            let path = subject.write(session.as_deref(), &image, sidecar)?;
            images.push(ImportedImage {
                patient: one.patient.clone(),
                examination: one.examination,
                series: one.number,
                path,
            });
        }
        growing.push(subject);
    }
    Ok(Prepared { growing, imported: Imported { images, notes } })
}

/// Why a series cannot be imported, with its number and patient; `None` if it can.
fn defect(series: &Series) -> Option<String> {
    let Series { number, description, patient, .. } = series;
    Some(format!("series {number} ({description}) of patient {patient}: {}", series.defect()?))
}

/// Refuses a patient whose series has images of others, too: each would get a part of its slices only.
fn refuse_divided(folder: &DicomFolder, patient: &str) -> Result<()> {
    match folder.divided.iter().find(|all| all.iter().any(|one| one == patient)) {
        None => Ok(()),
        Some(patients) => Err(Error::input(format!(
            "one series has images of several patient IDs ({}), so each would get only a part of its slices; give \
             its images one ID, or import the folders of the patients one by one",
            patients.join(", ")
        ))),
    }
}

/// Keeps identifiers and the key out of the dataset.
fn check_places(folder: &DicomFolder, bids: &Path, options: &ImportOptions) -> Result<()> {
    let Ok(dataset) = fs::canonicalize(bids) else { return Ok(()) };
    let whole = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    if whole(&folder.folder) == dataset {
        return Err(Error::file(
            bids,
            "holds the DICOM files, which name patients; choose another folder for the dataset",
        ));
    }
    match &options.key {
        Some(key) if whole(key).starts_with(&dataset) => Err(Error::file(
            key,
            "lies in the dataset; whoever has both can find out who is who, so keep the key elsewhere",
        )),
        _ => Ok(()),
    }
}

/// What to import.
struct Plan<'a> {
    chosen: Vec<&'a Series>,
    notes: Vec<String>,
}

impl<'a> Plan<'a> {
    /// # Errors
    /// If a choice is ambiguous, or there is nothing to choose.
    fn of(folder: &'a DicomFolder, asked: &[usize]) -> Result<Self> {
        let count = folder.series.len();
        if let Some(number) = asked.iter().find(|number| !(1..=count).contains(number)) {
            return Err(Error::input(format!("there is no series {number}, only 1 to {count}")));
        }
        let mut examinations: BTreeMap<(&str, usize), Vec<&Series>> = BTreeMap::new();
        for series in &folder.series {
            let examination = (series.patient.as_str(), series.examination);
            examinations.entry(examination).or_default().push(series);
        }
        let mut plan = Self { chosen: Vec::new(), notes: Vec::new() };
        let mut ambiguous = Vec::new();
        for ((patient, examination), series) in examinations {
            let place = format!("examination {examination} of patient {patient}");
            match Choice::among(&series, asked) {
                Choice::One(series) => {
                    if folder.mixed.contains(patient) {
                        return Err(Error::input(format!(
                            "images of patient {patient} give several dates of birth, so they are of several \
                             people with one ID; import their folders one by one"
                        )));
                    }
                    refuse_divided(folder, patient)?;
                    if let Some(objection) = &series.objection {
                        plan.notes.push(format!(
                            "series {} of {place} was asked for and taken, although it does not look like a \
                             sagittal T2-weighted one ({objection})",
                            series.number
                        ));
                    }
                    plan.chosen.push(series);
                }
                Choice::None => {
                    refuse_divided(folder, patient)?;
                    plan.notes.push(format!(
                        "{place} has no sagittal T2-weighted series and is left out; --series N takes one of its \
                         series all the same"
                    ));
                }
                Choice::Several(several) => ambiguous.push(format!(
                    "{place} has {} sagittal T2-weighted series: {}",
                    several.len(),
                    listed(&several)
                )),
                Choice::AskedForSeveral(several) => {
                    return Err(Error::input(format!(
                        "several series of {place} were asked for: {}; ask for one of them",
                        listed(&several)
                    )));
                }
            }
        }
        if !ambiguous.is_empty() {
            return Err(Error::input(format!(
                "{}; choose one of each examination with --series N",
                ambiguous.join("; ")
            )));
        }
        if plan.chosen.is_empty() {
            return Err(Error::input(format!("nothing to import: {}", plan.notes.join("; "))));
        }
        Ok(plan)
    }
}

/// Series with what tells them apart.
fn listed(all: &[&Series]) -> String {
    let described = |series: &&Series| {
        let [columns, rows] = series.matrix;
        let echo = series.echo_time.map_or(String::new(), |time| format!("echo time {time} ms, "));
        let is_alike = |other: &&Series| other.number != series.number && other.looks_like(series);
        let mut more = String::new();
        if all.iter().any(is_alike) {
            if !series.image_type.is_empty() {
                more.push_str(&format!("{}, ", series.image_type));
            }
            if let Some(number) = series.scanner_number {
                more.push_str(&format!("{number} of the scanner, "));
            }
        }
        format!(
            "{} ({}, {more}{echo}{} slices, {columns} × {rows})",
            series.number, series.description, series.slices
        )
    };
    all.iter().map(described).collect::<Vec<_>>().join(", ")
}
