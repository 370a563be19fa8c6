//! Disc labels of an image file, in preprocessed coordinates.

use std::collections::{BTreeMap, BTreeSet};

use ndarray::{Array2, Axis};

use super::disc_places::{CordReach, Placed, questionable};
use super::native_transform::NativeTransform;
use crate::cohort::Disc;
use crate::cohort::note::Note;
use crate::statistics::extremes;
use crate::volume::{Connectivity, Volume, connected_components};

/// Disc labels are 1 to this; the lumbosacral one is 25.
const MAX_DISC: f32 = 30.0;
/// Landmarks that label files hold beside discs: the pontomedullary junction, and the tip of the cord.
const LANDMARKS: [i64; 3] = [49, 50, 60];
/// Labels of one disc lie within this distance from head to foot, mm; neighbouring discs are farther apart.
const DISC_MM: f64 = 13.0;
/// Where they are connected, within this distance: a disc of 25 mm from front to back may be tilted by 45°.
const TILTED_DISC_MM: f64 = 26.0;
/// A label may be off a whole number by this much, by the slope in its header.
const ROUNDING: f32 = 0.01;
/// Levels that are painted along the cord are at least so high, mm; where it leans, they share this much of their rows, …
const LEVEL_MM: f64 = 4.0;
const SHARED_MM: f64 = 6.0;
/// … and the next one lies within this distance, mm. Between discs lies a vertebra, however much they are tilted.
const NEXT_MM: f64 = 2.0;

/// The labelled voxels of one value.
struct Marked {
    count: f64,
    /// Sum of the voxel indices.
    sum: [f64; 3],
    /// Highest and lowest place, mm from the top of the image.
    down_mm: (f64, f64),
    /// The voxels (row, column) as seen from the side.
    seen: BTreeSet<(usize, usize)>,
}

impl Marked {
    fn spread_mm(&self) -> f64 {
        self.down_mm.1 - self.down_mm.0
    }

    /// Whether these are several places, or more than one disc.
    fn is_scattered(&self) -> bool {
        let spread = self.spread_mm();
        spread > TILTED_DISC_MM || (spread > DISC_MM && !self.is_connected())
    }

    /// Whether the voxels are connected as seen from the side.
    fn is_connected(&self) -> bool {
        let ends = |of: fn(&(usize, usize)) -> usize| {
            let least = self.seen.iter().map(of).min().unwrap_or(0);
            (least, self.seen.iter().map(of).max().unwrap_or(0) + 1 - least)
        };
        let ((top, rows), (front, columns)) = (ends(|seen| seen.0), ends(|seen| seen.1));
        let mut mask = Array2::from_elem((rows, columns), false);
        self.seen.iter().for_each(|(row, column)| mask[[row - top, column - front]] = true);
        connected_components(&mask, Connectivity::Eight).len() == 1
    }

    /// Whether any voxel lies within [`NEXT_MM`] of one of `other`, as seen from the side.
    fn touches(&self, other: &Self, spacing_mm: [f64; 2]) -> bool {
        let [rows, columns] = spacing_mm.map(|edge| (NEXT_MM / edge) as usize);
        self.seen.iter().any(|(row, column)| {
            (row.saturating_sub(rows)..=row + rows).any(|near_row| {
                let near =
                    (near_row, column.saturating_sub(columns))..=(near_row, column + columns);
                other.seen.range(near).any(|near| {
                    let down = near.0.abs_diff(*row) as f64 * spacing_mm[0];
                    let back = near.1.abs_diff(*column) as f64 * spacing_mm[1];
                    down.hypot(back) <= NEXT_MM
                })
            })
        })
    }

    /// The middle of its voxels.
    fn voxel(&self) -> [f64; 3] {
        self.sum.map(|sum| sum / self.count)
    }
}

