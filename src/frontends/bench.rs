//! `u2ad bench`: timings of the costly steps, for people (a line) and for scripts (JSON).

use std::path::PathBuf;
use std::process::ExitCode;

use crate::benchmark::{self, Timing};
use crate::context::Context;
use crate::model::Config;
use crate::{Error, Result};

/// What to time.
#[derive(Clone, Debug)]
pub enum Workload {
    /// Training steps.
    Train,
    /// Monte-Carlo maps of that many samples.
    MonteCarlo { samples: usize },
    /// Loading and preparing a cohort.
    Load { path: PathBuf },
}

/// How to time it.
#[derive(Clone, Debug)]
pub struct BenchOptions {
    pub preset: String,
    pub batch: usize,
    pub runs: usize,
    /// Threads; `None`: one per core.
    pub threads: Option<usize>,
    pub json: bool,
}

/// Times a workload and prints the result.
pub fn run(workload: &Workload, options: &BenchOptions) -> Result<ExitCode> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads.unwrap_or(0))
        .build()
        .map_err(|error| Error::input(format!("the threads cannot be started: {error}")))?;
    let timing = pool.install(|| time(workload, options))?;
    if options.json {
        let line = serde_json::to_string(&timing)
            .map_err(|error| Error::input(format!("the timing cannot be written: {error}")))?;
        println!("{line}");
    } else {
        print_line(&timing);
    }
    Ok(ExitCode::SUCCESS)
}

fn time(workload: &Workload, options: &BenchOptions) -> Result<Timing> {
    let config = Config::preset(&options.preset)?;
    let context = Context::new(0);
    let BenchOptions { batch, runs, .. } = *options;
    match workload {
        Workload::Train => benchmark::train(config, batch, runs, &context),
        Workload::MonteCarlo { samples } => {
            benchmark::monte_carlo(config, batch, *samples, runs, &context)
        }
        Workload::Load { path } => benchmark::load(path, config, runs, &context),
    }
}

fn print_line(timing: &Timing) {
    let Timing { what, median_s, min_s, threads, batch, runs, .. } = timing;
    let memory = timing.peak_rss_mb.map_or(String::new(), |mb| format!(", peak {mb:.0} MB"));
    println!(
        "{what}: median {median_s:.3} s, fastest {min_s:.3} s of {runs} runs \
         (batch {batch}, {threads} threads{memory})"
    );
}
