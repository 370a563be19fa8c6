//! A phantom cohort as a BIDS tree: images, label derivatives and tables.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{LesionTruth, Phantom, PhantomOptions, draw, participants};
use crate::context::Context;
use crate::files::{make_folder, write_json, write_whole};
use crate::volume::Volume;
use crate::{Error, Result};

const README: &str = "\
Phantom cohort of sagittal T2-weighted cervical spines, drawn procedurally; no patient data.

derivatives/labels, on the grid of the image:
  *_T2w_label-SC_seg      spinal cord
  *_T2w_label-CSF_seg     cerebrospinal fluid around it
  *_T2w_labels-disc       one voxel per disc (3 = C2/C3 ... 8 = C7/T1)
  *_T2w_label-lesion_seg  T2 hyperintensities, only for subjects that have some
  lesions.tsv             one row per lesion
";

/// Draws a cohort and writes it as a BIDS tree with labels under `derivatives/labels`.
///
/// # Errors
/// If `folder` already holds something, if it cannot be written, if the options contradict each
/// other, or if the user interrupts; subjects written until then stay.
pub fn write_bids(folder: &Path, options: &PhantomOptions, context: &Context) -> Result<()> {
    let table = participants(options, &context.streams)?;
    let labels = folder.join("derivatives").join("labels");
    make_folder(folder)?;
    let mut entries = fs::read_dir(folder).map_err(|error| Error::file(folder, error))?;
    if entries.next().is_some() {
        return Err(Error::file(
            folder,
            "is not empty; choose a new folder for the phantom cohort",
        ));
    }
    make_folder(&labels)?;

    write(&folder.join("README"), README)?;
    write_json(&folder.join("dataset_description.json"), &description("raw"))?;
    write_json(&labels.join("dataset_description.json"), &description("derivative"))?;
    write(&folder.join("participants.tsv"), &participants_table(&table))?;

    let mut lesions = String::from(LESION_COLUMNS);
    let progress = context.progress("drawing phantoms", "subject", options.subjects);
    for index in 0..options.subjects {
        context.check()?;
        let phantom = draw(options, index, &context.streams)?;
        write_subject(folder, &labels, &phantom)?;
        for (number, lesion) in phantom.lesions.iter().enumerate() {
            lesions.push_str(&lesion_row(&phantom.name, number + 1, lesion));
        }
        progress.advance(1, &[]);
    }
    write(&labels.join("lesions.tsv"), &lesions)
}

fn write_subject(folder: &Path, labels: &Path, phantom: &Phantom) -> Result<()> {
    let name = &phantom.name;
    let images = folder.join(name).join("anat");
    let labels = labels.join(name).join("anat");
    make_folder(&images)?;
    make_folder(&labels)?;
    let volume = &phantom.volume;
    volume.image.write(&images.join(format!("{name}_T2w.nii.gz")), None)?;
    let sidecar = json!({
        "Modality": "MR",
        "BodyPartExamined": "CSPINE",
        "InstitutionName": phantom.participant.get("site"),
        "ImageComments": "procedural phantom",
    });
    write_json(&images.join(format!("{name}_T2w.json")), &sidecar)?;
    let derived: [(&str, Option<&Volume>); 4] = [
        ("label-SC_seg", Some(&volume.cord)),
        ("label-CSF_seg", volume.csf.as_ref()),
        ("labels-disc", volume.discs.as_ref()),
        ("label-lesion_seg", volume.lesion.as_ref()),
    ];
    for (suffix, label) in derived {
        if let Some(label) = label {
            label.write(&labels.join(format!("{name}_T2w_{suffix}.nii.gz")), None)?;
        }
    }
    Ok(())
}

fn description(kind: &str) -> Value {
    json!({
        "Name": "u2ad phantom cohort",
        "BIDSVersion": "1.9.0",
        "DatasetType": kind,
        "GeneratedBy": [{ "Name": env!("CARGO_PKG_NAME"), "Version": env!("CARGO_PKG_VERSION") }],
    })
}

fn participants_table(table: &[(String, BTreeMap<String, String>)]) -> String {
    const COLUMNS: [&str; 4] = ["dataset", "site", "has_lesion", "lesion_segments"];
    let mut text = format!("participant_id\t{}\n", COLUMNS.join("\t"));
    for (name, row) in table {
        let values = COLUMNS.map(|column| row.get(column).map_or("n/a", String::as_str));
        text.push_str(&format!("{name}\t{}\n", values.join("\t")));
    }
    text
}

const LESION_COLUMNS: &str =
    "participant_id\tlesion\tsegments\tcontrast\tlength_mm\tdepth_mm\twidth_mm\n";

fn lesion_row(name: &str, number: usize, lesion: &LesionTruth) -> String {
    format!(
        "{name}\t{number}\t{}\t{:.3}\t{:.1}\t{:.1}\t{:.1}\n",
        lesion.segments.join(";"),
        lesion.contrast,
        lesion.length_mm,
        lesion.depth_mm,
        lesion.width_mm
    )
}

fn write(path: &Path, text: &str) -> Result<()> {
    write_whole(path, text.as_bytes())
}
