//! Phantoms as DICOM files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use dicom_core::value::{DataSetSequence, PixelFragmentSequence, Value};
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::mem::{InMemElement, InMemFragment};
use dicom_object::{DefaultDicomObject, FileMetaTableBuilder, InMemDicomObject};
use ndarray::{Array3, ArrayView2, Axis};
use u2ad::context::Context;
use u2ad::dicom::{DicomFolder, Series};
use u2ad::phantom::{self, PhantomOptions};
use u2ad::volume::{Affine, Orientation, Volume};

use super::jpeg;
use super::run_lengths::run_lengths;

pub const MR_IMAGE: &str = "1.2.840.10008.5.1.4.1.1.4";
const ENHANCED_MR_IMAGE: &str = "1.2.840.10008.5.1.4.1.1.4.1";

/// How files are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    Implicit,
    Explicit,
    BigEndian,
    Deflated,
    Rle,
    JpegLossless,
    JpegBaseline,
    Jpeg2000,
}

impl Syntax {
    pub fn identifier(self) -> &'static str {
        match self {
            Self::Implicit => "1.2.840.10008.1.2",
            Self::Explicit => "1.2.840.10008.1.2.1",
            Self::BigEndian => "1.2.840.10008.1.2.2",
            Self::Deflated => "1.2.840.10008.1.2.1.99",
            Self::Rle => "1.2.840.10008.1.2.5",
            Self::JpegLossless => "1.2.840.10008.1.2.4.70",
            Self::JpegBaseline => "1.2.840.10008.1.2.4.50",
            Self::Jpeg2000 => "1.2.840.10008.1.2.4.90",
        }
    }
}

/// A series to be written.
#[derive(Clone)]
pub struct Scan {
    /// Stored samples by slice (to the left), row (down) and column (to the back).
    pub samples: Array3<i32>,
    pub affine: Affine,
    pub syntax: Syntax,
    /// Bits allocated and stored, and the highest of them.
    pub bits: [u16; 3],
    pub signed: bool,
    /// What every file says.
    pub texts: BTreeMap<Tag, (VR, String)>,
}

impl Scan {
    /// A phantom of 12 bits.
    pub fn phantom() -> Self {
        let options =
            PhantomOptions { subjects: 1, pixel_spacing_mm: 3.0, ..PhantomOptions::default() };
        let image = phantom::draw(&options, 0, &Context::new(7).streams).unwrap().volume.image;
        let orientation = Orientation::to_sagittal(&image.affine);
        let voxels = orientation.apply(&image.voxels);
        let most = voxels.fold(0f32, |most, voxel| most.max(*voxel));
        let samples = voxels.mapv(|voxel| (voxel / most * 4095.0).clamp(0.0, 4095.0) as i32);
        Self::of(samples, orientation.canonical_geometry(&image.geometry()).affine)
    }

    /// Few small slices, oblique and with different numbers of rows and columns.
    pub fn small() -> Self {
        let samples = Array3::from_shape_fn((6, 16, 24), |(slice, row, column)| {
            (slice * 600 + (row / 8) * 40 + column / 8) as i32
        });
        let (sin, cos) = 0.1f64.sin_cos();
        let rows =
            [[-3.3 * cos, 0.0, sin, 20.0], [-3.3 * sin, 0.0, -cos, 90.0], [0.0, -0.8, 0.0, 60.0]];
        Self::of(samples, Affine(rows))
    }

