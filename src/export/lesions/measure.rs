//! The measures of one lesion.

use std::collections::BTreeMap;

use ndarray::Array3;

use super::shape::{Shape, equivalent_diameter};
use super::subject_volume::{SubjectVolume, TissueVoxel, Voxel};
use crate::statistics::{mean, median};

/// A lesion and its measures. What cannot be measured is `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesion {
    pub subject: String,
    /// From 1: the detected one with the highest anomaly, or the largest of the ground truth.
    pub number: usize,
    /// Vertebral level or bin of the centre; `None` outside the levels that are scored.
    pub segment: Option<String>,
    /// Whether the AnaScore looks at any of it. It does not in slices that show too little cord for a curve, nor beyond
    /// C1/C2 and T1/T2.
    pub scored: bool,
    pub voxels: usize,
    pub volume_mm3: f64,
    /// Superior to inferior, along the cord's centre line, mm.
    pub length_mm: Option<f64>,
    /// Across the centre line in the sagittal plane, anterior to posterior, mm.
    pub width_mm: Option<f64>,
    /// Right to left, mm.
    pub breadth_mm: f64,
    /// Diameter of the sphere of the same volume, mm.
    pub diameter_mm: f64,
    /// From the middle of the cord at the same heights to the lesion's centre, mm: positive towards the
    /// patient's left.
    pub midline_mm: Option<f64>,
    /// From the cord's centre line to the lesion's centre, mm: positive towards the back.
    pub centreline_mm: Option<f64>,
    /// Largest share of the cord's cross-section in a row of voxels, 0 to 1.
    pub cord_share: f64,
    /// Preprocessed intensity.
    pub mean_signal: f64,
    pub peak_signal: f64,
    /// Median of the cord at the same heights, without its border and without lesions.
    pub cord_signal: Option<f64>,
    /// Median of the cerebrospinal fluid at the same heights.
    pub fluid_signal: Option<f64>,
    /// Signal on a scale on which the cord is 0 and the fluid 1.
    pub relative_mean_signal: Option<f64>,
    pub relative_peak_signal: Option<f64>,
    pub mean_anomaly: f64,
    pub highest_anomaly: f64,
    /// Centre as voxel of the image file, counted from 0, and in the scanner's coordinates in mm.
    pub centre_voxel: [f64; 3],
    pub centre_mm: [f64; 3],
}

/// The tissue that a lesion is compared with.
pub(super) struct LesionReference<'a> {
    /// All lesions of the subject: the cord around does not include them.
    pub lesions: &'a Array3<bool>,
    /// Voxels of cord or lesion in each row.
    pub cord_rows: BTreeMap<usize, usize>,
}

/// Measures the voxels of one lesion, of which there is at least one.
pub(super) fn measure(
    volume: &SubjectVolume,
    voxels: &[Voxel],
    reference: &LesionReference,
) -> Lesion {
    let native = volume.native;
    let shape = Shape::new(voxels);
    let volume_mm3 = shape.voxels as f64 * volume.voxel_mm3();
    let heights = Range::of(voxels.iter().map(|voxel| volume.height_mm(*voxel)));
    let length_mm = volume.has_centre_line().then(|| heights.length() + native.row_spacing_mm());
    let offsets: Option<Vec<f64>> = voxels.iter().map(|voxel| volume.offset_mm(*voxel)).collect();
    let width = |offsets: &Vec<f64>| {
        Range::of(offsets.iter().copied()).length() + native.column_spacing_mm()
    };
    let beside = heights.widened(native.row_spacing_mm() / 2.0);
    let beside = |tissue: &&TissueVoxel| beside.contains(tissue.height_mm);
    let cord = || volume.cord.iter().filter(beside);
    let left_mm = mean(voxels.iter().map(|voxel| volume.left_mm(*voxel)));
    let middle_mm = mean(cord().map(|tissue| volume.left_mm(tissue.voxel)));
    let signal = |voxel: &Voxel| f64::from(volume.image[*voxel]);
    let healthy = cord().filter(|tissue| tissue.scored && !reference.lesions[tissue.voxel]);
    let cord_signal = median(healthy.map(|tissue| signal(&tissue.voxel)));
    let fluid = volume.fluid.iter().filter(beside);
    let fluid_signal = median(fluid.map(|tissue| signal(&tissue.voxel)));
    let relative = |signal: f64| {
        let (cord, fluid) = (cord_signal?, fluid_signal?);
        (fluid > cord).then(|| (signal - cord) / (fluid - cord))
    };
    let mean_signal = mean(voxels.iter().map(signal)).unwrap_or_default();
    let peak_signal = voxels.iter().map(signal).fold(f64::NEG_INFINITY, f64::max);
    let anomaly = |voxel: &Voxel| f64::from(volume.anomaly[*voxel]);
    let centre_height = mean(voxels.iter().map(|voxel| volume.height_mm(*voxel)));
    Lesion {
        subject: volume.finding.subject.name.to_string(),
        number: 0,
        segment: centre_height.and_then(|at| volume.segment(at)).map(str::to_owned),
        scored: voxels.iter().any(|voxel| volume.is_scored(*voxel)),
        voxels: shape.voxels,
        volume_mm3,
        length_mm,
        width_mm: offsets.as_ref().map(width),
        breadth_mm: shape.extent(native.stored_axes()[0]) as f64 * native.slice_mm(),
        diameter_mm: equivalent_diameter(volume_mm3),
        midline_mm: left_mm.zip(middle_mm).map(|(left, middle)| left - middle),
        centreline_mm: offsets.and_then(mean),
        cord_share: cord_share(volume, voxels, &reference.cord_rows),
        mean_signal,
        peak_signal,
        cord_signal,
        fluid_signal,
        relative_mean_signal: relative(mean_signal),
        relative_peak_signal: relative(peak_signal),
        mean_anomaly: mean(voxels.iter().map(anomaly)).unwrap_or_default(),
        highest_anomaly: voxels.iter().map(anomaly).fold(0.0, f64::max),
        centre_voxel: shape.centroid,
        centre_mm: native.native_geometry().affine.position(shape.centroid),
    }
}

/// The largest share of a row's cord that is this lesion.
fn cord_share(volume: &SubjectVolume, voxels: &[Voxel], cord_rows: &BTreeMap<usize, usize>) -> f64 {
    let own = count_rows(volume, voxels.iter().copied());
    let share = |(row, own): (&usize, &usize)| {
        *own as f64 / cord_rows.get(row).copied().unwrap_or(0).max(*own) as f64
    };
    own.iter().map(share).fold(0.0, f64::max)
}

/// How many voxels there are in each row.
pub(super) fn count_rows(
    volume: &SubjectVolume,
    voxels: impl Iterator<Item = Voxel>,
) -> BTreeMap<usize, usize> {
    let mut counts = BTreeMap::new();
    voxels.for_each(|voxel| *counts.entry(volume.row(voxel)).or_insert(0) += 1);
    counts
}

/// Lowest and highest of some numbers.
#[derive(Clone, Copy)]
struct Range {
    low: f64,
    high: f64,
}

impl Range {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let empty = Self { low: f64::INFINITY, high: f64::NEG_INFINITY };
        values.fold(empty, |range, value| Self {
            low: range.low.min(value),
            high: range.high.max(value),
        })
    }

    fn length(self) -> f64 {
        self.high - self.low
    }

    fn widened(self, by: f64) -> Self {
        Self { low: self.low - by, high: self.high + by }
    }

    fn contains(self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}
