//! A cohort in the language.

use std::fmt;

use allocative::Allocative;
use either::Either;
use starlark::StarlarkPagablePanic;
use starlark::collections::SmallMap;
use starlark::environment::MethodsBuilder;
use starlark::starlark_module;
use starlark::values::list::{ListRef, UnpackList};
use starlark::values::none::NoneOr;
use starlark::values::{
    Heap, NoSerialize, ProvidesStaticType, StarlarkValue, Value, ValueLike, starlark_value,
};

use super::index::{Index, range};
use super::{SubjectValue, handle, shared_members};
use crate::cohort::Cohort;
use crate::context::{Context, counted};
use crate::figures::{Figure, cohort_montage};
use crate::files::Fingerprint;
use crate::report::cohort_display;
use crate::session::Display;
use crate::session::show::written::text_of;
use crate::session::show::{ShowValue, failed};
use crate::{Error, Result};

/// A cohort with the context that preprocessing its subjects needs.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct CohortValue {
    #[allocative(skip)]
    pub cohort: Cohort,
    #[allocative(skip)]
    pub context: Context,
}

handle!(CohortValue);
starlark::methods_static!(COHORT = cohort_methods);

impl fmt::Display for CohortValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, usable) = (self.cohort.name(), self.cohort.usable().len());
        let waiting = counted(self.cohort.without_masks(), "image");
        let masks = "without a cord mask; segment(…) finds masks";
        match (usable, self.cohort.without_masks()) {
            (_, 0) => write!(f, "<Cohort {name}, {}>", counted(usable, "subject")),
            (0, _) => write!(f, "<Cohort {name}, {waiting} {masks}>"),
            _ => {
                write!(f, "<Cohort {name}, {} and {waiting} {masks}>", counted(usable, "subject"))
            }
        }
    }
}

impl CohortValue {
    /// One slice per subject, with names and outlines.
    pub fn montage(&self) -> Result<Figure> {
        let subjects = self.cohort.subjects(&self.context)?;
        Ok(cohort_montage(&format!("Cohort {}", self.cohort.name()), &subjects))
    }

    /// Names of the subjects that are not known to be unusable.
    fn names(&self) -> Vec<String> {
        let names = self.cohort.names();
        self.cohort.usable().into_iter().map(|position| names[position].to_owned()).collect()
    }

    fn part(&self, cohort: Cohort) -> Self {
        Self { cohort, context: self.context.clone() }
    }

    /// The name of the subject that stands in a list of names or positions.
    fn name_at(&self, index: Value) -> Result<String> {
        let usable = self.cohort.usable();
        match Index::of(index, usable.len(), "subject")? {
            Index::Position(position) => Ok(self.cohort.names()[usable[position]].to_owned()),
            Index::Name(name) => Ok(name.to_owned()),
        }
    }

    fn subject(&self, position: usize) -> SubjectValue {
        SubjectValue { cohort: self.cohort.clone(), position, context: self.context.clone() }
    }
}

/// What a user gives for the parameter `fov_mm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum FieldOfView {
    /// None.
    Default,
    /// mm.
    Edge(usize),
    /// "auto": what holds the cords.
    Fitting,
}

impl FieldOfView {
    /// Reads the parameter of `verb`.
    pub fn of(verb: &str, given: NoneOr<Either<i64, &str>>) -> Result<Self> {
        match given.into_option() {
            None => Ok(Self::Default),
            Some(Either::Right("auto")) => Ok(Self::Fitting),
            Some(Either::Left(mm)) if mm >= 0 => Ok(Self::Edge(mm as usize)),
            Some(other) => {
                let shown = other.either(|mm| mm.to_string(), |word| format!("{word:?}"));
                let message =
                    format!("{verb}: `fov_mm` must be a number of mm or \"auto\", not {shown}");
                Err(Error::input(message))
            }
        }
    }

