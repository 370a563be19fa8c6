//! Command line of u2ad.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use u2ad::frontends::bench::{BenchOptions, Workload};
use u2ad::frontends::jupyter::kernelspec::{self, Installation, Place};
use u2ad::frontends::{
    ImageChoice, Options, ShellOptions, bench, convert, jupyter, script, terminal,
};

/// Finds what a spinal cord MRI shows that a healthy one would not.
///
/// u2ad trains a masked autoencoder on T2-weighted sagittal volumes, adapts it to the clinic's
/// own unlabelled data by its own uncertainty (U²AD), and marks the places that it cannot
/// reconstruct.
///
/// Without a command it opens a shell: type `help()` there to see the verbs.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    shell: ShellArguments,
}

#[derive(Subcommand)]
enum Command {
    /// Run a script from start to end.
    ///
    /// Figures, tables, the log and a record of the run go to a folder named after the script.
    /// Ctrl-C stops at the next batch; what was written until then stays. The exit code is 0 on
    /// success, 1 on an error and 130 after Ctrl-C.
    Run {
        /// The script, in the Starlark language; `-` reads it from standard input.
        file: PathBuf,
        #[command(flatten)]
        session: SessionArguments,
    },
    /// Time the costly steps: a training step, Monte-Carlo maps, loading a cohort.
    ///
    /// `train` and `mc` run on synthetic slices of the preset's size, so that figures from
    /// different machines and programs compare.
    Bench {
        #[command(subcommand)]
        workload: BenchCommand,
    },
    /// Turn a script into a notebook, or a notebook into a script.
    ///
    /// A line `# %%` begins a cell of a script, `# %% [markdown]` one whose comments are text.
    /// What a notebook's cells showed is left out.
    Convert {
        /// A .star or .ipynb file.
        from: PathBuf,
        /// Where to; the other kind of file.
        to: PathBuf,
    },
    /// The Jupyter kernel: install it once, then choose it in JupyterLab, Notebook or VS Code.
    Kernel {
        #[command(subcommand)]
        action: KernelCommand,
    },
    /// Compile and run Rust cells for the session at standard input and output.
    #[cfg(feature = "rust-cells")]
    #[command(hide = true)]
    RustHost,
    /// Open the interactive shell. This is what happens without a command.
    Repl {
        #[command(flatten)]
        shell: ShellArguments,
    },
}

#[derive(Subcommand)]
enum KernelCommand {
    /// Tell Jupyter about this program. Arguments after `--` are given to every kernel, such as
    /// `-- --seed 3`.
    Install {
        #[command(flatten)]
        place: KernelPlace,
        /// Name by which programs call the kernel.
        #[arg(long, default_value = "u2ad")]
        name: String,
        /// Name that people read in menus.
        #[arg(long, value_name = "TITLE", default_value = "U²AD (Starlark)")]
        display_name: String,
        /// Arguments of `u2ad kernel start`.
        #[arg(last = true, value_name = "ARGUMENT")]
        arguments: Vec<String>,
    },
    /// Remove what `install` wrote.
    Uninstall {
        #[command(flatten)]
        place: KernelPlace,
        /// Name by which programs call the kernel.
        #[arg(long, default_value = "u2ad")]
        name: String,
    },
    /// Show where kernels of u2ad are installed.
    List,
    /// Run a kernel. Jupyter calls this.
    Start {
        /// The connection file that Jupyter wrote.
        connection_file: PathBuf,
        #[command(flatten)]
        session: SessionArguments,
    },
}

#[derive(Args)]
#[group(multiple = false)]
struct KernelPlace {
    /// For this user. This is what happens without a place.
    #[arg(long)]
    user: bool,
    /// In DIR/share/jupyter.
    #[arg(long, value_name = "DIR")]
    prefix: Option<PathBuf>,
    /// In the Python environment that is active.
    #[arg(long)]
    sys_prefix: bool,
}

impl KernelPlace {
    fn chosen(self) -> Option<Place> {
        let Self { user, prefix, sys_prefix } = self;
        prefix
            .map(Place::Prefix)
            .or(sys_prefix.then_some(Place::SysPrefix))
            .or(user.then_some(Place::User))
    }
}

impl KernelCommand {
    fn run(self) -> u2ad::Result<ExitCode> {
        match self {
            Self::Install { place, name, display_name, arguments } => {
                let place = place.chosen().unwrap_or(Place::User);
                kernelspec::install(&Installation { name, title: display_name, place, arguments })
            }
            Self::Uninstall { place, name } => {
                kernelspec::uninstall(&name, place.chosen().as_ref())
            }
            Self::List => kernelspec::list(),
            Self::Start { connection_file, session } => {
                jupyter::start(&connection_file, &session.into())
            }
        }
    }
}

