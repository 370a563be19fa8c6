//! What of a patient was evaluated: tells whether two evaluations saw the same pixels and ground truth.

use std::fmt;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::cohort::{Slice, Subject};
use crate::files::Fingerprint;

/// Hexadecimal digits of a hash: enough to tell two masks of one patient apart.
const DIGITS: usize = 16;
/// Pixel edges that differ by less are equal, mm.
const SAME_MM: f64 = 1e-6;

/// The slices of one patient, their scoring regions and their ground truth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::evaluation) struct Examined {
    /// Edge of the square slices, pixels; 0 without slices.
    pub size: usize,
    /// Edge of a pixel, mm (rows, columns).
    pub pixel_mm: (f64, f64),
    /// Slices, and acquired slices that each of them is the average of.
    pub slices: usize,
    pub averaged: usize,
    /// Pixels of the scoring regions.
    pub scored_pixels: usize,
    /// A hash of the scoring regions.
    pub scoring: String,
    /// A hash of the lesion masks; `None` where those of some slices are not known.
    pub lesions: Option<String>,
}

impl Examined {
    pub fn of(subject: &Subject) -> Self {
        let first = subject.slices.first();
        let known = subject.slices.iter().all(|slice| slice.lesion.is_some());
        let scored = subject.slices.iter().flat_map(|slice| &slice.scoring);
        Self {
            size: first.map_or(0, Slice::size),
            pixel_mm: first.map_or((0.0, 0.0), |slice| slice.pixel_spacing_mm),
            slices: subject.slices.len(),
            averaged: subject.averaged,
            scored_pixels: scored.filter(|scored| **scored).count(),
            scoring: hash(subject, |slice| Some(&slice.scoring)),
            lesions: known.then(|| hash(subject, |slice| slice.lesion.as_ref())),
        }
    }

    /// Whether the slices have the same field of view and pixels.
    pub fn has_the_pixels_of(&self, other: &Self) -> bool {
        let same = |one: f64, other: f64| (one - other).abs() < SAME_MM;
        self.size == other.size
            && same(self.pixel_mm.0, other.pixel_mm.0)
            && same(self.pixel_mm.1, other.pixel_mm.1)
    }

    /// Whether the slices are also of the same thickness. A model may average thin ones where a baseline does not.
    pub fn has_the_slices_of(&self, other: &Self) -> bool {
        self.has_the_pixels_of(other) && self.averaged == other.averaged
    }
}

/// Size and field of view: "128 pixels for 128 mm".
impl fmt::Display for Examined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pixels for {:.0} mm", self.size, self.size as f64 * self.pixel_mm.0)
    }
}

/// A hash of one mask of every slice that has it.
fn hash(subject: &Subject, mask: impl Fn(&Slice) -> Option<&Array2<bool>>) -> String {
    let mut all = Fingerprint::default();
    for slice in &subject.slices {
        if let Some(mask) = mask(slice) {
            all.add(slice.index.to_le_bytes());
            all.add(mask.iter().map(|inside| u8::from(*inside)).collect::<Vec<u8>>());
        }
    }
    all.finish().chars().take(DIGITS).collect()
}
