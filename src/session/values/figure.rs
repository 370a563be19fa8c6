//! A figure in the language.

use std::fmt;

use allocative::Allocative;
use starlark::StarlarkPagablePanic;
use starlark::environment::MethodsBuilder;
use starlark::starlark_module;
use starlark::values::none::NoneType;
use starlark::values::{NoSerialize, ProvidesStaticType, StarlarkValue, starlark_value};

use super::{handle, shared_members};
use crate::figures::Figure;
use crate::files::{check_no_input, user_path, write_whole};
use crate::session::show::ShowValue;
use crate::session::{Display, Part};
use crate::{Error, Result};

/// A figure.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct FigureValue(#[allocative(skip)] pub Figure);

handle!(FigureValue);
starlark::methods_static!(FIGURE = figure_methods);

impl fmt::Display for FigureValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Figure {}>", self.0.title)
    }
}

#[starlark_value(type = "Figure")]
impl<'v> StarlarkValue<'v> for FigureValue {
    shared_members!(FIGURE);
}

impl ShowValue for FigureValue {
    fn show(&self) -> Result<Display> {
        Ok(Display::of([Part::Figure(self.0.clone())]))
    }
}

/// A figure. It is shown when it is the last value of a cell.
#[starlark_module]
fn figure_methods(builder: &mut MethodsBuilder) {
    /// What the figure shows.
    #[starlark(attribute)]
    fn title(this: &FigureValue) -> anyhow::Result<String> {
        Ok(this.0.title.clone())
    }

    /// Writes the figure to a file, as PNG or SVG by the file's extension.
    fn save(this: &FigureValue, path: &str) -> anyhow::Result<NoneType> {
        let path = &user_path(path)?;
        let bytes = match path.extension().and_then(|extension| extension.to_str()) {
            Some("png") => this.0.png()?,
            Some("svg") => this.0.svg()?.into_bytes(),
            _ => Err(Error::file(path, "a figure is saved as .png or .svg"))?,
        };
        check_no_input(path)?;
        write_whole(path, &bytes)?;
        Ok(NoneType)
    }
}
