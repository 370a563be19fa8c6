//! One subject in the language.

use std::fmt;
use std::sync::Arc;

use allocative::Allocative;
use starlark::StarlarkPagablePanic;
use starlark::collections::SmallMap;
use starlark::environment::MethodsBuilder;
use starlark::starlark_module;
use starlark::values::none::NoneOr;
use starlark::values::{
    Heap, NoSerialize, ProvidesStaticType, StarlarkValue, Value, starlark_value,
};

use super::index::position;
use super::{ImageValue, SliceValue, handle, shared_members};
use crate::cohort::{Cohort, Disc, Subject};
use crate::context::Context;
use crate::report::Show as _;
use crate::session::Display;
use crate::session::show::{ShowValue, failed};
use crate::{Error, Result};

/// A position in a cohort; the subject is preprocessed when its slices are first needed.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct SubjectValue {
    #[allocative(skip)]
    pub cohort: Cohort,
    pub position: usize,
    #[allocative(skip)]
    pub context: Context,
}

handle!(SubjectValue);
starlark::methods_static!(SUBJECT = subject_methods);

impl fmt::Display for SubjectValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.cohort.entry(self.position).map(|entry| entry.name.clone());
        write!(f, "<Subject {}>", name.as_deref().unwrap_or("?"))
    }
}

impl SubjectValue {
    pub fn subject(&self) -> Result<Arc<Subject>> {
        self.cohort.subject(self.position, &self.context)
    }

    /// The slice with the most cord.
    pub fn mid_slice(&self) -> Result<SliceValue> {
        SliceValue::mid_cord(&self.subject()?)
    }
}

#[starlark_value(type = "Subject")]
impl<'v> StarlarkValue<'v> for SubjectValue {
    shared_members!(SUBJECT);

    fn length(&self) -> starlark::Result<i32> {
        Ok(self.subject().map_err(failed)?.slices.len() as i32)
    }

    fn at(&self, index: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let subject = self.subject().map_err(failed)?;
        let position = position(index, subject.slices.len(), "slice").map_err(failed)?;
        Ok(heap.alloc(SliceValue { subject, position }))
    }

    fn iterate_collect(&self, heap: Heap<'v>) -> starlark::Result<Vec<Value<'v>>> {
        let subject = self.subject().map_err(failed)?;
        let slice = |position| heap.alloc(SliceValue { subject: subject.clone(), position });
        Ok((0..subject.slices.len()).map(slice).collect())
    }
}

impl ShowValue for SubjectValue {
    fn show(&self) -> Result<Display> {
        self.subject()?.show()
    }
}

/// One person. `subject[4]` is the fifth preprocessed slice; `for slice in subject` visits all.
#[starlark_module]
fn subject_methods(builder: &mut MethodsBuilder) {
    /// Its name, as in the folder or the participants table.
    #[starlark(attribute)]
    fn name(this: &SubjectValue) -> anyhow::Result<String> {
        Ok(this.cohort.entry(this.position)?.name.to_string())
    }

    /// Columns of the participants table.
    #[starlark(attribute)]
    fn participant(this: &SubjectValue) -> anyhow::Result<SmallMap<String, String>> {
        let columns = &this.cohort.entry(this.position)?.participant;
        Ok(columns.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// Whether the subject is healthy according to the participants table.
    #[starlark(attribute)]
    fn healthy(this: &SubjectValue) -> anyhow::Result<bool> {
        Ok(this.cohort.entry(this.position)?.is_healthy())
    }

    /// Whether there is a lesion, by the ground truth; None if that is unknown.
    #[starlark(attribute)]
    fn lesion(this: &SubjectValue) -> anyhow::Result<NoneOr<bool>> {
        Ok(NoneOr::from_option(this.subject()?.has_lesion()))
    }

    /// Preprocessed slices with a region of interest, from the patient's right to left.
    #[starlark(attribute)]
    fn slices(this: &SubjectValue) -> anyhow::Result<Vec<SliceValue>> {
        let subject = this.subject()?;
        let slice = |position| SliceValue { subject: subject.clone(), position };
        Ok((0..subject.slices.len()).map(slice).collect())
    }

    /// The slice with the most cord.
    #[starlark(attribute)]
    fn middle(this: &SubjectValue) -> anyhow::Result<SliceValue> {
        Ok(this.mid_slice()?)
    }

    /// Image of the slice with the most cord.
    #[starlark(attribute)]
    fn image(this: &SubjectValue) -> anyhow::Result<ImageValue> {
        Ok(this.mid_slice()?.image())
    }

    /// Names of the labelled discs, superior first.
    #[starlark(attribute)]
    fn discs(this: &SubjectValue) -> anyhow::Result<Vec<String>> {
        Ok(this.subject()?.discs.iter().map(|disc| Disc::name(disc.value)).collect())
    }
}

impl SliceValue {
    /// A subject's slice with the most cord.
    pub fn mid_cord(subject: &Arc<Subject>) -> Result<Self> {
        let middle = subject
            .mid_cord()
            .and_then(|middle| subject.slices.iter().position(|slice| slice.index == middle.index));
        match middle {
            Some(position) => Ok(Self { subject: subject.clone(), position }),
            None => Err(Error::subject(&*subject.name, "has no slices")),
        }
    }
}
