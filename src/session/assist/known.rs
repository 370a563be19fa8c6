//! What is known of a name or expression without running it.

use crate::session::{Name, Verb};

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

impl Known {
    /// What a name of an earlier cell stands for.
    pub fn of(value: &Name) -> Self {
        match (&value.function, value.fields.as_slice()) {
            (Some(function), _) => Self::Function(function.clone()),
            (None, []) => Self::Value(value.type_of.clone()),
            (None, fields) => Self::Fields(fields.to_vec()),
        }
    }
}
