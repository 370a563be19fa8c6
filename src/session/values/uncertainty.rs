//! Monte-Carlo uncertainty in the language.

use std::fmt;
use std::sync::Arc;

use allocative::Allocative;
use starlark::StarlarkPagablePanic;
use starlark::environment::MethodsBuilder;
use starlark::starlark_module;
use starlark::values::{
    Heap, NoSerialize, ProvidesStaticType, StarlarkValue, Value, starlark_value,
};

use super::index::Index;
use super::{ImageValue, SliceValue, handle, shared_members};
use crate::cohort::Cohort;
use crate::figures::uncertainty_panels;
use crate::session::show::{Show, failed};
use crate::session::{Display, Part};
use crate::uncertainty::Uncertainty;
use crate::{Error, Result};

/// Maps of all slices of some subjects, in their order.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct UncertaintyValue {
    /// At least one.
    pub slices: Arc<Vec<SliceUncertaintyValue>>,
    /// Edge of the patches the maps were drawn with, pixels.
    pub patch: usize,
    /// Whose slices these are, at the size of the maps.
    #[allocative(skip)]
    pub cohort: Cohort,
}

/// Maps of one slice.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct SliceUncertaintyValue {
    pub slice: SliceValue,
    #[allocative(skip)]
    pub maps: Arc<Uncertainty>,
}

handle!(UncertaintyValue);
handle!(SliceUncertaintyValue);
starlark::methods_static!(UNCERTAINTY = uncertainty_methods);
starlark::methods_static!(SLICE_UNCERTAINTY = slice_uncertainty_methods);

impl fmt::Display for UncertaintyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Uncertainty of {} slices>", self.slices.len())
    }
}

impl fmt::Display for SliceUncertaintyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slice = self.slice.slice();
        write!(f, "<Uncertainty of {}, slice {}>", slice.subject, slice.index)
    }
}

impl UncertaintyValue {
    /// The slice with the highest mean variance in its region, the first of equals.
    pub fn most_uncertain(&self) -> Option<&SliceUncertaintyValue> {
        let variance = |one: &&SliceUncertaintyValue| one.mean_in_region(|maps| &maps.variance);
        self.slices.iter().rev().max_by(|a, b| variance(a).total_cmp(&variance(b)))
    }

    /// Mean over all pixels of all regions.
    fn mean(&self, map: impl Fn(&Uncertainty) -> &ndarray::Array2<f32>) -> f64 {
        let (sum, pixels) = self.slices.iter().fold((0.0, 0), |(sum, pixels), one| {
            let (more, count) = one.sum_in_region(&map);
            (sum + more, pixels + count)
        });
        sum / pixels.max(1) as f64
    }
}

impl SliceUncertaintyValue {
    fn sum_in_region(&self, map: impl Fn(&Uncertainty) -> &ndarray::Array2<f32>) -> (f64, usize) {
        let region = &self.slice.slice().region;
        let inside = map(&self.maps).iter().zip(region).filter(|(_, inside)| **inside);
        inside.fold((0.0, 0), |(sum, pixels), (value, _)| (sum + f64::from(*value), pixels + 1))
    }

    fn mean_in_region(&self, map: impl Fn(&Uncertainty) -> &ndarray::Array2<f32>) -> f64 {
        let (sum, pixels) = self.sum_in_region(map);
        sum / pixels.max(1) as f64
    }
}

#[starlark_value(type = "Uncertainty")]
impl<'v> StarlarkValue<'v> for UncertaintyValue {
    shared_members!(UNCERTAINTY);

    fn length(&self) -> starlark::Result<i32> {
        Ok(self.slices.len() as i32)
    }

