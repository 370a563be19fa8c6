//! Detected lesions and their measures.

use ndarray::Array3;

use crate::cohort::{NativeTransform, Slice};
use crate::detection::{CordAxis, Finding};
use crate::evaluation::DETECTION_PIXELS;
use crate::volume::connected_components_3d;

/// A connected group of detected voxels (26 neighbours) and its measures.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectedLesion {
    pub subject: String,
    /// 1 is the subject's lesion with the highest anomaly.
    pub number: usize,
    /// Vertebral level or bin of the centre; `None` outside the levels that are scored.
    pub segment: Option<String>,
    pub voxels: usize,
    pub volume_mm3: f64,
    /// Extent along the cord's axis, mm; `None` where a slice has no axis.
    pub length_mm: Option<f64>,
    /// Diameter of the sphere of the same volume, mm.
    pub diameter_mm: f64,
    pub mean_anomaly: f64,
    pub highest_anomaly: f64,
    /// Centre as voxel of the image file, counted from 0, and in the scanner's coordinates in mm.
    pub centre_voxel: [f64; 3],
    pub centre_mm: [f64; 3],
}

/// Voxels of one lesion as (i, j, k).
pub(super) type Voxels = Vec<(usize, usize, usize)>;

/// What is detected in an anomaly map in the native grid: connected groups of at least
/// [`DETECTION_PIXELS`] voxels at or above a threshold > 0, as a mask and as groups.
pub(super) fn detect(anomaly: &Array3<f32>, threshold: f64) -> (Array3<bool>, Vec<Voxels>) {
    let above = anomaly.mapv(|anomaly| anomaly > 0.0 && f64::from(anomaly) >= threshold);
    let mut groups = connected_components_3d(&above);
    groups.retain(|voxels| voxels.len() >= DETECTION_PIXELS);
    let mut mask = Array3::from_elem(anomaly.dim(), false);
    groups.iter().flatten().for_each(|voxel| mask[*voxel] = true);
    (mask, groups)
}

/// Measures lesions, the one with the highest anomaly first.
pub(super) fn measure(
    finding: &Finding,
    native: &NativeTransform,
    groups: &[Voxels],
    anomaly: &Array3<f32>,
) -> Vec<DetectedLesion> {
    let geometry = native.native_geometry();
    let voxel_mm3: f64 = geometry.affine.spacing().iter().product();
    let places = Places::new(finding, native);
    let mut lesions: Vec<DetectedLesion> = groups
        .iter()
        .map(|voxels| {
            let count = voxels.len() as f64;
            let values = || voxels.iter().map(|voxel| f64::from(anomaly[*voxel]));
            let mut centre = [0.0; 3];
            for &(i, j, k) in voxels {
                for (sum, at) in centre.iter_mut().zip([i, j, k]) {
                    *sum += at as f64 / count;
                }
            }
            let volume_mm3 = count * voxel_mm3;
            DetectedLesion {
                subject: finding.subject.name.to_string(),
                number: 0,
                segment: places.segment(centre),
                voxels: voxels.len(),
                volume_mm3,
                length_mm: places.length_mm(voxels),
                diameter_mm: (6.0 * volume_mm3 / std::f64::consts::PI).cbrt(),
                mean_anomaly: values().sum::<f64>() / count,
                highest_anomaly: values().fold(0.0, f64::max),
                centre_voxel: centre,
                centre_mm: geometry.affine.position(centre),
            }
        })
        .collect();
    // The sort is stable, so equals stay in the order of the file.
    lesions.sort_by(|a, b| b.highest_anomaly.total_cmp(&a.highest_anomaly));
    for (place, lesion) in lesions.iter_mut().enumerate() {
        lesion.number = place + 1;
    }
    lesions
}

/// Where voxels of a subject lie along its cord.
struct Places<'a> {
    finding: &'a Finding,
    native: &'a NativeTransform,
    /// Of each slice of the subject.
    axes: Vec<Option<CordAxis>>,
}

impl<'a> Places<'a> {
    fn new(finding: &'a Finding, native: &'a NativeTransform) -> Self {
        let slices = finding.subject.slices.iter();
        let axes = slices.map(|slice| CordAxis::new(&slice.cord, slice.pixel_spacing_mm)).collect();
        Self { finding, native, axes }
    }

    /// Position in the subject's slices and arc length along the cord of a voxel.
    fn along(&self, voxel: [f64; 3]) -> Option<(usize, f64)> {
        let [index, row, column] = self.native.voxel_to_preprocessed(voxel);
        let (subject, index) = (&self.finding.subject, index.round() as usize);
        let shows = |slice: &Slice| subject.acquired(slice).contains(&index);
        let place = subject.slices.iter().position(shows)?;
        Some((place, self.axes[place].as_ref()?.position_mm(row, column)))
    }

    fn segment(&self, centre: [f64; 3]) -> Option<String> {
        let (place, position) = self.along(centre)?;
        let found = self.finding.slices.iter().find(|found| found.slice == place)?;
        found.curve.as_ref()?.segment_at(position).map(|segment| segment.name.clone())
    }

    /// From the first voxel's upper to the last one's lower edge.
    fn length_mm(&self, voxels: &[(usize, usize, usize)]) -> Option<f64> {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for &(i, j, k) in voxels {
            let (_, position) = self.along([i as f64, j as f64, k as f64])?;
            (low, high) = (low.min(position), high.max(position));
        }
        Some(high - low + self.native.row_spacing_mm())
    }
}
