//! The tables of an export and what their columns mean.

use super::dataset::ColumnDescription;
use super::lesions::DetectedLesion;
use crate::Result;
use crate::detection::Finding;
use crate::report::{Cell, Column, Table};

pub(super) const SCORE_COLUMNS: [ColumnDescription; 7] = [
    ("participant_id", "subject", None),
    ("level", "\"patient\" or \"segment\"", None),
    ("segment", "vertebral level or bin, for rows of a segment", None),
    (
        "score",
        "AnaScore: highest of the segments for a patient; n/a where nothing could be scored",
        None,
    ),
    (
        "lesion",
        "whether the ground truth has a lesion here: yes, no, or n/a where it is not known",
        None,
    ),
    ("from_mm", "arc length along the cord where the segment begins", Some("mm")),
    ("to_mm", "arc length along the cord where the segment ends", Some("mm")),
];

pub(super) const LESION_COLUMNS: [ColumnDescription; 15] = [
    ("participant_id", "subject", None),
    ("lesion", "number of the lesion, by falling anomaly", None),
    (
        "segment",
        "vertebral level or bin of the centre; n/a outside the levels that are scored",
        None,
    ),
    ("voxels", "voxels of the image", None),
    ("volume_mm3", "volume", Some("mm³")),
    ("length_mm", "extent along the axis of the cord", Some("mm")),
    ("diameter_mm", "diameter of the sphere of the same volume", Some("mm")),
    ("mean_anomaly", "mean of the anomaly map", None),
    ("highest_anomaly", "highest value of the anomaly map", None),
    ("i", "centre, first voxel index of the image file, counted from 0", Some("voxel")),
    ("j", "centre, second voxel index", Some("voxel")),
    ("k", "centre, third voxel index", Some("voxel")),
    (
        "x_mm",
        "centre in scanner coordinates, towards the patient's left or right as the affine says",
        Some("mm"),
    ),
    ("y_mm", "centre in scanner coordinates", Some("mm")),
    ("z_mm", "centre in scanner coordinates", Some("mm")),
];

fn table(title: &str, columns: &[ColumnDescription]) -> Table {
    Table::new(title, columns.iter().map(|(name, ..)| Column::number(*name, 3)).collect())
}

/// The table of scores, without rows.
pub(super) fn scores() -> Table {
    table("scores", &SCORE_COLUMNS)
}

/// Adds the rows of one subject: the patient and its segments.
pub(super) fn push_scores(scores: &mut Table, finding: &Finding) -> Result<()> {
    let yes_or_no =
        |lesion: Option<bool>| Cell::from(lesion.map(|yes| if yes { "yes" } else { "no" }));
    let subject = &finding.subject;
    scores.push(vec![
        Cell::from(&*subject.name),
        Cell::from("patient"),
        Cell::Missing,
        Cell::from(finding.is_scored().then_some(finding.score)),
        yes_or_no(subject.has_lesion()),
        Cell::Missing,
        Cell::Missing,
    ])?;
    for segment in &finding.segments {
        scores.push(vec![
            Cell::from(&*subject.name),
            Cell::from("segment"),
            Cell::from(segment.name.as_str()),
            Cell::from(segment.score),
            yes_or_no(segment.lesion),
            Cell::from(segment.from_mm),
            Cell::from(segment.to_mm),
        ])?;
    }
    Ok(())
}

/// One row per detected lesion.
pub(super) fn lesions(lesions: &[DetectedLesion]) -> Result<Table> {
    let mut table = table("lesions", &LESION_COLUMNS);
    for lesion in lesions {
        let mut row = vec![
            Cell::from(lesion.subject.as_str()),
            Cell::from(lesion.number),
            Cell::from(lesion.segment.as_deref()),
            Cell::from(lesion.voxels),
            Cell::from(lesion.volume_mm3),
            Cell::from(lesion.length_mm),
            Cell::from(lesion.diameter_mm),
            Cell::from(lesion.mean_anomaly),
            Cell::from(lesion.highest_anomaly),
        ];
        row.extend(lesion.centre_voxel.into_iter().chain(lesion.centre_mm).map(Cell::from));
        table.push(row)?;
    }
    Ok(table)
}