    fn at(&self, index: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let position = match Index::of(index, self.slices.len(), "slice").map_err(failed)? {
            Index::Position(position) => position,
            Index::Name(name) => {
                let subject = self.slices.iter().find(|one| &*one.slice.subject.name == name);
                let middle = subject.map(|one| SliceValue::mid_cord(&one.slice.subject));
                let missing = || Error::input(format!("no uncertainty of a subject {name}"));
                let middle = middle.transpose().map_err(failed)?.ok_or_else(missing);
                let middle = middle.map_err(failed)?;
                let is_middle = |one: &SliceUncertaintyValue| {
                    Arc::ptr_eq(&one.slice.subject, &middle.subject)
                        && one.slice.position == middle.position
                };
                self.slices.iter().position(is_middle).unwrap_or(0)
            }
        };
        Ok(heap.alloc(self.slices[position].clone()))
    }

    fn iterate_collect(&self, heap: Heap<'v>) -> starlark::Result<Vec<Value<'v>>> {
        Ok(self.slices.iter().map(|one| heap.alloc(one.clone())).collect())
    }
}

#[starlark_value(type = "SliceUncertainty")]
impl<'v> StarlarkValue<'v> for SliceUncertaintyValue {
    shared_members!(SLICE_UNCERTAINTY);
}

impl Show for UncertaintyValue {
    fn show(&self) -> Result<Display> {
        let mut display = Display::text(format!(
            "uncertainty of {} slices: mean variance {:.6}, mean error {:.6} inside the regions of \
             interest",
            self.slices.len(),
            self.mean(|maps| &maps.variance),
            self.mean(|maps| &maps.error),
        ));
        if let Some(one) = self.most_uncertain() {
            display.parts.extend(one.show()?.parts);
        }
        Ok(display)
    }

    fn keys(&self) -> Vec<String> {
        let mut keys: Vec<_> =
            self.slices.iter().map(|one| one.slice.subject.name.to_string()).collect();
        keys.dedup();
        keys
    }
}

impl Show for SliceUncertaintyValue {
    fn show(&self) -> Result<Display> {
        Ok(Display::of([Part::Figure(uncertainty_panels(self.slice.slice(), &self.maps))]))
    }
}

/// Monte-Carlo maps of many slices. `doubt[0]` is the first, `doubt["sub-01"]` that subject's
/// slice with the most cord.
#[starlark_module]
fn uncertainty_methods(builder: &mut MethodsBuilder) {
    /// Mean variance over the pixels of all regions of interest.
    #[starlark(attribute)]
    fn variance(this: &UncertaintyValue) -> anyhow::Result<f64> {
        Ok(this.mean(|maps| &maps.variance))
    }

    /// Mean error over the pixels of all regions of interest.
    #[starlark(attribute)]
    fn error(this: &UncertaintyValue) -> anyhow::Result<f64> {
        Ok(this.mean(|maps| &maps.error))
    }
}

/// Monte-Carlo maps of one slice.
#[starlark_module]
fn slice_uncertainty_methods(builder: &mut MethodsBuilder) {
    /// The slice itself.
    #[starlark(attribute)]
    fn slice(this: &SliceUncertaintyValue) -> anyhow::Result<SliceValue> {
        Ok(this.slice.clone())
    }

    /// Epistemic uncertainty: the variance over the redrawings of each pixel.
    #[starlark(attribute)]
    fn variance(this: &SliceUncertaintyValue) -> anyhow::Result<ImageValue> {
        Ok(this.slice.map("variance", "variance", this.maps.variance.clone()))
    }

    /// Mean redrawing.
    #[starlark(attribute)]
    fn mean(this: &SliceUncertaintyValue) -> anyhow::Result<ImageValue> {
        Ok(this.slice.map("mean reconstruction", "intensity", this.maps.mean.clone()))
    }

    /// Difference of image and mean redrawing, without sign: the aleatoric proxy.
    #[starlark(attribute)]
    fn error(this: &SliceUncertaintyValue) -> anyhow::Result<ImageValue> {
        Ok(this.slice.map("error", "|image − mean|", this.maps.error.clone()))
    }

    /// Passes through the network that the maps took.
    #[starlark(attribute)]
    fn passes(this: &SliceUncertaintyValue) -> anyhow::Result<i32> {
        Ok(this.maps.passes as i32)
    }
}
