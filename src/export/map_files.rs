//! The files of one subject's maps: an image and its JSON sidecar each.

use std::path::{Path, PathBuf};

use ndarray::{Array2, Array3, Axis};
use serde_json::{Value, json};

use super::names::OutputName;
use super::sources::Sources;
use crate::Result;
use crate::cohort::{NativeTransform, Subject};
use crate::files::{make_folder, write_json};
use crate::volume::{Affine, Volume, write_labels, write_mask};

/// Entity of maps on the pixels of preprocessed slices, which lie in the scanner as the others do.
const PREPROCESSED: &str = "_res-u2ad";

/// Which BIDS asks of images, not of masks and labels.
const SKULL_STRIPPED: &str = "SkullStripped";

/// What a sidecar says about one map.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub description: &'a str,
    pub unit: &'a str,
}

impl<'a> About<'a> {
    pub fn new(description: &'a str, unit: &'a str) -> Self {
        Self { description, unit }
    }
}

/// Where the maps of one subject go, and what their sidecars have in common.
pub(super) struct MapFiles<'a> {
    dataset: &'a Path,
    name: &'a OutputName,
    subject: &'a Subject,
    native: &'a NativeTransform,
    image: Option<&'a Path>,
    common: Value,
}

impl<'a> MapFiles<'a> {
    /// Makes the subject's folder. `settings` is a JSON object.
    pub fn new(
        dataset: &'a Path,
        name: &'a OutputName,
        (subject, native): (&'a Subject, &'a NativeTransform),
        image: Option<&'a Path>,
        sources: &Sources,
        settings: Value,
    ) -> Result<Self> {
        let folder = dataset.join(&name.folder);
        make_folder(&folder)?;
        let mut common = settings;
        common["AveragedSlices"] = json!(subject.averaged);
        if let Some(image) = image {
            let source = sources.reference(image);
            common["SpatialReference"] = json!(source);
            common["Sources"] = json!([source]);
        }
        Ok(Self { dataset, name, subject, native, image, common })
    }

    /// Writes a map in the grid of the source image; `ending` is like `_desc-anomaly_T2w`.
    pub fn map(&self, ending: &str, voxels: Array3<f32>, about: About) -> Result<()> {
        let volume = Volume { voxels, affine: self.native.native_geometry().affine };
        volume.write(&self.path(ending, "nii.gz"), self.image)?;
        self.sidecar(ending, about, json!({ SKULL_STRIPPED: false }))
    }

    /// Writes a mask in the grid of the source image, as 8-bit voxels.
    pub fn mask(&self, ending: &str, mask: &Array3<bool>, about: About, more: Value) -> Result<()> {
        let affine = self.native.native_geometry().affine;
        write_mask(mask, affine, &self.path(ending, "nii.gz"), self.image)?;
        self.sidecar(ending, about, more)
    }

    /// Writes numbered labels in the grid of the source image, as 16-bit voxels.
    pub fn labels(&self, ending: &str, labels: &Array3<u16>, about: About) -> Result<()> {
        let affine = self.native.native_geometry().affine;
        write_labels(labels, affine, &self.path(ending, "nii.gz"), self.image)?;
        self.sidecar(ending, about, json!({}))
    }

    /// Writes a map on the pixels of the preprocessed slices: maps with the position of their slice.
    pub fn preprocessed_map<'b>(
        &self,
        ending: &str,
        maps: impl Iterator<Item = (usize, &'b Array2<f32>)>,
        about: About,
    ) -> Result<()> {
        let ending = format!("{PREPROCESSED}{ending}");
        let Some((voxels, affine)) = self.stacked(maps) else { return Ok(()) };
        Volume { voxels, affine }.write(&self.path(&ending, "nii.gz"), None)?;
        let mut more = self.resolution();
        more[SKULL_STRIPPED] = json!(false);
        self.sidecar(&ending, about, more)
    }

    /// As [`Self::preprocessed_map`] for numbered labels.
    pub fn preprocessed_labels<'b>(
        &self,
        ending: &str,
        labels: impl Iterator<Item = (usize, &'b Array2<u16>)>,
        about: About,
    ) -> Result<()> {
        let ending = format!("{PREPROCESSED}{ending}");
        let Some((voxels, affine)) = self.stacked(labels) else { return Ok(()) };
        write_labels(&voxels, affine, &self.path(&ending, "nii.gz"), None)?;
        self.sidecar(&ending, about, self.resolution())
    }

    /// Maps of slices as one volume (slice, row, column), 0 in slices without region of interest, and
    /// where it lies in the scanner.
    fn stacked<'b, T: Copy + Default + 'b>(
        &self,
        maps: impl Iterator<Item = (usize, &'b Array2<T>)>,
    ) -> Option<(Array3<T>, Affine)> {
        let slices = &self.subject.slices;
        let (first, last) = (slices.first()?, slices.last()?);
        let (rows, columns) = first.image.dim();
        let depth = self.subject.slice_number(last) + 1;
        let mut volume = Array3::from_elem((depth, rows, columns), T::default());
        for (slice, map) in maps {
            let number = self.subject.slice_number(&slices[slice]);
            volume.index_axis_mut(Axis(0), number).assign(map);
        }
        Some((volume, self.subject.slices_affine(first)?))
    }

    fn resolution(&self) -> Value {
        let (rows, columns) = self.native.pixel_spacing_mm();
        let slices = self.native.slice_mm() * self.subject.averaged.max(1) as f64;
        let text = format!(
            "the pixels that the method works on: sagittal slices from the patient's right to left, {slices:.3} mm apart, \
             of {rows:.4} × {columns:.4} mm"
        );
        json!({ "Resolution": text })
    }

    fn path(&self, ending: &str, kind: &str) -> PathBuf {
        self.dataset.join(self.name.file(&format!("{ending}.{kind}")))
    }

    fn sidecar(&self, ending: &str, about: About, more: Value) -> Result<()> {
        let mut sidecar = json!({ "Description": about.description, "Units": about.unit });
        for part in [&self.common, &more] {
            for (key, value) in part.as_object().into_iter().flatten() {
                sidecar[key] = value.clone();
            }
        }
        write_json(&self.path(ending, "json"), &sidecar)
    }
}