    /// A given edge, mm.
    pub fn edge_mm(self) -> Option<usize> {
        match self {
            Self::Edge(mm) => Some(mm),
            Self::Default | Self::Fitting => None,
        }
    }
}

#[starlark_value(type = "Cohort")]
impl<'v> StarlarkValue<'v> for CohortValue {
    shared_members!(COHORT);

    fn length(&self) -> starlark::Result<i32> {
        Ok(self.cohort.usable().len() as i32)
    }

    fn at(&self, index: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        if let Some(list) = ListRef::from_value(index) {
            let names = list.iter().map(|one| self.name_at(one)).collect::<Result<Vec<_>>>();
            let part = names.and_then(|names| self.cohort.picked(&names));
            return part.map(|part| heap.alloc(self.part(part))).map_err(failed);
        }
        let usable = self.cohort.usable();
        let position = match Index::of(index, usable.len(), "subject").map_err(failed)? {
            Index::Position(position) => usable[position],
            Index::Name(name) => self.cohort.find(name).map_err(failed)?,
        };
        Ok(heap.alloc(self.subject(position)))
    }

    fn slice(
        &self,
        start: Option<Value<'v>>,
        stop: Option<Value<'v>>,
        stride: Option<Value<'v>>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let usable = self.cohort.usable();
        let range = range(start, stop, stride, usable.len()).map_err(failed)?;
        // Unusable subjects in between come along and are left out wherever subjects are used.
        let place = |position: usize| usable.get(position).copied().unwrap_or(self.cohort.len());
        let stop = if range.is_empty() { place(range.start) } else { place(range.end - 1) + 1 };
        Ok(heap.alloc(self.part(self.cohort.slice(place(range.start)..stop))))
    }

    fn iterate_collect(&self, heap: Heap<'v>) -> starlark::Result<Vec<Value<'v>>> {
        let usable = self.cohort.usable().into_iter();
        Ok(usable.map(|position| heap.alloc(self.subject(position))).collect())
    }

    fn add(&self, rhs: Value<'v>, heap: Heap<'v>) -> Option<starlark::Result<Value<'v>>> {
        let other = rhs.downcast_ref::<Self>()?;
        let joined = self.cohort.joined(&other.cohort);
        Some(joined.map(|joined| heap.alloc(self.part(joined))).map_err(failed))
    }

    fn is_in(&self, other: Value<'v>) -> starlark::Result<bool> {
        Ok(other.unpack_str().is_some_and(|name| self.cohort.find(name).is_ok()))
    }
}

impl ShowValue for CohortValue {
    fn show(&self) -> Result<Display> {
        cohort_display(&self.cohort, &self.context)
    }

    fn keys(&self) -> Vec<String> {
        self.names()
    }
}

