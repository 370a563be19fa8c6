//! `u2ad verify`: runs a recorded script again and compares everything that it wrote.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use super::comparison_exit::print_comparison;
use super::diff::ranks;
use super::inputs;
use super::outputs::{Compared, Outputs, compare, names};
use super::overwriting::OtherRuns;
use super::recorded::{run_folder, script_source, working_folder};
use super::rerun::Plan;
use super::work_folder::copy_with_links;
use crate::files::{ProcessFolder, file_name, sha256_of};
use crate::ops::check_threads;
use crate::report::{RecordedFile, RunRecord, RunStatus, RunSummary};
use crate::{Error, Result};

/// The line of a report on what is not compared.
const NOT_COMPARED: &str = "not compared: run.json (times, process, machine) and names of folders";

/// Lines of the second run's messages that are shown if it wrote no record.
const LAST_LINES: usize = 8;

/// Runs the script of a run again in a temporary folder, on another number of threads if given, and says
/// whether all files are the same. The exit code is 0 if so, 1 if not or if the run itself had failed, 2 if it could not
/// be run.
///
/// # Errors
/// If the report cannot be printed.
pub fn verify(folder: &Path, threads: Option<usize>) -> Result<ExitCode> {
    print_comparison(compared(&run_folder(folder), threads))
}

fn compared(folder: &Path, threads: Option<usize>) -> Result<(String, bool)> {
    check_threads("--threads", threads)?;
    let summary = RunSummary::read(folder);
    let state = summary.state();
    let record = summary.record?;
    let source = recorded_source(folder, &record, state)?;
    let working = working_folder(folder, &record)?;
    let changed = inputs::changed(&record.inputs, &working);
    if !changed.is_empty() {
        return Err(Error::input(format!(
            "inputs of {} changed since the run, so that it cannot be repeated: {}",
            folder.display(),
            changed.join("; ")
        )));
    }
    let outside = |file: &&RecordedFile| Path::new(&file.path).is_absolute();
    if let Some(file) = record.files_elsewhere.iter().find(outside) {
        return Err(Error::input(format!(
            "the script wrote to the absolute path {}, which a second run would replace; let it write to \
             a relative path or to output_dir()",
            file.path
        )));
    }
    let second = SecondRun::start(&record, source, &working, threads)?;
    second.report(folder, &record, &working)
}

/// The script's copy, if the run can be repeated.
fn recorded_source(folder: &Path, record: &RunRecord, state: &str) -> Result<String> {
    let refuse = |reason: &str| Err(Error::file(folder, reason));
    match state {
        "running" => return refuse("still runs; verify it when it has ended"),
        "killed" => {
            return refuse(
                "was killed, so it has no complete results to compare with; `u2ad run --resume` completes it",
            );
        }
        "interrupted" => {
            return refuse(
                "was interrupted, so it has no complete results to compare with; `u2ad run --resume` \
                 completes it",
            );
        }
        _ => {}
    }
    script_source(folder, record)
}

/// A run that was repeated, in a folder that goes with this value.
struct SecondRun {
    root: ProcessFolder,
    working: PathBuf,
    folder: PathBuf,
    record: RunRecord,
}

