//! Which file the table of a sweep goes to: the table of another sweep in the same folder is never replaced.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// The column behind those of the parameters.
const RUNS: &str = "runs";

/// The first of sweep.tsv, sweep-2.tsv … that is free or holds no combinations but those of `table`, and the last one
/// before it that holds others. A sweep that got more values replaces its own table so.
///
/// # Errors
/// If a table that is there cannot be read.
pub(super) fn of(folder: &Path, table: &str) -> Result<(PathBuf, Option<PathBuf>)> {
    let ours = combinations(table);
    let mut others = None;
    for number in 1.. {
        let path = match number {
            1 => folder.join("sweep.tsv"),
            _ => folder.join(format!("sweep-{number}.tsv")),
        };
        if !path.exists() {
            return Ok((path, others));
        }
        let there = fs::read_to_string(&path).map_err(|error| Error::file(&path, error))?;
        if combinations(&there).is_subset(&ours) {
            return Ok((path, others));
        }
        others = Some(path);
    }
    Err(Error::file(folder, "no free name for sweep.tsv is left"))
}

/// The file beside it with one row per run.
pub(super) fn of_runs(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    path.with_file_name(format!("{stem}-runs.tsv"))
}

/// The combinations of a table: of each row, the names and values of its parameters.
fn combinations(table: &str) -> BTreeSet<Vec<(String, String)>> {
    let mut lines = table.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let header = lines.next().unwrap_or_default();
    let parameters = header.iter().position(|name| *name == RUNS).unwrap_or(header.len());
    let of = |row: Vec<&str>| {
        let pairs = header.iter().zip(row).take(parameters);
        let mut pairs: Vec<_> =
            pairs.map(|(name, value)| ((*name).to_owned(), value.to_owned())).collect();
        pairs.sort();
        pairs
    };
    lines.map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_other_combinations_stays() {
        let folder = tempfile::tempdir().unwrap();
        let named = |table: &str| {
            let (path, others) = of(folder.path(), table).unwrap();
            fs::write(&path, table).unwrap();
            (path.file_name().unwrap().to_string_lossy().into_owned(), others.is_some())
        };
        let first = "rate\truns\tauroc_mean\n1\t3\t0.5\n";
        assert_eq!(named(first), ("sweep.tsv".into(), false));
        let more = "rate\truns\tauroc_mean\n1\t3\t0.5\n2\t3\t0.6\n";
        assert_eq!(named(more), ("sweep.tsv".into(), false));
        let other = "width\truns\tauroc_mean\n8\t3\t0.5\n";
        assert_eq!(named(other), ("sweep-2.tsv".into(), true));
        // Fewer of its combinations than before: the larger table stays.
        assert_eq!(named(first), ("sweep-3.tsv".into(), true));
        assert_eq!(of_runs(Path::new("a/sweep-2.tsv")), Path::new("a/sweep-2-runs.tsv"));
    }
}
