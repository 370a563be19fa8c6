//! One preprocessed slice in the language.

use std::fmt;
use std::sync::Arc;

use allocative::Allocative;
use ndarray::Array2;
use starlark::StarlarkPagablePanic;
use starlark::environment::MethodsBuilder;
use starlark::starlark_module;
use starlark::values::none::NoneOr;
use starlark::values::{NoSerialize, ProvidesStaticType, StarlarkValue, starlark_value};

use super::{ImageValue, handle, shared_members};
use crate::Result;
use crate::cohort::{Slice, Subject};
use crate::report::Show as _;
use crate::session::Display;
use crate::session::show::ShowValue;

/// A slice of a subject, by its position among the preprocessed ones.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct SliceValue {
    #[allocative(skip)]
    pub subject: Arc<Subject>,
    pub position: usize,
}

handle!(SliceValue);
starlark::methods_static!(SLICE = slice_methods);

impl fmt::Display for SliceValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Slice {} of {}>", self.slice().index, self.subject.name)
    }
}

impl SliceValue {
    pub fn slice(&self) -> &Slice {
        &self.subject.slices[self.position]
    }

    pub fn image(&self) -> ImageValue {
        self.map("image", "intensity", self.slice().image.clone())
    }

    /// A map over the pixels of this slice.
    pub fn map(&self, name: &str, quantity: &'static str, pixels: Array2<f32>) -> ImageValue {
        let slice = self.slice();
        let title = format!("{}, {}: {name}", slice.subject, slice.place());
        ImageValue {
            title,
            quantity,
            pixels: Arc::new(pixels),
            pixel_spacing_mm: slice.pixel_spacing_mm,
            place: self.subject.slices_affine(slice),
        }
    }

    fn mask(&self, name: &str, mask: &Array2<bool>) -> ImageValue {
        self.map(name, "inside", mask.mapv(|inside| if inside { 1.0 } else { 0.0 }))
    }
}

#[starlark_value(type = "Slice")]
impl<'v> StarlarkValue<'v> for SliceValue {
    shared_members!(SLICE);
}

impl ShowValue for SliceValue {
    fn show(&self) -> Result<Display> {
        self.slice().show()
    }
}

/// One preprocessed sagittal slice.
#[starlark_module]
fn slice_methods(builder: &mut MethodsBuilder) {
    /// Name of the subject.
    #[starlark(attribute)]
    fn subject(this: &SliceValue) -> anyhow::Result<String> {
        Ok(this.subject.name.to_string())
    }

    /// Number of the slice in the volume, counted from the patient's right, starting at 0: figures, tables and
    /// reports call it "slice". `voxel` is its number in the file.
    #[starlark(attribute)]
    fn index(this: &SliceValue) -> anyhow::Result<i32> {
        Ok(this.slice().index as i32)
    }

    /// Number of the slice in the image file: the voxel index along the axis that sagittal slices lie on, as viewers
    /// and exported tables count; None for slices that came preprocessed.
    #[starlark(attribute)]
    fn voxel(this: &SliceValue) -> anyhow::Result<NoneOr<i32>> {
        let native = this.subject.native_transform.as_ref();
        let voxel = native.map(|native| native.slice_voxel(this.slice().index) as i32);
        Ok(NoneOr::from_option(voxel))
    }

    /// Intensities from 0 to 1.
    #[starlark(attribute)]
    fn image(this: &SliceValue) -> anyhow::Result<ImageValue> {
        Ok(this.image())
    }

    /// The spinal cord: 1 inside, 0 outside.
    #[starlark(attribute)]
    fn cord(this: &SliceValue) -> anyhow::Result<ImageValue> {
        Ok(this.mask("cord", &this.slice().cord))
    }

    /// The cerebrospinal fluid: 1 inside, 0 outside.
    #[starlark(attribute)]
    fn csf(this: &SliceValue) -> anyhow::Result<ImageValue> {
        Ok(this.mask("cerebrospinal fluid", &this.slice().csf))
    }

    /// The region of interest, whose patches may be hidden: 1 inside, 0 outside.
    #[starlark(attribute)]
    fn region(this: &SliceValue) -> anyhow::Result<ImageValue> {
        Ok(this.mask("region of interest", &this.slice().region))
    }

    /// Where anomalies are scored: 1 inside, 0 outside.
    #[starlark(attribute)]
    fn scoring(this: &SliceValue) -> anyhow::Result<ImageValue> {
        Ok(this.mask("scoring region", &this.slice().scoring))
    }

    /// Lesion mask of the ground truth: 1 inside, 0 outside; None if the ground truth is unknown.
    #[starlark(attribute)]
    fn lesion(this: &SliceValue) -> anyhow::Result<NoneOr<ImageValue>> {
        let lesion = this.slice().lesion.as_ref();
        Ok(NoneOr::from_option(lesion.map(|lesion| this.mask("lesion", lesion))))
    }
}
