//! A map over the pixels of a slice in the language.

use std::fmt;
use std::sync::Arc;

use allocative::Allocative;
use ndarray::Array2;
use starlark::StarlarkPagablePanic;
use starlark::environment::MethodsBuilder;
use starlark::starlark_module;
use starlark::values::{NoSerialize, ProvidesStaticType, StarlarkValue, Value, starlark_value};

use super::index::position;
use super::{handle, shared_members};
use crate::Result;
use crate::figures::{ColourMap, Figure, map_view};
use crate::session::show::ShowValue;
use crate::session::{Display, Part};

/// Pixels, and what their values are.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct ImageValue {
    pub title: String,
    /// What a pixel's value is, such as "intensity".
    pub quantity: &'static str,
    #[allocative(skip)]
    pub pixels: Arc<Array2<f32>>,
    /// Edge of a pixel in mm (rows, columns).
    pub pixel_spacing_mm: (f64, f64),
}

handle!(ImageValue);
starlark::methods_static!(IMAGE = image_methods);

impl fmt::Display for ImageValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, columns) = self.pixels.dim();
        write!(f, "<Image {}, {rows} × {columns} pixels>", self.title)
    }
}

impl ImageValue {
    pub fn figure(&self) -> Figure {
        // Anatomy in grey on its fixed scale; maps in colour on their own.
        let (colours, range) = match self.quantity {
            "intensity" | "inside" => (ColourMap::Grey, Some((0.0, 1.0))),
            _ => (ColourMap::Viridis, None),
        };
        map_view(&self.title, &self.pixels, self.pixel_spacing_mm, self.quantity, colours, range)
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        self.pixels.iter().map(|value| f64::from(*value))
    }
}

#[starlark_value(type = "Image")]
impl<'v> StarlarkValue<'v> for ImageValue {
    shared_members!(IMAGE);
}

impl ShowValue for ImageValue {
    fn show(&self) -> Result<Display> {
        Ok(Display::of([Part::Figure(self.figure())]))
    }
}

/// A map over the pixels of a slice: an image, a mask, a reconstruction, an error.
#[starlark_module]
fn image_methods(builder: &mut MethodsBuilder) {
    /// Rows (superior to inferior) and columns (anterior to posterior).
    #[starlark(attribute)]
    fn shape(this: &ImageValue) -> anyhow::Result<(i32, i32)> {
        let (rows, columns) = this.pixels.dim();
        Ok((rows as i32, columns as i32))
    }

    /// The value at a row and a column.
    fn pixel<'v>(this: &ImageValue, row: Value<'v>, column: Value<'v>) -> anyhow::Result<f64> {
        let (rows, columns) = this.pixels.dim();
        let place = (position(row, rows, "row")?, position(column, columns, "column")?);
        Ok(f64::from(this.pixels[place]))
    }

    /// Smallest value.
    #[starlark(attribute)]
    fn minimum(this: &ImageValue) -> anyhow::Result<f64> {
        Ok(this.values().fold(f64::INFINITY, f64::min))
    }

    /// Largest value.
    #[starlark(attribute)]
    fn maximum(this: &ImageValue) -> anyhow::Result<f64> {
        Ok(this.values().fold(f64::NEG_INFINITY, f64::max))
    }

    /// Mean value.
    #[starlark(attribute)]
    fn mean(this: &ImageValue) -> anyhow::Result<f64> {
        Ok(this.values().sum::<f64>() / this.pixels.len().max(1) as f64)
    }
}
