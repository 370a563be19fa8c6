//! `u2ad import`: DICOM files become a BIDS dataset.

use std::path::Path;
use std::process::ExitCode;

use crate::Result;
use crate::dicom::{DicomFolder, ImportOptions, Imported, Series, import};
use crate::frontends::console::table_width;
use crate::frontends::documentation::print_whole;
use crate::report::{Cell, Column, Table};

/// Lists the series below `folder` and, with `bids`, imports the sagittal T2-weighted ones into that dataset.
///
/// # Errors
/// As [`import`], or if nothing can be printed.
pub fn run(folder: &Path, bids: Option<&Path>, options: &ImportOptions) -> Result<ExitCode> {
    let found = DicomFolder::read(folder)?;
    let listing = listing(&found)?.to_text(table_width());
    print_whole(format!("{}\n", listing.trim_end()).as_bytes())?;
    found.notes.iter().for_each(|note| eprintln!("note: {note}"));
    for series in found.series.iter().filter(|series| series.objection.is_none()) {
        let Series { number, description, patient, note, .. } = series;
        // An import refuses it with the reason.
        let defect = series.defect().filter(|_| bids.is_none());
        let defect = defect.map(|reason| format!("cannot be imported as it is: it {reason}"));
        for what in defect.iter().chain(note) {
            eprintln!("note: series {number} ({description}) of patient {patient}: {what}");
        }
    }
    let Some(bids) = bids else { return Ok(ExitCode::SUCCESS) };
    let imported = import(&found, bids, options)?;
    imported.notes.iter().for_each(|note| eprintln!("note: {note}"));
    let written = written(&imported)?.to_text(table_width());
    let text = format!(
        "\n{}\n\nThis list says who is who. It is not stored: keep it apart from the dataset {}, which holds no \
         names, identifiers or dates.\n",
        written.trim_end(),
        bids.display()
    );
    print_whole(text.as_bytes())
}

fn listing(found: &DicomFolder) -> Result<Table> {
    // What tells rows apart that look alike otherwise.
    let alike = |a: &Series, b: &Series| a.number != b.number && a.looks_like(b);
    let alike = |a: &&Series| found.series.iter().any(|b| alike(a, b));
    let alike: Vec<&Series> = found.series.iter().filter(alike).collect();
    let first = alike.first();
    let has_types = first.is_some_and(|a| alike.iter().any(|b| a.image_type != b.image_type));
    let has_numbers = alike.iter().any(|series| series.scanner_number.is_some());
    let mut columns = vec![
        Column::text("series"),
        Column::text("patient"),
        Column::text("exam"),
        Column::text("description"),
    ];
    columns.extend(has_numbers.then(|| Column::text("scanner's number")));
    columns.extend(has_types.then(|| Column::text("image type")));
    columns.extend([
        Column::text("plane"),
        Column::number("echo time", 1).with_unit("ms"),
        // Columns, rows, slices.
        Column::text("size"),
        Column::text("voxel in mm"),
        Column::text("sagittal T2w"),
    ]);
    let mut table = Table::new(format!("Series in {}", found.folder.display()), columns);
    for series in &found.series {
        let [columns, rows] = series.matrix;
        let mut row = vec![
            Cell::from(series.number.to_string()),
            Cell::from(series.patient.clone()),
            Cell::from(series.examination.to_string()),
            Cell::from(series.description.clone()),
        ];
        let number = series.scanner_number.map(|number| number.to_string());
        row.extend(has_numbers.then(|| Cell::from(number)));
        row.extend(has_types.then(|| Cell::from(series.image_type.clone())));
        row.extend([
            Cell::from(series.plane.name()),
            Cell::from(series.echo_time),
            Cell::from(format!("{columns} × {rows} × {}", series.slices)),
            Cell::from(voxel(series)),
            Cell::from(match (&series.objection, series.defect()) {
                (Some(why), _) => format!("no: {why}"),
                (None, Some(_)) => "yes, but it cannot be imported".to_owned(),
                (None, None) => "yes".to_owned(),
            }),
        ]);
        table.push(row)?;
    }
    Ok(table)
}

/// Edges of a voxel; a series whose slices are not equally spaced has only two.
fn voxel(series: &Series) -> String {
    let [along, down] = series.pixel_spacing;
    let slice = series.slice_spacing.map_or("?".to_owned(), |spacing| format!("{spacing:.2}"));
    format!("{along:.2} × {down:.2} × {slice}")
}

fn written(imported: &Imported) -> Result<Table> {
    let columns = vec![
        Column::text("image"),
        Column::text("patient"),
        Column::text("exam"),
        Column::text("series"),
    ];
    let mut table = Table::new("Imported", columns);
    for image in &imported.images {
        table.push(vec![
            Cell::from(image.path.display().to_string()),
            Cell::from(image.patient.clone()),
            Cell::from(image.examination.to_string()),
            Cell::from(image.series.to_string()),
        ])?;
    }
    Ok(table)
}
