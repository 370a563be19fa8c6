//! Which file the table of a sweep goes to: the table of another sweep in the same folder is never replaced.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Where the tables of a sweep go, and a file of another sweep that stays for it.
///
/// The first of sweep.tsv, sweep-2.tsv … that is free, or beside which no runs are listed but those of `runs`, and the
/// last one before it that has others. A sweep that got more values or seeds replaces its own table so. `runs` is the
/// table with one row per run; its first `varied` columns tell the runs apart.
///
/// # Errors
/// If a table that is there cannot be read.
pub(super) fn table_path(
    folder: &Path,
    runs: &str,
    varied: usize,
) -> Result<(PathBuf, Option<PathBuf>)> {
    let header: Vec<&str> = runs.lines().next().unwrap_or_default().split('\t').collect();
    let names = &header[..varied.min(header.len())];
    let ours = listed(runs, names).unwrap_or_default();
    let mut others = None;
    for number in 1.. {
        let path = match number {
            1 => folder.join("sweep.tsv"),
            _ => folder.join(format!("sweep-{number}.tsv")),
        };
        let beside = runs_table_path(&path);
        if !path.exists() && !beside.exists() {
            return Ok((path, others));
        }
        // Without its list of runs nobody knows what a table summarises.
        if beside.exists() {
            let there = fs::read_to_string(&beside).map_err(|error| Error::file(&beside, error))?;
            let has_ours_only = there
                .lines()
                .next()
                .is_some_and(|line| line.split('\t').all(|name| header.contains(&name)));
            if has_ours_only && listed(&there, names).is_some_and(|runs| runs.is_subset(&ours)) {
                return Ok((path, others));
            }
        }
        others = Some(path);
    }
    Err(Error::file(
        folder,
        "no free name for sweep.tsv is left; remove earlier tables, or choose another folder",
    ))
}

/// The file beside it with one row per run.
pub(super) fn runs_table_path(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    path.with_file_name(format!("{stem}-runs.tsv"))
}

/// The values of these columns in every row; `None` if the table lacks one of them.
fn listed(table: &str, names: &[&str]) -> Option<BTreeSet<Vec<String>>> {
    let mut lines = table.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let header = lines.next().unwrap_or_default();
    let places: Vec<usize> = names
        .iter()
        .map(|name| header.iter().position(|own| own == name))
        .collect::<Option<_>>()?;
    let of = |row: Vec<&str>| {
        places.iter().map(|place| row.get(*place).copied().unwrap_or_default().to_owned()).collect()
    };
    Some(lines.map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_other_runs_stays() {
        let folder = tempfile::tempdir().unwrap();
        let named = |runs: &str| {
            let (path, others) = table_path(folder.path(), runs, 2).unwrap();
            fs::write(&path, "summary").unwrap();
            fs::write(runs_table_path(&path), runs).unwrap();
            (path.file_name().unwrap().to_string_lossy().into_owned(), others.is_some())
        };
        let first = "rate\tseed\tauroc\n1\t1\t0.5\n";
        assert_eq!(named(first), ("sweep.tsv".into(), false));
        let more_rates = "rate\tseed\tauroc\n1\t1\t0.5\n2\t1\t0.6\n";
        assert_eq!(named(more_rates), ("sweep.tsv".into(), false));
        let more_seeds = "seed\trate\tauroc\n1\t1\t0.5\n1\t2\t0.6\n2\t1\t0.4\n2\t2\t0.5\n";
        assert_eq!(named(more_seeds), ("sweep.tsv".into(), false));
        let other_seeds = "rate\tseed\tauroc\n1\t3\t0.5\n2\t3\t0.6\n";
        assert_eq!(named(other_seeds), ("sweep-2.tsv".into(), true));
        let other_parameter = "width\tseed\tauroc\n8\t1\t0.5\n";
        assert_eq!(named(other_parameter), ("sweep-3.tsv".into(), true));
        // Fewer runs than before: the larger table stays.
        assert_eq!(named(first), ("sweep-4.tsv".into(), true));
        assert_eq!(runs_table_path(Path::new("a/sweep-2.tsv")), Path::new("a/sweep-2-runs.tsv"));
    }
}
