//! `u2ad sweep`: runs a script with every combination of some parameters.
//!
//! Each combination is a run of its own, in a process of its own and with a folder of its own, as `u2ad run`
//! makes them. What is done is told by the records of the runs, so a sweep that was stopped, or that got more
//! values, goes on where it was.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::inputs;
use super::recorded::working_folder;
use super::run_process::{read_again, wait, warnings};
use super::sweep_arguments::SweepArguments;
use super::sweep_file;
use crate::context::{Context, counted};
use crate::error::locked;
use crate::files::{make_folder, sha256, write_whole};
use crate::frontends::console::table_width;
use crate::frontends::documentation::print_whole;
use crate::frontends::record::{RUNS, run_name};
use crate::frontends::screen::Messages;
use crate::frontends::script::unknown_parameter;
use crate::frontends::termination::{Stopped, cancel_on_signals};
use crate::language::{parameters_of, source_text};
use crate::ops::{MachineMemory, check_threads};
use crate::report::{Headline, RunRecord, RunStatus, RunSummary, run_summaries};
use crate::session::{device_name, open_device};
use crate::study::sweep::{
    Combination, Grid, SEED, SweepRun, hidden_results, merge_names, named_results, seeds_agree,
    sweep_runs_table, sweep_table,
};
use crate::{Error, Result};

/// Share of the machine's memory that the runs of a sweep may hold together.
const MEMORY_SHARE: f64 = 0.8;

/// The script and what its runs have in common.
struct Sweep {
    script: PathBuf,
    hash: String,
    /// Whether the script reads the seed as a parameter, too.
    reads_seed: bool,
    folder: PathBuf,
    /// The device that its runs compute on.
    device: &'static str,
    arguments: SweepArguments,
}

/// The earlier run of a combination.
enum Earlier {
    Nothing,
    /// It ended well.
    Done,
    /// It was stopped or killed, and goes on.
    Stopped(PathBuf),
    /// It runs now, in another process.
    Running,
}

/// How a run of this sweep ended.
enum Ended {
    /// With the warnings that it gave.
    Well(Vec<String>),
    Stopped,
    Badly(String),
}

