//! Help while typing: completion, inspection, questions and colours. Everything here works on the
//! text, the manual and the names that the last cell left; nothing runs user code or waits for the
//! engine.
//!
//! | file | what it holds |
//! |---|---|
//! | `tokens` | source as tokens, by the language's lexer |
//! | `brackets` | names, calls and indices as wholes |
//! | `scope`, `known`, `kinds` | what a name or expression stands for, without running it |
//! | `cursor` | the place that is asked about, and the call around it |
//! | `complete`, `paths` | what could stand there |
//! | `inspect`, `question` | what is known about it |
//! | `completeness` | whether the text can run, and how its next line begins |
//! | `rust` | whether a cell in Rust is complete |
//! | `highlight` | what to colour |

mod brackets;
mod complete;
mod completeness;
mod cursor;
mod highlight;
mod inspect;
mod kinds;
mod known;
mod paths;
mod question;
mod rust;
mod scope;
#[cfg(test)]
mod tests;
mod tokens;

pub(super) use complete::complete;
pub use complete::{Candidate, CandidateKind, Completions};
pub use completeness::{Completeness, completeness};
pub use highlight::{Highlight, highlight};
pub(super) use inspect::inspect;
pub(super) use question::answer;
pub use question::{Question, question};
pub(super) use tokens::{Token, tokens};
