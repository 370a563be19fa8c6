//! How much of a cord lesions occupy.

use super::lesion_set::LesionSet;
use super::subject_volume::{SubjectVolume, Voxel};

/// Lesions of one subject, or of one of its vertebral levels.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelLoad {
    pub subject: String,
    /// Vertebral level or bin; `None` of the subject as a whole.
    pub segment: Option<String>,
    /// Lesions, each counted in the segment of its centre.
    pub lesions: usize,
    /// Volume of the lesions, each voxel counted in its own segment, mm³.
    pub volume_mm3: f64,
    /// Volume of the cord in the slices that were looked at, with its lesions, mm³.
    pub cord_mm3: f64,
    /// The first of the two over the second, 0 to 1; `None` without cord.
    pub cord_share: Option<f64>,
}

/// The subject as a whole, then each scored segment that the cord reaches, superior first.
pub(super) fn load(volume: &SubjectVolume, set: &LesionSet) -> Vec<LevelLoad> {
    let lesion: Vec<(Voxel, Option<&str>)> = set
        .voxels
        .iter()
        .flatten()
        .map(|voxel| (*voxel, volume.segment(volume.height_mm(*voxel))))
        .collect();
    // A lesion's voxels count as cord.
    let cord: Vec<Option<&str>> = volume
        .cord
        .iter()
        .filter(|tissue| !set.mask[tissue.voxel])
        .map(|tissue| volume.segment(tissue.height_mm))
        .chain(lesion.iter().map(|(_, segment)| *segment))
        .collect();
    let row = |segment: Option<&str>| {
        let here = |at: Option<&str>| segment.is_none() || at == segment;
        let in_mm3 = |voxels: usize| voxels as f64 * volume.voxel_mm3();
        let volume_mm3 = in_mm3(lesion.iter().filter(|(_, at)| here(*at)).count());
        let cord_mm3 = in_mm3(cord.iter().filter(|at| here(**at)).count());
        let lesions = set.lesions.iter().filter(|lesion| here(lesion.segment.as_deref()));
        LevelLoad {
            subject: volume.finding.subject.name.to_string(),
            segment: segment.map(str::to_owned),
            lesions: lesions.count(),
            volume_mm3,
            cord_mm3,
            cord_share: (cord_mm3 > 0.0).then(|| volume_mm3 / cord_mm3),
        }
    };
    let segments = volume.segments().iter().map(|segment| Some(segment.name.as_str()));
    std::iter::once(None).chain(segments).map(row).collect()
}
