//! What else `help` finds: answers to what people ask in words ([`topics`](super::topics)), the commands of the
//! program, and the pages of the documentation.

use super::Manual;
use super::topics::TOPICS;
use crate::report::Page;

/// A command of the program, as `u2ad --help` lists it.
struct Command {
    name: &'static str,
    summary: &'static str,
    words: &'static str,
}

const fn command(name: &'static str, summary: &'static str, words: &'static str) -> Command {
    Command { name, summary, words }
}

const COMMANDS: &[Command] = &[
    command("run", "Run a script from start to end", "script batch resume checkpoint"),
    command(
        "new",
        "Write a script to begin with: a study of your own data, or a tutorial",
        "template start",
    ),
    command(
        "screen",
        "Look for anomalies in images: from bare volumes to a table of findings",
        "screening images nifti inference predict single",
    ),
    command(
        "bids",
        "Screen a BIDS tree, as BIDS Apps do: each participant, or the group",
        "app derivatives participant",
    ),
    command(
        "bench",
        "Time the costly steps: a training step, Monte-Carlo maps, loading a cohort",
        "benchmark speed timing",
    ),
    command(
        "runs",
        "List runs, the newest first: how they ended, how long they took, their seed and main results",
        "history experiments log",
    ),
    command(
        "sweep",
        "Run a script with every combination of some parameters, and compare what came out",
        "grid search hyperparameters parameters seeds",
    ),
    command(
        "verify",
        "Run a recorded script again and compare everything that it wrote",
        "reproduce reproducibility repeat rerun",
    ),
    command(
        "diff",
        "Show what differs between two runs: script, parameters, seed, machine, inputs and results",
        "compare runs difference",
    ),
    command(
        "import",
        "Turn DICOM files into a BIDS dataset without names and dates",
        "dicom dcm dcm2niix convert anonymise pseudonyms nifti",
    ),
    command(
        "convert",
        "Turn a script into a notebook, or a notebook into a script",
        "ipynb jupyter star",
    ),
    command(
        "kernel",
        "The Jupyter kernel: install it once, then choose it in JupyterLab, Notebook or VS Code",
        "jupyter notebook jupyterlab ipython",
    ),
    command(
        "lsp",
        "Help an editor with scripts: completion, the verbs' documentation, errors, definitions",
        "language server vim emacs vscode editor",
    ),
    command(
        "doctor",
        "Show what this build of u2ad and this machine have, what is missing, and what to do about it",
        "gpu cuda version check install problem",
    ),
    command("completions", "Print a file of completions for your system's shell", "bash zsh fish"),
    command(
        "man",
        "Print the manual page, or write the pages of all commands to a folder",
        "manual",
    ),
    command(
        "reference",
        "Print the reference: every verb, type and command with parameters and examples",
        "manual",
    ),
    command(
        "repl",
        "Open the interactive shell, as u2ad without a command does",
        "interactive prompt shell",
    ),
];

/// Pages of the documentation: path, title, further words.
const PAGES: &[(&str, &str, &str)] = &[
    ("docs/introduction.md", "u2ad", "overview"),
    ("docs/guide/install.md", "Install", "installation cargo pip gpu cuda"),
    ("docs/guide/first-study.md", "A first study", "tutorial begin start"),
    ("docs/data.md", "Your own data", "bids dicom nifti masks participants csv tsv names"),
    ("docs/segmentation.md", "Segmentation: model card", "masks cord discs levels"),
    ("docs/guide/faq.md", "Questions and answers", "faq problems"),
    ("docs/shell.md", "The shell", "memory keys interactive history"),
    ("docs/jupyter.md", "u2ad in Jupyter", "notebook kernel jupyterlab"),
    ("docs/editors.md", "Editors", "vscode vim emacs lsp"),
    (
        "docs/guide/language.md",
        "The language, for people who know Python",
        "starlark recipes folds",
    ),
    ("docs/guide/scripts.md", "Scripts and reproducibility", "seed parameters runs"),
    ("docs/reruns.md", "Exact reruns", "verify diff reproducibility same bits"),
    (
        "docs/scale.md",
        "From one image to a cluster",
        "slurm cluster mpi bids screen sweep parallel nodes",
    ),
    ("docs/rust-cells.md", "Rust cells", "rust own code"),
    ("docs/rust.md", "u2ad in Rust notebooks", "rust evcxr"),
    ("docs/guide/uncertainty.md", "Uncertainty and masks", "monte carlo epistemic aleatoric"),
    ("docs/guide/scores.md", "How detection scores work", "threshold anascore dice auroc froc"),
    ("docs/method.md", "The detection method, and what was tried", "loss network"),
    ("docs/results.md", "Detection results so far", "numbers benchmarks"),
    ("docs/speed.md", "Speed on a CPU", "performance timing threads"),
    ("docs/guide/own-method.md", "A method of your own", "baseline reconstructor"),
    ("docs/architecture.md", "Architecture", "code modules"),
    ("docs/reference.md", "Reference", "verbs types commands"),
    ("docs/glossary.md", "Glossary", "terms words meaning"),
];

/// Something to find: what `help` takes, a summary, further words.
pub(super) struct Found {
    pub term: String,
    pub summary: String,
    pub words: String,
}

/// All of them, the answers first.
pub(super) fn all() -> impl Iterator<Item = Found> {
    let answers = TOPICS.iter().map(|topic| Found {
        term: topic.name().to_owned(),
        summary: topic.summary.to_owned(),
        words: topic.words.to_owned(),
    });
    let commands = COMMANDS.iter().map(|one| Found {
        term: format!("u2ad {}", one.name),
        summary: format!("{}.", one.summary),
        words: one.words.to_owned(),
    });
    let pages = PAGES.iter().map(|(path, title, words)| Found {
        term: (*path).to_owned(),
        summary: format!("{title}."),
        words: (*words).to_owned(),
    });
    answers.chain(commands).chain(pages)
}

impl Manual {
    /// The commands of the program by name, each with what its help says first.
    pub fn commands(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        COMMANDS.iter().map(|command| (command.name, command.summary))
    }

    /// The pages of the documentation: path and title.
    pub fn documents(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        PAGES.iter().map(|(path, title, _)| (*path, *title))
    }
}

/// The page about what is called so.
pub(super) fn page(name: &str) -> Option<Page> {
    let asked = name.trim().to_lowercase().replace('-', " ");
    if let Some(topic) = TOPICS.iter().find(|topic| topic.names.contains(&asked.as_str())) {
        let paragraphs = topic.text.iter().map(|paragraph| (*paragraph).to_owned());
        return Some(Page {
            heading: topic.name().to_owned(),
            paragraphs: paragraphs.collect(),
            ..Page::default()
        });
    }
    let command = asked.strip_prefix("u2ad ").unwrap_or(&asked);
    if let Some(command) = COMMANDS.iter().find(|one| one.name == command) {
        let about = format!("{}.", command.summary);
        let more = format!(
            "A command of the program, not a verb: `u2ad {} --help` tells all about it, outside of this session.",
            command.name
        );
        return Some(Page {
            heading: format!("u2ad {}", command.name),
            paragraphs: vec![about, more],
            ..Page::default()
        });
    }
    let (path, title, _) = PAGES.iter().find(|(path, ..)| *path == name.trim())?;
    Some(Page {
        heading: (*path).to_owned(),
        paragraphs: vec![format!(
            "\"{title}\", a page of the documentation in the source of u2ad."
        )],
        ..Page::default()
    })
}
