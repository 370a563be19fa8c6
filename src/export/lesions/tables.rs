//! Tables of lesions: what the shell shows and an export writes.

use super::column::{MeasureColumn, in_unit, plain, tabulated, words};
use super::load::LevelLoad;
use super::matching::LesionMatch;
use super::measure::Lesion;
use crate::Result;
use crate::report::{Cell, Table};

const MM: &str = "mm";
const MM3: &str = "mm³";
const INTENSITY: &str = "preprocessed intensity";

/// The measures of a lesion.
pub const LESION_COLUMNS: &[MeasureColumn<Lesion>] = &[
    words("participant_id", "subject", |l| l.subject.as_str().into()),
    plain(
        "lesion",
        0,
        "number of the lesion: of detected ones by falling anomaly, of the ground truth by falling volume",
        |l| l.number.into(),
    ),
    words(
        "segment",
        "vertebral level of the centre, or bin where discs are not labelled; n/a outside the levels that are scored",
        |l| l.segment.as_deref().into(),
    ),
    words(
        "scored",
        "whether the AnaScore looks at any of it: not in slices that show too little cord, nor beyond C1/C2 and T1/T2",
        |l| if l.scored { "yes" } else { "no" }.into(),
    ),
    plain("voxels", 0, "connected voxels of the image (26 neighbours)", |l| l.voxels.into()),
    in_unit(
        "volume_mm3",
        MM3,
        1,
        "volume: voxels times the volume of one; of masks resampled to the slices and back, so that it may differ from that of \
         the mask's file",
        |l| l.volume_mm3.into(),
    ),
    in_unit(
        "length_mm",
        MM,
        1,
        "superior-inferior extent along the centre line of the cord",
        |l| l.length_mm.into(),
    ),
    in_unit(
        "width_mm",
        MM,
        1,
        "anterior-posterior extent across the centre line of the cord",
        |l| l.width_mm.into(),
    ),
    in_unit("breadth_mm", MM, 1, "right-left extent, in whole slices", |l| l.breadth_mm.into()),
    in_unit("diameter_mm", MM, 1, "equivalent diameter: of the sphere of the same volume", |l| {
        l.diameter_mm.into()
    }),
    in_unit(
        "midline_mm",
        MM,
        1,
        "distance of the centre from the middle of the cord at the same heights; positive: towards the patient's left",
        |l| l.midline_mm.into(),
    ),
    in_unit(
        "centreline_mm",
        MM,
        1,
        "distance of the centre from the centre line of the cord in the sagittal plane; positive: posterior",
        |l| l.centreline_mm.into(),
    ),
    plain(
        "cord_share",
        2,
        "largest share of the cord's cross-section that the lesion occupies in a row of voxels, 0 to 1",
        |l| l.cord_share.into(),
    ),
    in_unit("mean_signal", INTENSITY, 3, "mean signal", |l| l.mean_signal.into()),
    in_unit("peak_signal", INTENSITY, 3, "highest signal", |l| l.peak_signal.into()),
    in_unit(
        "cord_signal",
        INTENSITY,
        3,
        "median signal of the cord at the same heights, without its border and without lesions",
        |l| l.cord_signal.into(),
    ),
    in_unit(
        "fluid_signal",
        INTENSITY,
        3,
        "median signal of the cerebrospinal fluid at the same heights",
        |l| l.fluid_signal.into(),
    ),
    plain(
        "relative_mean_signal",
        2,
        "(mean_signal - cord_signal) / (fluid_signal - cord_signal): 0 is the cord around, 1 the fluid, whatever the scanner's scale",
        |l| l.relative_mean_signal.into(),
    ),
    plain("relative_peak_signal", 2, "the same of the highest signal", |l| {
        l.relative_peak_signal.into()
    }),
    plain("mean_anomaly", 3, "mean of the anomaly map", |l| l.mean_anomaly.into()),
    plain("highest_anomaly", 3, "highest value of the anomaly map", |l| l.highest_anomaly.into()),
    in_unit("i", "voxel", 1, "centre, first voxel index of the image file, counted from 0", |l| {
        l.centre_voxel[0].into()
    }),
    in_unit("j", "voxel", 1, "centre, second voxel index", |l| l.centre_voxel[1].into()),
    in_unit("k", "voxel", 1, "centre, third voxel index", |l| l.centre_voxel[2].into()),
    in_unit(
        "x_mm",
        MM,
        1,
        "centre in scanner coordinates, larger towards the patient's right",
        |l| l.centre_mm[0].into(),
    ),
    in_unit("y_mm", MM, 1, "centre in scanner coordinates, larger towards the front", |l| {
        l.centre_mm[1].into()
    }),
    in_unit("z_mm", MM, 1, "centre in scanner coordinates, larger towards the head", |l| {
        l.centre_mm[2].into()
    }),
];

