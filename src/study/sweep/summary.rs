//! The results of a sweep: those of each combination, averaged over its seeds.

use std::collections::{BTreeMap, BTreeSet};

use super::{Combination, Grid, SEED};
use crate::Result;
use crate::context::counted;
use crate::report::{Cell, Column, Headline, Table};
use crate::statistics::{mean, variance};

/// One run that ended well, with its main results by name.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepRun {
    pub combination: Combination,
    pub results: Vec<(String, f64)>,
}

/// Results of a row of the table that is shown; the file has all.
const MOST_SHOWN: usize = 6;

/// Results by name. Where several tables of the runs have one of a name, the table's file name is appended, because only
/// results of the same table are compared and averaged. A table that says in all runs what another one says is left out.
pub fn named_results(runs: &[&[Headline]]) -> Vec<Vec<(String, f64)>> {
    let mut tables: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for one in runs.iter().copied().flatten() {
        tables.entry(&one.name).or_default().insert(&one.table);
    }
    for (name, tables) in &mut tables {
        let mut kept: Vec<&str> = Vec::new();
        tables.retain(|table| {
            let is_new = !kept.iter().any(|known| repeats(runs, name, table, known));
            kept.extend(is_new.then_some(*table));
            is_new
        });
    }
    let named = |one: &Headline| {
        let is_alone = tables.get(&*one.name).is_some_and(|tables| tables.len() == 1);
        let name = if is_alone { one.name.clone() } else { format!("{}, {}", one.name, one.table) };
        (name, one.value)
    };
    let is_kept =
        |one: &&Headline| tables.get(&*one.name).is_some_and(|tables| tables.contains(&*one.table));
    runs.iter().map(|run| run.iter().filter(is_kept).map(named).collect()).collect()
}

/// Whether a table gives a result only in runs in which another one gives the same.
fn repeats(runs: &[&[Headline]], name: &str, table: &str, other: &str) -> bool {
    let of = |run: &[Headline], table: &str| -> Vec<u64> {
        let found = run.iter().filter(|one| one.name == name && one.table == table);
        found.map(|one| one.value.to_bits()).collect()
    };
    runs.iter().all(|run| {
        let values = of(run, table);
        values.is_empty() || values == of(run, other)
    })
}

/// Gives results whose names differ between runs by the value of a parameter alone one name, in which `{parameter}` stands
/// for the value: a method may be called after its settings. Names that all runs share stay.
pub fn merge_names(runs: &mut [SweepRun]) {
    let names = |run: &SweepRun| run.results.iter().map(|(name, _)| name.clone()).collect();
    let all: Vec<BTreeSet<String>> = runs.iter().map(names).collect();
    for (run, own) in runs.iter_mut().zip(&all) {
        let merged: Vec<String> = run
            .results
            .iter()
            .map(|(name, _)| match all.iter().all(|names| names.contains(name)) {
                true => name.clone(),
                false => with_places(name, &run.combination),
            })
            .collect();
        // Two methods of one run must not become one.
        let distinct: BTreeSet<&String> = merged.iter().collect();
        if distinct.len() == own.len() {
            run.results.iter_mut().zip(merged).for_each(|((name, _), merged)| *name = merged);
        }
    }
}

/// A name in which `{parameter}` stands for each word that is the value of a parameter other than the seed.
fn with_places(name: &str, combination: &Combination) -> String {
    let is_word = |letter: char| letter.is_alphanumeric() || ".-_".contains(letter);
    let place = |word: &str| {
        let number = word.parse::<f64>().ok();
        let is_value = |value: &str| {
            value == word || (number.is_some() && number == value.parse::<f64>().ok())
        };
        let found = combination.values.iter().find(|(name, value)| name != SEED && is_value(value));
        found.map_or_else(|| word.to_owned(), |(parameter, _)| format!("{{{parameter}}}"))
    };
    let (mut text, mut word) = (String::new(), String::new());
    for letter in name.chars() {
        if is_word(letter) {
            word.push(letter);
        } else {
            text.push_str(&place(&std::mem::take(&mut word)));
            text.push(letter);
        }
    }
    text + &place(&word)
}

/// How many results of these runs are in the file but not in the table that is shown.
pub fn hidden_results(runs: &[SweepRun]) -> usize {
    result_names(runs).len().saturating_sub(MOST_SHOWN)
}

/// Whether there are runs that differ in their seed alone, and all of them have the same results: then the seeds made no
/// difference, and the standard deviation over them says nothing.
pub fn seeds_agree(runs: &[SweepRun]) -> bool {
    let apart_from_seed = |run: &SweepRun| -> Vec<(String, String)> {
        run.combination.values.iter().filter(|(name, _)| name != SEED).cloned().collect()
    };
    let mut pairs = runs.iter().enumerate().flat_map(|(place, run)| {
        let others = runs[..place].iter();
        others.filter(|one| apart_from_seed(one) == apart_from_seed(run)).map(move |one| (one, run))
    });
    let first = pairs.next();
    let agree = |(one, other): (&SweepRun, &SweepRun)| {
        !one.results.is_empty() && one.results == other.results
    };
    first.is_some_and(agree) && pairs.all(agree)
}