/// Subjects with their preprocessed slices. `cohort[3]` and `cohort["sub-01"]` pick one,
/// `cohort[2:5]` and `cohort[["sub-01", "sub-07"]]` some; `first + second` joins two cohorts, and `for subject in
/// cohort` visits all. Subjects are preprocessed when first needed. Those that cannot be used are not counted; `cohort.broken` has their names and reasons.
#[starlark_module]
fn cohort_methods(builder: &mut MethodsBuilder) {
    /// The folder's name, with what was selected from it.
    #[starlark(attribute)]
    fn name(this: &CohortValue) -> anyhow::Result<String> {
        Ok(this.cohort.name().to_owned())
    }

    /// Names of the subjects, in order.
    #[starlark(attribute)]
    fn names(this: &CohortValue) -> anyhow::Result<Vec<String>> {
        Ok(this.names())
    }

    /// Edge of the preprocessed slices in pixels.
    #[starlark(attribute)]
    fn size(this: &CohortValue) -> anyhow::Result<i32> {
        Ok(this.cohort.grid().size as i32)
    }

    /// Edge of the slices' square field of view, in mm.
    #[starlark(attribute)]
    fn fov_mm(this: &CohortValue) -> anyhow::Result<i32> {
        Ok(this.cohort.grid().fov_mm as i32)
    }

    /// The subjects that are healthy according to the participants table.
    #[starlark(attribute)]
    fn healthy(this: &CohortValue) -> anyhow::Result<CohortValue> {
        Ok(this.part(this.cohort.healthy()?))
    }

    /// The clinical subjects: all others.
    #[starlark(attribute)]
    fn clinical(this: &CohortValue) -> anyhow::Result<CohortValue> {
        Ok(this.part(this.cohort.clinical()?))
    }

    /// Names of the subjects that could not be used, with the reasons.
    #[starlark(attribute)]
    fn broken(this: &CohortValue) -> anyhow::Result<SmallMap<String, String>> {
        let broken = this.cohort.broken().into_iter();
        Ok(broken.map(|(name, reason)| (name.to_owned(), reason.to_owned())).collect())
    }

    /// Of each subject, where its cord mask comes from: given, found with a confidence, or none.
    #[starlark(attribute)]
    fn masks(this: &CohortValue) -> anyhow::Result<SmallMap<String, String>> {
        let origins = this.cohort.mask_origins().into_iter();
        Ok(origins.map(|(name, origin)| (name.to_owned(), origin)).collect())
    }

    /// A hash of all that its usable subjects hold: names, columns of the participants table, preprocessed images, masks
    /// and discs. For the name of a file that holds what was computed from them.
    fn fingerprint(this: &CohortValue) -> anyhow::Result<String> {
        let mut all = Fingerprint::default();
        for subject in this.cohort.subjects(&this.context)? {
            subject.add_to(&mut all);
        }
        Ok(all.finish())
    }

    /// The subjects that have these values in the participants table:
    /// `cohort.where(site = "hospital")`.
    fn r#where<'v>(
        this: &CohortValue,
        #[starlark(kwargs)] columns: SmallMap<String, Value<'v>>,
    ) -> anyhow::Result<CohortValue> {
        let mut cohort = this.cohort.clone();
        for (column, value) in columns {
            cohort = cohort.filter(&column, &text_of(value))?;
        }
        Ok(this.part(cohort))
    }

    /// All subjects but those of these names: `cohort.without("sub-03")`, `cohort.without(["sub-03", "sub-08"])`.
    fn without(
        this: &CohortValue,
        #[starlark(require = pos)] names: Either<String, UnpackList<String>>,
    ) -> anyhow::Result<CohortValue> {
        let names = names.either(|name| vec![name], |names| names.items);
        Ok(this.part(this.cohort.without(&names)?))
    }

    /// The same subjects with `prefix` before the label of each name, `sub-b01` for `sub-01`: to join cohorts
    /// in which the same names stand for other people.
    fn prefixed(
        this: &CohortValue,
        #[starlark(require = pos)] prefix: &str,
    ) -> anyhow::Result<CohortValue> {
        Ok(this.part(this.cohort.prefixed(prefix)?))
    }

    /// The same subjects, preprocessed to `size` pixels and a field of view of `fov_mm`; None: unchanged. "auto"
    /// is the smallest field that holds the cords of nearly all subjects.
    fn preprocess(
        this: &CohortValue,
        #[starlark(default = NoneOr::None)] size: NoneOr<u32>,
        #[starlark(default = NoneOr::None)] fov_mm: NoneOr<Either<i64, &str>>,
    ) -> anyhow::Result<CohortValue> {
        let fov_mm = FieldOfView::of("preprocess", fov_mm)?;
        let mut grid = this.cohort.grid();
        grid.size = size.into_option().map_or(grid.size, |size| size as usize);
        grid.fov_mm = fov_mm.edge_mm().unwrap_or(grid.fov_mm);
        let cohort = this.cohort.on_grid(grid)?;
        Ok(this.part(match fov_mm {
            FieldOfView::Fitting => cohort.on_fitting_field(&this.context)?,
            FieldOfView::Default | FieldOfView::Edge(_) => cohort,
        }))
    }
}
