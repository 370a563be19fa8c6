//! Guidance for masks in the language.

use std::fmt;

use allocative::Allocative;
use ndarray::Array2;
use starlark::StarlarkPagablePanic;
use starlark::environment::MethodsBuilder;
use starlark::starlark_module;
use starlark::values::{NoSerialize, ProvidesStaticType, StarlarkValue, starlark_value};

use super::{SliceValue, handle, shared_members};
use crate::Result;
use crate::choice::Choice;
use crate::cohort::Cohort;
use crate::context::Context;
use crate::figures::{Figure, PatchMask, masking_strategies};
use crate::masking::Guide;
use crate::model::patch_counts;
use crate::session::show::Show;
use crate::session::{Display, Part};

/// A guide with the slice that shows it best.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct MasksValue {
    #[allocative(skip)]
    pub guide: Guide,
    pub example: SliceValue,
    /// Whose slices are guided, at the size of the example.
    #[allocative(skip)]
    pub cohort: Cohort,
    #[allocative(skip)]
    pub context: Context,
}

/// Share of the region's patches that an example mask hides.
const EXAMPLE_RATIO: f64 = 0.75;

handle!(MasksValue);
starlark::methods_static!(MASKS = masks_methods);

impl fmt::Display for MasksValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<Masks guided by {} for {} slices>",
            self.guide.strategy.name(),
            self.guide.len()
        )
    }
}

impl MasksValue {
    /// Random masks beside guided ones on the example slice.
    pub fn figure(&self) -> Result<Figure> {
        let random = Guide::random(self.guide.patch);
        let masks = [self.drawn(&random)?, self.drawn(&self.guide)?];
        Ok(masking_strategies(self.example.slice(), "patch sum of the variance", &masks))
    }

    fn drawn(&self, guide: &Guide) -> Result<PatchMask> {
        let slice = self.example.slice();
        let grid = slice.size() / guide.patch;
        let mut stream = self.context.streams.stream("mask figure", &[]);
        let order = guide.draw(&[slice], EXAMPLE_RATIO, &mut stream)?;
        let mut hidden = Array2::from_elem((grid, grid), false);
        order.hidden(0).for_each(|patch| hidden[(patch / grid, patch % grid)] = true);
        let region = patch_counts(slice.region.view(), guide.patch);
        let heat = guide.slice(slice).map(|guide| {
            Array2::from_shape_fn((grid, grid), |(row, column)| {
                let patch = row * grid + column;
                if region[patch] > 0 { guide.variance[patch] } else { f32::NAN }
            })
        });
        Ok(PatchMask { strategy: guide.strategy.name().to_owned(), heat, hidden })
    }
}

#[starlark_value(type = "Masks")]
impl<'v> StarlarkValue<'v> for MasksValue {
    shared_members!(MASKS);

    fn length(&self) -> starlark::Result<i32> {
        Ok(self.guide.len() as i32)
    }
}

impl Show for MasksValue {
    fn show(&self) -> Result<Display> {
        let text = format!(
            "masks guided by {} for {} slices, drawn anew for every batch",
            self.guide.strategy.name(),
            self.guide.len()
        );
        Ok(Display::of([Part::Text(text), Part::Figure(self.figure()?)]))
    }
}

/// Which patches training hides: drawn anew for every batch, guided by uncertainty.
#[starlark_module]
fn masks_methods(builder: &mut MethodsBuilder) {
    /// The strategy, such as "eu".
    #[starlark(attribute)]
    fn guide(this: &MasksValue) -> anyhow::Result<String> {
        Ok(this.guide.strategy.name().to_owned())
    }

    /// Temperature of the softmax over patch variances.
    #[starlark(attribute)]
    fn temperature(this: &MasksValue) -> anyhow::Result<f64> {
        Ok(this.guide.temperature)
    }
}
