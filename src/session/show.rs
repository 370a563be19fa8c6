//! How the value that ends a cell is shown.

use starlark::any::ProvidesStaticType;
use starlark::values::Value;

use super::Display;
use crate::{Error, Result};

/// A value that can be shown in more detail than as text.
pub(super) trait ShowValue {
    fn show(&self) -> Result<Display>;

    /// Names that pick one of its parts in square brackets; without work, for completion.
    fn keys(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What a value type offers in `StarlarkValue::provide`: itself, as something that shows.
#[derive(ProvidesStaticType)]
pub(super) struct Showable(pub Box<dyn ShowValue>);

/// An error of ours as the language passes it on.
pub(super) fn failed(error: Error) -> starlark::Error {
    starlark::Error::new_native(error)
}

/// The display of a value: `None` shows nothing, our own values their richest form, all others
/// their text as the language writes it.
pub(super) fn display(value: Value) -> Result<Option<Display>> {
    if value.is_none() {
        return Ok(None);
    }
    match value.request_value::<Showable>() {
        Some(showable) => showable.0.show().map(Some),
        None => Ok(Some(Display::text(value.to_repr()))),
    }
}
