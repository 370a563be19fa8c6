//! Images sorted into series, and what each series is.

use std::collections::BTreeMap;
use std::path::Path;

use ndarray::{Array3, s};
use serde_json::{Map, Value};

use super::elements::Elements;
use super::file::DicomFile;
use super::frame::{Frame, dot};
use super::pixels::{Pixels, fill_padding};
use super::sidecar::sidecar;
use super::stack::{sort_along_normal, sparse, stacked};
use crate::context::counted;
use crate::files::note_read;
use crate::volume::{Geometry, Volume};
use crate::{Error, Result};

/// Cosine of the largest angle between the normals of slices in one orientation: 0.8°.
const SAME_ORIENTATION: f64 = 0.9999;

/// The plane of the patient that slices lie nearest to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    Sagittal,
    Coronal,
    Axial,
}

impl Plane {
    /// Its name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sagittal => "sagittal",
            Self::Coronal => "coronal",
            Self::Axial => "axial",
        }
    }

    fn of(normal: [f64; 3]) -> Self {
        let [x, y, z] = normal.map(f64::abs);
        if x >= y && x >= z {
            Self::Sagittal
        } else if y >= z {
            Self::Coronal
        } else {
            Self::Axial
        }
    }
}

/// Slices of one patient, one series, one echo and one orientation. Lengths in mm, times in ms.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its number in the listing of its folder, from 1.
    pub number: usize,
    /// Patient ID or what else tells patients apart: shown to the user, never written.
    pub patient: String,
    /// Which of the patient's examinations it belongs to, by date, from 1.
    pub examination: usize,
    pub description: String,
    /// The number that the scanner gave it.
    pub scanner_number: Option<i64>,
    /// What its ImageType says beside original and primary: "M NORM", "DIXON WATER", "DERIVED MPR".
    pub image_type: String,
    pub plane: Plane,
    pub echo_time: Option<f64>,
    pub repetition_time: Option<f64>,
    pub inversion_time: Option<f64>,
    pub slices: usize,
    /// Columns and rows.
    pub matrix: [usize; 2],
    /// Between columns, between rows.
    pub pixel_spacing: [f64; 2],
    /// Between slices, where they are equally spaced.
    pub slice_spacing: Option<f64>,
    /// Why it is not taken for the sagittal T2-weighted series, as a clause; `None` if it is one.
    pub objection: Option<String>,
    /// What is unusual about it although it can be imported, as a clause.
    pub note: Option<String>,
    /// Its place, or why its slices are no volume, as a clause.
    geometry: Result<Geometry, String>,
    /// Sorted along their normal.
    frames: Vec<Frame>,
}

impl Series {
    /// Shape and affine of the volume: voxels are indexed by column, by row from the last to the first, and by
    /// slice along the normal.
    ///
    /// # Errors
    /// If slices are missing, lie at the same place or are not equally spaced.
    pub fn geometry(&self) -> Result<Geometry> {
        self.geometry.clone().map_err(|reason| self.refused(&reason))
    }

    /// Why its slices are no volume and cannot be imported, as a clause whose subject is the series; `None` if they are.
    pub fn defect(&self) -> Option<&str> {
        self.geometry.as_ref().err().map(String::as_str)
    }

    /// Whether a list shows the same of both: all but image type and number.
    pub fn looks_like(&self, other: &Self) -> bool {
        let shown = |one: &Self| {
            let kind = (one.plane.name(), one.echo_time.map(f64::to_bits));
            (one.patient.clone(), one.examination, one.description.clone(), kind)
        };
        shown(self) == shown(other) && (self.matrix, self.slices) == (other.matrix, other.slices)
    }

    /// Reads the volume and what a BIDS sidecar keeps of the headers.
    ///
    /// # Errors
    /// As [`Self::geometry`], and if a file cannot be read or its pixels cannot be decoded.
    pub fn read(&self) -> Result<(Volume, Map<String, Value>)> {
        self.read_padded().map(|(volume, kept, _)| (volume, kept))
    }

    /// As [`Self::read`], and how many voxels were padding (PixelPaddingValue). They have the smallest of the other values.
    pub(super) fn read_padded(&self) -> Result<(Volume, Map<String, Value>, usize)> {
        let geometry = self.geometry()?;
        let mut places: BTreeMap<&Path, Vec<(usize, usize)>> = BTreeMap::new();
        for (place, frame) in self.frames.iter().enumerate() {
            places.entry(&frame.path).or_default().push((place, frame.index));
        }
        let mut voxels = Array3::zeros(geometry.shape);
        let mut kept = Map::new();
        for (path, places) in places {
            let refuse = |reason: String| Error::file(path, reason);
            note_read(path);
            let file = DicomFile::read_whole(path).map_err(refuse)?;
            let data_set = file.data_set().map_err(refuse)?;
            let frames = data_set.frames.len().max(1);
            for (place, index) in places {
                let elements = Elements::of(&data_set, index);
                if place == 0 {
                    kept = sidecar(&elements, geometry.affine.spacing()[2]);
                }
                let frame = &self.frames[place];
                let pixels = Pixels::of(&elements, frame.rows, frame.columns).map_err(refuse)?;
                let values =
                    pixels.decode(&data_set, file.compression, index, frames).map_err(refuse)?;
                let mut slice = voxels.slice_mut(s![.., ..;-1, place]);
                for (at, value) in values.into_iter().enumerate() {
                    slice[[at % frame.columns, at / frame.columns]] = value;
                }
            }
        }
        let padded = fill_padding(&mut voxels);
        Ok((Volume { voxels, affine: geometry.affine }, kept, padded))
    }

