//! Runs of one script with every combination of some parameters: the combinations and their results.

mod grid;
mod summary;

pub use grid::{Combination, Grid, SEED};
pub use summary::{
    SweepRun, hidden_results, merge_names, named_results, seeds_agree, sweep_runs_table,
    sweep_table,
};