/// What became of a lesion; the columns of [`LESION_COLUMNS`] but the first two follow, of the lesion of
/// the ground truth or, of a false positive, of the detected one.
pub const MATCH_COLUMNS: &[MeasureColumn<LesionMatch>] = &[
    words("participant_id", "subject", |m| m.lesion.subject.as_str().into()),
    words(
        "status",
        "\"detected\" or \"missed\" of a lesion of the ground truth, \"false positive\" of a detected one of which less than a tenth is lesion",
        |m| m.status.name().into(),
    ),
    plain(
        "lesion",
        0,
        "number of the lesion: in the ground truth, or among the detected ones of a false positive",
        |m| m.lesion.number.into(),
    ),
    words("overlapping", "numbers of the detected lesions that overlap it", |m| {
        let numbers: Vec<String> = m.overlapping.iter().map(usize::to_string).collect();
        if numbers.is_empty() { Cell::Missing } else { numbers.join(", ").into() }
    }),
    plain("dice", 3, "Dice overlap with these detected lesions together, 0 to 1", |m| {
        m.dice.into()
    }),
    plain("covered", 3, "share of the lesion that is detected, 0 to 1", |m| m.covered.into()),
];

/// How much of the cord lesions occupy.
pub const LOAD_COLUMNS: &[MeasureColumn<LevelLoad>] = &[
    words("participant_id", "subject", |l| l.subject.as_str().into()),
    words(
        "segment",
        "vertebral level, or bin where discs are not labelled; \"all\": the subject as a whole",
        |l| l.segment.as_deref().unwrap_or("all").into(),
    ),
    plain("lesions", 0, "number of lesions, each counted where its centre lies", |l| {
        l.lesions.into()
    }),
    in_unit("volume_mm3", MM3, 1, "lesion load: volume of the lesions in it", |l| {
        l.volume_mm3.into()
    }),
    in_unit("cord_mm3", MM3, 1, "volume of the cord in the slices that were looked at", |l| {
        l.cord_mm3.into()
    }),
    plain("cord_share", 4, "share of the cord that is lesion, 0 to 1", |l| l.cord_share.into()),
];

/// One row per lesion.
///
/// # Errors
/// If a row does not fit the columns, which no lesion causes.
pub fn lesion_table(lesions: &[Lesion]) -> Result<Table> {
    tabulated("Lesions", LESION_COLUMNS, lesions)
}

/// One row per subject and segment.
///
/// # Errors
/// If a row does not fit the columns, which no load causes.
pub fn load_table(loads: &[LevelLoad]) -> Result<Table> {
    tabulated("Lesion load", LOAD_COLUMNS, loads)
}

/// One row per lesion of the ground truth, then one per false positive, of each subject.
///
/// # Errors
/// If a row does not fit the columns, which no match causes.
pub fn lesion_match_table(matches: &[LesionMatch]) -> Result<Table> {
    let measures = &LESION_COLUMNS[2..];
    let mut columns: Vec<_> = MATCH_COLUMNS.iter().map(MeasureColumn::column).collect();
    columns.extend(measures.iter().map(MeasureColumn::column));
    let mut table = Table::new("Lesions against ground truth", columns);
    for one in matches {
        let mut row: Vec<Cell> = MATCH_COLUMNS.iter().map(|column| (column.value)(one)).collect();
        row.extend(measures.iter().map(|column| (column.value)(&one.lesion)));
        table.push(row)?;
    }
    Ok(table)
}
