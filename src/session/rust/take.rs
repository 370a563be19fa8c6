//! Values passed from Rust to the session.

use std::path::Path;
use std::sync::Arc;

use candle_core::Tensor;
use ndarray::Array2;
use starlark::environment::Module;
use starlark::values::Value;

use crate::detection::ErrorMaps;
use crate::exchange::SessionValue;
use crate::language::is_name;
use crate::session::values::{ImageValue, MapsValue};
use crate::{Error, Result};

/// Makes what the file holds the value of this name.
///
/// # Errors
/// If the name is not valid in the language, or the file was not written by u2ad.
pub(super) fn take(name: &str, file: &Path, module: &Module) -> Result<()> {
    if !is_name(name) {
        return Err(Error::input(format!("session.set: \"{name}\" is not a name, such as `mine`")));
    }
    let session_value = SessionValue::open(file)?;
    let value = value(name, &session_value, module)?;
    module.set(name, value);
    Ok(())
}

fn value<'v>(name: &str, session_value: &SessionValue, module: &Module<'v>) -> Result<Value<'v>> {
    let heap = module.heap();
    Ok(match session_value.kind() {
        "Image" => {
            let pixels = session_value.tensor("maps")?;
            heap.alloc(ImageValue {
                title: name.to_owned(),
                quantity: "value",
                pixels: Arc::new(map(&pixels)?),
                pixel_spacing_mm: (1.0, 1.0),
                place: None,
            })
        }
        "Maps" => {
            let maps = session_value.tensor("maps")?;
            let (count, _, _) = maps.dims3()?;
            let maps: Result<Vec<_>> = (0..count).map(|place| map(&maps.get(place)?)).collect();
            heap.alloc(MapsValue(ErrorMaps { name: name.to_owned(), maps: Arc::new(maps?) }))
        }
        "number" if session_value.is_integer() => heap.alloc(session_value.number()? as i64),
        "number" => heap.alloc(session_value.number()?),
        "numbers" => heap.alloc(session_value.tensor("value")?.to_vec1::<f64>()?),
        "text" => heap.alloc(session_value.text()?),
        kind => {
            return Err(Error::input(format!(
                "session.set: a value of kind \"{kind}\" is unknown"
            )));
        }
    })
}

fn map(tensor: &Tensor) -> Result<Array2<f32>> {
    let shape = tensor.dims2()?;
    let values = tensor.flatten_all()?.to_vec1::<f32>()?;
    Array2::from_shape_vec(shape, values)
        .map_err(|error| Error::input(format!("a map cannot be taken: {error}")))
}
