//! The language's own functions that walk over sequences, in versions that end soon after an interrupt and
//! refuse what would not fit into memory.
//!
//! Their results are those of the language, which the tests compare; its documentation stays theirs. Two
//! functions cannot be replaced, because the language recognises them in type annotations such as
//! `dict[str, int]`: `dict` and `tuple`. Nor can the methods of texts, except for `format`, and operators only
//! where the source shows what they work on.
//!
//! | file | what it holds |
//! |---|---|
//! | `watch` | what looks at interrupts and memory on the way |
//! | `extremes` | `max`, `min`, `any`, `all` |
//! | `operators` | `<<` and `//` |
//! | `products` | `*` with a text or list that stands in the source |
//! | `sequences` | `reversed`, `enumerate`, `zip`, `map`, `filter` |
//! | `sorting` | `sorted` |
//! | `texts` | `str`, `repr`, `print`, `fail`; f-strings, `format` and `%` |
//! | `types` | `list`, `set` and `range`, which are types as well |

mod extremes;
mod operators;
mod products;
mod sequences;
mod sorting;
#[cfg(test)]
mod tests;
mod texts;
mod types;
mod watch;

use starlark::environment::GlobalsBuilder;
use starlark::syntax::AstModule;

pub(super) use self::watch::Watch;

/// Puts these functions in the place of the language's.
pub(super) fn replace(builder: &mut GlobalsBuilder) {
    extremes::functions(builder);
    operators::define(builder);
    products::define(builder);
    sequences::functions(builder);
    sorting::functions(builder);
    texts::functions(builder);
    texts::define(builder);
    types::functions(builder);
}

/// Replaces operators of a source that the language's own functions do not serve well.
pub(in crate::session) fn guard(source: &mut AstModule) {
    operators::guard(source);
    products::guard(source);
    texts::guard(source);
}