impl SecondRun {
    fn start(
        record: &RunRecord,
        source: String,
        working: &Path,
        threads: Option<usize>,
    ) -> Result<Self> {
        let root = ProcessFolder::create(None)?;
        let top = fs::canonicalize(root.path()).map_err(|e| Error::file(root.path(), e))?;
        let mut paths: Vec<&str> = record.inputs.iter().map(|file| file.path.as_str()).collect();
        let mut outputs: Vec<&str> =
            record.files_elsewhere.iter().map(|file| file.path.as_str()).collect();
        outputs.push(&record.folder);
        paths.extend(&outputs);
        paths.push(&record.script_path);
        let copied = copy_with_links(&top.join("work"), working, &paths, &outputs)?;

        let recorded = Path::new(&record.folder);
        let runs = match recorded.is_absolute() {
            true => top.join("runs"),
            false => recorded.parent().unwrap_or(Path::new("")).to_path_buf(),
        };
        let name = file_name(recorded);
        let script = Path::new(&record.script_path);
        let plan = Plan {
            script_path: record.script_path.clone(),
            script_folder: script.parent().map(Path::to_path_buf).unwrap_or_default(),
            source,
            copy: record.script.clone(),
            runs: runs.clone(),
            name: name.clone(),
            seed: record.seed_at_start(),
            device: record.device.clone(),
            parameters: record.parameters.clone(),
            shared: record.ranks.is_some(),
            root: top.clone(),
        };
        let folder = copied.join(runs).join(name);
        let messages = run_again(&plan, &top, &copied, threads)?;
        let record = RunRecord::read(&folder).map_err(|_| {
            let lines: Vec<&str> = messages.lines().collect();
            let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
            Error::input(format!("the script could not be run again:\n{last}"))
        })?;
        match record.status {
            RunStatus::Completed | RunStatus::Failed(_) => {}
            _ => return Err(Error::input("the second run was stopped before its end")),
        }
        Ok(Self { root, working: copied, folder, record })
    }

    /// Compares both runs.
    fn report(self, folder: &Path, first: &RunRecord, working: &Path) -> Result<(String, bool)> {
        let second = &self.record;
        let same_names = self.same_names(first, working);
        let pairs = [
            (
                Outputs { folder, files: &first.files },
                Outputs { folder: &self.folder, files: &second.files },
            ),
            (
                Outputs { folder: working, files: &first.files_elsewhere },
                Outputs { folder: &self.working, files: &second.files_elsewhere },
            ),
        ];
        let others = OtherRuns::beside(folder);
        let (mut same, mut differing, mut overwritten) = (0_usize, Vec::new(), String::new());
        if status(first) != status(second) {
            let (first, second) = (status(first), status(second));
            differing.push(format!("status: {first} in the recorded run, {second} now"));
        }
        for (ours, theirs) in &pairs {
            for name in names(ours, theirs) {
                if let Some(run) = overwriter(&name, ours, (first, working), &others)? {
                    let hash = |outputs: &Outputs<'_>| {
                        let file = outputs.files.iter().find(|file| file.path == name);
                        file.and_then(|file| file.sha256.clone())
                    };
                    if hash(ours) == hash(theirs) {
                        overwritten += &format!(
                            "{name}: the run {run} has overwritten it; the second run gave the recorded content\n"
                        );
                        same += 1;
                    } else {
                        differing.push(format!(
                            "{name}: the run {run} has overwritten it, so that only its hash is known; the second \
                             run gave another one"
                        ));
                    }
                    continue;
                }
                let found = compare(&name, ours, theirs, &same_names)?;
                match sentence(found, ours, &name)? {
                    None => same += 1,
                    Some(sentence) => differing.push(sentence),
                }
            }
        }
        let path = folder.display();
        let mut report = machines(first, second);
        match differing.split_first() {
            None => report += &format!("{path}: the same, all {same} files\n"),
            Some((sentence, others)) => {
                report += &format!("{path}: differs\n{sentence}\n");
                for other in others {
                    report += &format!("also {other}\n");
                }
                report += &format!("the same: {same} files\n");
            }
        }
        // A failure that is repeated is no result that is confirmed.
        let has_failed = match &first.status {
            RunStatus::Failed(sentence) => {
                report += &format!(
                    "the recorded run itself failed ({sentence}): it has no complete results, and what it wrote before \
                     is compared\n"
                );
                true
            }
            _ => false,
        };
        let is_same = differing.is_empty() && !has_failed;
        drop(self.root);
        Ok((format!("{report}{overwritten}{NOT_COMPARED}\n"), is_same))
    }

    /// Folders of this run and what stands for them in the first one.
    fn same_names(&self, first: &RunRecord, working: &Path) -> Vec<(String, String)> {
        let text = |path: &Path| path.display().to_string();
        let mut names = vec![(text(&self.working), text(working))];
        if Path::new(&first.folder).is_absolute() {
            names.push((text(&self.folder), first.folder.clone()));
        }
        names
    }
}

