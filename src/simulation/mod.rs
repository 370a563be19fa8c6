//! Simulated lesions: T2 hyperintensities painted into real or synthetic cords, with their ground
//! truth.
//!
//! They have two purposes. The pseudo-anomaly study of the paper paints bright ellipses into healthy
//! cords and asks how well a method finds them. And a network that scores pixels learns from them
//! what a hyperintensity looks like, without a label of a real one.
//!
//! A lesion is a soft, irregular blob that is long along the cord and narrower across it. It is
//! drawn in the plane of each slice, fades over neighbouring slices by their distance in mm,
//! stays inside the cord, is blurred by the acquisition, and is added to the image as a fraction
//! of the subject's own contrast between fluid and cord.

mod blob;

use ndarray::{Array2, Zip};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use blob::Blob;

use crate::cohort::{PAINTED, Subject, TissueIntensity};
use crate::context::Stream;
use crate::files::Fingerprint;
use crate::options::setters;
use crate::volume::gaussian_filter;
use crate::{Error, Result};

/// Which lesions are drawn. Ranges are (minimum, maximum); sizes and contrasts are drawn
/// log-uniformly, so that small and faint ones are as common as large and bright ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LesionSimulator {
    /// Lesions of a subject.
    pub count: (usize, usize),
    /// Length along the cord, mm.
    pub length_mm: (f64, f64),
    /// Width from front to back, mm.
    pub width_mm: (f64, f64),
    /// Width from right to left, mm.
    pub depth_mm: (f64, f64),
    /// (lesion − cord) / (fluid − cord) at the lesion's centre.
    pub contrast: (f64, f64),
}

impl Default for LesionSimulator {
    fn default() -> Self {
        Self {
            count: (0, 3),
            length_mm: (3.0, 28.0),
            width_mm: (2.0, 8.0),
            depth_mm: (2.5, 9.0),
            contrast: (0.1, 0.6),
        }
    }
}

setters!(LesionSimulator {
    /// With this many lesions per subject (minimum, maximum).
    count: (usize, usize),
    /// With lesions of this length along the cord, mm (minimum, maximum).
    length_mm: (f64, f64),
    /// With lesions of this width from front to back, mm (minimum, maximum).
    width_mm: (f64, f64),
    /// With lesions of this width from right to left, mm (minimum, maximum).
    depth_mm: (f64, f64),
    /// With this contrast as a fraction of fluid − cord (minimum, maximum).
    contrast: (f64, f64),
});

/// Coverage from which a pixel counts as lesion: about the half-maximum of its blurred border.
const LESION_COVERAGE: f32 = 0.42;
/// Spacing of slices whose distance is unknown (they came preprocessed): a clinical protocol's.
const USUAL_SPACING_MM: f64 = 3.3;
/// Blur of the painted lesion and softness of the cord's border, pixels (standard deviation).
const BLUR_PIXELS: (f64, f64) = (0.4, 0.9);
const BORDER_PIXELS: f64 = 0.7;

/// A subject with simulated lesions.
#[derive(Clone, Debug)]
pub struct SimulatedSubject {
    /// Its images with lesions, its ground truth the lesions' pixels.
    pub subject: Subject,
    /// Per slice, what was added to the image, in units of fluid − cord.
    pub added: Vec<Array2<f32>>,
}

impl LesionSimulator {
    /// Whether the ranges make sense.
    ///
    /// # Errors
    /// [`Error::Input`] that names the first range that does not.
    pub fn validate(&self) -> Result<()> {
        let ranges = [
            ("length_mm", self.length_mm),
            ("width_mm", self.width_mm),
            ("depth_mm", self.depth_mm),
            ("contrast", self.contrast),
        ];
        for (name, (least, greatest)) in ranges {
            if !(least > 0.0 && least <= greatest && greatest.is_finite()) {
                return Err(Error::input(format!(
                    "{name} of simulated lesions must be two increasing positive numbers, not \
                     ({least}, {greatest})"
                )));
            }
        }
        let (least, greatest) = self.count;
        if least > greatest {
            return Err(Error::input(format!(
                "count of simulated lesions must be two increasing numbers, not ({least}, {greatest})"
            )));
        }
        Ok(())
    }

    /// Paints lesions into a subject's cord. Lesions that the subject already has stay in the image
    /// but not in the ground truth, which knows the simulated ones only.
    ///
    /// # Errors
    /// As [`Self::validate`], and if the subject has no cord.
    pub fn paint(&self, subject: &Subject, stream: &mut Stream) -> Result<SimulatedSubject> {
        self.validate()?;
        let name = &*subject.name;
        let slices: Vec<_> = subject.slices.iter().collect();
        let tissue = TissueIntensity::of(&slices)
            .ok_or_else(|| Error::subject(name, "has no cord to paint lesions into"))?;
        let count = stream.random_range(self.count.0..=self.count.1);
        let spacing_mm = subject.acquired_spacing_mm().unwrap_or(USUAL_SPACING_MM);
        let blobs: Vec<Blob> = (0..count).map(|_| Blob::draw(self, subject, stream)).collect();
        let blur = stream.random_range(BLUR_PIXELS.0..BLUR_PIXELS.1);
        let mut painted = subject.clone();
        let mut added = Vec::with_capacity(painted.slices.len());
        for slice in &mut painted.slices {
            let cord = slice.cord.mapv(|inside| if inside { 1.0 } else { 0.0 });
            let cord = gaussian_filter(&cord, (BORDER_PIXELS, BORDER_PIXELS));
            let mut coverage = Array2::<f32>::zeros(cord.dim());
            let mut sum = Array2::<f32>::zeros(cord.dim());
            for blob in &blobs {
                let Some(cover) = blob.coverage(slice, spacing_mm) else { continue };
                let cover = gaussian_filter(&cover, (blur, blur)) * &cord;
                Zip::from(&mut coverage).and(&mut sum).and(&cover).for_each(
                    |coverage, sum, cover| {
                        *coverage = coverage.max(*cover);
                        *sum = sum.max(cover * blob.contrast);
                    },
                );
            }
            Zip::from(&mut slice.image)
                .and(&sum)
                .for_each(|image, sum| *image = (*image + sum * tissue.contrast).clamp(0.0, 1.0));
            let lesion = Zip::from(&coverage)
                .and(&slice.cord)
                .map_collect(|cover, cord| *cover > LESION_COVERAGE && *cord);
            slice.lesion = Some(lesion);
            added.push(sum);
        }
        let mut lesions = painted.slices.iter().flat_map(|slice| &slice.lesion).flatten();
        let has_lesion = if lesions.any(|lesion| *lesion) { "1" } else { "0" };
        painted.lesion_marked = false;
        // Other images than those of the file, and than those of other simulated lesions.
        painted.image_hash = painted.image_hash.map(|of_file| {
            let mut all = Fingerprint::default();
            all.add(&of_file);
            painted.slices.iter().for_each(|slice| slice.add_to(&mut all));
            let file = of_file.split(PAINTED).next().unwrap_or_default();
            format!("{file}{PAINTED}{}", all.finish())
        });
        painted.participant.insert("has_lesion".to_owned(), has_lesion.to_owned());
        Ok(SimulatedSubject { subject: painted, added })
    }
}

#[cfg(test)]
mod tests;
