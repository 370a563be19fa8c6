//! Whether discs lie where discs can be: beside the cord, and as far apart as vertebrae are high.

use std::collections::{BTreeMap, BTreeSet};

use ndarray::Array3;

use crate::cohort::Disc;
use crate::cohort::note::Note;
use crate::volume::Orientation;

/// Distances of neighbouring discs, mm. Those of adults are some 15 mm (neck) to 40 mm (lower back) apart, and the
/// vertebrae of infants have a third to a half of that height. The bounds are wide on purpose: what lies outside of
/// them is no spine.
const LEAST_MM: f64 = 5.0;
const MOST_MM: f64 = 60.0;
/// Labels that mark the front edge of a disc lie up to 40 mm from the back of the canal.
const FARTHEST_MM: f64 = 45.0;
/// Above C1/C2 the marks are no discs, and lie as people like.
const FIRST_DISC: u8 = 2;

/// Where the cord lies in the sagittal plane, seen from the side.
pub(super) struct CordReach {
    orientation: Orientation,
    /// The stored shape of the volume.
    shape: [usize; 3],
    /// Edges of a canonical voxel from head to foot and from front to back.
    spacing_mm: [f64; 2],
    /// The first and last column with cord of each canonical row that has any.
    rows: BTreeMap<usize, (usize, usize)>,
}

/// A disc label in its place, mm from the top and the front of the image.
pub(super) struct Placed {
    pub value: u8,
    pub mm: [f64; 2],
}

impl CordReach {
    /// Of a cord in canonical axes (slice, row, column), whose voxels are stored in this shape and orientation.
    pub fn new(
        cord: &Array3<bool>,
        orientation: Orientation,
        shape: [usize; 3],
        spacing_mm: [f64; 2],
    ) -> Self {
        let mut rows: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for ((_, row, column), _) in cord.indexed_iter().filter(|(_, inside)| **inside) {
            let (front, back) = rows.entry(row).or_insert((column, column));
            (*front, *back) = ((*front).min(column), (*back).max(column));
        }
        Self { orientation, shape, spacing_mm, rows }
    }

    /// The canonical row and column of a stored voxel.
    pub fn row_column(&self, voxel: [f64; 3]) -> (usize, usize) {
        let [_, row, column] = self.orientation.to_canonical(voxel, self.shape);
        (row.round() as usize, column.round() as usize)
    }

    /// Edges of a canonical voxel from head to foot and from front to back.
    pub fn spacing_mm(&self) -> [f64; 2] {
        self.spacing_mm
    }

    /// The place of a stored voxel, mm from the top and the front of the image.
    pub fn place_mm(&self, voxel: [f64; 3]) -> [f64; 2] {
        let [_, row, column] = self.orientation.to_canonical(voxel, self.shape);
        [row * self.spacing_mm[0], column * self.spacing_mm[1]]
    }

    /// How far a place lies from the cord, mm: in front of it or behind it at its own height; above or below it where there
    /// is no cord at its height, 0 within its length.
    fn distance_mm(&self, [down, back]: [f64; 2]) -> (f64, f64) {
        let [row_mm, column_mm] = self.spacing_mm;
        let row = (down / row_mm).round().max(0.0) as usize;
        if let Some(&(front, rear)) = self.rows.get(&row) {
            let (front, rear) = (front as f64 * column_mm, rear as f64 * column_mm);
            return ((front - back).max(back - rear).max(0.0), 0.0);
        }
        let ends = self.rows.keys().next().zip(self.rows.keys().next_back());
        let (first, last) = ends.map_or((row, row), |(first, last)| (*first, *last));
        let beyond = first.saturating_sub(row).max(row.saturating_sub(last));
        (0.0, beyond as f64 * row_mm)
    }
}

/// The values of the discs that cannot be where they are, and warnings about the places. `discs` are in the order of their
/// values.
pub(super) fn questionable(discs: &[Placed], cord: &CordReach) -> (BTreeSet<u8>, Vec<Note>) {
    let mut notes = Vec::new();
    let mut far = BTreeSet::new();
    let beside = |disc: &Placed| cord.distance_mm(disc.mm).0;
    for disc in discs.iter().filter(|disc| beside(disc) > FARTHEST_MM) {
        far.insert(disc.value);
        let topic = "a disc label lies {} mm from the cord; check the labels";
        let text = format!(
            "the disc label {} lies {:.0} mm from its cord; check the labels",
            Disc::name(disc.value),
            beside(disc)
        );
        notes.push(Note::warning(topic, text).of(beside(disc)));
    }
    let beyond = discs.iter().map(|disc| cord.distance_mm(disc.mm).1).min_by(f64::total_cmp);
    if let Some(beyond) = beyond.filter(|beyond| *beyond > MOST_MM) {
        far.extend(discs.iter().map(|disc| disc.value));
        let topic = "all disc labels lie {} mm or more above or below the cord; check the labels";
        let text = format!(
            "all its disc labels lie {beyond:.0} mm or more above or below its cord; check the labels"
        );
        notes.push(Note::warning(topic, text).of(beyond));
    }
    let mut bad_pairs = Vec::new();
    for pair in discs.windows(2) {
        let [upper, lower] = [&pair[0], &pair[1]];
        let apart = (upper.mm[0] - lower.mm[0]).hypot(upper.mm[1] - lower.mm[1]);
        let levels = lower.value.saturating_sub(upper.value).max(1);
        let each = apart / f64::from(levels);
        let is_bad = (each < LEAST_MM && upper.value >= FIRST_DISC) || each > MOST_MM;
        bad_pairs.push(is_bad);
        if is_bad {
            let topic =
                "disc labels lie {} mm apart for each level, which no discs do; check the labels";
            let text = format!(
                "the disc labels {} and {} lie {apart:.1} mm apart, {each:.1} mm for each level, where {LEAST_MM} to \
                 {MOST_MM} mm are possible; check the labels",
                Disc::name(upper.value),
                Disc::name(lower.value)
            );
            notes.push(Note::warning(topic, text).of(each));
        }
    }
    // Beside a wrong disc, a right one has another neighbour.
    let is_alone = |at: usize| {
        let pairs = [at.checked_sub(1).and_then(|before| bad_pairs.get(before)), bad_pairs.get(at)];
        let mut pairs = pairs.into_iter().flatten().peekable();
        pairs.peek().is_some() && pairs.all(|is_bad| *is_bad)
    };
    far.extend((0..discs.len()).filter(|at| is_alone(*at)).map(|at| discs[at].value));
    (far, notes)
}
