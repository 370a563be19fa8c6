//! The language's own functions that walk over sequences, in versions that end soon after an interrupt and
//! refuse what would not fit into memory.
//!
//! Their results are those of the language, which the tests compare; its documentation stays theirs. Two
//! functions cannot be replaced, because the language recognises them in type annotations such as
//! `dict[str, int]`: `dict` and `tuple`. Nor can the methods of texts, and operators only where the source
//! shows what they work on.
//!
//! | file | what it holds |
//! |---|---|
//! | `watch` | what looks at interrupts and memory on the way |
//! | `extremes` | `max`, `min`, `any`, `all` |
//! | `products` | `*` with a text or list that stands in the source |
//! | `sequences` | `reversed`, `enumerate`, `zip`, `map`, `filter` |
//! | `sorting` | `sorted` |
//! | `types` | `list`, `set` and `range`, which are types as well |

mod extremes;
mod products;
mod sequences;
mod sorting;
#[cfg(test)]
mod tests;
mod types;
mod watch;

use starlark::environment::GlobalsBuilder;

pub(in crate::session) use self::products::guard;
pub(super) use self::watch::Watch;

/// Puts these functions in the place of the language's.
pub(super) fn replace(builder: &mut GlobalsBuilder) {
    extremes::functions(builder);
    products::define(builder);
    sequences::functions(builder);
    sorting::functions(builder);
    types::functions(builder);
}