    fn refused(&self, reason: &str) -> Error {
        Error::input(format!("series {} ({}): {reason}", self.number, self.description))
    }
}

/// Sorts images into series, in the order of their listing.
pub(super) fn sorted_into_series(frames: Vec<Frame>) -> Vec<Series> {
    let mut groups: BTreeMap<_, Vec<Frame>> = BTreeMap::new();
    for (examination, frame) in examinations(&frames).into_iter().zip(frames) {
        // After ORIGINAL or DERIVED and PRIMARY or SECONDARY: magnitude or phase, water or fat.
        let kind: Vec<String> = frame.image_type.iter().skip(2).cloned().collect();
        let key = (
            (frame.patient.clone(), examination),
            (frame.series_number, frame.series.clone()),
            frame.echo_number,
            kind,
            (frame.rows, frame.columns),
        );
        groups.entry(key).or_default().push(frame);
    }
    let mut stacks = Vec::new();
    let mut normals: BTreeMap<(String, String), Vec<[f64; 3]>> = BTreeMap::new();
    for (((_, examination), ..), mut frames) in groups {
        let time = |frame: &Frame| frame.echo_time.unwrap_or(f64::NEG_INFINITY);
        frames.sort_by(|a, b| time(a).total_cmp(&time(b)));
        let echoes = split(frames, same_echo);
        for stack in echoes.into_iter().flat_map(|echo| split(echo, same_orientation)) {
            let Some(first) = stack.first() else { continue };
            let series = (first.patient.clone(), first.series.clone());
            let known = normals.entry(series.clone()).or_default();
            if !known.iter().any(|normal| dot(*normal, first.normal()).abs() > SAME_ORIENTATION) {
                known.push(first.normal());
            }
            stacks.push((series, examination, stack));
        }
    }
    let apart: Vec<usize> = (0..stacks.len())
        .map(|at| {
            let (series, _, stack) = &stacks[at];
            let others =
                stacks.iter().enumerate().filter(|(other, one)| *other != at && one.0 == *series);
            others.map(|(_, (.., other))| slices_apart(stack, other)).sum()
        })
        .collect();
    let numbered = stacks.into_iter().zip(apart).enumerate();
    numbered
        .filter_map(|(at, ((series, examination, stack), apart))| {
            let orientations = normals.get(&series).map_or(1, Vec::len);
            let mut one = one(at + 1, stack, examination, orientations)?;
            if apart > 0 && one.geometry.is_ok() {
                one.geometry = Err(format!(
                    "is only a part of its series: {} of it lie beside or between these, with another image type, \
                     matrix or echo time; export the series again",
                    counted(apart, "more slice")
                ));
            }
            Some(one)
        })
        .collect()
}

/// Slices are at other places from this distance on, mm: two kinds of image of one place may be rounded differently.
const APART: f64 = 0.5;

/// How many slices `other` has, if none of them lies at the place of a slice of `stack` and they are parallel: the
/// two are parts of one volume then, not two kinds of image of the same place.
fn slices_apart(stack: &[Frame], other: &[Frame]) -> usize {
    let (Some(first), Some(second)) = (stack.first(), other.first()) else { return 0 };
    if !same_orientation(first, second) {
        return 0;
    }
    let place = |frame: &Frame| dot(frame.position, first.normal());
    let is_apart =
        |frame: &Frame| stack.iter().all(|one| (place(one) - place(frame)).abs() > APART);
    if other.iter().all(is_apart) { other.len() } else { 0 }
}

/// For each image the number of its examination among those of its patient, by date, from 1.
fn examinations(frames: &[Frame]) -> Vec<usize> {
    // The earliest moment, because files of one examination may give several.
    let mut begun: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for frame in frames {
        let moment = begun.entry((&frame.patient, &frame.study)).or_insert(&frame.moment);
        *moment = (*moment).min(frame.moment.as_str());
    }
    let mut ordered: Vec<(&str, &str, &str)> =
        begun.into_iter().map(|((patient, study), moment)| (patient, moment, study)).collect();
    ordered.sort_unstable();
    let mut numbers: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for examinations in ordered.chunk_by(|a, b| a.0 == b.0) {
        for (at, (patient, _, study)) in examinations.iter().enumerate() {
            numbers.insert((patient, study), at + 1);
        }
    }
    let number = |frame: &Frame| {
        numbers.get(&(frame.patient.as_str(), frame.study.as_str())).copied().unwrap_or(1)
    };
    frames.iter().map(number).collect()
}

