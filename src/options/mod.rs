//! What option types share: settings chosen by name, and methods that set one field.

mod choice;
mod setters;

pub use choice::Choice;
pub(crate) use choice::unknown;
pub(crate) use setters::setters;
