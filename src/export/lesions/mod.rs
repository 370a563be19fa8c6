//! Lesions and their measures: those that were detected, those of the ground truth, both against each
//! other, and the load of a subject and its vertebral levels.
//!
//! A lesion is a group of connected voxels (26 neighbours) in the grid of the image file. What is
//! detected are the detections of evaluations, of at least [`DETECTION_PIXELS`](crate::evaluation::DETECTION_PIXELS)
//! preprocessed pixels, by nearest neighbour; coarser voxels may join or part them. The ground truth is what evaluation sees of it: the mask as preprocessed slices hold it, by nearest neighbour there
//! and back. Its volumes may therefore differ from those of the mask file, by a third in small lesions, and what lies outside
//! the field or in slices without cord is not in it; a warning says so when the subject is preprocessed.
//!
//! Positions are arc lengths along one centre line per subject: the axis of the cord in the slice that
//! shows most of it. Signals are preprocessed intensities, whose zero and unit depend on the scanner; the
//! relative ones, between cord and fluid, do not.

mod column;
mod lesion_set;
mod load;
mod matching;
mod measure;
mod shape;
mod subject_volume;
mod tables;

use ndarray::Array3;

use crate::Result;
use crate::detection::Finding;

pub use self::column::MeasureColumn;
pub use self::lesion_set::has_known_lesions;
pub use self::load::LevelLoad;
pub use self::matching::{LesionMatch, MatchStatus};
pub use self::measure::Lesion;
pub(super) use self::subject_volume::{SubjectVolume, slices_to_native, to_native};
pub use self::tables::{
    LESION_COLUMNS, LOAD_COLUMNS, MATCH_COLUMNS, lesion_match_table, lesion_table, load_table,
};

/// All that is known of one subject's lesions at a threshold.
#[derive(Clone, Debug, Default)]
pub(super) struct SubjectLesions {
    pub detected: Vec<Lesion>,
    /// `None` where the ground truth is not known.
    pub matches: Option<Vec<LesionMatch>>,
    pub load: Vec<LevelLoad>,
    /// The voxels that are detected.
    pub mask: Array3<bool>,
    /// The same with the number of their lesion, 0 elsewhere.
    pub numbered: Array3<u16>,
}

impl SubjectLesions {
    /// At a threshold > 0 of the anomaly map.
    pub fn new(volume: &SubjectVolume, threshold: f64) -> Self {
        let detected = lesion_set::detected(volume, threshold);
        Self {
            matches: lesion_set::truth(volume).map(|truth| matching::matches(&truth, &detected)),
            load: load::load(volume, &detected),
            numbered: detected.numbered(),
            detected: detected.lesions,
            mask: detected.mask,
        }
    }
}

/// The lesions that are detected in one subject at a threshold > 0 of the anomaly map, the one with the
/// highest anomaly first; `None` of a subject whose slices came preprocessed.
///
/// # Errors
/// If its maps do not fit its volume.
pub fn detected_lesions(finding: &Finding, threshold: f64) -> Result<Option<Vec<Lesion>>> {
    let volume = SubjectVolume::new(finding)?;
    Ok(volume.map(|volume| lesion_set::detected(&volume, threshold).lesions))
}

/// The lesions of one subject's ground truth, the largest first; `None` where it is not known, or the
/// slices came preprocessed.
///
/// # Errors
/// As [`detected_lesions`].
pub fn true_lesions(finding: &Finding) -> Result<Option<Vec<Lesion>>> {
    let volume = SubjectVolume::new(finding)?;
    Ok(volume.and_then(|volume| lesion_set::truth(&volume)).map(|truth| truth.lesions))
}

/// Detected lesions against the ground truth: first the true ones, detected or missed, the largest first;
/// then the false positives. `None` as for [`true_lesions`].
///
/// # Errors
/// As [`detected_lesions`].
pub fn matched_lesions(finding: &Finding, threshold: f64) -> Result<Option<Vec<LesionMatch>>> {
    let Some(volume) = SubjectVolume::new(finding)? else { return Ok(None) };
    let Some(truth) = lesion_set::truth(&volume) else { return Ok(None) };
    Ok(Some(matching::matches(&truth, &lesion_set::detected(&volume, threshold))))
}

/// How much of one subject's cord is detected as lesion: the subject as a whole, then each vertebral
/// level or bin, superior first; `None` of a subject whose slices came preprocessed.
///
/// # Errors
/// As [`detected_lesions`].
pub fn lesion_load(finding: &Finding, threshold: f64) -> Result<Option<Vec<LevelLoad>>> {
    let volume = SubjectVolume::new(finding)?;
    Ok(volume.map(|volume| load::load(&volume, &lesion_set::detected(&volume, threshold))))
}
