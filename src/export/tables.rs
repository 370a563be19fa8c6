//! The tables of an export and what their columns mean.

use serde_json::Value;

use super::dataset::described;
use crate::Result;
use crate::detection::Finding;
use crate::report::{Cell, Column, Table};

const SCORE_COLUMNS: [(&str, &str, Option<&str>); 9] = [
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
    ("from_mm", "arc length along the cord in this slice where the segment begins", Some("mm")),
    ("to_mm", "arc length along the cord in this slice where the segment ends", Some("mm")),
    (
        "slice",
        "the slice with the segment's highest score: its voxel index in the image file, counted from 0; the middle one of \
         an average",
        None,
    ),
    (
        "remarks",
        "what to know about the image and its masks, joined by \"; \", for rows of a patient; n/a if nothing is",
        None,
    ),
];

/// The table of scores, without rows.
pub(super) fn scores() -> Table {
    Table::new("scores", SCORE_COLUMNS.iter().map(|(name, ..)| Column::number(*name, 3)).collect())
}

/// What its columns mean.
pub(super) fn score_dictionary() -> impl Iterator<Item = (String, Value)> {
    SCORE_COLUMNS.iter().map(|(name, description, unit)| described(name, description, *unit))
}

/// Adds the rows of one subject: the patient, with the remarks about it, and its segments.
pub(super) fn push_scores(scores: &mut Table, finding: &Finding, remarks: &[String]) -> Result<()> {
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
        Cell::Missing,
        Cell::list(remarks),
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
            Cell::from(finding.slice_of(segment).map(|slice| subject.voxel_of(slice))),
            Cell::Missing,
        ])?;
    }
    Ok(())
}
