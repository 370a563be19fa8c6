//! A baseline in the language.

use std::fmt;
use std::sync::Arc;

use allocative::Allocative;
use starlark::StarlarkPagablePanic;
use starlark::environment::MethodsBuilder;
use starlark::starlark_module;
use starlark::values::{NoSerialize, ProvidesStaticType, StarlarkValue, starlark_value};

use super::{handle, shared_members};
use crate::Result;
use crate::baselines::Baseline;
use crate::session::Display;
use crate::session::show::ShowValue;

#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct MethodValue(#[allocative(skip)] pub Arc<Baseline>);

impl From<Baseline> for MethodValue {
    fn from(baseline: Baseline) -> Self {
        Self(Arc::new(baseline))
    }
}

handle!(MethodValue);
starlark::methods_static!(METHOD = method_methods);

impl fmt::Display for MethodValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Method {}>", self.0.reconstructor().name())
    }
}

#[starlark_value(type = "Method")]
impl<'v> StarlarkValue<'v> for MethodValue {
    shared_members!(METHOD);
}

impl ShowValue for MethodValue {
    fn show(&self) -> Result<Display> {
        Ok(Display::text(self.0.reconstructor().name()))
    }
}

/// A method to compare with: `detect` takes it in place of a model.
#[starlark_module]
fn method_methods(builder: &mut MethodsBuilder) {
    /// Its name in tables and figures.
    #[starlark(attribute)]
    fn name(this: &MethodValue) -> anyhow::Result<String> {
        Ok(this.0.reconstructor().name())
    }

    /// Mean loss of every epoch of its training; empty if it is not trained by epochs.
    #[starlark(attribute)]
    fn losses(this: &MethodValue) -> anyhow::Result<Vec<f64>> {
        Ok(this.0.losses().to_vec())
    }
}
