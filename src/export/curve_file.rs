//! The anomaly along the cord of one subject's slices.

use std::path::Path;

use serde_json::json;

use super::names::OutputName;
use crate::Result;
use crate::detection::{Finding, Scoring};
use crate::files::{make_folder, write_json, write_whole};
use crate::report::{Cell, Column, Table};

/// Writes `…_desc-anomaly_curve.tsv`, one row per point of each slice's curve.
pub(super) fn write(
    dataset: &Path,
    name: &OutputName,
    finding: &Finding,
    scoring: Scoring,
) -> Result<()> {
    let columns = ["slice", "map_slice", "point", "position_mm", "anomaly", "segment"];
    let columns = columns.map(|column| Column::number(column, 3)).to_vec();
    let mut table = Table::new("curve", columns);
    for found in &finding.slices {
        let Some(curve) = &found.curve else { continue };
        let place = &finding.subject.slices[found.slice];
        let slice = finding.subject.voxel_of(place);
        let number = finding.subject.slice_number(place);
        for (point, (position, anomaly)) in curve.position_mm.iter().zip(&curve.error).enumerate() {
            let segment = curve.segment_at(*position);
            table.push(vec![
                Cell::from(slice),
                Cell::from(number),
                Cell::from(point + 1),
                Cell::from(*position),
                Cell::from(*anomaly),
                Cell::from(segment.map(|segment| segment.name.as_str())),
            ])?;
        }
    }
    let folder = dataset.join(&name.folder);
    make_folder(&folder)?;
    write_whole(&dataset.join(name.file("_desc-anomaly_curve.tsv")), table.to_tsv().as_bytes())?;
    let sidecar = json!({
        "slice": { "Description": "voxel index of the slice in the image file, counted from 0; the middle one of an average" },
        "map_slice": { "Description": "index of the slice in maps with res-u2ad, counted from 0 at the patient's right" },
        "point": { "Description": "number of the point in its slice, as in the map res-u2ad_desc-curve_dseg" },
        "position_mm": { "Description": "arc length along the cord from its upper end", "Units": "mm" },
        "anomaly": { "Description": scoring.quantity() },
        "segment": { "Description": "vertebral level or bin" },
    });
    write_json(&dataset.join(name.file("_desc-anomaly_curve.json")), &sidecar)
}
