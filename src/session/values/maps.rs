//! Maps of many slices that a Rust cell made, in the language.

use std::fmt;
use std::sync::Arc;

use allocative::Allocative;
use starlark::StarlarkPagablePanic;
use starlark::environment::MethodsBuilder;
use starlark::starlark_module;
use starlark::values::{
    Heap, NoSerialize, ProvidesStaticType, StarlarkValue, Value, starlark_value,
};

use super::index::Index;
use super::{ImageValue, handle, shared_members};
use crate::Result;
use crate::detection::ErrorMaps;
use crate::figures::{Figure, maps_montage};
use crate::session::show::{ShowValue, failed};
use crate::session::{Display, Part};

/// Maps under the name that their maker gave them.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct MapsValue(#[allocative(skip)] pub ErrorMaps);

handle!(MapsValue);
starlark::methods_static!(MAPS = maps_methods);

impl fmt::Display for MapsValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, rows, columns) = self.shape();
        write!(f, "<Maps {}, {count} of {rows} × {columns} pixels>", self.0.name)
    }
}

impl MapsValue {
    fn shape(&self) -> (usize, usize, usize) {
        let (rows, columns) = self.0.maps.first().map_or((0, 0), |map| map.dim());
        (self.0.maps.len(), rows, columns)
    }

    fn montage(&self) -> Figure {
        maps_montage(&format!("Maps {}", self.0.name), &self.0.maps, "value")
    }

    fn one(&self, position: usize) -> ImageValue {
        ImageValue {
            title: format!("{}, map {position}", self.0.name),
            quantity: "value",
            pixels: Arc::new(self.0.maps[position].clone()),
            pixel_spacing_mm: (1.0, 1.0),
            place: None,
        }
    }
}

#[starlark_value(type = "Maps")]
impl<'v> StarlarkValue<'v> for MapsValue {
    shared_members!(MAPS);

    fn length(&self) -> starlark::Result<i32> {
        Ok(self.0.maps.len() as i32)
    }

    fn at(&self, index: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        match Index::of(index, self.0.maps.len(), "map").map_err(failed)? {
            Index::Position(position) => Ok(heap.alloc(self.one(position))),
            Index::Name(name) => {
                let error = format!("maps have no names, so there is no \"{name}\"");
                Err(failed(crate::Error::input(error)))
            }
        }
    }

    fn iterate_collect(&self, heap: Heap<'v>) -> starlark::Result<Vec<Value<'v>>> {
        Ok((0..self.0.maps.len()).map(|position| heap.alloc(self.one(position))).collect())
    }
}

impl ShowValue for MapsValue {
    fn show(&self) -> Result<Display> {
        Ok(Display::of([Part::Figure(self.montage())]))
    }
}

/// Maps over the pixels of many slices, from a Rust cell: `detect` takes them as the error maps of
/// a cohort's slices. `maps[0]` is the first.
#[starlark_module]
fn maps_methods(builder: &mut MethodsBuilder) {
    /// Maps, rows and columns.
    #[starlark(attribute)]
    fn shape(this: &MapsValue) -> anyhow::Result<(i32, i32, i32)> {
        let (count, rows, columns) = this.shape();
        Ok((count as i32, rows as i32, columns as i32))
    }
}
