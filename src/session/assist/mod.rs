//! Help while typing: completion, inspection, questions and colours. Everything here works on the
//! text, the manual and the names that the last cell left; nothing runs user code or waits for the
//! engine.
//!
//! | file | what it holds |
//! |---|---|
//! | `scope`, `expression`, `known`, `kinds` | what a name or expression stands for, without running it |
//! | `cursor` | the place that is asked about, and the call around it |
//! | `complete`, `candidate`, `paths` | what could stand there |
//! | `inspect`, `answer` | what is known about it |
//! | `check`, `false_alarms`, `wrong_words` | what is wrong with a file; what only looks so to the type checker; words that an argument does not take |
//! | `highlight` | what to colour |

mod answer;
mod candidate;
mod check;
mod complete;
mod cursor;
mod expression;
mod false_alarms;
mod highlight;
mod inspect;
mod kinds;
mod known;
mod paths;
mod scope;
#[cfg(test)]
mod tests;
mod wrong_words;

pub(super) use answer::answer;
pub use candidate::{Candidate, CandidateKind};
pub use check::{Problem, check};
pub use complete::Completions;
pub(super) use complete::complete;
pub use highlight::highlight;
pub(super) use inspect::{describe, inspect};
