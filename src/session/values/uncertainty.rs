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

use super::index::{Index, unknown};
use super::{ImageValue, SliceValue, handle, shared_members};
use crate::Result;
use crate::context::counted;
use crate::report::Show as _;
use crate::session::Display;
use crate::session::show::{ShowValue, failed};
use crate::study::{CohortUncertainty, SliceUncertainty};

/// Maps of all slices of some subjects, in their order; at least one.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct UncertaintyValue(#[allocative(skip)] pub CohortUncertainty);

/// Maps of one slice.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct SliceUncertaintyValue(#[allocative(skip)] pub SliceUncertainty);

handle!(UncertaintyValue);
handle!(SliceUncertaintyValue);
starlark::methods_static!(UNCERTAINTY = uncertainty_methods);
starlark::methods_static!(SLICE_UNCERTAINTY = slice_uncertainty_methods);

impl fmt::Display for UncertaintyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Uncertainty of {}>", counted(self.0.slices.len(), "slice"))
    }
}

impl fmt::Display for SliceUncertaintyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slice = self.0.slice();
        write!(f, "<Uncertainty of {}, slice {}>", slice.subject, slice.index)
    }
}

impl UncertaintyValue {
    fn one(&self, position: usize) -> SliceUncertaintyValue {
        SliceUncertaintyValue(self.0.slices[position].clone())
    }
}

impl SliceUncertaintyValue {
    fn place(&self) -> SliceValue {
        SliceValue { subject: self.0.subject.clone(), position: self.0.position }
    }
}

#[starlark_value(type = "Uncertainty")]
impl<'v> StarlarkValue<'v> for UncertaintyValue {
    shared_members!(UNCERTAINTY);

    fn length(&self) -> starlark::Result<i32> {
        Ok(self.0.slices.len() as i32)
    }

    fn at(&self, index: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let position = match Index::of(index, self.0.slices.len(), "slice").map_err(failed)? {
            Index::Position(position) => position,
            Index::Name(name) => {
                let subject = self.0.slices.iter().find(|one| &*one.subject.name == name);
                let middle = subject.map(|one| SliceValue::mid_cord(&one.subject));
                let missing = || unknown("uncertainty maps", name, names(&self.0));
                let middle = middle.transpose().map_err(failed)?.ok_or_else(missing);
                let middle = middle.map_err(failed)?;
                let is_middle = |one: &SliceUncertainty| {
                    Arc::ptr_eq(&one.subject, &middle.subject) && one.position == middle.position
                };
                self.0.slices.iter().position(is_middle).unwrap_or(0)
            }
        };
        Ok(heap.alloc(self.one(position)))
    }

    fn iterate_collect(&self, heap: Heap<'v>) -> starlark::Result<Vec<Value<'v>>> {
        Ok((0..self.0.slices.len()).map(|position| heap.alloc(self.one(position))).collect())
    }
}

#[starlark_value(type = "SliceUncertainty")]
impl<'v> StarlarkValue<'v> for SliceUncertaintyValue {
    shared_members!(SLICE_UNCERTAINTY);
}

impl ShowValue for UncertaintyValue {
    fn show(&self) -> Result<Display> {
        self.0.show()
    }

    fn keys(&self) -> Vec<String> {
        let mut keys: Vec<_> =
            self.0.slices.iter().map(|one| one.subject.name.to_string()).collect();
        keys.dedup();
        keys
    }
}

impl ShowValue for SliceUncertaintyValue {
    fn show(&self) -> Result<Display> {
        self.0.show()
    }
}

/// The subject of every slice.
fn names(maps: &CohortUncertainty) -> impl Iterator<Item = &str> {
    maps.slices.iter().map(|one| &*one.subject.name)
}

/// Monte-Carlo maps of many slices. `uncertainty[0]` is the first, `uncertainty["sub-01"]` that
/// subject's slice with the most cord.
#[starlark_module]
fn uncertainty_methods(builder: &mut MethodsBuilder) {
    /// The maps of one subject's slices, from the patient's right to left: `uncertainty.of("sub-01")[3]`.
    fn of(this: &UncertaintyValue, subject: &str) -> anyhow::Result<Vec<SliceUncertaintyValue>> {
        let slices = this.0.slices.iter().filter(|one| &*one.subject.name == subject);
        let slices: Vec<_> = slices.map(|one| SliceUncertaintyValue(one.clone())).collect();
        if slices.is_empty() {
            return Err(unknown("uncertainty maps", subject, names(&this.0)).into());
        }
        Ok(slices)
    }

    /// Mean variance over the pixels of all regions of interest.
    #[starlark(attribute)]
    fn variance(this: &UncertaintyValue) -> anyhow::Result<f64> {
        Ok(this.0.mean(|maps| &maps.variance))
    }

    /// Mean error over the pixels of all regions of interest.
    #[starlark(attribute)]
    fn error(this: &UncertaintyValue) -> anyhow::Result<f64> {
        Ok(this.0.mean(|maps| &maps.error))
    }
}

/// Monte-Carlo maps of one slice.
#[starlark_module]
fn slice_uncertainty_methods(builder: &mut MethodsBuilder) {
    /// The slice itself.
    #[starlark(attribute)]
    fn slice(this: &SliceUncertaintyValue) -> anyhow::Result<SliceValue> {
        Ok(this.place())
    }

    /// Epistemic uncertainty: the variance over the reconstructions of each pixel.
    #[starlark(attribute)]
    fn variance(this: &SliceUncertaintyValue) -> anyhow::Result<ImageValue> {
        Ok(this.place().map("variance", "variance", this.0.maps.variance.clone()))
    }

    /// Mean reconstruction.
    #[starlark(attribute)]
    fn mean(this: &SliceUncertaintyValue) -> anyhow::Result<ImageValue> {
        Ok(this.place().map("mean reconstruction", "intensity", this.0.maps.mean.clone()))
    }

    /// Absolute difference between image and mean reconstruction: a proxy for aleatoric uncertainty.
    #[starlark(attribute)]
    fn error(this: &SliceUncertaintyValue) -> anyhow::Result<ImageValue> {
        Ok(this.place().map("error", "|image − mean|", this.0.maps.error.clone()))
    }

    /// Number of passes through the network.
    #[starlark(attribute)]
    fn passes(this: &SliceUncertaintyValue) -> anyhow::Result<i32> {
        Ok(this.0.maps.passes as i32)
    }
}