/// Frames that are alike, together: each with the first that is like it.
fn split(frames: Vec<Frame>, are_alike: fn(&Frame, &Frame) -> bool) -> Vec<Vec<Frame>> {
    let mut groups: Vec<Vec<Frame>> = Vec::new();
    for frame in frames {
        let fits =
            |group: &&mut Vec<Frame>| group.first().is_some_and(|first| are_alike(first, &frame));
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(frame),
            None => groups.push(vec![frame]),
        }
    }
    groups
}

/// Scanners write slightly different echo times into the slices of one echo.
fn same_echo(first: &Frame, other: &Frame) -> bool {
    match (first.echo_time, other.echo_time) {
        (Some(first), Some(other)) => {
            (first - other).abs() <= SAME_ECHO.max(SAME_ECHO_SHARE * first)
        }
        (first, other) => first.is_none() && other.is_none(),
    }
}

fn same_orientation(first: &Frame, other: &Frame) -> bool {
    (0..2).all(|n| dot(first.directions[n], other.directions[n]) > SAME_ORIENTATION)
}

/// `orientations`: how many the series has in all.
fn one(
    number: usize,
    mut frames: Vec<Frame>,
    examination: usize,
    orientations: usize,
) -> Option<Series> {
    sort_along_normal(&mut frames);
    let first = frames.first()?.clone();
    let geometry = stacked(&frames);
    let slice_spacing = geometry.as_ref().ok().map(|geometry| geometry.affine.spacing()[2]);
    let mut series = Series {
        number,
        patient: first.patient.clone(),
        examination,
        description: first.description.clone(),
        scanner_number: first.series_number,
        image_type: kind(&first.image_type),
        plane: Plane::of(first.normal()),
        echo_time: first.echo_time,
        repetition_time: first.repetition_time,
        inversion_time: first.inversion_time,
        slices: frames.len(),
        matrix: [first.columns, first.rows],
        pixel_spacing: [first.spacing[1], first.spacing[0]],
        slice_spacing,
        objection: None,
        note: slice_spacing.and_then(|step| sparse(&frames, step)),
        geometry,
        frames,
    };
    series.objection =
        objection(&series, &first.image_type, &first.scanning_sequence, orientations);
    Some(series)
}

/// The words of an ImageType that tell images of one scan apart.
fn kind(image_type: &[String]) -> String {
    let derived = image_type.first().filter(|word| *word == "DERIVED");
    let words: Vec<&str> =
        derived.into_iter().chain(image_type.iter().skip(2)).map(String::as_str).collect();
    words.join(" ")
}

/// Series with fewer slices only show where to plan others.
const FEWEST_SLICES: usize = 5;
/// Difference up to which echo times are those of one echo, ms, and as a share of the time.
const SAME_ECHO: f64 = 0.5;
const SAME_ECHO_SHARE: f64 = 0.01;
/// Echo time from which a spin echo is T2-weighted whatever its name, ms.
const LONG_ECHO: f64 = 60.0;
/// Echo time below which it is not, whatever its name, ms.
const SHORT_ECHO: f64 = 40.0;

/// Why a series is not taken for a sagittal T2-weighted one, as a clause. `orientations`: how many its
/// images have in all.
fn objection(
    series: &Series,
    image_type: &[String],
    scanning_sequence: &[String],
    orientations: usize,
) -> Option<String> {
    let description = series.description.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| description.contains(word));
    let is_sequence = |kind: &str| scanning_sequence.iter().any(|word| word == kind);
    if image_type.iter().any(|word| word == "LOCALIZER")
        || says(&["localizer", "localiser", "scout", "survey"])
    {
        return Some("localiser".into());
    }
    if orientations > 1 {
        return Some(format!("localiser: {orientations} orientations"));
    }
    if series.slices < FEWEST_SLICES {
        return Some(format!("localiser: {}", counted(series.slices, "slice")));
    }
    if series.plane != Plane::Sagittal {
        return Some(series.plane.name().into());
    }
    if let Some(time) = series.inversion_time {
        return Some(format!("inversion recovery, {time:.0} ms"));
    }
    if is_sequence("IR") || says(&["stir", "tirm", "flair"]) {
        return Some("inversion recovery".into());
    }
    if is_sequence("EP") {
        return Some("echo planar".into());
    }
    if is_sequence("GR") && !is_sequence("SE") {
        return Some("gradient echo".into());
    }
    if says(&["t2*", "t2star"]) {
        return Some("T2*-weighted".into());
    }
    match series.echo_time {
        Some(time) if time >= LONG_ECHO => None,
        Some(time) if time >= SHORT_ECHO && says(&["t2"]) => None,
        Some(_) => Some("short echo time".into()),
        None if says(&["t2"]) => None,
        None => Some("no echo time".into()),
    }
}