    fn of(samples: Array3<i32>, affine: Affine) -> Self {
        let mut scan = Self {
            samples,
            affine,
            syntax: Syntax::Explicit,
            bits: [16, 12, 11],
            signed: false,
            texts: BTreeMap::new(),
        };
        for (tag, vr, text) in [
            (tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY\\M\\ND"),
            (tags::STUDY_DATE, VR::DA, "20240229"),
            (tags::STUDY_TIME, VR::TM, "101112"),
            (tags::ACCESSION_NUMBER, VR::SH, "ACC0815"),
            (tags::MODALITY, VR::CS, "MR"),
            (tags::MANUFACTURER, VR::LO, "SIEMENS"),
            (tags::INSTITUTION_NAME, VR::LO, "Charity Hospital"),
            (tags::REFERRING_PHYSICIAN_NAME, VR::PN, "House^Gregory"),
            (tags::SERIES_DESCRIPTION, VR::LO, "t2_tse_sag"),
            (tags::MANUFACTURER_MODEL_NAME, VR::LO, "Avanto"),
            (tags::PATIENT_NAME, VR::PN, "Doe^Jane"),
            (tags::PATIENT_ID, VR::LO, "4711"),
            (tags::PATIENT_BIRTH_DATE, VR::DA, "19700101"),
            (tags::SCANNING_SEQUENCE, VR::CS, "SE"),
            (tags::SEQUENCE_VARIANT, VR::CS, "SK\\SP\\OSP"),
            (tags::MR_ACQUISITION_TYPE, VR::CS, "2D"),
            (tags::SLICE_THICKNESS, VR::DS, "3"),
            (tags::REPETITION_TIME, VR::DS, "3500"),
            (tags::ECHO_TIME, VR::DS, "102"),
            (tags::ECHO_NUMBERS, VR::IS, "1"),
            (tags::MAGNETIC_FIELD_STRENGTH, VR::DS, "1.5"),
            (tags::PROTOCOL_NAME, VR::LO, "Jane Doe neck"),
            (tags::FLIP_ANGLE, VR::DS, "150"),
            (tags::STUDY_INSTANCE_UID, VR::UI, "1.2.276.1"),
            (tags::SERIES_INSTANCE_UID, VR::UI, "1.2.276.1.3"),
            (tags::SERIES_NUMBER, VR::IS, "3"),
            (tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2"),
        ] {
            scan.set(tag, vr, text);
        }
        scan
    }

    pub fn set(&mut self, tag: Tag, vr: VR, text: &str) -> &mut Self {
        self.texts.insert(tag, (vr, text.to_owned()));
        self
    }

    /// Another series of the same examination.
    pub fn series(mut self, number: u32, description: &str) -> Self {
        self.set(tags::SERIES_NUMBER, VR::IS, &number.to_string());
        self.set(tags::SERIES_INSTANCE_UID, VR::UI, &format!("1.2.276.1.{number}"));
        self.set(tags::SERIES_DESCRIPTION, VR::LO, description);
        self
    }

    /// Another examination of the same patient.
    pub fn examination(mut self, date: &str) -> Self {
        self.set(tags::STUDY_DATE, VR::DA, date);
        self.set(tags::STUDY_INSTANCE_UID, VR::UI, &format!("1.2.276.{date}"));
        self.set(tags::SERIES_INSTANCE_UID, VR::UI, &format!("1.2.276.{date}.3"));
        self
    }

    /// The series of another patient.
    pub fn patient(mut self, id: &str) -> Self {
        self.set(tags::PATIENT_ID, VR::LO, id);
        self.set(tags::STUDY_INSTANCE_UID, VR::UI, &format!("1.2.277.{id}"));
        self.set(tags::SERIES_INSTANCE_UID, VR::UI, &format!("1.2.277.{id}.3"));
        self
    }

    pub fn slices(&self) -> usize {
        self.samples.len_of(Axis(0))
    }

    /// Place of the first pixel of a slice, in DICOM's patient coordinates.
    pub fn position(&self, slice: usize) -> [f64; 3] {
        let [x, y, z] = self.affine.position([slice as f64, 0.0, 0.0]);
        [-x, -y, z]
    }

    /// Directions of rows and columns, in DICOM's patient coordinates.
    fn directions(&self) -> [f64; 6] {
        let spacing = self.affine.spacing();
        let along = |axis: usize| {
            let [x, y, z] = self.affine.axis(axis).map(|x| x / spacing[axis]);
            [-x, -y, z]
        };
        let ([a, b, c], [d, e, f]) = (along(2), along(1));
        [a, b, c, d, e, f]
    }

    fn pixel_spacing(&self) -> [f64; 2] {
        let [_, down, back] = self.affine.spacing();
        [down, back]
    }

    fn common(&self) -> InMemDicomObject {
        let texts = self.texts.iter().map(|(&tag, (vr, text))| element(tag, *vr, text));
        let mut object = InMemDicomObject::from_element_iter(texts);
        let (_, rows, columns) = self.samples.dim();
        let [allocated, stored, high] = self.bits;
        for (tag, number) in [
            (tags::SAMPLES_PER_PIXEL, 1),
            (tags::ROWS, rows as u16),
            (tags::COLUMNS, columns as u16),
            (tags::BITS_ALLOCATED, allocated),
            (tags::BITS_STORED, stored),
            (tags::HIGH_BIT, high),
            (tags::PIXEL_REPRESENTATION, u16::from(self.signed)),
        ] {
            object.put(DataElement::new(tag, VR::US, PrimitiveValue::from(number)));
        }
        object
    }

    /// One slice as a file of its own.
    pub fn slice(&self, slice: usize) -> DefaultDicomObject {
        let mut object = self.common();
        let series = &self.texts[&tags::SERIES_INSTANCE_UID].1;
        let echo = &self.texts[&tags::ECHO_NUMBERS].1;
        let instance = format!("{series}.{echo}.{}", slice + 1);
        object.put(element(tags::SOP_CLASS_UID, VR::UI, MR_IMAGE));
        object.put(element(tags::SOP_INSTANCE_UID, VR::UI, &instance));
        object.put(element(tags::INSTANCE_NUMBER, VR::IS, &(slice + 1).to_string()));
        object.put(element(tags::IMAGE_POSITION_PATIENT, VR::DS, &decimals(&self.position(slice))));
        object.put(element(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, &decimals(&self.directions())));
        object.put(element(tags::PIXEL_SPACING, VR::DS, &decimals(&self.pixel_spacing())));
        object.put(self.pixels(&[slice]));
        self.file(object, MR_IMAGE, &instance)
    }

    /// All slices as one file, in this order.
    pub fn frames(&self, order: &[usize]) -> DefaultDicomObject {
        let mut object = self.common();
        let instance = format!("{}.1", self.texts[&tags::SERIES_INSTANCE_UID].1);
        object.put(element(tags::SOP_CLASS_UID, VR::UI, ENHANCED_MR_IMAGE));
        object.put(element(tags::SOP_INSTANCE_UID, VR::UI, &instance));
        object.put(element(tags::NUMBER_OF_FRAMES, VR::IS, &order.len().to_string()));
        // What only the functional groups say in such files.
        for tag in
            [tags::ECHO_TIME, tags::REPETITION_TIME, tags::FLIP_ANGLE, tags::SCANNING_SEQUENCE]
        {
            object.remove_element(tag);
        }
        object.put(element(tags::ECHO_PULSE_SEQUENCE, VR::CS, "SPIN"));
        let echo: f64 = self.texts[&tags::ECHO_TIME].1.parse().unwrap();
        let echo = DataElement::new(tags::EFFECTIVE_ECHO_TIME, VR::FD, PrimitiveValue::from(echo));
        let shared = vec![
            group(
                tags::PIXEL_MEASURES_SEQUENCE,
                vec![
                    element(tags::PIXEL_SPACING, VR::DS, &decimals(&self.pixel_spacing())),
                    element(tags::SLICE_THICKNESS, VR::DS, "3"),
                ],
            ),
            group(
                tags::PLANE_ORIENTATION_SEQUENCE,
                vec![element(
                    tags::IMAGE_ORIENTATION_PATIENT,
                    VR::DS,
                    &decimals(&self.directions()),
                )],
            ),
            group(
                tags::MR_TIMING_AND_RELATED_PARAMETERS_SEQUENCE,
                vec![
                    element(tags::REPETITION_TIME, VR::DS, &self.texts[&tags::REPETITION_TIME].1),
                    element(tags::FLIP_ANGLE, VR::DS, &self.texts[&tags::FLIP_ANGLE].1),
                ],
            ),
            group(tags::MR_ECHO_SEQUENCE, vec![echo]),
        ];
        let per_frame = order.iter().map(|&slice| {
            let position = decimals(&self.position(slice));
            let position = element(tags::IMAGE_POSITION_PATIENT, VR::DS, &position);
            let slope = element(tags::RESCALE_SLOPE, VR::DS, &(slice + 1).to_string());
            InMemDicomObject::from_element_iter([
                group(tags::PLANE_POSITION_SEQUENCE, vec![position]),
                group(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, vec![slope]),
            ])
        });
        object.put(sequence(
            tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
            vec![InMemDicomObject::from_element_iter(shared)],
        ));
        object.put(sequence(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, per_frame.collect()));
        object.put(self.pixels(order));
        self.file(object, ENHANCED_MR_IMAGE, &instance)
    }

    fn file(&self, object: InMemDicomObject, class: &str, instance: &str) -> DefaultDicomObject {
        let meta = FileMetaTableBuilder::new()
            .transfer_syntax(self.syntax.identifier())
            .media_storage_sop_class_uid(class)
            .media_storage_sop_instance_uid(instance);
        object.with_meta(meta).unwrap()
    }

    fn pixels(&self, slices: &[usize]) -> InMemElement {
        let [allocated, stored, high] = self.bits;
        let shift = high + 1 - stored;
        let word = |sample: &i32| ((*sample as u32) & (u32::MAX >> (32 - stored))) << shift;
        let planes = || slices.iter().map(|&slice| self.samples.index_axis(Axis(0), slice));
        let bytes_each = usize::from(allocated / 8);
        let compress = |plane: ArrayView2<i32>| -> Vec<u8> {
            let words: Vec<u32> = plane.iter().map(word).collect();
            let (rows, columns) = plane.dim();
            let mut bytes = match self.syntax {
                Syntax::Rle => run_lengths(&words, bytes_each),
                Syntax::JpegLossless => jpeg::lossless(&words, rows, columns, stored as u8),
                Syntax::JpegBaseline => jpeg::blocks(&words, rows, columns),
                _ => vec![0xff, 0x4f],
            };
            bytes.resize(bytes.len().next_multiple_of(2), 0);
            bytes
        };
        let words: Vec<u32> =
            planes().flat_map(|plane| plane.iter().map(word).collect::<Vec<_>>()).collect();
        let (vr, value) = match (self.syntax, allocated) {
            (Syntax::Implicit | Syntax::Explicit | Syntax::BigEndian | Syntax::Deflated, 8) => {
                let bytes: Vec<u8> = words.iter().map(|&word| word as u8).collect();
                (VR::OB, PrimitiveValue::U8(bytes.into()))
            }
            (Syntax::Implicit | Syntax::Explicit | Syntax::BigEndian | Syntax::Deflated, 16) => {
                let words: Vec<u16> = words.iter().map(|&word| word as u16).collect();
                (VR::OW, PrimitiveValue::U16(words.into()))
            }
            (Syntax::Implicit | Syntax::Explicit | Syntax::BigEndian | Syntax::Deflated, _) => {
                (VR::OW, PrimitiveValue::U32(words.into()))
            }
            _ => {
                let fragments: Vec<InMemFragment> = planes().map(compress).collect();
                let value = PixelFragmentSequence::new(Vec::<u32>::new(), fragments);
                return DataElement::new(tags::PIXEL_DATA, VR::OB, Value::PixelSequence(value));
            }
        };
        DataElement::new(tags::PIXEL_DATA, vr, value)
    }

    /// Writes each slice to a file without ending, and says where they are.
    pub fn write(&self, folder: &Path) -> Vec<PathBuf> {
        fs::create_dir_all(folder).unwrap();
        let write = |slice| {
            let path = folder.join(format!("IM{slice:04}"));
            self.slice(slice).write_to_file(&path).unwrap();
            path
        };
        (0..self.slices()).map(write).collect()
    }

    /// Compares a volume with what was written: its place within 1e-3 mm, its voxels exactly.
    pub fn check(&self, volume: &Volume, value: impl Fn(usize, i32) -> f32) {
        let orientation = Orientation::to_sagittal(&volume.affine);
        let found = orientation.canonical_geometry(&volume.geometry());
        let (slices, rows, columns) = self.samples.dim();
        assert_eq!(found.shape, [slices, rows, columns]);
        for corner in [[0, 0, 0], [slices - 1, 0, 0], [0, rows - 1, 0], [0, 0, columns - 1]] {
            let corner = corner.map(|x| x as f64);
            let (a, b) = (found.affine.position(corner), self.affine.position(corner));
            let close = a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3);
            assert!(close, "{a:?} instead of {b:?}");
        }
        let voxels = orientation.apply(&volume.voxels);
        for (place, sample) in self.samples.indexed_iter() {
            assert_eq!(voxels[place], value(place.0, *sample), "{place:?}");
        }
    }
}

/// The only series below a folder.
pub fn only_series(folder: &Path) -> Series {
    let found = DicomFolder::read(folder).unwrap();
    assert_eq!(found.series.len(), 1, "{:?}", found.series);
    found.series.into_iter().next().unwrap()
}

pub fn element(tag: Tag, vr: VR, text: &str) -> InMemElement {
    DataElement::new(tag, vr, PrimitiveValue::from(text))
}

fn sequence(tag: Tag, items: Vec<InMemDicomObject>) -> InMemElement {
    DataElement::new(tag, VR::SQ, Value::Sequence(DataSetSequence::from(items)))
}

fn group(tag: Tag, elements: Vec<InMemElement>) -> InMemElement {
    sequence(tag, vec![InMemDicomObject::from_element_iter(elements)])
}

/// Numbers as scanners write them: at most 16 characters each.
fn decimals(numbers: &[f64]) -> String {
    let numbers = numbers.iter().map(|number| format!("{number:.10}"));
    numbers.map(|number| number[..number.len().min(16)].to_owned()).collect::<Vec<_>>().join("\\")
}
