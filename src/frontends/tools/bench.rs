//! `u2ad bench`: timings of the costly steps, as a line of text or, for scripts, as JSON.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::benchmark::{self, KernelTime, Roofline, Timing};
use crate::context::Context;
use crate::frontends::documentation::print_whole;
use crate::model::Config;
use crate::ops::thread_pool;
use crate::session::open_device;
use crate::{Error, Result};

/// What to time.
#[derive(Clone, Debug)]
pub enum Workload {
    /// Training steps.
    Train,
    /// One pass of one image.
    Image,
    /// What a training step needs before the network.
    Batch,
    /// Each kernel, compared with the machine's peak.
    Roofline,
    /// Monte-Carlo maps of that many samples.
    MonteCarlo { samples: usize },
    /// Loading and preprocessing a cohort.
    Load { path: PathBuf },
}

// How to time it. No doc comment: it would become the help of every command that takes these arguments.
#[derive(Args, Clone, Debug)]
pub struct BenchOptions {
    /// Size of the network: small or paper.
    #[arg(long, value_name = "NAME", default_value = "paper")]
    pub preset: String,
    /// Patches of an image that the network looks at: the region's and those nearest to it; 0: all; by
    /// default as the preset says.
    #[arg(long, value_name = "N")]
    pub nearest_patches: Option<usize>,
    /// Slices per batch.
    #[arg(long, alias = "batch", value_name = "N", default_value_t = 10)]
    pub batch_size: usize,
    /// Timed runs, after one warm-up run.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub runs: usize,
    /// Number of threads; one per core by default.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Print one line of JSON.
    #[arg(long)]
    pub json: bool,
    /// A name that [`open_device`] takes; what cannot run elsewhere has "cpu".
    #[arg(skip = "cpu".to_owned())]
    pub device: String,
}

// For what runs on a device. No doc comment, as above.
#[derive(Args, Clone, Debug)]
pub struct DeviceOption {
    /// Compute on this device: auto, cpu, cuda or metal.
    #[arg(long, value_name = "NAME", default_value = "cpu")]
    pub device: String,
}

#[derive(Subcommand)]
pub enum BenchCommand {
    /// One training step: forward, backward, optimiser.
    Train {
        #[command(flatten)]
        timing: BenchOptions,
        #[command(flatten)]
        on: DeviceOption,
    },
    /// Monte-Carlo uncertainty maps.
    Mc {
        /// Number of reconstructions of every patch (K).
        #[arg(long, value_name = "K", default_value_t = 10)]
        samples: usize,
        #[command(flatten)]
        timing: BenchOptions,
        #[command(flatten)]
        on: DeviceOption,
    },
    /// One pass of one image through the network.
    Image {
        #[command(flatten)]
        timing: BenchOptions,
        #[command(flatten)]
        on: DeviceOption,
    },
    /// Assembling a training batch: augmentation, masks, targets.
    Batch {
        #[command(flatten)]
        timing: BenchOptions,
    },
    /// Each kernel of a training step, compared with the machine's peak.
    Roofline {
        #[command(flatten)]
        timing: BenchOptions,
    },
    /// Loading and preprocessing every subject of a cohort.
    Load {
        /// A cohort, as `load_cohort` takes it.
        path: PathBuf,
        #[command(flatten)]
        timing: BenchOptions,
    },
}

impl BenchCommand {
    /// What to time, and how.
    pub fn split(self) -> (Workload, BenchOptions) {
        let with = |timing, DeviceOption { device }| BenchOptions { device, ..timing };
        match self {
            Self::Train { timing, on } => (Workload::Train, with(timing, on)),
            Self::Mc { samples, timing, on } => {
                (Workload::MonteCarlo { samples }, with(timing, on))
            }
            Self::Image { timing, on } => (Workload::Image, with(timing, on)),
            Self::Batch { timing } => (Workload::Batch, timing),
            Self::Load { path, timing } => (Workload::Load { path }, timing),
            Self::Roofline { timing } => (Workload::Roofline, timing),
        }
    }
}

/// Times a workload and prints the result.
pub fn run(workload: &Workload, options: &BenchOptions) -> Result<ExitCode> {
    let measured =
        thread_pool("--threads", options.threads)?.install(|| measure(workload, options))?;
    let text = match measured {
        measured if options.json => serde_json::to_string(&measured)
            .map_err(|error| Error::input(format!("the timing cannot be written: {error}")))?,
        Measured::Timing(timing) => line(&timing),
        Measured::Roofline(table) => roofline(&table),
    };
    print_whole(format!("{text}\n").as_bytes())
}

#[derive(Serialize)]
#[serde(untagged)]
enum Measured {
    Timing(Timing),
    Roofline(Roofline),
}

fn measure(workload: &Workload, options: &BenchOptions) -> Result<Measured> {
    let mut config = Config::preset(&options.preset)?;
    config.nearest_patches = options.nearest_patches.unwrap_or(config.nearest_patches);
    let context = Context::new(0).with_device(open_device(&options.device)?);
    let BenchOptions { batch_size, runs, .. } = *options;
    let timing = match workload {
        Workload::Train => benchmark::train(config, batch_size, runs, &context),
        Workload::Image => benchmark::image(config, runs, &context),
        Workload::MonteCarlo { samples } => {
            benchmark::monte_carlo(config, batch_size, *samples, runs, &context)
        }
        Workload::Batch => benchmark::assemble(config, batch_size, runs, &context),
        Workload::Load { path } => benchmark::load(path, config, runs, &context),
        Workload::Roofline => {
            return benchmark::roofline(config, batch_size, runs).map(Measured::Roofline);
        }
    };
    timing.map(Measured::Timing)
}

fn line(timing: &Timing) -> String {
    let Timing { what, device, median_s, min_s, threads, batch_size, runs, .. } = timing;
    let place = if *device == "cpu" { String::new() } else { format!(" on {device}") };
    let memory = timing.peak_rss_mb.map_or(String::new(), |mb| format!(", peak {mb:.0} MB"));
    format!(
        "{what}{place}: median {median_s:.3} s, fastest {min_s:.3} s of {runs} runs \
         (batch of {batch_size}, {threads} threads{memory})"
    )
}

fn roofline(table: &Roofline) -> String {
    let Roofline { instruction_set, threads, batch_size, ceiling_gflops, ceiling_gexps, .. } =
        table;
    let mut lines = vec![format!(
        "{instruction_set}, {threads} threads: at most {ceiling_gflops:.0} GFLOP/s, \
         {ceiling_gexps:.1} · 10⁹ exponentials/s (batch of {batch_size})"
    )];
    lines.push(format!(
        "{:<22}{:<10}{:>5}{:>9}{:>8}{:>10}{:>10}{:>6}",
        "kernel", "pass", "×", "GFLOP", "Gexp", "bound ms", "ms", "%"
    ));
    for kernel in &table.kernels {
        let KernelTime { kernel, pass, per_step, gflop, gexp, bound_s, median_s, fraction } =
            kernel;
        lines.push(format!(
            "{kernel:<22}{pass:<10}{per_step:>5}{gflop:>9.2}{gexp:>8.3}{:>10.1}{:>10.1}{:>6.0}",
            bound_s * 1e3,
            median_s * 1e3,
            fraction * 1e2
        ));
    }
    lines.join("\n")
}
