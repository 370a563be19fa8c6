//! The signal of cords along their axes, in the language.

use std::fmt;
use std::sync::Arc;

use allocative::Allocative;
use starlark::StarlarkPagablePanic;
use starlark::environment::MethodsBuilder;
use starlark::starlark_module;
use starlark::values::none::NoneOr;
use starlark::values::{
    Heap, NoSerialize, ProvidesStaticType, StarlarkValue, Value, starlark_value,
};

use super::index::Index;
use super::rows::table_rows;
use super::{handle, shared_members};
use crate::context::counted;
use crate::detection::SignalCurve;
use crate::report::{Show as _, Tabulate as _};
use crate::session::Display;
use crate::session::show::{ShowValue, failed};
use crate::{Error, Result};

/// One subject's signal curve.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct SignalCurveValue(#[allocative(skip)] pub Arc<SignalCurve>);

/// The signal curves of a cohort.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct SignalCurvesValue(#[allocative(skip)] pub Arc<Vec<SignalCurve>>);

handle!(SignalCurveValue);
handle!(SignalCurvesValue);
starlark::methods_static!(ONE = one_methods);
starlark::methods_static!(SEVERAL = several_methods);

impl fmt::Display for SignalCurveValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<SignalCurve of {}, {} levels>", self.0.subject, self.0.levels.len())
    }
}

impl fmt::Display for SignalCurvesValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<SignalCurves of {}>", counted(self.0.len(), "subject"))
    }
}

#[starlark_value(type = "SignalCurve")]
impl<'v> StarlarkValue<'v> for SignalCurveValue {
    shared_members!(ONE);
}

#[starlark_value(type = "SignalCurves")]
impl<'v> StarlarkValue<'v> for SignalCurvesValue {
    shared_members!(SEVERAL);

    fn length(&self) -> starlark::Result<i32> {
        Ok(self.0.len() as i32)
    }

    fn at(&self, index: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let curve = match Index::of(index, self.0.len(), "subject").map_err(failed)? {
            Index::Position(position) => self.0.get(position),
            Index::Name(name) => self.0.iter().find(|curve| &*curve.subject == name),
        };
        let missing = || failed(Error::input(format!("there is no subject {index}")));
        Ok(heap.alloc(SignalCurveValue(Arc::new(curve.ok_or_else(missing)?.clone()))))
    }

    fn iterate_collect(&self, heap: Heap<'v>) -> starlark::Result<Vec<Value<'v>>> {
        let value = |curve: &SignalCurve| heap.alloc(SignalCurveValue(Arc::new(curve.clone())));
        Ok(self.0.iter().map(value).collect())
    }
}

impl ShowValue for SignalCurveValue {
    fn show(&self) -> Result<Display> {
        self.0.show()
    }
}

impl ShowValue for SignalCurvesValue {
    fn show(&self) -> Result<Display> {
        self.0.as_slice().show()
    }

    fn keys(&self) -> Vec<String> {
        self.0.iter().map(|curve| curve.subject.to_string()).collect()
    }
}

/// The mean T2-weighted signal of one subject's cord along its axis and at each vertebral level.
#[starlark_module]
fn one_methods(builder: &mut MethodsBuilder) {
    /// Name of the subject.
    #[starlark(attribute)]
    fn subject(this: &SignalCurveValue) -> anyhow::Result<String> {
        Ok(this.0.subject.to_string())
    }

    /// Positions along the cord, mm from its upper end.
    #[starlark(attribute)]
    fn positions(this: &SignalCurveValue) -> anyhow::Result<Vec<f64>> {
        Ok(this.0.position_mm.clone())
    }

    /// Mean signal at each position, from 0 to 1.
    #[starlark(attribute)]
    fn signal(this: &SignalCurveValue) -> anyhow::Result<Vec<f64>> {
        Ok(this.0.signal.clone())
    }

    /// Median signal of the cerebrospinal fluid, from 0 to 1; None without fluid.
    #[starlark(attribute)]
    fn csf(this: &SignalCurveValue) -> anyhow::Result<NoneOr<f64>> {
        Ok(NoneOr::from_option(this.0.fluid))
    }

    /// One dictionary per vertebral level, superior first: the rows of its table.
    #[starlark(attribute)]
    fn levels<'v>(this: &SignalCurveValue, heap: Heap<'v>) -> anyhow::Result<Vec<Value<'v>>> {
        Ok(table_rows(&this.0.table()?, heap))
    }
}

/// The signal of the cords of a cohort. `curves[3]` and `curves["sub-01"]` are one subject's.
#[starlark_module]
fn several_methods(builder: &mut MethodsBuilder) {
    /// One dictionary per subject and vertebral level: the rows of the table.
    #[starlark(attribute)]
    fn levels<'v>(this: &SignalCurvesValue, heap: Heap<'v>) -> anyhow::Result<Vec<Value<'v>>> {
        Ok(table_rows(&this.0.as_slice().table()?, heap))
    }
}
