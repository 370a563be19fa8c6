//! What is known of a name or expression without running it.

use crate::session::Verb;

/// What is known of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Of this type, as documentation writes it.
    Value(String),
    Function(Verb),
    /// A struct: its fields with their types.
    Fields(Vec<(String, String)>),
    /// Functions of the language under one name, such as `json`.
    Group(String),
    Nothing,
}
