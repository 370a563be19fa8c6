//! Whether typed text can run.

mod rust;
mod starlark;

pub use starlark::completeness;

/// Whether a text can run as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// It parses and no block is open; or it is a question such as `train_epoch?`.
    Complete,
    /// More lines are expected.
    Incomplete {
        /// What the next line should begin with: spaces, or nothing.
        indent: String,
    },
    /// No further line can mend it.
    Invalid,
}