#[derive(Subcommand)]
enum BenchCommand {
    /// One training step: forward, backward, optimiser.
    Train {
        #[command(flatten)]
        timing: BenchArguments,
    },
    /// Monte-Carlo uncertainty maps.
    Mc {
        /// Reconstructions of every patch: K.
        #[arg(long, value_name = "K", default_value_t = 10)]
        samples: usize,
        #[command(flatten)]
        timing: BenchArguments,
    },
    /// One pass of one image through the network.
    Image {
        #[command(flatten)]
        timing: BenchArguments,
    },
    /// What a training step needs before the network: augmentation, masks, targets.
    Batch {
        #[command(flatten)]
        timing: BenchArguments,
    },
    /// Each kernel of a training step beside what the machine can do at most.
    Roofline {
        #[command(flatten)]
        timing: BenchArguments,
    },
    /// Loading and preparing every subject of a cohort.
    Load {
        /// A cohort, as `load_cohort` takes it.
        path: PathBuf,
        #[command(flatten)]
        timing: BenchArguments,
    },
}

#[derive(Args)]
struct BenchArguments {
    /// Size of the network: small or paper.
    #[arg(long, value_name = "NAME", default_value = "paper")]
    preset: String,
    /// Slices per batch.
    #[arg(long, alias = "batch", value_name = "N", default_value_t = 10)]
    batch_size: usize,
    /// Timed runs, after one that is not counted.
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: usize,
    /// Threads; all cores without it.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
}

impl From<BenchArguments> for BenchOptions {
    fn from(BenchArguments { preset, batch_size, runs, threads, json }: BenchArguments) -> Self {
        Self { preset, batch_size, runs, threads, json }
    }
}

impl BenchCommand {
    fn split(self) -> (Workload, BenchOptions) {
        match self {
            Self::Train { timing } => (Workload::Train, timing.into()),
            Self::Mc { samples, timing } => (Workload::MonteCarlo { samples }, timing.into()),
            Self::Image { timing } => (Workload::Image, timing.into()),
            Self::Batch { timing } => (Workload::Batch, timing.into()),
            Self::Load { path, timing } => (Workload::Load { path }, timing.into()),
            Self::Roofline { timing } => (Workload::Roofline, timing.into()),
        }
    }
}

#[derive(Args)]
struct SessionArguments {
    /// Put the folder with figures, tables and the log here instead of in `runs`. It is named
    /// after the script, with a number if there is one already.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Start all randomness from this number: the same script with the same seed gives the same
    /// results.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Compute on this device: auto, cpu, cuda or metal.
    #[arg(long, value_name = "NAME", default_value = "auto")]
    device: String,
    /// Set a parameter that the script asks for with `parameter("NAME", default)`. Can be given
    /// several times.
    #[arg(short, long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
}

#[derive(Args)]
struct ShellArguments {
    #[command(flatten)]
    session: SessionArguments,
    /// Draw figures this way: auto, kitty, iterm, sixel, blocks or none.
    #[arg(long, value_name = "HOW", default_value = "auto")]
    images: ImageChoice,
    /// Bring back the session in this folder, or else the last one: its cohorts, models, maps and
    /// transcript, after a crash as well as after a regular end.
    #[arg(long, value_name = "FOLDER", num_args = 0..=1)]
    resume: Option<Option<PathBuf>>,
    /// Open the shell on a kernel that runs already: the one of this connection file, or else the
    /// one that started last. Its notebook and the shell then share one session.
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with = "resume")]
    existing: Option<Option<PathBuf>>,
}

impl ShellArguments {
    fn open(self) -> u2ad::Result<ExitCode> {
        match &self.existing {
            Some(file) => {
                terminal::run_existing(file.as_deref().unwrap_or(Path::new("")), self.images)
            }
            None => terminal::run(&self.into()),
        }
    }
}

impl From<ShellArguments> for ShellOptions {
    fn from(ShellArguments { session, images, resume, .. }: ShellArguments) -> Self {
        Self { session: session.into(), images, resume: resume.map(Option::unwrap_or_default) }
    }
}

impl From<SessionArguments> for Options {
    fn from(SessionArguments { out, seed, device, parameters }: SessionArguments) -> Self {
        Self { out, seed, device, parameters }
    }
}

fn main() -> ExitCode {
    #[cfg(feature = "rust-cells")]
    u2ad::rust_cells::hook();
    u2ad::ops::keep_element_wise_serial();
    u2ad::ops::keep_freed_memory();
    let CommandLine { command, shell } = CommandLine::parse();
    run(command, shell).unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

fn run(command: Option<Command>, shell: ShellArguments) -> u2ad::Result<ExitCode> {
    // A name that the kernels do not know would otherwise be passed over in silence.
    u2ad::ops::InstructionSet::limit()?;
    match command {
        Some(Command::Run { file, session }) => script::run(&file, &session.into()),
        Some(Command::Bench { workload }) => {
            let (workload, options) = workload.split();
            bench::run(&workload, &options)
        }
        Some(Command::Convert { from, to }) => convert::convert(&from, &to),
        Some(Command::Kernel { action }) => action.run(),
        #[cfg(feature = "rust-cells")]
        Some(Command::RustHost) => Ok(u2ad::rust_cells::serve()),
        Some(Command::Repl { shell }) => shell.open(),
        None => shell.open(),
    }
}