/// What a label file marks.
#[derive(Default)]
struct Labels {
    marked: BTreeMap<u8, Marked>,
    /// Values that name no disc.
    unnamed: BTreeSet<i64>,
    voxels: usize,
    /// How many of the voxels hold no whole number.
    fractions: usize,
    /// Distance of rows and columns as seen from the side.
    spacing_mm: [f64; 2],
}

/// Disc labels in preprocessed coordinates, superior first, and warnings about values that name no disc and discs where
/// none can be. Where that is most of them, none is used: what is left would name all levels.
pub(super) fn discs_in(
    labels: &Volume,
    native_transform: &NativeTransform,
    cord: &CordReach,
) -> (Vec<Disc>, Vec<Note>) {
    let mut labels = Labels::read(labels, cord);
    // One value all over the cord is no label of discs at all.
    if labels.unnamed.is_empty() && labels.marked.len() == 1 {
        let scattered = labels.marked.iter().filter(|(_, one)| one.is_scattered());
        labels.unnamed.extend(scattered.map(|(value, _)| i64::from(*value)));
        labels.marked.retain(|_, one| !one.is_scattered());
    }
    let places: Vec<Placed> = labels
        .marked
        .iter()
        .filter(|(_, one)| !one.is_scattered())
        .map(|(value, one)| Placed { value: *value, mm: cord.place_mm(one.voxel()) })
        .collect();
    let (implausible, questions) = questionable(&places, cord);
    if let Some(refusal) = labels.refusal(implausible.len(), questions.first()) {
        return (Vec::new(), vec![refusal]);
    }
    let mut warnings = labels.warnings();
    warnings.extend(questions);
    let usable = labels.marked.iter().filter(|(_, one)| !one.is_scattered());
    let disc = |(value, one): (&u8, &Marked)| {
        let [_, row, column] = native_transform.voxel_to_preprocessed(one.voxel());
        Disc { value: *value, row, column }
    };
    let mut discs: Vec<Disc> = usable.map(disc).collect();
    discs.sort_by(|a, b| a.row.total_cmp(&b.row));
    (discs, warnings)
}

impl Labels {
    fn read(labels: &Volume, cord: &CordReach) -> Self {
        let mut read = Self { spacing_mm: cord.spacing_mm(), ..Self::default() };
        let is_marked = |value: f32| value.abs() >= 0.5;
        let planes = labels.voxels.axis_iter(Axis(2)).enumerate();
        let voxels = planes
            .filter(|(_, plane)| {
                // Few planes hold a label.
                let (least, most) = extremes(plane);
                is_marked(least) || is_marked(most)
            })
            .flat_map(|(k, plane)| {
                plane.into_indexed_iter().map(move |((i, j), label)| ([i, j, k], *label))
            });
        for (voxel, label) in voxels.filter(|(_, label)| is_marked(*label)) {
            let value = label.round();
            read.voxels += 1;
            read.fractions += usize::from((label - value).abs() > ROUNDING);
            if !(1.0..=MAX_DISC).contains(&value) {
                read.unnamed.insert(value as i64);
                continue;
            }
            let voxel = voxel.map(|at| at as f64);
            let [down, _] = cord.place_mm(voxel);
            let all = read.marked.entry(value as u8).or_insert(Marked {
                count: 0.0,
                sum: [0.0; 3],
                down_mm: (down, down),
                seen: BTreeSet::new(),
            });
            all.seen.insert(cord.row_column(voxel));
            all.count += 1.0;
            all.sum.iter_mut().zip(voxel).for_each(|(sum, index)| *sum += index);
            all.down_mm = (all.down_mm.0.min(down), all.down_mm.1.max(down));
        }
        read
    }

