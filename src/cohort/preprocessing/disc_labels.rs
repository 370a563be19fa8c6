//! Disc labels of an image file, in preprocessed coordinates.

use std::collections::{BTreeMap, BTreeSet};

use super::native_transform::NativeTransform;
use crate::cohort::Disc;
use crate::cohort::note::Note;
use crate::volume::Volume;

/// Disc labels are 1 to this; the lumbosacral one is 25.
const MAX_DISC: f32 = 30.0;
/// Labels of one disc lie within this distance from head to foot, mm; neighbouring discs are farther apart.
const DISC_MM: f64 = 13.0;

/// The labelled voxels of one value.
struct Marked {
    count: f64,
    /// Sum of the voxel indices.
    sum: [f64; 3],
    /// Highest and lowest row in preprocessed coordinates.
    rows: (f64, f64),
}

/// Disc labels in preprocessed coordinates, superior first, and warnings about values that name no disc.
pub(super) fn discs_in(
    labels: &Volume,
    native_transform: &NativeTransform,
) -> (Vec<Disc>, Vec<Note>) {
    let mut marked: BTreeMap<u8, Marked> = BTreeMap::new();
    let mut unnamed = BTreeSet::new();
    for ((i, j, k), &value) in labels.voxels.indexed_iter().filter(|(_, value)| value.abs() >= 0.5)
    {
        let value = value.round();
        let voxel = [i, j, k].map(|at| at as f64);
        let [_, row, _] = native_transform.voxel_to_preprocessed(voxel);
        if !(1.0..=MAX_DISC).contains(&value) {
            unnamed.insert(value as i64);
            continue;
        }
        let all = marked.entry(value as u8).or_insert(Marked {
            count: 0.0,
            sum: [0.0; 3],
            rows: (row, row),
        });
        all.count += 1.0;
        all.sum.iter_mut().zip(voxel).for_each(|(sum, index)| *sum += index);
        all.rows = (all.rows.0.min(row), all.rows.1.max(row));
    }
    let (row_mm, _) = native_transform.pixel_spacing_mm();
    let spread = |marked: &Marked| (marked.rows.1 - marked.rows.0) * row_mm;
    // One value all over the cord is no label of discs at all.
    if unnamed.is_empty() && marked.len() == 1 {
        let scattered = marked.iter().filter(|(_, one)| spread(one) > DISC_MM);
        unnamed.extend(scattered.map(|(value, _)| i64::from(*value)));
        marked.retain(|_, one| spread(one) <= DISC_MM);
    }
    let mut warnings = Vec::new();
    if !unnamed.is_empty() {
        let values: Vec<String> = unnamed.iter().take(8).map(i64::to_string).collect();
        let topic =
            "disc labels have values that name no disc (3 is C2/C3, 8 is C7/T1, 25 is L5/S1)";
        let text = format!(
            "its disc labels have values that name no disc ({}): 3 is C2/C3, 8 is C7/T1, 25 is L5/S1",
            values.join(", ")
        );
        warnings.push(Note::warning(topic, text));
    }
    for (value, one) in marked.iter().filter(|(_, one)| spread(one) > DISC_MM) {
        let topic = "a value of the disc labels marks several places and is left out";
        let text = format!(
            "the value {value} ({}) of its disc labels marks places {:.0} mm apart, so it is left out; give each disc \
             a value of its own",
            Disc::name(*value),
            spread(one)
        );
        warnings.push(Note::warning(topic, text));
    }
    marked.retain(|_, one| spread(one) <= DISC_MM);
    let mut discs: Vec<Disc> = marked
        .into_iter()
        .map(|(value, one)| {
            let [_, row, column] =
                native_transform.voxel_to_preprocessed(one.sum.map(|sum| sum / one.count));
            Disc { value, row, column }
        })
        .collect();
    discs.sort_by(|a, b| a.row.total_cmp(&b.row));
    (discs, warnings)
}
