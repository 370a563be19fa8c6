//! The command line: its commands, their arguments, and what `--help` says of them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::jupyter::kernelspec::{self, Place};
use super::runs::SweepArguments;
use super::screen::{BidsArguments, ScreenArguments};
use super::tools::bench::BenchCommand;
use super::{ImageChoice, Options, ShellOptions, completions, script};

/// Finds anomalies in spinal cord MRI, learning from healthy and unlabelled subjects.
///
/// u2ad trains a masked autoencoder on T2-weighted sagittal volumes, adapts it to unlabelled data
/// from the clinic with masks chosen by the network's own uncertainty (U²AD), and marks the regions
/// that it cannot reconstruct.
///
/// Without a command it opens a shell: type `help()` there to see the verbs.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct CommandLine {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub shell: ShellArguments,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run a script from start to end.
    ///
    /// Figures, tables, the log and a record of the run go to a folder named after the script.
    /// Ctrl-C stops the script at the next batch and keeps everything written so far. The exit code
    /// is 0 on success, 1 on an error or if a result could not be written, 130 after Ctrl-C and 143
    /// after SIGTERM, SIGHUP or SIGUSR1.
    ///
    /// A run that was interrupted or killed goes on with `u2ad run --resume runs/NAME` and gives the same
    /// files as one that never stopped.
    Run {
        /// The script, in the Starlark language; `-` reads it from standard input.
        #[arg(required_unless_present = "resume")]
        file: Option<PathBuf>,
        /// Go on with the run in FOLDER that was interrupted or killed, in the same folder and with its
        /// script, parameters and seed. The script runs again from its start; trainings that it had completed
        /// are taken from their checkpoints, and the one that was stopped goes on from its last checkpoint.
        #[arg(
            long,
            value_name = "FOLDER",
            conflicts_with_all = ["file", "out", "seed", "device", "parameters"]
        )]
        resume: Option<PathBuf>,
        /// Seconds between two checkpoints of a training. They lie in the run folder and are removed when the
        /// run ends well.
        #[arg(long, value_name = "SECONDS", default_value_t = script::CHECKPOINT_EVERY.as_secs())]
        checkpoint_every: u64,
        /// Name of the run folder, instead of that of the script.
        #[arg(long, value_name = "NAME", conflicts_with = "resume")]
        name: Option<String>,
        #[command(flatten)]
        session: SessionArguments,
    },
    /// Write a script to begin with: a study of your own data, or a tutorial.
    ///
    /// With --data, the folder is looked at first: who is healthy, whether masks have to be found, whether
    /// lesions are known. The script has the steps that fit, with comments. With --tutorial, it is one of the
    /// scripts that `examples()` lists in the shell. An existing file is never replaced.
    #[command(group(clap::ArgGroup::new("subject").required(true).args(["data", "tutorial"])))]
    New {
        /// The script to write, such as study.star.
        file: PathBuf,
        /// The folder with the data: a BIDS tree, or images with or without masks beside them.
        #[arg(long, value_name = "FOLDER")]
        data: Option<PathBuf>,
        /// Who is healthy, if the participants table does not say so in known words: a rule such as
        /// "group == 'HV'".
        #[arg(long, value_name = "RULE", requires = "data")]
        healthy: Option<String>,
        /// The tutorial, such as quickstart.
        #[arg(long, value_name = "NAME")]
        tutorial: Option<String>,
    },
    /// Look for anomalies in images: from bare volumes to a table of findings.
    ///
    /// Masks and labels beside an image are used; where the cord mask is missing, cord, fluid and discs are
    /// found by the program, with a confidence. One row per image says where its masks come from, its AnaScore,
    /// the vertebral level where it is highest, and its p-value if the model is calibrated. An image that
    /// cannot be used does not stop the others. The exit code is 0 if all images were screened, 1 if one could
    /// not be used, 130 after Ctrl-C and 143 after SIGTERM, SIGHUP or SIGUSR1; what was finished until
    /// then is printed and written.
    Screen(ScreenArguments),
    /// Screen a BIDS tree, as BIDS Apps do: each participant, or the group.
    ///
    /// `participant` writes maps, tables and a report of each participant, and leaves out those that are finished:
    /// screened before from the same images and masks with the same model. Many processes may work in one
    /// OUTPUT_DIR at once, on one machine or on several that share it; each participant appears there complete or
    /// not at all. `group` gathers all findings into tables and one page, with an evaluation where the ground
    /// truth is known.
    ///
    /// The exit code is 0 if there are findings of all images, 1 if at least one image has none, 2 if the
    /// arguments are invalid or name no participant, 75 if nothing failed but another process works on a participant now, 130 after
    /// Ctrl-C and 143 after SIGTERM, SIGHUP or SIGUSR1.
    #[command(version)]
    Bids(Box<BidsArguments>),
    /// Time the costly steps: a training step, Monte-Carlo maps, loading a cohort.
    ///
    /// `train` and `mc` run on synthetic slices of the preset's size, so that timings
    /// from different machines and programs can be compared.
    Bench {
        #[command(subcommand)]
        workload: BenchCommand,
    },
    /// List runs, the newest first: how they ended, how long they took, their seed and main results.
    ///
    /// A run whose process is gone without an end is shown as killed.
    Runs {
        /// The folder that holds the run folders.
        #[arg(default_value = "runs")]
        folder: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Run a script with every combination of some parameters, and compare what came out.
    ///
    /// Each combination is a run of its own, with a folder of its own; `u2ad runs`, `verify` and `diff` work on
    /// them. A combination that ended well with the same script, inputs and version of u2ad is not run again, and
    /// one that was stopped goes on from its last checkpoint. The table at the end has one row per combination,
    /// with the mean ± standard deviation of its results over the seeds; sweep.tsv holds it as numbers, and
    /// sweep-runs.tsv one row per run. A table of other runs in the same folder stays, and the new one gets a
    /// number. The exit code is 0 if all runs ended well, 1 if one did not, 130 after Ctrl-C and 143 after SIGTERM, SIGHUP or
    /// SIGUSR1.
    Sweep(SweepArguments),
    /// Run a recorded script again and compare everything that it wrote.
    ///
    /// The script runs in a temporary folder with the same parameters, seed and inputs. First the
    /// inputs are compared with what they were. The exit code is 0 if all files are the same, 1 if one
    /// differs (the first difference is named: a cell, a pixel, an element) or the run itself had failed, and 2 if it
    /// could not be run.
    Verify {
        /// The folder of the run, such as runs/study, or its name in `u2ad runs`.
        folder: PathBuf,
        /// Number of threads of the second run. The results must not depend on it.
        #[arg(long, value_name = "N")]
        threads: Option<usize>,
    },
    /// Show what differs between two runs: script, parameters, seed, machine, inputs and results.
    ///
    /// Tables are compared cell by cell. The exit code is 0 if nothing differs, 1 if something does and
    /// 2 if a run cannot be read.
    Diff {
        /// The folder of the first run, or its name in `u2ad runs`.
        first: PathBuf,
        /// The folder of the second run, or its name.
        second: PathBuf,
    },
    /// Run a script as `verify` planned it.
    #[command(hide = true)]
    Rerun { plan: PathBuf },
    /// Train the network of `segment` and write its weights.
    #[command(hide = true)]
    TrainSegmentation {
        /// The file of weights to write.
        out: PathBuf,
        /// Weights of an earlier training to go on from.
        #[arg(long)]
        from: Option<PathBuf>,
        /// A folder with masks of real cords (NAME_seg-manual.nii.gz) and the fluid around them
        /// (NAME_csfseg-manual.nii.gz), whose shapes some of the slices get.
        #[arg(long)]
        anatomies: Option<PathBuf>,
        #[arg(long, default_value_t = 6000)]
        steps: usize,
        /// Channels at full resolution.
        #[arg(long, default_value_t = 12)]
        width: usize,
        /// Highest learning rate.
        #[arg(long, default_value_t = 3e-3)]
        learning_rate: f64,
        #[arg(long, default_value_t = 2026)]
        seed: u64,
    },
    /// Turn DICOM files into a BIDS dataset without names and dates.
    ///
    /// Finds the DICOM files below a folder, whatever their names, and lists their series. Of every
    /// examination the sagittal T2-weighted series is written to the dataset as NIfTI, with the settings of
    /// the scanner beside it in JSON. If an examination has several such series, nothing is written until
    /// `--series` says which one to take. Nothing is ever overwritten.
    ///
    /// Names, identifiers, dates and free text stay behind. Patients are numbered sub-001, sub-002 … in the
    /// order of their patient IDs. This is right for one delivery: another one would count anew. With `--key`,
    /// a patient is called after the first 10 hexadecimal digits of HMAC-SHA-256 of the patient ID, the same
    /// in every delivery; only who has the key can find out who is who. Several examinations of a patient
    /// become sessions, ses-01, ses-02 … by date. Which patient became which subject is printed and not
    /// stored.
    Import {
        /// The folder with the DICOM files; folders inside are searched, too.
        dicom: PathBuf,
        /// The folder of the dataset, which is made if there is none. Without it, series are only listed.
        bids: Option<PathBuf>,
        /// Take series N of its examination, by its number in the listing. May be given several times, for
        /// several examinations.
        #[arg(long, value_name = "N")]
        series: Vec<usize>,
        /// The file with the key for pseudonyms, such as one made with `head -c 32 /dev/urandom > FILE`.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Turn a script into a notebook, or a notebook into a script.
    ///
    /// In a script, the line `# %%` begins a code cell and `# %% [markdown]` a text cell, written in
    /// comments. The outputs of a notebook are left out.
    Convert {
        /// A .star or .ipynb file.
        from: PathBuf,
        /// The file to write, of the other kind.
        to: PathBuf,
        /// Replace the file to write if it exists.
        #[arg(long)]
        force: bool,
    },
    /// The Jupyter kernel: install it once, then choose it in JupyterLab, Notebook or VS Code.
    Kernel {
        #[command(subcommand)]
        action: KernelCommand,
    },
    /// Help an editor with scripts: completion, the verbs' documentation, errors, definitions.
    ///
    /// A language server: editors start this command for .star files and speak to it over standard input and
    /// output. It runs nothing of what it reads.
    Lsp,
    /// Show what this build of u2ad and this machine have, what is missing, and what to do about it.
    ///
    /// Prints one fact per line: version, processor, memory, graphics card, Jupyter kernel and Rust
    /// toolchain. The exit code is 1 if something that is installed does not work, else 0.
    Doctor,
    /// Print a file of completions for your system's shell.
    ///
    /// For bash, write it to ~/.local/share/bash-completion/completions/u2ad; for zsh, to a file
    /// _u2ad in a folder of $fpath; for fish, to ~/.config/fish/completions/u2ad.fish.
    Completions {
        /// The shell.
        shell: completions::Shell,
    },
    /// Print the manual page, or write the pages of all commands to a folder.
    Man {
        /// Write u2ad.1 and a page for every command, such as u2ad-run.1, to DIR. `man` finds them
        /// in ~/.local/share/man/man1.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Print the reference: every verb, type and command with parameters and examples.
    Reference {
        /// Print Markdown instead of text.
        #[arg(long)]
        markdown: bool,
    },
    /// Compile and run Rust cells for the session at standard input and output.
    #[cfg(feature = "rust-cells")]
    #[command(hide = true)]
    RustHost,
    /// Open the interactive shell, as u2ad without a command does.
    Repl {
        #[command(flatten)]
        shell: ShellArguments,
    },
}

#[derive(Subcommand)]
pub enum KernelCommand {
    /// Register u2ad as a Jupyter kernel. Arguments after `--`, such as `-- --seed 3`, are passed to
    /// every kernel that Jupyter starts.
    Install {
        #[command(flatten)]
        place: KernelPlace,
        /// Name of the kernel in Jupyter's commands.
        #[arg(long, default_value = "u2ad")]
        name: String,
        /// Name of the kernel in menus.
        #[arg(long, value_name = "TITLE", default_value = kernelspec::DEFAULT_TITLE)]
        display_name: String,
        /// Arguments of `u2ad kernel start`.
        #[arg(last = true, value_name = "ARGUMENT")]
        arguments: Vec<String>,
    },
    /// Remove what `install` wrote.
    Uninstall {
        #[command(flatten)]
        place: KernelPlace,
        /// Name of the kernel in Jupyter's commands.
        #[arg(long, default_value = "u2ad")]
        name: String,
    },
    /// Show where kernels of u2ad are installed.
    List,
    /// Run a kernel. Jupyter calls this.
    Start {
        /// The connection file that Jupyter wrote.
        connection_file: PathBuf,
        /// Megabytes of disk that the snapshots of all models may take. Beyond that the oldest are
        /// removed, and `rewind` can no longer reach them.
        #[arg(long, value_name = "MB", default_value_t = 512)]
        snapshots: u64,
        #[command(flatten)]
        session: SessionArguments,
    },
}

#[derive(Args)]
#[group(multiple = false)]
pub struct KernelPlace {
    /// In this user's folder, where `install` puts it by default.
    #[arg(long)]
    pub user: bool,
    /// In DIR/share/jupyter.
    #[arg(long, value_name = "DIR")]
    pub prefix: Option<PathBuf>,
    /// In the active Python environment.
    #[arg(long)]
    pub sys_prefix: bool,
}

impl KernelPlace {
    /// The place that was asked for, if any.
    pub fn chosen(self) -> Option<Place> {
        let Self { user, prefix, sys_prefix } = self;
        prefix
            .map(Place::Prefix)
            .or(sys_prefix.then_some(Place::SysPrefix))
            .or(user.then_some(Place::User))
    }
}

#[derive(Args)]
pub struct SessionArguments {
    /// Create the run folder, with figures, tables and the log, in DIR instead of in `runs`. It is
    /// named after the script; a number is added if that name is taken.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Seed of all random numbers: the same script with the same seed gives the same results.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Compute on this device: auto, cpu, cuda or metal.
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub device: String,
    /// Set a parameter that the script reads with `parameter("NAME", default)`. May be given several
    /// times.
    #[arg(short, long = "parameter", value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
    /// Gigabytes of memory that u2ad may hold: a cell or script that needs more is stopped with an
    /// error. By default 80 % of what the machine has and a container or cluster job allows, unless the
    /// environment variable U2AD_MEMORY says how many.
    #[arg(long, value_name = "GB")]
    pub memory: Option<String>,
}

#[derive(Args)]
pub struct ShellArguments {
    #[command(flatten)]
    pub session: SessionArguments,
    /// How to draw figures: auto, kitty, iterm, sixel, blocks or none.
    #[arg(long, value_name = "HOW", default_value = "auto")]
    pub images: ImageChoice,
    /// Restore the session in FOLDER, or the last one if no folder is given: its cohorts, models, maps
    /// and transcript. This works after a crash as well as after a normal exit.
    #[arg(long, value_name = "FOLDER", num_args = 0..=1)]
    pub resume: Option<Option<PathBuf>>,
    /// Open the shell on a running kernel: the one with the connection file FILE, or the one that
    /// started last if no file is given. Its notebook and the shell then share one session.
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with = "resume")]
    pub existing: Option<Option<PathBuf>>,
}

impl From<ShellArguments> for ShellOptions {
    fn from(ShellArguments { session, images, resume, .. }: ShellArguments) -> Self {
        Self { session: session.into(), images, resume: resume.map(Option::unwrap_or_default) }
    }
}

impl From<SessionArguments> for Options {
    fn from(arguments: SessionArguments) -> Self {
        let SessionArguments { out, seed, device, parameters, memory } = arguments;
        Self { out, seed, device, parameters, memory, ranks: None }
    }
}
