//! What `u2ad sweep` is told on the command line.

use std::path::PathBuf;

use clap::Args;

/// The script, the values of its parameters, and how the runs are made.
#[derive(Args, Clone, Debug)]
pub struct SweepArguments {
    /// The script, in the Starlark language.
    pub file: PathBuf,
    /// Values of a parameter that the script reads with `parameter("NAME", default)`. Commas separate them, and
    /// 1..5 stands for 1, 2, 3, 4, 5. `seed` is also the seed of the run. May be given several times.
    #[arg(short, long = "parameter", value_name = "NAME=VALUES", required = true)]
    pub parameters: Vec<String>,
    /// Runs at a time. They share the cores and the memory of the machine.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub jobs: usize,
    /// The folder of the run folders and of sweep.tsv; by default runs/NAME-sweep, after the script.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Seed of all runs, where `seed` is no parameter.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Compute on this device: auto, cpu, cuda or metal.
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub device: String,
    /// Gigabytes of memory that each run may hold; by default an equal share of 80 % of what there is.
    #[arg(long, value_name = "GB")]
    pub memory: Option<String>,
}
