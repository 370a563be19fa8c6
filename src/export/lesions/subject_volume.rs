//! One subject in the grid of its image file: maps, tissues, and where they lie along the cord.

use ndarray::{Array2, Array3};

use crate::cohort::{NativeTransform, Slice, Subject};
use crate::detection::{AnomalyCurve, CordAxis, Finding, SegmentScore, SliceFinding};
use crate::{Error, Result};

/// A voxel as (i, j, k).
pub(super) type Voxel = (usize, usize, usize);

/// One subject in the grid of its image file.
pub(in crate::export) struct SubjectVolume<'a> {
    pub(super) finding: &'a Finding,
    pub native: &'a NativeTransform,
    /// The anomaly map, by nearest neighbour, so that it has the values that are scored.
    pub anomaly: Array3<f32>,
    /// The preprocessed image.
    pub(super) image: Array3<f32>,
    /// The cord's centre line: the axis of the slice with most cord that has one.
    axis: Option<CordAxis>,
    /// The segments of that axis.
    curve: Option<&'a AnomalyCurve>,
    pub(super) cord: Vec<TissueVoxel>,
    pub(super) fluid: Vec<TissueVoxel>,
}

/// A voxel of the cord or the fluid.
#[derive(Clone, Copy, Debug)]
pub(super) struct TissueVoxel {
    pub voxel: Voxel,
    pub height_mm: f64,
    /// Inside the scoring region, which is the cord without its border.
    pub scored: bool,
}

/// A map of all slices in the native grid. A slice that is an average fills all that it was made of.
pub(in crate::export) fn to_native<'a>(
    finding: &'a Finding,
    native: &NativeTransform,
    map: &dyn Fn(&'a SliceFinding) -> Option<&'a Array2<f32>>,
) -> Result<Array3<f32>> {
    let maps = finding.slices.iter().filter_map(|found| Some((found.slice, map(found)?)));
    slices_to_native(&finding.subject, native, maps)
}

/// Maps of slices, each with its position in the subject, in the native grid.
pub(in crate::export) fn slices_to_native<'a>(
    subject: &Subject,
    native: &NativeTransform,
    maps: impl Iterator<Item = (usize, &'a Array2<f32>)>,
) -> Result<Array3<f32>> {
    let acquired = |(slice, map): (usize, &'a Array2<f32>)| {
        subject.acquired(&subject.slices[slice]).map(move |index| (index, map))
    };
    let maps: Vec<_> = maps.flat_map(acquired).collect();
    native.to_native(&maps).map_err(|error| Error::subject(&*subject.name, error))
}

fn anomaly_to_native(finding: &Finding, native: &NativeTransform) -> Result<Array3<f32>> {
    let subject = &finding.subject;
    let acquired = |found: &'_ SliceFinding| subject.acquired(&subject.slices[found.slice]);
    let maps: Vec<(usize, &Array2<f32>)> = finding
        .slices
        .iter()
        .flat_map(|found| acquired(found).map(move |index| (index, &found.anomaly)))
        .collect();
    native.nearest_to_native(&maps).map_err(|error| Error::subject(&*subject.name, error))
}

impl<'a> SubjectVolume<'a> {
    /// `None` of a subject whose slices came preprocessed.
    ///
    /// # Errors
    /// If its maps do not fit its volume.
    pub fn new(finding: &'a Finding) -> Result<Option<Self>> {
        let subject = &finding.subject;
        let Some(native) = &subject.native_transform else { return Ok(None) };
        let image = |found: &'a SliceFinding| Some(&subject.slices[found.slice].image);
        let (axis, curve) = centre_line(finding);
        let mut volume = Self {
            finding,
            native,
            anomaly: anomaly_to_native(finding, native)?,
            image: to_native(finding, native, &image)?,
            axis,
            curve,
            cord: Vec::new(),
            fluid: Vec::new(),
        };
        let scored = volume.mask(|slice| Some(&slice.scoring))?;
        let tissue = |mask: &Array3<bool>| -> Vec<TissueVoxel> {
            let inside = mask.indexed_iter().filter(|(_, inside)| **inside);
            let voxel = |(voxel, _): (Voxel, &bool)| TissueVoxel {
                voxel,
                height_mm: volume.height_mm(voxel),
                scored: scored[voxel],
            };
            inside.map(voxel).collect()
        };
        let cord = tissue(&volume.mask(|slice| Some(&slice.cord))?);
        let fluid = tissue(&volume.mask(|slice| Some(&slice.csf))?);
        (volume.cord, volume.fluid) = (cord, fluid);
        Ok(Some(volume))
    }

