//! Two methods on the same patients, in the language.

use std::fmt;
use std::sync::Arc;

use allocative::Allocative;
use starlark::StarlarkPagablePanic;
use starlark::collections::SmallMap;
use starlark::environment::MethodsBuilder;
use starlark::starlark_module;
use starlark::values::none::NoneOr;
use starlark::values::{NoSerialize, ProvidesStaticType, StarlarkValue, starlark_value};

use super::{handle, shared_members};
use crate::Result;
use crate::evaluation::{ComparedMeasure, Comparison};
use crate::report::Show as _;
use crate::session::Display;
use crate::session::show::ShowValue;

/// A comparison of two evaluations.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct ComparisonValue(#[allocative(skip)] pub Arc<Comparison>);

handle!(ComparisonValue);
starlark::methods_static!(COMPARISON = comparison_methods);

impl fmt::Display for ComparisonValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparison { first, second, patients, .. } = &*self.0;
        write!(f, "<Comparison of {first} with {second} on {patients} patients>")
    }
}

impl ComparisonValue {
    fn by_measure(
        &self,
        number: fn(&ComparedMeasure) -> Option<f64>,
    ) -> SmallMap<String, NoneOr<f64>> {
        let measures = self.0.measures.iter();
        measures.map(|one| (one.name.to_owned(), NoneOr::from_option(number(one)))).collect()
    }
}

#[starlark_value(type = "Comparison")]
impl<'v> StarlarkValue<'v> for ComparisonValue {
    shared_members!(COMPARISON);
}

impl ShowValue for ComparisonValue {
    fn show(&self) -> Result<Display> {
        self.0.show()
    }
}

/// Two methods on the same patients. Numbers are None where they are not defined.
#[starlark_module]
fn comparison_methods(builder: &mut MethodsBuilder) {
    /// First method minus second, by measure.
    #[starlark(attribute)]
    fn differences(this: &ComparisonValue) -> anyhow::Result<SmallMap<String, NoneOr<f64>>> {
        Ok(this.by_measure(|measure| measure.difference))
    }

    /// Two-sided p-value by measure: the DeLong test for the AUROC of the patients, a paired
    /// bootstrap for the others.
    #[starlark(attribute)]
    fn p_values(this: &ComparisonValue) -> anyhow::Result<SmallMap<String, NoneOr<f64>>> {
        Ok(this.by_measure(|measure| measure.p_value))
    }
}
