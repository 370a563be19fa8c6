//! One image of one slice: where it lies and how it was acquired.

use std::path::Path;
use std::sync::Arc;

use super::data_set::DataSet;
use super::elements::Elements;
use super::tags::{self, Tag};

/// Largest difference from 1 of the length of a direction, and from 0 of the cosine between two.
const NOT_ORTHONORMAL: f64 = 1e-2;

/// What tells several images of one place apart: time points of a series that repeats, and echoes.
const REPETITION: [(Tag, &str); 5] = [
    (tags::TEMPORAL_POSITION_IDENTIFIER, "TemporalPositionIdentifier"),
    (tags::ACQUISITION_NUMBER, "AcquisitionNumber"),
    (tags::TRIGGER_TIME, "TriggerTime"),
    (tags::ECHO_TIME, "EchoTime"),
    (tags::ACQUISITION_TIME, "AcquisitionTime"),
];

/// One image: a file, or a frame of a file with several. Lengths in mm in DICOM's patient coordinates,
/// times in ms.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) path: Arc<Path>,
    /// Which frame of its file, from 0.
    pub(super) index: usize,
    /// Identifies the image.
    pub(super) instance: String,
    /// Patient ID or, without one, what else tells patients apart.
    pub(super) patient: String,
    /// Tells patients apart that have the same ID.
    pub(super) birth_date: String,
    /// Identifies the examination.
    pub(super) study: String,
    /// Date and time of the examination; for their order only.
    pub(super) moment: String,
    pub(super) series: String,
    pub(super) series_number: Option<i64>,
    pub(super) description: String,
    pub(super) image_type: Vec<String>,
    /// SE (spin echo), GR (gradient echo), EP (echo planar), IR (inversion recovery).
    pub(super) scanning_sequence: Vec<String>,
    pub(super) echo_number: Option<i64>,
    pub(super) echo_time: Option<f64>,
    pub(super) repetition_time: Option<f64>,
    pub(super) inversion_time: Option<f64>,
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// From row to row, from column to column.
    pub(super) spacing: [f64; 2],
    /// Distance between the middles of slices as the scanner gives it, mm. Where it is smaller than the slices are
    /// thick, it is the gap between them and left out.
    pub(super) slice_spacing: Option<f64>,
    /// How thick a slice is together with the gap behind it, as far as the scanner gives them, mm.
    pub(super) thickness_and_gap: Option<f64>,
    /// Its values of [`REPETITION`], empty where it has none.
    repetition: [String; REPETITION.len()],
    /// Centre of the first pixel.
    pub(super) position: [f64; 3],
    /// Unit vectors along a row (to the next column) and along a column (to the next row).
    pub(super) directions: [[f64; 3]; 2],
}

