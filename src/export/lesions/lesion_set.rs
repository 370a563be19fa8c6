//! All lesions of one subject: what is detected, and the ground truth.

use ndarray::{Array2, Array3, Axis, Zip};

use super::measure::{Lesion, LesionReference, count_rows, measure};
use super::shape::{Voxels, groups};
use super::subject_volume::SubjectVolume;
use crate::cohort::Subject;
use crate::detection::SliceFinding;
use crate::evaluation::DETECTION_PIXELS;

/// Lesions with their voxels.
pub(in crate::export) struct LesionSet {
    pub lesions: Vec<Lesion>,
    /// Of each lesion.
    pub voxels: Vec<Voxels>,
    /// All of them.
    pub mask: Array3<bool>,
}

impl LesionSet {
    /// The number of the lesion that each voxel belongs to, 0 elsewhere.
    pub fn numbered(&self) -> Array3<u16> {
        let mut numbered = Array3::zeros(self.mask.dim());
        for (lesion, voxels) in self.lesions.iter().zip(&self.voxels) {
            // Lesions beyond number 65 535 share that number.
            let number = u16::try_from(lesion.number).unwrap_or(u16::MAX);
            voxels.iter().for_each(|voxel| numbered[*voxel] = number);
        }
        numbered
    }
}

/// What is detected at a threshold > 0 of the anomaly map, the highest anomaly first: the detections of an evaluation, from
/// which thresholds come, in the voxels of the image.
pub(in crate::export) fn detected(volume: &SubjectVolume, threshold: f64) -> LesionSet {
    measured(volume, &detections(volume, threshold), |lesion| lesion.highest_anomaly)
}

/// The voxels of groups of at least [`DETECTION_PIXELS`] connected pixels of the scoring regions, whose anomaly reaches the
/// threshold.
fn detections(volume: &SubjectVolume, threshold: f64) -> Array3<bool> {
    let (finding, subject) = (volume.finding, &volume.finding.subject);
    let place = |found: &SliceFinding| subject.slice_number(&subject.slices[found.slice]);
    let depth = finding.slices.iter().map(|found| place(found) + 1).max().unwrap_or(0);
    let (rows, columns) = finding.slices.first().map_or((0, 0), |found| found.anomaly.dim());
    let mut above = Array3::from_elem((depth, rows, columns), false);
    for found in &finding.slices {
        Zip::from(above.index_axis_mut(Axis(0), place(found)))
            .and(&found.anomaly)
            .and(&subject.slices[found.slice].scoring)
            .for_each(|above, anomaly, scored| {
                *above = *scored && *anomaly > 0.0 && f64::from(*anomaly) >= threshold;
            });
    }
    let (kept, _) = groups(&above, DETECTION_PIXELS);
    let masks: Vec<(usize, Array2<bool>)> = finding
        .slices
        .iter()
        .map(|found| (found.slice, kept.index_axis(Axis(0), place(found)).to_owned()))
        .collect();
    // Masks of all slices fit: those of the tissues did.
    volume
        .masks_to_native(masks.iter().map(|(slice, mask)| (&subject.slices[*slice], mask)))
        .unwrap_or_else(|_| Array3::from_elem(volume.anomaly.dim(), false))
}

/// Whether the ground truth of every slice of a subject is known.
pub fn has_known_lesions(subject: &Subject) -> bool {
    subject.slices.iter().all(|slice| slice.lesion.is_some()) || subject.has_lesion() == Some(false)
}

/// The ground truth, the largest first; `None` where it is not known.
pub(in crate::export) fn truth(volume: &SubjectVolume) -> Option<LesionSet> {
    if !has_known_lesions(&volume.finding.subject) {
        return None;
    }
    // A mask that does not fit was an error of the volume.
    let mask = volume.mask(|slice| slice.lesion.as_ref()).ok()?;
    Some(measured(volume, &mask, |lesion| lesion.volume_mm3))
}

/// The lesions of a mask, numbered by falling `rank`. Groups of one voxel count: coarse voxels may part a detection.
fn measured(volume: &SubjectVolume, mask: &Array3<bool>, rank: fn(&Lesion) -> f64) -> LesionSet {
    let (mask, groups) = groups(mask, 1);
    let cord = volume.cord.iter().map(|tissue| tissue.voxel).filter(|voxel| !mask[*voxel]);
    let cord_rows = count_rows(volume, cord.chain(groups.iter().flatten().copied()));
    let reference = LesionReference { lesions: &mask, cord_rows };
    let mut lesions: Vec<(Lesion, Voxels)> =
        groups.into_iter().map(|voxels| (measure(volume, &voxels, &reference), voxels)).collect();
    // The sort is stable, so equals stay in the order of the file.
    lesions.sort_by(|(a, _), (b, _)| rank(b).total_cmp(&rank(a)));
    let (mut lesions, voxels): (Vec<Lesion>, Vec<Voxels>) = lesions.into_iter().unzip();
    for (place, lesion) in lesions.iter_mut().enumerate() {
        lesion.number = place + 1;
    }
    LesionSet { lesions, voxels, mask }
}
