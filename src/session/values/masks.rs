//! Masks for training in the language.

use std::fmt;

use allocative::Allocative;
use starlark::StarlarkPagablePanic;
use starlark::environment::MethodsBuilder;
use starlark::starlark_module;
use starlark::values::{NoSerialize, ProvidesStaticType, StarlarkValue, starlark_value};

use super::{handle, shared_members};
use crate::Result;
use crate::context::counted;
use crate::options::Choice;
use crate::report::Show as _;
use crate::session::Display;
use crate::session::show::ShowValue;
use crate::study::Masks;

/// A sampler with the slice that shows it best.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct MasksValue(#[allocative(skip)] pub Masks);

handle!(MasksValue);
starlark::methods_static!(MASKS = masks_methods);

impl fmt::Display for MasksValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<Masks guided by {} for {}>",
            self.0.sampler.strategy.name(),
            counted(self.0.sampler.len(), "slice")
        )
    }
}

#[starlark_value(type = "Masks")]
impl<'v> StarlarkValue<'v> for MasksValue {
    shared_members!(MASKS);

    fn length(&self) -> starlark::Result<i32> {
        Ok(self.0.sampler.len() as i32)
    }
}

impl ShowValue for MasksValue {
    fn show(&self) -> Result<Display> {
        self.0.show()
    }
}

/// Masks for training: drawn anew for every batch, guided by uncertainty.
#[starlark_module]
fn masks_methods(builder: &mut MethodsBuilder) {
    /// The masking strategy, such as "eu".
    #[starlark(attribute)]
    fn sampler(this: &MasksValue) -> anyhow::Result<String> {
        Ok(this.0.sampler.strategy.name().to_owned())
    }

    /// Temperature of the softmax over patch variances.
    #[starlark(attribute)]
    fn temperature(this: &MasksValue) -> anyhow::Result<f64> {
        Ok(this.0.sampler.temperature)
    }
}
