//! What `u2ad screen` and `u2ad bids` are told on the command line.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What a command computes with.
#[derive(Args, Clone, Debug)]
pub struct Computing {
    /// What looks for anomalies: a model that `save_model` wrote, published weights (.pth), or a method that
    /// `save_method` wrote. A model that was calibrated with healthy subjects gives p-values and thresholds.
    /// No trained model ships with u2ad: without this option a plain intensity threshold is used, and named.
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Seed of all random numbers.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Compute on this device: auto, cpu, cuda or metal.
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub device: String,
    /// Number of threads; one per core by default. Results do not depend on it.
    #[arg(long, alias = "n_cpus", alias = "nprocs", alias = "threads", value_name = "N")]
    pub n_cpus: Option<usize>,
}

#[derive(Args, Clone, Debug)]
pub struct ScreenArguments {
    /// NIfTI volumes, or one folder of them (a BIDS tree, or images with or without masks beside them).
    #[arg(required = true, value_name = "IMAGE")]
    pub images: Vec<PathBuf>,
    /// Write maps and tables of the findings to FOLDER, as BIDS derivatives; one that holds the findings of other
    /// images is refused.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Write a page to look at, such as findings.html.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub computing: Computing,
}

/// What `u2ad bids` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AnalysisLevel {
    /// Screen participants: maps, tables and a report of each.
    Participant,
    /// Gather what was found in all participants into one table and one report.
    Group,
}

#[derive(Args, Clone, Debug)]
pub struct BidsArguments {
    /// The BIDS tree to read. Nothing is written there, except below OUTPUT_DIR if that lies in it.
    #[arg(value_name = "BIDS_DIR")]
    pub bids_dir: PathBuf,
    /// The folder for the results. Many processes may write there at once.
    #[arg(value_name = "OUTPUT_DIR")]
    pub output_dir: PathBuf,
    /// What to do.
    #[arg(value_enum)]
    pub analysis_level: AnalysisLevel,
    /// Participants to screen or to gather, with or without `sub-`; all by default.
    #[arg(long, alias = "participant_label", value_name = "LABEL", num_args = 1..)]
    pub participant_label: Vec<String>,
    /// Sessions to screen or to gather, with or without `ses-`; all by default.
    #[arg(
        long,
        alias = "session_id",
        alias = "session-label",
        value_name = "LABEL",
        num_args = 1..
    )]
    pub session_id: Vec<String>,
    /// Screen finished participants again.
    #[arg(long)]
    pub force: bool,
    /// Memory that u2ad may hold, in megabytes: it stops with an error before it takes more.
    #[arg(long, alias = "mem_mb", value_name = "MB")]
    pub mem_mb: Option<u64>,
    /// A folder for files in the making, such as a local disk; by default they lie hidden in OUTPUT_DIR.
    #[arg(short, long, alias = "work_dir", value_name = "FOLDER")]
    pub work_dir: Option<PathBuf>,
    /// Accepted for the convention's sake: u2ad does not run the BIDS validator.
    #[arg(long, alias = "skip_bids_validation")]
    pub skip_bids_validation: bool,
    #[command(flatten)]
    pub computing: Computing,
}
