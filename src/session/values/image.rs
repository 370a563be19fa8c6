//! A map over the pixels of a slice in the language.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use allocative::Allocative;
use ndarray::{Array2, ArrayView1, Zip};
use ndarray_npy::WriteNpyExt;
use starlark::StarlarkPagablePanic;
use starlark::environment::MethodsBuilder;
use starlark::starlark_module;
use starlark::values::float::UnpackFloat;
use starlark::values::{
    Heap, NoSerialize, ProvidesStaticType, StarlarkValue, UnpackValue, Value, ValueLike,
    starlark_value,
};

use super::index::position;
use super::{handle, shared_members};
use crate::figures::{ColourMap, Figure, map_view};
use crate::files::{check_no_input, write_whole};
use crate::session::show::{ShowValue, failed};
use crate::session::{Display, Part};
use crate::statistics::{mean as mean_of, percentile as percentile_of};
use crate::volume::{Affine, Volume};
use crate::{Error, Result};

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
    /// Where the pixels lie in the scanner, as 1 × rows × columns voxels; `None` of slices that came
    /// preprocessed.
    #[allocative(skip)]
    pub place: Option<Affine>,
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
        // Anatomy in grey on its fixed scale; maps, and what a calculation made of anatomy, in colour on their own.
        let is_within = self.values().all(|value| (0.0..=1.0).contains(&value));
        let (colours, range) = match self.quantity {
            "intensity" | "inside" if is_within => (ColourMap::Grey, Some((0.0, 1.0))),
            _ => (ColourMap::Viridis, None),
        };
        map_view(&self.title, &self.pixels, self.pixel_spacing_mm, self.quantity, colours, range)
    }

    /// The values that are numbers: a map restricted by `where` is NaN outside.
    fn values(&self) -> impl Iterator<Item = f64> {
        self.pixels.iter().map(|value| f64::from(*value)).filter(|value| !value.is_nan())
    }

    /// The values that are numbers, for a statistic that needs one.
    ///
    /// # Errors
    /// If there is none.
    fn some_values(&self, what: &str) -> Result<Vec<f64>> {
        let values: Vec<f64> = self.values().collect();
        if values.is_empty() {
            return Err(Error::input(format!(
                "{what}: the map \"{}\" holds no number: the mask is empty, or all its pixels are without a \
                 value; `.count` says how many there are",
                self.title
            )));
        }
        Ok(values)
    }

    /// Writes the map in the format of the path's ending.
    pub fn save(&self, path: &Path) -> Result<()> {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase());
        let name = name.unwrap_or_default();
        check_no_input(path)?;
        let refuse = |error: String| Error::file(path, format!("cannot be written ({error})"));
        if name.ends_with(".nii") || name.ends_with(".nii.gz") {
            let affine = self.place.ok_or_else(|| {
                Error::file(
                    path,
                    "this slice came preprocessed and has no place in the scanner; save it as .npy",
                )
            })?;
            let (rows, columns) = self.pixels.dim();
            let voxels =
                self.pixels.to_shape((1, rows, columns)).map_err(|e| refuse(e.to_string()))?;
            return Volume { voxels: voxels.into_owned(), affine }.write(path, None);
        }
        if name.ends_with(".npy") {
            let mut bytes = Vec::new();
            self.pixels.write_npy(&mut bytes).map_err(|error| refuse(error.to_string()))?;
            return write_whole(path, &bytes);
        }
        if name.ends_with(".tsv") {
            let line = |row: ArrayView1<f32>| {
                row.iter().map(f32::to_string).collect::<Vec<_>>().join("\t") + "\n"
            };
            let text: String = self.pixels.rows().into_iter().map(line).collect();
            return write_whole(path, text.as_bytes());
        }
        if name.ends_with(".png") {
            return write_whole(path, &self.figure().png()?);
        }
        Err(Error::file(path, "a map is saved as .nii.gz, .nii, .npy, .tsv or .png"))
    }

    /// This map and another of the same size, or a number, pixel by pixel.
    fn combined(
        &self,
        other: Value,
        sign: &str,
        quantity: Option<&'static str>,
        combine: impl Fn(f32, f32) -> f32,
    ) -> starlark::Result<Self> {
        let (pixels, name) = if let Some(other) = other.downcast_ref::<Self>() {
            if other.pixels.dim() != self.pixels.dim() {
                let size = |image: &Self| {
                    let (rows, columns) = image.pixels.dim();
                    format!("{rows} × {columns}")
                };
                return Err(failed(Error::input(format!(
                    "two maps must have the same size to be combined with {sign}: {} and {} pixels",
                    size(self),
                    size(other)
                ))));
            }
            if let (Some(here), Some(there)) = (&self.place, &other.place)
                && !is_same_place(here, there)
            {
                return Err(failed(Error::input(format!(
                    "two maps must show the same pixels of the same slice to be combined with {sign}: {} and {} do \
                     not; found[0].slice is the slice of found[0].reconstruction",
                    self.title, other.title
                ))));
            }
            let pixels =
                Zip::from(&*self.pixels).and(&*other.pixels).map_collect(|a, b| combine(*a, *b));
            (pixels, other.title.clone())
        } else if let Some(UnpackFloat(number)) = UnpackFloat::unpack_value(other)? {
            (self.pixels.mapv(|value| combine(value, number as f32)), format!("{number}"))
        } else {
            return Err(failed(Error::input(format!(
                "a map can be combined with another map or a number with {sign}, not with a value of type {}",
                other.get_type()
            ))));
        };
        Ok(Self {
            title: format!("{} {sign} {name}", self.title),
            quantity: quantity.unwrap_or("value"),
            pixels: Arc::new(pixels),
            ..self.clone()
        })
    }
}

