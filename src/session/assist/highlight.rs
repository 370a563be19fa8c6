//! What to colour in source, by the functions that the manual knows.

use std::ops::Range;

use crate::language::{self, Highlight};
use crate::session::catalogue::manual;

/// The stretches of a source, in bytes and in order, that are more than a plain name. Never fails: what
/// cannot be read is [`Highlight::Invalid`].
pub fn highlight(source: &str) -> Vec<(Range<usize>, Highlight)> {
    language::highlight(source, |name| manual().function(name).is_some())
}