/// Runs what is missing, and prints one table of all.
///
/// The exit code is 0 if all runs ended well, 1 if one did not, 130 after Ctrl-C and 143 after SIGTERM, SIGHUP or
/// SIGUSR1; what is done is not run again by the next call.
///
/// # Errors
/// If the parameters or the script cannot be read, or the folder cannot be written.
pub fn sweep(arguments: &SweepArguments) -> Result<ExitCode> {
    check_threads("--jobs", Some(arguments.jobs))?;
    let grid = Grid::parse(&arguments.parameters)?;
    let sweep = Sweep::new(arguments, &grid.named())?;
    let messages = std::sync::Arc::new(Messages::new());
    let context = Context::new(0).with_reporter(messages.clone());
    let stopped = cancel_on_signals(&context.cancel)?;
    let mut waiting = VecDeque::new();
    let combinations = grid.combinations();
    let (mut done, mut failed) = (0, 0);
    let runs = run_summaries(&sweep.folder)?;
    for combination in &combinations {
        match sweep.earlier(&runs, combination, &messages) {
            Earlier::Done => done += 1,
            Earlier::Running => {
                failed += 1;
                messages.tell_after(
                    "warning:",
                    &format!(
                        "{}: runs in another process now, so it is left alone",
                        combination.name
                    ),
                );
            }
            Earlier::Nothing => waiting.push_back((combination.clone(), None)),
            Earlier::Stopped(folder) => waiting.push_back((combination.clone(), Some(folder))),
        }
    }
    messages.tell(&format!(
        "{}: {done} done before, {} to run, {} at a time; in {}",
        counted(combinations.len(), "run"),
        waiting.len(),
        arguments.jobs.clamp(1, waiting.len().max(1)),
        sweep.folder.display()
    ));
    failed += sweep.run_all(waiting, &context, &stopped, &messages);
    let runs = sweep.finished(&combinations)?;
    let table = sweep_table(&grid, &runs)?;
    print_whole(table.to_text(table_width()).as_bytes())?;
    let (each, varied) = sweep_runs_table(&grid, &runs)?;
    let each = each.to_tsv();
    let (path, others) = sweep_file::table_path(&sweep.folder, &each, varied)?;
    write_whole(&path, table.to_tsv().as_bytes())?;
    write_whole(&sweep_file::runs_table_path(&path), each.as_bytes())?;
    if !runs.is_empty() && runs.iter().all(|run| run.results.is_empty()) {
        messages.tell(
            "no table of these runs has an AUROC to compare; `table(evaluate(found))` gives one, if there are patients \
             with and without a lesion",
        );
    }
    if seeds_agree(&runs) {
        messages.tell_after(
            "warning:",
            "all results are the same for every seed; check that the script sets no seed of its own, such as seed(3)",
        );
    }
    if let more @ 1.. = hidden_results(&runs) {
        messages.tell(&format!("{} more in the file", counted(more, "result")));
    }
    messages.tell(&format!(
        "written: {}, and one row per run in {}",
        path.display(),
        sweep_file::runs_table_path(&path).display()
    ));
    if let Some(others) = others {
        messages.tell(&format!("{} holds other runs and stays", others.display()));
    }
    if let Some(code) = stopped.code() {
        messages.tell("interrupted: run it again to go on");
        return Ok(ExitCode::from(code));
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Sweep {
    fn new(arguments: &SweepArguments, named: &[&str]) -> Result<Self> {
        let script = &arguments.file;
        let text = script_text(script)?;
        let words: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        let reads_seed =
            ['"', '\''].iter().any(|mark| words.contains(&format!("parameter({mark}{SEED}{mark}")));
        // All runs would be the same: there would be nothing to compare.
        if let Some(known) = parameters_of(&text)
            && let Some(misspelt) = named.iter().find(|name| !known.contains(**name))
        {
            let sentence = unknown_parameter(misspelt, &known);
            return Err(Error::input(format!("{sentence}; no run is started")));
        }
        let folder = arguments
            .out
            .clone()
            .unwrap_or_else(|| Path::new(RUNS).join(format!("{}-sweep", run_name(script))));
        make_folder(&folder)?;
        Ok(Self {
            script: script.clone(),
            hash: hash_of(&text),
            reads_seed,
            folder,
            device: device_name(&open_device(&arguments.device)?),
            arguments: arguments.clone(),
        })
    }

    fn seed(&self, combination: &Combination) -> u64 {
        combination.seed().unwrap_or(self.arguments.seed)
    }

    /// What the command line of a run sets.
    fn parameters(&self, combination: &Combination) -> BTreeMap<String, String> {
        let given = combination.values.iter().filter(|(name, _)| name != SEED || self.reads_seed);
        given.cloned().collect()
    }

    /// Whether a record is that of a combination, run by this program with this script on this device.
    fn fits(&self, record: &RunRecord, combination: &Combination) -> bool {
        let now = RunRecord::new("", "", 0, "");
        record.script_sha256 == self.hash
            && record.parameters == self.parameters(combination)
            && record.seed_at_start() == self.seed(combination)
            && (&record.version, &record.commit) == (&now.version, &now.commit)
            && record.device == self.device
    }

    /// The runs of a combination, the newest first, with their records.
    fn runs_of<'a>(
        &self,
        runs: &'a [RunSummary],
        combination: &Combination,
    ) -> impl Iterator<Item = (&'a RunSummary, &'a RunRecord)> {
        let of = runs.iter().filter_map(|run| Some((run, run.record.as_ref().ok()?)));
        of.filter(move |(_, record)| self.fits(record, combination))
    }

    fn earlier(
        &self,
        runs: &[RunSummary],
        combination: &Combination,
        messages: &Messages,
    ) -> Earlier {
        for (run, record) in self.runs_of(runs, combination) {
            // Without the folder that it was started in, nobody knows what it read.
            let Ok(working) = working_folder(&run.folder, record) else { continue };
            if let [first, ..] = inputs::changed(&record.inputs, &working).as_slice() {
                messages.tell(&format!("{}: runs again, because {first}", combination.name));
                continue;
            }
            return match record.status {
                RunStatus::Completed => Earlier::Done,
                RunStatus::Running if run.is_alive => Earlier::Running,
                _ => Earlier::Stopped(run.folder.clone()),
            };
        }
        Earlier::Nothing
    }

    /// The results of all combinations that ended well.
    fn finished(&self, combinations: &[Combination]) -> Result<Vec<SweepRun>> {
        let runs = run_summaries(&self.folder)?;
        let ended = |combination: &Combination| {
            let mut runs = self.runs_of(&runs, combination);
            // Only runs whose inputs are still the same count.
            let is_valid = |run: &RunSummary, record: &RunRecord| {
                let working = working_folder(&run.folder, record);
                working.is_ok_and(|working| inputs::changed(&record.inputs, &working).is_empty())
            };
            let (run, _) = runs.find(|(run, record)| {
                record.status == RunStatus::Completed && is_valid(run, record)
            })?;
            Some((combination.clone(), run.headlines.clone()))
        };
        let ended: Vec<_> = combinations.iter().filter_map(ended).collect();
        let headlines: Vec<&[Headline]> = ended.iter().map(|(_, found)| &**found).collect();
        let results = named_results(&headlines);
        let run = |((combination, _), results)| SweepRun { combination, results };
        let mut runs: Vec<SweepRun> = ended.into_iter().zip(results).map(run).collect();
        merge_names(&mut runs);
        Ok(runs)
    }

    /// Runs what is missing, so many at a time; gives the number of those that ended badly.
    fn run_all(
        &self,
        waiting: VecDeque<(Combination, Option<PathBuf>)>,
        context: &Context,
        stopped: &Stopped,
        messages: &Messages,
    ) -> usize {
        let jobs = self.arguments.jobs.clamp(1, waiting.len().max(1));
        let progress = context.progress("sweep", "run", waiting.len());
        let (waiting, failed) = (Mutex::new(waiting), Mutex::new(0_usize));
        let warned = Mutex::new(BTreeSet::new());
        let work = || {
            while !context.cancel.is_cancelled() {
                let next = locked(&waiting).pop_front();
                let Some((combination, folder)) = next else { return };
                let name = &combination.name;
                match self.run(&combination, folder.as_deref(), jobs, stopped) {
                    Ok(Ended::Well(warnings)) => {
                        messages.tell(&format!("{name}: completed"));
                        for warning in warnings {
                            // A warning that several runs give is shown once.
                            if locked(&warned).insert(warning.clone()) {
                                messages.tell_after("warning:", &warning);
                            }
                        }
                    }
                    Ok(Ended::Stopped) => messages.tell(&format!("{name}: stopped")),
                    Ok(Ended::Badly(reason)) => {
                        *locked(&failed) += 1;
                        messages.tell_after("error:", &format!("{name}: {reason}"));
                    }
                    Err(error) => {
                        *locked(&failed) += 1;
                        messages.tell_after("error:", &format!("{name}: {error}"));
                    }
                }
                progress.advance(1, &[]);
            }
        };
        thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(work);
            }
        });
        failed.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// One run in a process of its own, to its end.
    fn run(
        &self,
        combination: &Combination,
        folder: Option<&Path>,
        jobs: usize,
        stopped: &Stopped,
    ) -> Result<Ended> {
        let failed =
            |error: std::io::Error| Error::input(format!("the run cannot be started: {error}"));
        if hash_of(&script_text(&self.script)?) != self.hash {
            let changed = "the script has changed since the sweep began; start the sweep again";
            return Ok(Ended::Badly(changed.to_owned()));
        }
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.arg("run");
        match folder {
            Some(folder) => {
                command.arg("--resume").arg(folder);
            }
            None => {
                command.arg(&self.script).arg("--out").arg(&self.folder);
                command.args(["--name", &combination.name, "--device", &self.arguments.device]);
                command.args(["--seed", &self.seed(combination).to_string()]);
                for (name, value) in self.parameters(combination) {
                    command.arg("-p").arg(format!("{name}={value}"));
                }
            }
        }
        let share = || {
            let usable = MachineMemory::read()?.usable() as f64;
            Some(format!("{:.3}", usable * MEMORY_SHARE / jobs as f64 / 1e9))
        };
        if let Some(memory) = self.arguments.memory.clone().or_else(share) {
            command.args(["--memory", &memory]);
        }
        if std::env::var_os("RAYON_NUM_THREADS").is_none() {
            let threads = (rayon::current_num_threads() / jobs).max(1);
            command.env("RAYON_NUM_THREADS", threads.to_string());
        }
        let mut told = tempfile::tempfile().map_err(failed)?;
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(told.try_clone().map_err(failed)?);
        // Ctrl-C goes to this process alone, which hands it on once: a second one would end the run at once.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().map_err(failed)?;
        let status = wait(child, stopped).map_err(failed)?;
        Ok(match status.code() {
            Some(0) => Ended::Well(warnings(&mut told)),
            _ if stopped.code().is_some() => Ended::Stopped,
            _ => Ended::Badly(self.reason(combination, &mut told, status)),
        })
    }

    /// Why a run ended badly: the sentence of its record, else the last line that it wrote.
    fn reason(&self, combination: &Combination, told: &mut File, status: ExitStatus) -> String {
        let runs = run_summaries(&self.folder).unwrap_or_default();
        if let Some((run, record)) = self.runs_of(&runs, combination).next()
            && let RunStatus::Failed(sentence) = &record.status
        {
            return format!("{sentence}; its log is {}", run.folder.join("log.txt").display());
        }
        let text = read_again(told);
        let last = text.lines().rfind(|line| !line.trim().is_empty());
        last.map_or_else(|| format!("ended with {status}"), |line| line.trim().to_owned())
    }
}

fn script_text(script: &Path) -> Result<String> {
    let source = fs::read(script).map_err(|error| Error::file(script, error))?;
    Ok(String::from_utf8_lossy(&source).into_owned())
}

/// The hash of a script as records have it.
fn hash_of(text: &str) -> String {
    sha256(source_text(text).as_bytes())
}
