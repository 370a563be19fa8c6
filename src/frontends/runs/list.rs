//! `u2ad runs`: which runs there are, how they ended and what they found.

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use crate::files::file_name;
use crate::frontends::console::table_width;
use crate::frontends::documentation::print_whole;
use crate::report::{Cell, Column, RunStatus, RunSummary, Table, run_summaries};
use crate::study::sweep::named_results;
use crate::{Error, Result};

/// Results that a list of runs shows of each.
const MOST_HEADLINES: usize = 4;

/// Prints the runs in a folder, the newest first: as a table, or in JSON.
///
/// # Errors
/// If the folder cannot be read, or the list cannot be printed.
pub fn list(runs: &Path, json: bool) -> Result<ExitCode> {
    let summaries = run_summaries(runs)?;
    let text = match json {
        true => {
            let all: Vec<Value> = summaries.iter().map(described).collect();
            serde_json::to_string_pretty(&all).map_err(|error| Error::input(error.to_string()))?
        }
        false if summaries.is_empty() => no_runs(runs),
        false => table(&summaries)?.to_text(table_width()).trim_end().to_owned(),
    };
    print_whole(format!("{text}\n").as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// What to say of a folder without runs. Those of a sweep lie one level deeper.
fn no_runs(runs: &Path) -> String {
    let entries = std::fs::read_dir(runs).into_iter().flatten().flatten();
    let mut deeper: Vec<String> = entries
        .map(|entry| entry.path())
        .filter(|folder| folder.is_dir())
        .filter(|folder| run_summaries(folder).is_ok_and(|found| !found.is_empty()))
        .map(|folder| format!("u2ad runs {}", folder.display()))
        .collect();
    deeper.sort();
    let nothing = format!("no runs in {}", runs.display());
    match deeper.as_slice() {
        [] => nothing,
        commands => format!("{nothing} itself; there are some below it: {}", commands.join(", ")),
    }
}

fn name(summary: &RunSummary) -> String {
    file_name(&summary.folder)
}

fn table(summaries: &[RunSummary]) -> Result<Table> {
    let columns = vec![
        Column::text("run"),
        Column::text("status"),
        Column::text("started"),
        Column::number("seconds", 1),
        Column::text("seed"),
        Column::text("results"),
    ];
    let mut table = Table::new("Runs", columns);
    for summary in summaries {
        let record = summary.record.as_ref().ok();
        let results = match &summary.record {
            Err(error) => error.to_string(),
            Ok(record) => match &record.status {
                RunStatus::Failed(sentence) => sentence.clone(),
                _ => headlines(summary),
            },
        };
        table.push(vec![
            Cell::from(name(summary)),
            Cell::from(summary.state()),
            Cell::from(record.map(|record| record.started.clone())),
            Cell::from(record.and_then(|record| record.seconds)),
            Cell::from(record.map(|record| record.seed.to_string())),
            if results.is_empty() { Cell::Missing } else { Cell::from(results) },
        ])?;
    }
    Ok(table)
}

fn headlines(summary: &RunSummary) -> String {
    let all = summary.headlines.iter().map(|one| format!("{} {:.3}", one.name, one.value));
    let mut shown: Vec<String> = all.take(MOST_HEADLINES).collect();
    let others = summary.headlines.len() - shown.len();
    shown.extend((others > 0).then(|| format!("and {others} more")));
    shown.join("; ")
}

fn described(summary: &RunSummary) -> Value {
    let mut described = json!({
        "name": name(summary),
        "folder": summary.folder.display().to_string(),
        "status": summary.state(),
    });
    match &summary.record {
        Err(error) => described["error"] = error.to_string().into(),
        Ok(record) => {
            described["started"] = record.started.clone().into();
            described["ended"] = record.ended.clone().into();
            described["seconds"] = record.seconds.into();
            described["seed"] = record.seed.into();
            described["process"] = record.process.into();
            described["resumed"] = record.resumptions.len().into();
            if let RunStatus::Failed(sentence) = &record.status {
                described["error"] = sentence.clone().into();
            }
            let results = named_results(&[&summary.headlines]).remove(0).into_iter();
            let results = results.map(|(name, value)| (name, json!(value)));
            described["results"] = Value::Object(results.collect::<Map<_, _>>());
        }
    }
    described
}
