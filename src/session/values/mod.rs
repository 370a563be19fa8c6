//! The types that verbs return: cheap handles on the library's own types, with attributes,
//! methods and a rich display.

mod cohort;
mod comparison;
mod evaluation;
mod figure;
mod findings;
mod history;
mod image;
mod index;
mod lesion_rows;
mod maps;
mod masks;
mod method;
mod model;
mod rows;
mod signal;
mod slice;
mod slice_finding;
mod subject;
mod uncertainty;

pub(super) use cohort::{CohortValue, FieldOfView};
pub(super) use comparison::ComparisonValue;
pub(super) use evaluation::{EvaluationValue, evaluations};
pub(super) use figure::FigureValue;
pub(super) use findings::{FINDING_FIGURES, FindingValue, FindingsValue, HISTOGRAMS, figure_names};
pub(super) use history::{EpochValue, HistoryValue};
pub(super) use image::ImageValue;
pub(super) use maps::MapsValue;
pub(super) use masks::MasksValue;
pub(super) use method::MethodValue;
pub(super) use model::ModelValue;
pub(super) use rows::table_rows;
pub(super) use signal::{SignalCurveValue, SignalCurvesValue};
pub(super) use slice::SliceValue;
use slice_finding::SliceFindingValue;
pub(super) use subject::SubjectValue;
pub(super) use uncertainty::{SliceUncertaintyValue, UncertaintyValue};

use starlark::docs::DocType;
use starlark::values::StarlarkValue;

use super::manual::Type;

/// What a handle needs besides `Display`, `Clone`, its methods and [`super::show::Show`]: a place
/// in the language's heap. Debugging shows what `str` does.
macro_rules! handle {
    ($name:ident) => {
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        starlark::starlark_simple_value!($name);
    };
}

/// The methods of `StarlarkValue` that all handles share: documented attributes, rich display.
macro_rules! shared_members {
    ($methods:ident) => {
        fn get_methods() -> Option<&'static starlark::environment::Methods> {
            Some($methods.methods())
        }

        fn provide(&'v self, demand: &mut starlark::values::Demand<'_, 'v>) {
            demand.provide_value($crate::session::show::Showable(Box::new(self.clone())));
        }
    };
}

pub(in crate::session) use {handle, shared_members};

/// Documentation of every type, for `help` and completion.
pub(super) fn documentation() -> Vec<Type> {
    vec![
        documented::<CohortValue>(Some("Subject")),
        documented::<SubjectValue>(Some("Slice")),
        documented::<SliceValue>(None),
        documented::<ImageValue>(None),
        documented::<SignalCurvesValue>(Some("SignalCurve")),
        documented::<SignalCurveValue>(None),
        documented::<ModelValue>(None),
        documented::<HistoryValue>(Some("Epoch")),
        documented::<EpochValue>(None),
        documented::<UncertaintyValue>(Some("SliceUncertainty")),
        documented::<SliceUncertaintyValue>(None),
        documented::<MasksValue>(None),
        documented::<MapsValue>(Some("Image")),
        documented::<MethodValue>(None),
        documented::<FindingsValue>(Some("Finding")),
        documented::<FindingValue>(None),
        documented::<SliceFindingValue>(None),
        documented::<EvaluationValue>(None),
        documented::<ComparisonValue>(None),
        documented::<FigureValue>(None),
    ]
}

/// A type's documentation, with the type of its items, which the language does not know.
pub(super) fn documented<T: StarlarkValue<'static>>(element: Option<&'static str>) -> Type {
    Type::from_docs(&DocType::from_starlark_value::<T>(), element)
}