/// Runs a plan in a process of its own; gives its messages.
fn run_again(plan: &Plan, root: &Path, working: &Path, threads: Option<usize>) -> Result<String> {
    let failed = |error: &dyn std::fmt::Display| {
        Error::input(format!("the second run could not be started: {error}"))
    };
    let [file, temporary] = ["plan.json", "temporary"].map(|name| root.join(name));
    let json = serde_json::to_vec(plan).map_err(|error| failed(&error))?;
    fs::write(&file, json).map_err(|error| failed(&error))?;
    fs::create_dir(&temporary).map_err(|error| failed(&error))?;
    let program = std::env::current_exe().map_err(|error| failed(&error))?;
    let mut command = Command::new(program);
    command.arg("rerun").arg(&file).current_dir(working);
    // Its own temporary files must lie where it may write.
    command.env("TMPDIR", &temporary);
    if let Some(threads) = threads {
        command.env("RAYON_NUM_THREADS", threads.to_string());
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let output = command.output().map_err(|error| failed(&error))?;
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The other run that has overwritten a file since, if one has.
fn overwriter<'o>(
    name: &str,
    ours: &Outputs<'_>,
    (record, working): (&RunRecord, &Path),
    others: &'o OtherRuns,
) -> Result<Option<&'o str>> {
    let path = ours.path(name);
    let recorded = ours.files.iter().find(|file| file.path == name);
    let Some(recorded) = recorded.and_then(|file| file.sha256.as_ref()) else { return Ok(None) };
    // Files of the run folder are its own.
    if ours.folder != working || !path.is_file() {
        return Ok(None);
    }
    let now = sha256_of(&path)?.1;
    Ok(if now == *recorded { None } else { others.owner(record, name, &now) })
}

/// What to say about a file; `None` if it is the same.
fn sentence(found: Compared, ours: &Outputs<'_>, name: &str) -> Result<Option<String>> {
    let text = match found {
        Compared::Same => return Ok(None),
        Compared::OnlyFirst => format!("{name}: the second run did not write it"),
        Compared::OnlySecond if ours.files.iter().any(|file| file.path == name) => {
            format!("{name}: was removed after the run")
        }
        Compared::OnlySecond => format!("{name}: only the second run wrote it"),
        Compared::Differs(found) => {
            let (place, first, second) = (found.place, found.first, found.second);
            format!("{name}, {place}: {first} in the recorded run, {second} now")
        }
    };
    let recorded = ours.files.iter().find(|file| file.path == name).and_then(|f| f.sha256.clone());
    let path = ours.path(name);
    let is_changed = match recorded {
        Some(recorded) if path.is_file() => sha256_of(&path)?.1 != recorded,
        _ => false,
    };
    let note = " (this file was changed after the run: its hash is not the recorded one)";
    Ok(Some(if is_changed { text + note } else { text }))
}

fn status(record: &RunRecord) -> String {
    match &record.status {
        RunStatus::Failed(sentence) => format!("failed ({sentence})"),
        RunStatus::Completed => "completed".into(),
        RunStatus::Interrupted => "interrupted".into(),
        RunStatus::Running => "running".into(),
    }
}

/// In what the second run was made differently: it should not matter, but may explain a difference.
fn machines(first: &RunRecord, second: &RunRecord) -> String {
    let facts = [
        ("version", first.version.clone(), second.version.clone()),
        ("commit", commit(first), commit(second)),
        ("processor", first.processor.clone(), second.processor.clone()),
        ("instruction set", first.instruction_set.clone(), second.instruction_set.clone()),
        ("threads", first.threads.to_string(), second.threads.to_string()),
        ("ranks", ranks(first), ranks(second)),
        ("device", first.device.clone(), second.device.clone()),
    ];
    let differing = facts.into_iter().filter(|(_, first, second)| first != second);
    differing.map(|(what, first, second)| format!("{what}: {first} then, {second} now\n")).collect()
}

fn commit(record: &RunRecord) -> String {
    record.commit.clone().unwrap_or_else(|| "not known".into())
}
