//! `u2ad diff`: everything in which two runs differ.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use super::comparison_exit::print_comparison;
use super::outputs::{Compared, Outputs, compare, names};
use super::recorded::run_folder;
use crate::Result;
use crate::report::{RecordedFile, RunRecord, RunStatus, first_difference, table_changes};

/// Cells of one table that are listed.
const MOST_CELLS: usize = 40;

/// Prints what differs between two runs: script, parameters, seeds, versions, machine, inputs and results.
/// The exit code is 0 if nothing differs, 1 if something does, 2 if a record cannot be read.
///
/// # Errors
/// If the report cannot be printed.
pub fn diff(first: &Path, second: &Path) -> Result<ExitCode> {
    print_comparison(compared(&run_folder(first), &run_folder(second)))
}

fn compared(first: &Path, second: &Path) -> Result<(String, bool)> {
    let (a, b) = (RunRecord::read(first)?, RunRecord::read(second)?);
    let mut lines = Vec::new();
    script(first, second, &a, &b, &mut lines);
    parameters(&a, &b, &mut lines);
    facts(&a, &b, &mut lines);
    inputs(&a.inputs, &b.inputs, &mut lines);
    results(first, second, &a, &b, &mut lines)?;
    let same = lines.is_empty();
    if same {
        lines.push("nothing differs".to_owned());
    } else {
        lines.insert(0, format!("{} → {}", first.display(), second.display()));
    }
    lines.push(
        "not compared: times, durations, process, and files written outside of the run folders"
            .to_owned(),
    );
    Ok((lines.join("\n") + "\n", same))
}

fn script(first: &Path, second: &Path, a: &RunRecord, b: &RunRecord, lines: &mut Vec<String>) {
    let read = |folder: &Path, record: &RunRecord| fs::read(folder.join(&record.script));
    if let (Ok(ours), Ok(theirs)) = (read(first, a), read(second, b))
        && let Some(found) = first_difference("script.star", &ours, &theirs)
    {
        lines.push(format!("script, {}: {} → {}", found.place, found.first, found.second));
    }
    if a.script_path != b.script_path {
        lines.push(format!("script path: {} → {}", a.script_path, b.script_path));
    }
}

fn parameters(a: &RunRecord, b: &RunRecord, lines: &mut Vec<String>) {
    let names: BTreeSet<&String> = a.parameters.keys().chain(b.parameters.keys()).collect();
    for name in names {
        let value = |record: &RunRecord| {
            record.parameters.get(name).cloned().unwrap_or_else(|| "not set".to_owned())
        };
        if value(a) != value(b) {
            lines.push(format!("parameter {name}: {} → {}", value(a), value(b)));
        }
    }
}

fn facts(a: &RunRecord, b: &RunRecord, lines: &mut Vec<String>) {
    let seeds = |record: &RunRecord| {
        let changes = record.seed_changes.iter().map(|seed| format!(", then {seed}"));
        format!("{}{}", record.seed_at_start(), changes.collect::<String>())
    };
    let commit = |record: &RunRecord| record.commit.clone().unwrap_or_else(|| "not known".into());
    let status = |record: &RunRecord| match &record.status {
        RunStatus::Failed(sentence) => format!("failed ({sentence})"),
        other => format!("{other:?}").to_lowercase(),
    };
    let facts = [
        ("seed", seeds(a), seeds(b)),
        ("version", a.version.clone(), b.version.clone()),
        ("commit", commit(a), commit(b)),
        ("processor", a.processor.clone(), b.processor.clone()),
        ("instruction set", a.instruction_set.clone(), b.instruction_set.clone()),
        ("threads", a.threads.to_string(), b.threads.to_string()),
        ("ranks", ranks(a), ranks(b)),
        ("device", a.device.clone(), b.device.clone()),
        ("status", status(a), status(b)),
    ];
    for (what, first, second) in facts {
        if first != second {
            lines.push(format!("{what}: {first} → {second}"));
        }
    }
}

pub(super) fn ranks(record: &RunRecord) -> String {
    record.ranks.map_or_else(|| "none".to_owned(), |ranks| ranks.to_string())
}

fn inputs(a: &[RecordedFile], b: &[RecordedFile], lines: &mut Vec<String>) {
    let find = |files: &[RecordedFile], path: &str| files.iter().find(|f| f.path == path).cloned();
    let paths: BTreeSet<&String> = a.iter().chain(b).map(|file| &file.path).collect();
    for path in paths {
        let said = match (find(a, path), find(b, path)) {
            (Some(ours), Some(theirs)) if ours == theirs => continue,
            (Some(ours), Some(theirs)) if ours.bytes == theirs.bytes => {
                match ours.sha256.is_some() && theirs.sha256.is_some() {
                    true => "another content of the same size".to_owned(),
                    false => "only its header was read in one of the runs".to_owned(),
                }
            }
            (Some(ours), Some(theirs)) => {
                let bytes = |file: &RecordedFile| file.bytes.unwrap_or_default();
                format!("{} → {} bytes", bytes(&ours), bytes(&theirs))
            }
            (Some(_), None) => "only the first run read it".to_owned(),
            (None, _) => "only the second run read it".to_owned(),
        };
        lines.push(format!("input {path}: {said}"));
    }
}

fn results(
    first: &Path,
    second: &Path,
    a: &RunRecord,
    b: &RunRecord,
    lines: &mut Vec<String>,
) -> Result<()> {
    let ours = Outputs { folder: first, files: &a.files };
    let theirs = Outputs { folder: second, files: &b.files };
    let same_names = [(b.folder.clone(), a.folder.clone())];
    let is_script = |name: &String| *name == a.script || *name == b.script;
    for name in names(&ours, &theirs).into_iter().filter(|name| !is_script(name)) {
        match compare(&name, &ours, &theirs, &same_names)? {
            Compared::Same => {}
            Compared::OnlyFirst => lines.push(format!("{name}: only in the first run")),
            Compared::OnlySecond => lines.push(format!("{name}: only in the second run")),
            Compared::Differs(found) => match cells(&name, &ours, &theirs) {
                Some(cells) => lines.extend(cells),
                None => {
                    let (place, first, second) = (found.place, found.first, found.second);
                    lines.push(format!("{name}, {place}: {first} → {second}"));
                }
            },
        }
    }
    Ok(())
}

/// A line for every cell in which a table differs; `None` if that is not how it differs.
fn cells(name: &str, ours: &Outputs<'_>, theirs: &Outputs<'_>) -> Option<Vec<String>> {
    if !name.ends_with(".tsv") {
        return None;
    }
    let read = |outputs: &Outputs<'_>| fs::read_to_string(outputs.path(name)).ok();
    let (first, second) = (read(ours)?, read(theirs)?);
    let changes = table_changes(&first, &second).ok().filter(|changes| !changes.is_empty())?;
    let mut lines: Vec<String> = changes
        .iter()
        .take(MOST_CELLS)
        .map(|cell| {
            let number = cell.change().map(|change| format!(" ({change:+})")).unwrap_or_default();
            format!("{name}, {}: {} → {}{number}", cell.place(), cell.first, cell.second)
        })
        .collect();
    if changes.len() > MOST_CELLS {
        lines.push(format!("{name}: {} more cells differ", changes.len() - MOST_CELLS));
    }
    let rows = (first.lines().count(), second.lines().count());
    if rows.0 != rows.1 {
        lines.push(format!("{name}, number of rows: {} → {}", rows.0 - 1, rows.1 - 1));
    }
    Some(lines)
}
