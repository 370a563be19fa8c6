//! One preprocessed sagittal slice.

use std::ops::RangeInclusive;
use std::sync::Arc;

use ndarray::Array2;

use crate::files::Fingerprint;
use crate::{Error, Result};

/// A square sagittal slice, rows from superior to inferior, columns from anterior to posterior.
/// All arrays have the same shape (size, size).
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// Name of the subject it belongs to.
    pub subject: Arc<str>,
    /// Position in the canonical volume, counted from the patient's right, starting at 0.
    pub index: usize,
    /// Its voxel index in the image file, along the axis that slices lie on: the first and the last one of an
    /// average of several. `None` if it came preprocessed.
    pub voxels: Option<RangeInclusive<usize>>,
    /// Intensity in [0, 1].
    pub image: Array2<f32>,
    /// Spinal cord.
    pub cord: Array2<bool>,
    /// Cerebrospinal fluid.
    pub csf: Array2<bool>,
    /// Region of interest: cord and fluid, dilated by one pixel. Only its patches are ever hidden.
    pub region: Array2<bool>,
    /// Where anomalies are scored: the cord, eroded with a 3 × 3 square.
    pub scoring: Array2<bool>,
    /// Lesion pixels of the ground truth, if it is known (all false: known to have no lesion).
    pub lesion: Option<Array2<bool>>,
    /// Edge length of a pixel in mm (rows, columns).
    pub pixel_spacing_mm: (f64, f64),
}

impl Slice {
    /// Edge length of the square image in pixels.
    pub fn size(&self) -> usize {
        self.image.nrows()
    }

    /// Whether it is as large as the slices that something takes, such as "model".
    ///
    /// # Errors
    /// If it is not.
    pub(crate) fn check_size(&self, wanted: usize, taker: &str) -> Result<()> {
        let size = self.size();
        if size == wanted {
            return Ok(());
        }
        Err(Error::subject(
            &*self.subject,
            format!(
                "its slices are {size} × {size} pixels but the {taker} takes {wanted} × {wanted}"
            ),
        ))
    }

    /// Its number, and the voxel index in the file: "slice 3 (voxel 12)". What figures and reports call it.
    pub fn place(&self) -> String {
        let number = format!("slice {}", self.index);
        self.voxel_words().map_or_else(|| number.clone(), |voxels| format!("{number} ({voxels})"))
    }

    /// Its voxel index in the file: "voxel 12", or "voxels 11 to 13" of an average. `None` if it came preprocessed.
    pub fn voxel_words(&self) -> Option<String> {
        let voxels = self.voxels.as_ref()?;
        let (first, last) = (voxels.start(), voxels.end());
        Some(match first == last {
            true => format!("voxel {first}"),
            false => format!("voxels {first} to {last}"),
        })
    }

    /// A hash of its image and region: what masks are made from, whoever it is called after.
    pub(crate) fn content_hash(&self) -> String {
        let mut all = Fingerprint::default();
        all.add(format!("{:?}", self.image.dim()));
        all.add(self.image.iter().flat_map(|pixel| pixel.to_le_bytes()).collect::<Vec<u8>>());
        all.add(self.region.iter().map(|inside| u8::from(*inside)).collect::<Vec<u8>>());
        all.finish()
    }

    /// Adds everything that it holds to a fingerprint.
    pub(crate) fn add_to(&self, all: &mut Fingerprint) {
        let Self {
            subject,
            index,
            // Follows from the index and the file.
            voxels: _,
            image,
            cord,
            csf,
            region,
            scoring,
            lesion,
            pixel_spacing_mm,
        } = self;
        all.add(subject.as_bytes());
        all.add(format!("{index} {pixel_spacing_mm:?} {:?}", image.dim()));
        all.add(image.iter().flat_map(|pixel| pixel.to_le_bytes()).collect::<Vec<u8>>());
        for mask in [Some(cord), Some(csf), Some(region), Some(scoring), lesion.as_ref()] {
            let mask = mask.into_iter().flatten();
            all.add(mask.map(|inside| u8::from(*inside)).collect::<Vec<u8>>());
        }
    }
}