    /// A mask of all slices in the native grid.
    pub(super) fn mask(
        &self,
        mask: impl Fn(&'a Slice) -> Option<&'a Array2<bool>>,
    ) -> Result<Array3<bool>> {
        let slices = self.finding.subject.slices.iter();
        self.masks_to_native(slices.filter_map(|slice| Some((slice, mask(slice)?))))
    }

    /// Masks of slices in the native grid.
    pub(super) fn masks_to_native<'m>(
        &self,
        masks: impl Iterator<Item = (&'m Slice, &'m Array2<bool>)>,
    ) -> Result<Array3<bool>> {
        let subject = &self.finding.subject;
        let acquired = |(slice, mask): (&'m Slice, &'m Array2<bool>)| {
            subject.acquired(slice).map(move |index| (index, mask))
        };
        let masks: Vec<(usize, &Array2<bool>)> = masks.flat_map(acquired).collect();
        self.native.mask_to_native(&masks).map_err(|error| Error::subject(&*subject.name, error))
    }

    /// Whether a voxel's place along the cord is known.
    pub(super) fn has_centre_line(&self) -> bool {
        self.axis.is_some()
    }

    /// Arc length along the centre line; without one the distance from the image's upper edge.
    pub(super) fn height_mm(&self, voxel: Voxel) -> f64 {
        let [_, row, column] = self.preprocessed(voxel);
        self.axis.as_ref().map_or_else(
            || row * self.native.pixel_spacing_mm().0,
            |axis| axis.position_mm(row, column),
        )
    }

    /// Signed distance from the centre line in the sagittal plane, mm: positive towards the back.
    pub(super) fn offset_mm(&self, voxel: Voxel) -> Option<f64> {
        let [_, row, column] = self.preprocessed(voxel);
        Some(self.axis.as_ref()?.offset_mm(row, column))
    }

    /// Distance of a voxel's slice from the patient's rightmost one, mm.
    pub(super) fn left_mm(&self, voxel: Voxel) -> f64 {
        self.preprocessed(voxel)[0] * self.native.slice_mm()
    }

    /// Index of a voxel along the stored axis of the rows.
    pub(super) fn row(&self, (i, j, k): Voxel) -> usize {
        [i, j, k][self.native.stored_axes()[1]]
    }

    /// The scored segment at an arc length. Beyond an end of the cord it is the one at that end.
    pub(super) fn segment(&self, height_mm: f64) -> Option<&'a str> {
        let length = self.axis.as_ref()?.length_mm();
        Some(self.curve?.segment_at(height_mm.clamp(0.0, length))?.name.as_str())
    }

    /// Whether the AnaScore looks at a voxel: its slice has a curve, and it lies in a segment that is scored.
    pub(super) fn is_scored(&self, voxel: Voxel) -> bool {
        let slice = self.preprocessed(voxel)[0].round() as usize;
        let subject = &self.finding.subject;
        let shows =
            |found: &&SliceFinding| subject.acquired(&subject.slices[found.slice]).contains(&slice);
        let has_curve =
            self.finding.slices.iter().find(shows).is_some_and(|one| one.curve.is_some());
        has_curve && self.segment(self.height_mm(voxel)).is_some()
    }

    /// The scored segments of the centre line, superior first.
    pub(super) fn segments(&self) -> &'a [SegmentScore] {
        self.curve.map_or(&[], |curve| &curve.segments)
    }

    pub(super) fn voxel_mm3(&self) -> f64 {
        self.native.native_geometry().affine.voxel_mm3()
    }

    fn preprocessed(&self, (i, j, k): Voxel) -> [f64; 3] {
        self.native.voxel_to_preprocessed([i as f64, j as f64, k as f64])
    }
}

/// The axis of the slice that shows most of the cord, with its curve; slices whose axis could be scored
/// come first.
fn centre_line(finding: &Finding) -> (Option<CordAxis>, Option<&AnomalyCurve>) {
    let slices = &finding.subject.slices;
    let cord = |place: usize| slices[place].cord.iter().filter(|inside| **inside).count();
    let mut order: Vec<(usize, Option<&AnomalyCurve>)> =
        finding.slices.iter().map(|found| (found.slice, found.curve.as_ref())).collect();
    order.sort_by_key(|(place, curve)| std::cmp::Reverse((curve.is_some(), cord(*place))));
    let with_axis = order.into_iter().find_map(|(place, curve)| {
        let slice = &slices[place];
        Some((CordAxis::new(&slice.cord, slice.pixel_spacing_mm)?, curve))
    });
    with_axis.map_or((None, None), |(axis, curve)| (Some(axis), curve))
}
