//! Help while typing: completion, inspection, questions and colours. Everything here works on the
//! text, the manual and the names that the last cell left; nothing runs user code or waits for the
//! engine.
//!
//! | file | what it holds |
//! |---|---|
//! | `tokens` | source as tokens, by the language's lexer |
//! | `brackets` | names, calls and indices as wholes |
//! | `scope`, `expression`, `known`, `kinds` | what a name or expression stands for, without running it |
//! | `cursor` | the place that is asked about, and the call around it |
//! | `complete`, `candidate`, `paths` | what could stand there |
//! | `inspect`, `question` | what is known about it |
//! | `completeness`, `starlark_cell`, `rust_cell` | whether the text can run, and how its next line begins |
//! | `highlight` | what to colour |

mod brackets;
mod candidate;
mod complete;
mod completeness;
mod cursor;
mod expression;
mod highlight;
mod inspect;
mod kinds;
mod known;
mod paths;
mod question;
mod rust_cell;
mod scope;
mod starlark_cell;
#[cfg(test)]
mod tests;
mod tokens;

pub use candidate::{Candidate, CandidateKind};
pub use complete::Completions;
pub(super) use complete::complete;
pub use completeness::Completeness;
pub use highlight::{Highlight, highlight};
pub(super) use inspect::inspect;
pub(super) use question::answer;
pub use question::{Question, question};
pub use starlark_cell::completeness;
pub(super) use tokens::{Token, tokens};
