//! What goes between a session and its Rust cells: named values as files of tensors, and the
//! requests for them.
//!
//! A cell imports [`session`] and asks: `session.get("clinic")?` gives a [`SessionValue`] with named
//! tensors, `session.set("mine", &tensor)?` makes a value of the session. A value crosses as a
//! safetensors file that the other side maps into memory, in a folder that only this session uses;
//! only names and paths go through the pipe of evcxr's input requests.

mod array;
mod requests;
mod session_value;
mod to_session_value;

pub use array::{Array, Notes, write_value};
#[doc(hidden)]
pub use requests::{FOLDER_VARIABLE, PARTIAL_LINE, PROMPT};
pub use requests::{Reply, Request, Session, session};
pub use session_value::SessionValue;
pub use to_session_value::ToSessionValue;

/// Key of the note that says what kind of value it is.
pub const KIND: &str = "kind";
/// Names of the subjects of a stack of slices, one per slice, as JSON.
pub const SUBJECTS: &str = "subjects";
/// Positions of the slices in their volumes, as JSON.
pub const SLICES: &str = "slices";
/// Edge of a pixel in mm (rows, columns) of each slice, as JSON.
pub const PIXEL_SPACING_MM: &str = "pixel_spacing_mm";
/// There if a number is a whole one.
pub const INTEGER: &str = "integer";
/// Words, where the value is text.
pub const TEXT: &str = "text";
/// Columns of words in a table, by name, as JSON.
pub const WORDS: &str = "words";

#[cfg(test)]
mod tests;