/// Whether the pixels of two maps lie in the same places of the scanner, within a hundredth of a mm.
fn is_same_place(a: &Affine, b: &Affine) -> bool {
    a.0.iter().flatten().zip(b.0.iter().flatten()).all(|(a, b)| (a - b).abs() < 0.01)
}

#[starlark_value(type = "Image")]
impl<'v> StarlarkValue<'v> for ImageValue {
    shared_members!(IMAGE);

    fn length(&self) -> starlark::Result<i32> {
        Ok(self.pixels.nrows() as i32)
    }

    fn at(&self, index: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let row = position(index, self.pixels.nrows(), "row").map_err(failed)?;
        Ok(heap
            .alloc(self.pixels.row(row).iter().map(|value| f64::from(*value)).collect::<Vec<_>>()))
    }

    fn add(&self, rhs: Value<'v>, heap: Heap<'v>) -> Option<starlark::Result<Value<'v>>> {
        Some(self.combined(rhs, "+", None, |a, b| a + b).map(|image| heap.alloc(image)))
    }

    fn radd(&self, lhs: Value<'v>, heap: Heap<'v>) -> Option<starlark::Result<Value<'v>>> {
        self.add(lhs, heap)
    }

    fn sub(&self, other: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        self.combined(other, "−", None, |a, b| a - b).map(|image| heap.alloc(image))
    }

    fn mul(&self, rhs: Value<'v>, heap: Heap<'v>) -> Option<starlark::Result<Value<'v>>> {
        Some(self.combined(rhs, "×", None, |a, b| a * b).map(|image| heap.alloc(image)))
    }

    fn rmul(&self, lhs: Value<'v>, heap: Heap<'v>) -> Option<starlark::Result<Value<'v>>> {
        self.mul(lhs, heap)
    }

    fn div(&self, other: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        self.combined(other, "÷", None, |a, b| a / b).map(|image| heap.alloc(image))
    }

    fn bit_and(&self, other: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let both = |a: f32, b: f32| f32::from(a > 0.5 && b > 0.5);
        self.combined(other, "and", Some("inside"), both).map(|image| heap.alloc(image))
    }

    fn bit_or(&self, other: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let either = |a: f32, b: f32| f32::from(a > 0.5 || b > 0.5);
        self.combined(other, "or", Some("inside"), either).map(|image| heap.alloc(image))
    }
}

