//! The types that verbs return: cheap handles on the library's own types, with attributes,
//! methods and a rich display.

mod cohort;
mod evaluation;
mod figure;
mod findings;
mod history;
mod image;
mod index;
mod masks;
mod method;
mod model;
mod slice;
mod subject;
mod uncertainty;

pub(super) use cohort::CohortValue;
pub(super) use evaluation::EvaluationValue;
pub(super) use figure::FigureValue;
pub(super) use findings::{FindingValue, FindingsValue};
pub(super) use history::{EpochValue, HistoryValue};
pub(super) use image::ImageValue;
pub(super) use masks::MasksValue;
pub(super) use method::MethodValue;
pub(super) use model::ModelValue;
pub(super) use slice::SliceValue;
pub(super) use subject::SubjectValue;
pub(super) use uncertainty::{SliceUncertaintyValue, UncertaintyValue};

use starlark::docs::DocType;

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

use {handle, shared_members};

/// Documentation of every type, for `help` and completion.
pub(super) fn documentation() -> Vec<DocType> {
    vec![
        DocType::from_starlark_value::<CohortValue>(),
        DocType::from_starlark_value::<SubjectValue>(),
        DocType::from_starlark_value::<SliceValue>(),
        DocType::from_starlark_value::<ImageValue>(),
        DocType::from_starlark_value::<ModelValue>(),
        DocType::from_starlark_value::<HistoryValue>(),
        DocType::from_starlark_value::<EpochValue>(),
        DocType::from_starlark_value::<UncertaintyValue>(),
        DocType::from_starlark_value::<SliceUncertaintyValue>(),
        DocType::from_starlark_value::<MasksValue>(),
        DocType::from_starlark_value::<MethodValue>(),
        DocType::from_starlark_value::<FindingsValue>(),
        DocType::from_starlark_value::<FindingValue>(),
        DocType::from_starlark_value::<EvaluationValue>(),
        DocType::from_starlark_value::<FigureValue>(),
    ]
}
