//! Work in the background: `start(lambda: adapt(model, clinic))`.
//!
//! The language's values belong to the engine's thread, so a function cannot run on another one. `start`
//! therefore calls the function at once and on the engine's thread; the verbs in it that take long do not
//! work then, but are recorded as steps, which are plain Rust. A thread of its own takes the steps, one
//! after another, with the models that they need. In the session stays a copy of each model, which follows
//! the finished epochs.
//!
//! | file | what it holds |
//! |---|---|
//! | `recording` | the steps that a function asks for |
//! | `loan` | the models that a job has |
//! | `job` | a job: its thread, its end |
//! | `progress` | what a job is doing, for whoever asks |
//! | `registry` | the jobs of a session |
//! | `value` | a job in the language |

mod job;
mod loan;
mod progress;
mod recording;
mod registry;
#[cfg(test)]
mod tests;
mod value;

pub(in crate::session) use job::Job;
pub(in crate::session) use recording::{Later, Recording, StepResult};
pub(in crate::session) use registry::Jobs;
pub(in crate::session) use value::JobValue;
