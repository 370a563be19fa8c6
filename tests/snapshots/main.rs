//! What users read and see, compared with what was looked at and accepted: `stored/` holds it, one file
//! each. CONTRIBUTING.md says how to accept a change.

#[path = "../common/mod.rs"]
mod common;

mod commands;
mod completions;
mod errors;
mod figures;
mod help;
mod runs;
mod snapshot;
mod study;
mod tables;
