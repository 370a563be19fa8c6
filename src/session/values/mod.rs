//! The types that verbs return: cheap handles on the library's own types, with attributes,
//! methods and a rich display.

use starlark::docs::DocType;

/// Documentation of every type, for `help` and completion.
pub(super) fn documentation() -> Vec<DocType> {
    Vec::new()
}
