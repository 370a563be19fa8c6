//! Detected lesions against those of the ground truth.

use super::lesion_set::LesionSet;
use super::measure::Lesion;
use super::subject_volume::Voxel;
use crate::evaluation::DETECTION_OVERLAP;

/// What became of a lesion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchStatus {
    /// A lesion of the ground truth that a true detection overlaps.
    Detected,
    /// A lesion of the ground truth that none does.
    Missed,
    /// A detection of which less than [`DETECTION_OVERLAP`] is lesion.
    FalsePositive,
}

impl MatchStatus {
    /// As tables have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Detected => "detected",
            Self::Missed => "missed",
            Self::FalsePositive => "false positive",
        }
    }
}

/// A lesion of the ground truth with what was detected of it, or a false positive.
#[derive(Clone, Debug, PartialEq)]
pub struct LesionMatch {
    pub status: MatchStatus,
    /// The lesion of the ground truth; of a false positive the detected one.
    pub lesion: Lesion,
    /// Numbers of the detected lesions that overlap it.
    pub overlapping: Vec<usize>,
    /// Overlap of the lesion with all of them together: 2 × common voxels / sum of both, 0 to 1.
    pub dice: f64,
    /// Share of the lesion's voxels that are detected, 0 to 1.
    pub covered: f64,
}

/// A detection is a true one if at least [`DETECTION_OVERLAP`] of its voxels are lesion, as in
/// [`LesionLevel`](crate::evaluation::LesionLevel).
pub(super) fn matches(truth: &LesionSet, detected: &LesionSet) -> Vec<LesionMatch> {
    let common = |voxels: &[Voxel], other: &LesionSet| {
        voxels.iter().filter(|voxel| other.mask[**voxel]).count()
    };
    let is_true: Vec<bool> = detected
        .voxels
        .iter()
        .map(|voxels| {
            let lesion = common(voxels, truth);
            lesion > 0 && lesion as f64 >= DETECTION_OVERLAP * voxels.len() as f64
        })
        .collect();
    let mut matches = Vec::new();
    for (lesion, voxels) in truth.lesions.iter().zip(&truth.voxels) {
        // Voxels are in scan order, hence sorted.
        let shared = |place: &usize| {
            let of: &[Voxel] = &detected.voxels[*place];
            of.iter().filter(|voxel| voxels.binary_search(voxel).is_ok()).count()
        };
        let over: Vec<(usize, usize)> = (0..detected.voxels.len())
            .map(|place| (place, shared(&place)))
            .filter(|(_, shared)| *shared > 0)
            .collect();
        let both: usize = over.iter().map(|(_, shared)| shared).sum();
        let found: usize = over.iter().map(|(place, _)| detected.voxels[*place].len()).sum();
        let is_detected = over.iter().any(|(place, _)| is_true[*place]);
        matches.push(LesionMatch {
            status: if is_detected { MatchStatus::Detected } else { MatchStatus::Missed },
            overlapping: over.iter().map(|(place, _)| detected.lesions[*place].number).collect(),
            dice: 2.0 * both as f64 / (voxels.len() + found) as f64,
            covered: both as f64 / voxels.len() as f64,
            lesion: lesion.clone(),
        });
    }
    let wrong = detected.lesions.iter().zip(is_true).filter(|(_, is_true)| !is_true);
    matches.extend(wrong.map(|(lesion, _)| LesionMatch {
        status: MatchStatus::FalsePositive,
        overlapping: vec![lesion.number],
        lesion: lesion.clone(),
        dice: 0.0,
        covered: 0.0,
    }));
    matches
}
