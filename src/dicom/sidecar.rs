//! What a BIDS sidecar keeps of the headers: settings of the scanner, nothing about the patient, the place
//! or the time.

use serde_json::{Map, Value, json};

use super::elements::Elements;
use super::tags::{self, Tag};

/// Numbers by their name in BIDS: where they stand, and the factor to the unit of BIDS.
const NUMBERS: [(&str, &[Tag], f64); 6] = [
    ("MagneticFieldStrength", &[tags::MAGNETIC_FIELD_STRENGTH], 1.0),
    ("EchoTime", &[tags::ECHO_TIME, tags::EFFECTIVE_ECHO_TIME], MILLISECONDS),
    ("RepetitionTime", &[tags::REPETITION_TIME], MILLISECONDS),
    ("InversionTime", &[tags::INVERSION_TIME, tags::INVERSION_TIMES], MILLISECONDS),
    ("FlipAngle", &[tags::FLIP_ANGLE], 1.0),
    ("SliceThickness", &[tags::SLICE_THICKNESS], 1.0),
];
const MILLISECONDS: f64 = 1e-3;

/// Words that the standard defines. Free text, such as the name of the protocol, can hold names of people.
const CODES: [(&str, Tag); 3] = [
    ("ScanningSequence", tags::SCANNING_SEQUENCE),
    ("SequenceVariant", tags::SEQUENCE_VARIANT),
    ("MRAcquisitionType", tags::MR_ACQUISITION_TYPE),
];
/// Names of maker and model, which the scanner writes itself.
const MAKER: [(&str, Tag); 2] = [
    ("Manufacturer", tags::MANUFACTURER),
    ("ManufacturersModelName", tags::MANUFACTURER_MODEL_NAME),
];

/// The sidecar of a series: elements of one of its images, and the distance of its slices in mm.
pub(super) fn sidecar(elements: &Elements<'_, '_>, slice_spacing: f64) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, tag) in MAKER {
        if let Some(text) = elements.text(tag) {
            kept.insert(name.into(), json!(text));
        }
    }
    for (name, tag) in CODES {
        let words: Vec<String> =
            elements.words(tag).into_iter().filter(|word| is_code(word)).collect();
        if !words.is_empty() {
            kept.insert(name.into(), json!(words.join("_")));
        }
    }
    for (name, places, factor) in NUMBERS {
        let number = places.iter().find_map(|&tag| elements.number(tag));
        if let Some(number) = number.filter(|&number| number > 0.0) {
            kept.insert(name.into(), json!(rounded(number * factor)));
        }
    }
    kept.insert("SpacingBetweenSlices".into(), json!(rounded(slice_spacing)));
    kept
}

/// Whether a word is a code of the standard by its form.
fn is_code(word: &str) -> bool {
    let codes = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=16).contains(&word.len()) && word.bytes().all(codes)
}

/// Without the digits that a change of unit adds.
fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}