    /// What is said where none of the labels can be used. `implausible` is how many lie where no discs can be, as
    /// `question` says of the first.
    fn refusal(&self, implausible: usize, question: Option<&Note>) -> Option<Note> {
        if 2 * self.fractions > self.voxels {
            return Some(interpolated("hold no whole numbers"));
        }
        let scattered: Vec<&Marked> =
            self.marked.values().filter(|one| one.is_scattered()).collect();
        // Vertebrae with gaps between them are levels, too.
        let are_vertebrae =
            2 * scattered.iter().filter(|one| one.is_connected()).count() > self.marked.len();
        if self.are_levels() || are_vertebrae {
            let topic = "disc labels look like a map of vertebral levels and are left out; mark each disc in one place";
            let text = "its disc labels look like a map of vertebral levels, so they are left out; mark each disc in one place";
            return Some(Note::warning(topic, text));
        }
        let scattered = scattered.len();
        let unnamed = self.unnamed.iter().filter(|value| !LANDMARKS.contains(value)).count();
        let (bad, all) = (scattered + unnamed + implausible, self.marked.len() + unnamed);
        // Where no other value is left, it is enough to say that these name no disc.
        if 2 * bad <= all || self.marked.is_empty() {
            return None;
        }
        if scattered >= unnamed.max(implausible) {
            return Some(interpolated("mark several places"));
        }
        Some(match question.filter(|_| implausible > unnamed) {
            Some(question) => {
                let topic =
                    "most disc labels lie where no discs can be, and all are left out; check them";
                let text = format!(
                    "most of its disc labels lie where no discs can be, so all are left out: {}",
                    question.text
                );
                Note::warning(topic, text)
            }
            None => {
                let topic = "most values of the disc labels name no disc, and all are left out (3 is C2/C3, 8 is C7/T1, 25 is L5/S1)";
                let text = format!(
                    "most values of its disc labels name no disc ({}), so all are left out: 3 is C2/C3, 8 is C7/T1, 25 is L5/S1",
                    self.unnamed_values()
                );
                Note::warning(topic, text)
            }
        })
    }

    /// Whether most values fill rows that the next value goes on from, as vertebral levels along the cord do.
    fn are_levels(&self) -> bool {
        let pairs = self.marked.iter().zip(self.marked.iter().skip(1));
        let follows = |((value, upper), (next, lower)): &((&u8, &Marked), (&u8, &Marked))| {
            let gap = lower.down_mm.0 - upper.down_mm.1;
            **next == **value + 1
                && upper.spread_mm().min(lower.spread_mm()) >= LEVEL_MM
                && (-SHARED_MM..=NEXT_MM).contains(&gap)
                && upper.touches(lower, self.spacing_mm)
        };
        2 * pairs.filter(follows).count() > self.marked.len().saturating_sub(1)
    }

    /// Warnings about single values.
    fn warnings(&self) -> Vec<Note> {
        let mut warnings = Vec::new();
        if !self.unnamed.is_empty() {
            let topic =
                "disc labels have values that name no disc (3 is C2/C3, 8 is C7/T1, 25 is L5/S1)";
            let text = format!(
                "its disc labels have values that name no disc ({}): 3 is C2/C3, 8 is C7/T1, 25 is L5/S1",
                self.unnamed_values()
            );
            warnings.push(Note::warning(topic, text));
        }
        for (value, one) in self.marked.iter().filter(|(_, one)| one.is_scattered()) {
            let topic = "a value of the disc labels marks several places and is left out";
            let text = format!(
                "the value {value} ({}) of its disc labels marks places {:.0} mm apart, so it is left out; give each disc \
                 a value of its own",
                Disc::name(*value),
                one.spread_mm()
            );
            warnings.push(Note::warning(topic, text));
        }
        warnings
    }

    fn unnamed_values(&self) -> String {
        let values: Vec<String> = self.unnamed.iter().take(8).map(i64::to_string).collect();
        values.join(", ")
    }
}

fn interpolated(what: &str) -> Note {
    let topic = "disc labels look interpolated and are left out; resample label files with nearest neighbour";
    let text = format!(
        "its disc labels look interpolated, because most of them {what}, so all are left out; resample label files with \
         nearest neighbour"
    );
    Note::warning(topic, text)
}

#[cfg(test)]
#[path = "tests/disc_labels.rs"]
mod tests;