/// One row per combination of the parameters without the seed: number of runs, and of each result the mean and,
/// of several runs, the standard deviation over them (n − 1). A file holds both as numbers, with the number of runs that
/// have the result. Combinations without
/// a run that ended well have no results.
///
/// # Errors
/// If a row does not fit the columns, which no sweep causes.
pub fn sweep_table(grid: &Grid, runs: &[SweepRun]) -> Result<Table> {
    let varied = grid.varied();
    let names = result_names(runs);
    let first = |names: &[&str]| {
        let parameters = names.iter().map(|name| Column::text(*name));
        parameters.chain([Column::number("runs", 0)]).collect::<Vec<_>>()
    };
    // A file also says which values were the same in all runs.
    let named = grid.named();
    let (mut shown, mut filed) = (first(&varied), first(&named));
    shown.extend(names.iter().take(MOST_SHOWN).map(|name| Column::text(*name)));
    for name in &names {
        let column = column_name(name);
        filed.push(Column::number(format!("{column}_mean"), 3));
        filed.push(Column::number(format!("{column}_sd"), 3));
        filed.push(Column::number(format!("{column}_runs"), 0));
    }
    let (mut table, mut records) = (Table::new("Sweep", shown), Table::new("Sweep", filed));
    let mut rows: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    for combination in grid.combinations() {
        let row = (key(&combination, &varied), key(&combination, &named));
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    for (row, all) in rows {
        let of_row: Vec<&SweepRun> =
            runs.iter().filter(|run| key(&run.combination, &varied) == row).collect();
        let cells = |values: Vec<String>| -> Vec<Cell> {
            let values = values.into_iter().map(Cell::from);
            values.chain([Cell::from(of_row.len())]).collect()
        };
        let (mut cells, mut record) = (cells(row), cells(all));
        for (place, name) in names.iter().enumerate() {
            let values: Vec<f64> = of_row
                .iter()
                .filter_map(|run| run.results.iter().find(|(known, _)| known == name))
                .map(|(_, value)| *value)
                .collect();
            let (mean, deviation) = (mean(values.iter().copied()), deviation(&values));
            // Not every run needs to have this result.
            let some = if values.len() < of_row.len() {
                format!(" (of {})", counted(values.len(), "run"))
            } else {
                String::new()
            };
            if place < MOST_SHOWN {
                cells.push(Cell::from(mean.map(|mean| match deviation {
                    Some(deviation) => format!("{mean:.3} ± {deviation:.3}{some}"),
                    None => format!("{mean:.3}{some}"),
                })));
            }
            record.extend([Cell::from(mean), Cell::from(deviation), Cell::from(values.len())]);
        }
        table.push(cells)?;
        records.push(record)?;
    }
    Ok(table.filed_as(records))
}

/// One row per run that ended well: its parameters, its seed where that is one of them, and its results. With it comes
/// the number of columns before the results.
///
/// # Errors
/// If a row does not fit the columns, which no sweep causes.
pub fn sweep_runs_table(grid: &Grid, runs: &[SweepRun]) -> Result<(Table, usize)> {
    let mut varied: Vec<&str> = grid.named();
    if runs.iter().any(|run| run.combination.value(SEED).is_some()) {
        varied.push(SEED);
    }
    let names = result_names(runs);
    let mut columns: Vec<Column> = varied.iter().map(|name| Column::text(*name)).collect();
    columns.extend(names.iter().map(|name| Column::number(column_name(name), 3)));
    let mut table = Table::new("Runs of the sweep", columns);
    for run in runs {
        let mut row: Vec<Cell> =
            key(&run.combination, &varied).into_iter().map(Cell::from).collect();
        for name in &names {
            let value = run.results.iter().find(|(known, _)| known == name);
            row.push(Cell::from(value.map(|(_, value)| *value)));
        }
        table.push(row)?;
    }
    Ok((table, varied.len()))
}

/// The results that any run has, in their order.
fn result_names(runs: &[SweepRun]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in runs.iter().flat_map(|run| &run.results) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names
}

/// A result's name as files write it: "patient_auroc".
fn column_name(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("_").to_lowercase()
}

/// The values of a combination that tell its row.
fn key(combination: &Combination, varied: &[&str]) -> Vec<String> {
    let value = |name: &&str| combination.value(name).unwrap_or_default().to_owned();
    varied.iter().map(value).collect()
}

/// The standard deviation of a sample; `None` of fewer than two values.
fn deviation(values: &[f64]) -> Option<f64> {
    (values.len() > 1).then(|| variance(values).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_averaged_over_seeds() {
        let grid = Grid::parse(&["rate=1,2".to_owned(), "seed=1..3".to_owned()]).unwrap();
        let runs: Vec<SweepRun> = grid
            .combinations()
            .into_iter()
            .enumerate()
            .filter(|(place, _)| *place != 5)
            .map(|(place, combination)| SweepRun {
                combination,
                results: vec![("patient AUROC".to_owned(), place as f64 / 10.0)],
            })
            .collect();
        let table = sweep_table(&grid, &runs).unwrap();
        let expected = [
            vec![Cell::from("1"), Cell::from(3_usize), Cell::from("0.100 ± 0.100")],
            vec![Cell::from("2"), Cell::from(2_usize), Cell::from("0.350 ± 0.071")],
        ];
        assert_eq!(table.rows(), expected);
        let header = table.to_tsv().lines().next().unwrap().to_owned();
        assert_eq!(header, "rate\truns\tpatient_auroc_mean\tpatient_auroc_sd\tpatient_auroc_runs");
        let (each, _) = sweep_runs_table(&grid, &runs).unwrap();
        assert!(
            each.to_tsv().starts_with("rate\tseed\tpatient_auroc\n1\t1\t0"),
            "{}",
            each.to_tsv()
        );
        assert_eq!(each.rows().len(), runs.len());
        let none = sweep_table(&grid, &[]).unwrap();
        assert_eq!((none.rows().len(), none.columns().len()), (2, 2));
    }

    #[test]
    fn results_of_several_tables_are_told_apart() {
        let headline = |name: &str, table: &str, value| Headline {
            name: name.into(),
            table: table.into(),
            value,
        };
        let first =
            [headline("a", "1-x", 1.0), headline("a", "2-y", 1.0), headline("b", "1-x", 0.5)];
        // The first table is missing.
        let second = [headline("a", "2-y", 0.9)];
        let named = named_results(&[&first, &second]);
        let expected = [("a, 1-x", 1.0), ("a, 2-y", 1.0), ("b", 0.5)];
        assert_eq!(named[0], expected.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!(named[1], [("a, 2-y".to_owned(), 0.9)]);
    }

    #[test]
    fn a_table_that_repeats_another_one_is_left_out() {
        let headline = |table: &str, value| Headline {
            name: "patient AUROC (a)".into(),
            table: table.into(),
            value,
        };
        let runs = [0.5, 0.7].map(|value| [headline("01-evaluation", value), headline("e", value)]);
        let named = named_results(&[&runs[0], &runs[1]]);
        assert_eq!(named[1], [("patient AUROC (a)".to_owned(), 0.7)]);
        let other = [headline("01-evaluation", 0.5), headline("e", 0.6)];
        assert_eq!(named_results(&[&runs[0], &other])[0].len(), 2);
    }

    #[test]
    fn results_that_are_called_after_a_varied_value_are_one() {
        let grid = Grid::parse(&["mm=20,40".to_owned()]).unwrap();
        let of = grid.combinations().into_iter().zip(["20", "40"]);
        let mut runs: Vec<SweepRun> = of
            .map(|(combination, mm)| SweepRun {
                combination,
                results: vec![
                    (format!("patient AUROC (threshold (local, {mm} mm))"), 0.5),
                    ("patient AUROC (20 samples)".to_owned(), 0.7),
                ],
            })
            .collect();
        merge_names(&mut runs);
        let expected = ["patient AUROC (threshold (local, {mm} mm))", "patient AUROC (20 samples)"];
        assert_eq!(result_names(&runs), expected);
        assert_eq!(sweep_table(&grid, &runs).unwrap().columns().len(), 4);
        // Names that would become the same stay.
        runs[0].results = [("a 20", 0.1), ("a {mm}", 0.2)].map(|(n, v)| (n.to_owned(), v)).into();
        merge_names(&mut runs);
        assert_eq!(runs[0].results[0].0, "a 20");
    }

    #[test]
    fn seeds_that_make_no_difference_are_noticed() {
        let grid = Grid::parse(&["rate=1,2".to_owned(), "seed=1..2".to_owned()]).unwrap();
        let runs = |results: [f64; 4]| -> Vec<SweepRun> {
            let of = grid.combinations().into_iter().zip(results);
            let run = |(combination, result)| SweepRun {
                combination,
                results: vec![("AUROC".to_owned(), result)],
            };
            of.map(run).collect()
        };
        assert!(seeds_agree(&runs([0.5, 0.5, 0.7, 0.7])));
        assert!(!seeds_agree(&runs([0.5, 0.5, 0.7, 0.8])));
        // Other rates, one seed: there is nothing to agree.
        assert!(!seeds_agree(&runs([0.5, 0.5, 0.7, 0.7])[1..3]));
    }
}
