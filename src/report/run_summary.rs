//! Summaries of runs, as a list of runs shows them.

use std::fs;
use std::path::{Path, PathBuf};

use super::{RecordedFile, RunRecord, RunStatus, is_owned};
use crate::{Error, Result};

/// A run in a list.
#[derive(Debug)]
pub struct RunSummary {
    pub folder: PathBuf,
    /// Why the record cannot be read, if so.
    pub record: Result<RunRecord>,
    /// Whether its process still runs.
    pub is_alive: bool,
    /// The main results that its tables hold, in their order.
    pub headlines: Vec<Headline>,
}

/// A main result of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Headline {
    /// Such as "patient AUROC (U²AD)".
    pub name: String,
    /// The file of the table that it stands in, without its ending: names of several tables may be the same.
    pub table: String,
    pub value: f64,
}

impl RunSummary {
    /// The summary of the run in a folder.
    pub fn read(folder: &Path) -> Self {
        let record = RunRecord::read(folder);
        let process = record.as_ref().ok().and_then(|record| record.process);
        let files = record.as_ref().map_or(&[][..], |record| &record.files);
        Self {
            folder: folder.to_path_buf(),
            is_alive: is_owned(folder, process),
            headlines: headlines_of(folder, files),
            record,
        }
    }

    /// One word: completed, running, killed, interrupted, failed or damaged.
    pub fn state(&self) -> &'static str {
        match self.record.as_ref().map(|record| &record.status) {
            Err(_) => "damaged",
            Ok(RunStatus::Completed) => "completed",
            Ok(RunStatus::Interrupted) => "interrupted",
            Ok(RunStatus::Failed(_)) => "failed",
            Ok(RunStatus::Running) if self.is_alive => "running",
            Ok(RunStatus::Running) => "killed",
        }
    }
}

/// All runs in a folder of run folders, the newest first, those with damaged records last.
///
/// # Errors
/// If the folder cannot be read.
pub fn run_summaries(runs: &Path) -> Result<Vec<RunSummary>> {
    let entries = fs::read_dir(runs).map_err(|error| Error::file(runs, error))?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.retain(|folder| folder.join(super::run_record::RECORD).exists());
    folders.sort();
    let mut summaries: Vec<RunSummary> = folders.iter().map(|f| RunSummary::read(f)).collect();
    let started = |summary: &RunSummary| summary.record.as_ref().ok().map(|r| r.started.clone());
    summaries.sort_by_key(|summary| std::cmp::Reverse(started(summary)));
    Ok(summaries)
}

/// The headlines of all tables.
fn headlines_of(folder: &Path, files: &[RecordedFile]) -> Vec<Headline> {
    let tables = files.iter().filter(|file| file.path.ends_with(".tsv"));
    let read = |file: &RecordedFile| {
        let text = fs::read_to_string(folder.join(&file.path)).ok()?;
        Some((file.path.trim_end_matches(".tsv").to_owned(), headlines(&text)))
    };
    let of_table = |(table, found): (String, Vec<(String, f64)>)| {
        let headline = move |(name, value)| Headline { name, table: table.clone(), value };
        found.into_iter().map(headline).collect::<Vec<_>>()
    };
    tables.filter_map(read).flat_map(of_table).collect()
}

/// Whether a column that stands beside those of methods holds what follows from them: a difference, the ends of its
/// interval, or its p-value.
fn is_derived(column: &str) -> bool {
    let is_end = |end: &str| column.ends_with(end);
    ["difference", "p", "p_value"].contains(&column) || ["_low", "_high"].into_iter().any(is_end)
}

/// Every AUROC of a table whose rows or whose columns are metrics, without intervals and differences.
fn headlines(tsv: &str) -> Vec<(String, f64)> {
    let rows: Vec<Vec<&str>> = tsv.lines().map(|line| line.split('\t').collect()).collect();
    let Some((header, rows)) = rows.split_first() else { return Vec::new() };
    let is_auroc = |name: &str| {
        let name = name.to_lowercase();
        let others = ["low", "high", "interval", "difference"];
        name.contains("auroc") && !others.iter().any(|other| name.contains(other))
    };
    let mut found = Vec::new();
    for row in rows {
        let label = row.first().copied().unwrap_or_default();
        for (column, cell) in header.iter().zip(row).skip(1) {
            if is_derived(column) {
                continue;
            }
            let name = match (is_auroc(label), is_auroc(column)) {
                (true, _) => format!("{label} ({column})"),
                (false, true) => {
                    format!("{} ({label})", column.replace('_', " ").replace("auroc", "AUROC"))
                }
                (false, false) => continue,
            };
            if let Ok(number) = cell.parse::<f64>() {
                found.push((name, number));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_auroc_is_found_in_rows_and_in_columns() {
        let rows = "metric\tU²AD\tthreshold\npatients\t3\t3\npatient AUROC\t0.75\tn/a\n";
        assert_eq!(headlines(rows), [("patient AUROC (U²AD)".to_owned(), 0.75)]);
        let columns = "method\tpatient_auroc\tpatient_auroc_low\nU²AD\t0.5\t0.25\n";
        assert_eq!(headlines(columns), [("patient AUROC (U²AD)".to_owned(), 0.5)]);
        assert!(headlines("subject\tscore\nsub-01\t1\n").is_empty() && headlines("").is_empty());
        let compared = "measure\tU²AD\tthreshold\tdifference\tdifference_low\tdifference_high\tp\n\
                        patient AUROC\t0.9\t0.7\t0.2\t-0.352\t0.5\t0.2\n";
        let both = [("U²AD", 0.9), ("threshold", 0.7)];
        let both = both.map(|(method, value)| (format!("patient AUROC ({method})"), value));
        assert_eq!(headlines(compared), both);
    }

    #[test]
    fn every_table_counts() {
        let folder = tempfile::tempdir().unwrap();
        let table = |name: &str, rows: &str| {
            fs::write(folder.path().join(name), format!("method\tauroc\n{rows}")).unwrap();
            RecordedFile::named(name.to_owned())
        };
        let files =
            [table("1.tsv", "a\t0.5\nb\t0.6\n"), table("2.tsv", "a\t0.5\nb\t0.7\nc\t0.8\n")];
        let found = headlines_of(folder.path(), &files);
        let names = found.iter().map(|one| format!("{} {}", one.table, one.name));
        assert_eq!(
            names.collect::<Vec<_>>(),
            ["1 AUROC (a)", "1 AUROC (b)", "2 AUROC (a)", "2 AUROC (b)", "2 AUROC (c)"]
        );
    }
}