impl Frame {
    /// The images of a file. The error is a clause in the plural about files that hold none that can be used.
    pub(super) fn all(path: &Path, data_set: &DataSet<'_>) -> Result<Vec<Self>, &'static str> {
        let whole = Elements::of(data_set, 0);
        if whole.count(tags::ROWS).is_none() || whole.count(tags::COLUMNS).is_none() {
            return Err("hold no image");
        }
        if whole.text(tags::MODALITY).is_some_and(|modality| modality != "MR") {
            return Err("are of another modality than MR");
        }
        let frames = whole.count(tags::NUMBER_OF_FRAMES).unwrap_or(1).max(1);
        // So that a false count of frames costs nothing.
        if frames != data_set.frames.len().max(1) {
            return Err("hold several frames without saying where each lies");
        }
        let path: Arc<Path> = Arc::from(path);
        (0..frames).map(|index| Self::one(&path, index, Elements::of(data_set, index))).collect()
    }

    fn one(
        path: &Arc<Path>,
        index: usize,
        elements: Elements<'_, '_>,
    ) -> Result<Self, &'static str> {
        let text = |tag| elements.text(tag).unwrap_or_default();
        let integer = |tag| elements.number(tag).map(|number| number as i64);
        let unplaced = "do not say where they lie (ImagePositionPatient, ImageOrientationPatient)";
        let position = elements.numbers(tags::IMAGE_POSITION_PATIENT).ok_or(unplaced)?;
        let directions: [f64; 6] =
            elements.numbers(tags::IMAGE_ORIENTATION_PATIENT).ok_or(unplaced)?;
        let directions = orthonormal(directions)
            .ok_or("have an ImageOrientationPatient that is not two perpendicular directions")?;
        let spacing: [f64; 2] = elements
            .numbers(tags::PIXEL_SPACING)
            .filter(|spacing: &[f64; 2]| spacing.iter().all(|edge| (1e-3..1e3).contains(edge)))
            .ok_or("have no sensible PixelSpacing")?;
        let size = |tag| elements.count(tag).filter(|&size| size > 0).ok_or("hold no image");
        let frame_type = elements.words(tags::FRAME_TYPE);
        let patient = elements.text(tags::PATIENT_ID).unwrap_or_else(|| {
            let other = [text(tags::PATIENT_NAME), text(tags::PATIENT_BIRTH_DATE)].join(" ");
            match other.trim() {
                "" => text(tags::STUDY_INSTANCE_UID),
                other => other.to_owned(),
            }
        });
        let mut scanning_sequence = elements.words(tags::SCANNING_SEQUENCE);
        // How images of several frames say it.
        for (tag, value, word) in [
            (tags::ECHO_PULSE_SEQUENCE, "SPIN", "SE"),
            (tags::ECHO_PULSE_SEQUENCE, "GRADIENT", "GR"),
            (tags::ECHO_PLANAR_PULSE_SEQUENCE, "YES", "EP"),
            (tags::INVERSION_RECOVERY, "YES", "IR"),
        ] {
            if text(tag) == value {
                scanning_sequence.push(word.to_owned());
            }
        }
        let thickness = elements.number(tags::SLICE_THICKNESS).filter(|&mm| mm > 0.0);
        let between = elements.number(tags::SPACING_BETWEEN_SLICES);
        let slice_spacing = between.filter(|&mm| thickness.is_some_and(|t| mm > 0.9 * t));
        let with_gap = || Some(thickness? + between.filter(|&gap| gap > 0.0).unwrap_or(0.0));
        let moment = [tags::STUDY_DATE, tags::STUDY_TIME].map(text).join(" ");
        Ok(Self {
            path: path.clone(),
            index,
            instance: text(tags::SOP_INSTANCE_UID),
            patient,
            birth_date: text(tags::PATIENT_BIRTH_DATE),
            study: elements.text(tags::STUDY_INSTANCE_UID).unwrap_or_else(|| moment.clone()),
            moment,
            series: text(tags::SERIES_INSTANCE_UID),
            series_number: integer(tags::SERIES_NUMBER),
            description: elements
                .text(tags::SERIES_DESCRIPTION)
                .or_else(|| elements.text(tags::PROTOCOL_NAME))
                .unwrap_or_default(),
            image_type: match frame_type.is_empty() {
                true => elements.words(tags::IMAGE_TYPE),
                false => frame_type,
            },
            scanning_sequence,
            echo_number: integer(tags::ECHO_NUMBERS),
            echo_time: elements
                .number(tags::ECHO_TIME)
                .or_else(|| elements.number(tags::EFFECTIVE_ECHO_TIME)),
            repetition_time: elements.number(tags::REPETITION_TIME),
            inversion_time: elements
                .number(tags::INVERSION_TIME)
                .or_else(|| elements.number(tags::INVERSION_TIMES))
                .filter(|&time| time > 0.0),
            rows: size(tags::ROWS)?,
            columns: size(tags::COLUMNS)?,
            spacing,
            slice_spacing,
            thickness_and_gap: slice_spacing.or_else(with_gap),
            repetition: REPETITION.map(|(tag, _)| text(tag)),
            position,
            directions,
        })
    }

    /// The elements of [`REPETITION`] in which two images differ.
    pub(super) fn repeats(&self, other: &Self) -> Vec<&'static str> {
        let values = self.repetition.iter().zip(&other.repetition);
        let differ = REPETITION.iter().zip(values).filter(|(_, (one, other))| one != other);
        differ.map(|((_, name), _)| *name).collect()
    }

    /// Unit vector at right angles to the slice.
    pub(super) fn normal(&self) -> [f64; 3] {
        let [a, b] = self.directions;
        let cross =
            [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
        let length = dot(cross, cross).sqrt();
        cross.map(|x| x / length)
    }
}

pub(super) fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn orthonormal([a, b, c, d, e, f]: [f64; 6]) -> Option<[[f64; 3]; 2]> {
    let (along, down) = ([a, b, c], [d, e, f]);
    let is_unit = |v| (dot(v, v).sqrt() - 1.0).abs() < NOT_ORTHONORMAL;
    let unit = |v: [f64; 3]| v.map(|x| x / dot(v, v).sqrt());
    let usable = is_unit(along) && is_unit(down) && dot(along, down).abs() < NOT_ORTHONORMAL;
    usable.then(|| [unit(along), unit(down)])
}