impl ShowValue for ImageValue {
    fn show(&self) -> Result<Display> {
        Ok(Display::of([Part::Figure(self.figure())]))
    }
}

/// A map over the pixels of a slice: an image, a mask, a reconstruction, an error. `image[row]` is a list
/// of its values; maps of the same slice are combined with + − * /, masks with & and |.
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
        Ok(this.some_values("minimum")?.into_iter().fold(f64::INFINITY, f64::min))
    }

    /// Largest value.
    #[starlark(attribute)]
    fn maximum(this: &ImageValue) -> anyhow::Result<f64> {
        Ok(this.some_values("maximum")?.into_iter().fold(f64::NEG_INFINITY, f64::max))
    }

    /// Mean value.
    #[starlark(attribute)]
    fn mean(this: &ImageValue) -> anyhow::Result<f64> {
        Ok(mean_of(this.some_values("mean")?).unwrap_or(f64::NAN))
    }

    /// Standard deviation of the values, of the population.
    #[starlark(attribute)]
    fn std(this: &ImageValue) -> anyhow::Result<f64> {
        let values = this.some_values("std")?;
        let mean = mean_of(values.iter().copied()).unwrap_or(f64::NAN);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Ok((squares / values.len() as f64).sqrt())
    }

    /// Sum of the values; of a mask, its number of pixels. Of no values, 0.
    #[starlark(attribute)]
    fn sum(this: &ImageValue) -> anyhow::Result<f64> {
        // A sum of nothing is −0 otherwise.
        Ok(this.values().fold(0.0, |sum, value| sum + value))
    }

    /// Number of pixels with a value.
    #[starlark(attribute)]
    fn count(this: &ImageValue) -> anyhow::Result<i32> {
        Ok(this.values().count() as i32)
    }

    /// The value below which `percent` of the pixels lie, with linear interpolation.
    fn percentile(this: &ImageValue, percent: UnpackFloat) -> anyhow::Result<f64> {
        if !(0.0..=100.0).contains(&percent.0) {
            return Err(Error::input(format!(
                "percentile: `percent` must be a number from 0 to 100, not {}",
                percent.0
            ))
            .into());
        }
        let mut values = this.some_values("percentile")?;
        Ok(percentile_of(&mut values, percent.0))
    }

    /// The same map where a mask is 1, without values elsewhere: `image.where(slice.cord).mean`.
    fn r#where<'v>(
        this: &ImageValue,
        mask: &ImageValue,
        heap: Heap<'v>,
    ) -> starlark::Result<ImageValue> {
        let keep = |value: f32, inside: f32| if inside > 0.5 { value } else { f32::NAN };
        let restricted =
            this.combined(heap.alloc(mask.clone()), "in", Some(this.quantity), keep)?;
        Ok(restricted)
    }

    /// The same map without signs, as of a difference: `(slice.image - found[0].reconstruction).absolute`.
    #[starlark(attribute)]
    fn absolute(this: &ImageValue) -> anyhow::Result<ImageValue> {
        let title = format!("|{}|", this.title);
        Ok(ImageValue { title, pixels: Arc::new(this.pixels.mapv(f32::abs)), ..this.clone() })
    }

    /// A mask of the pixels above a value: 1 inside, 0 outside.
    fn above(this: &ImageValue, value: UnpackFloat) -> anyhow::Result<ImageValue> {
        let inside = this.pixels.mapv(|pixel| f32::from(f64::from(pixel) > value.0));
        let title = format!("{} above {}", this.title, value.0);
        Ok(ImageValue { title, quantity: "inside", pixels: Arc::new(inside), ..this.clone() })
    }

    /// A mask of the pixels below a value: 1 inside, 0 outside.
    fn below(this: &ImageValue, value: UnpackFloat) -> anyhow::Result<ImageValue> {
        let inside = this.pixels.mapv(|pixel| f32::from(f64::from(pixel) < value.0));
        let title = format!("{} below {}", this.title, value.0);
        Ok(ImageValue { title, quantity: "inside", pixels: Arc::new(inside), ..this.clone() })
    }
}
