//! Differences between methods, with their tests.

use super::evaluation::interval_cell;
use super::{Cell, Column, Display, Part, Show, Table, Tabulate};
use crate::Result;
use crate::evaluation::{Comparison, Interval, MethodSummary};

/// One row per method and measure, with the difference from the reference where there is one. A file holds
/// the ends of the intervals as numbers.
///
/// # Errors
/// If a row does not fit the columns, which no summary causes.
pub fn summary_table(methods: &[MethodSummary], reference: Option<&str>) -> Result<Table> {
    let first =
        || vec![Column::text("method"), Column::number("seeds", 0), Column::text("measure")];
    let numbers = |names: &[&str]| names.iter().map(|name| Column::number(*name, 3)).collect();
    let (mut shown, mut filed): (Vec<Column>, Vec<Column>) = (first(), first());
    let mean: Vec<Column> = numbers(&["mean", "lowest", "highest"]);
    shown.extend(mean.iter().cloned());
    filed.extend(mean);
    shown.push(Column::text("95 % interval of the mean"));
    filed.extend::<Vec<Column>>(numbers(&["mean_low", "mean_high"]));
    if let Some(reference) = reference {
        shown.push(Column::number(format!("minus {reference}"), 3));
        shown.push(Column::text("95 % interval of the difference"));
        shown.push(Column::number("p", 3));
        filed.push(Column::text("reference"));
        filed.extend::<Vec<Column>>(numbers(&[
            "difference",
            "difference_low",
            "difference_high",
            "p_value",
        ]));
    }
    let (mut table, mut records) = (Table::new("Methods", shown), Table::new("Methods", filed));
    for method in methods {
        for measure in &method.measures {
            let mut row = vec![Cell::from(&*method.method), Cell::from(method.seeds)];
            row.push(Cell::from(measure.name));
            row.extend([measure.mean, measure.lowest, measure.highest].map(Cell::from));
            let mut record = row.clone();
            row.push(interval_cell(measure.interval));
            record.extend(ends(measure.interval));
            if let Some(reference) = reference {
                row.push(Cell::from(measure.difference));
                row.push(interval_cell(measure.difference_interval));
                row.push(probability(measure.p_value));
                record.push(Cell::from(reference));
                record.push(Cell::from(measure.difference));
                record.extend(ends(measure.difference_interval));
                record.push(Cell::from(measure.p_value));
            }
            table.push(row)?;
            records.push(record)?;
        }
    }
    Ok(table.filed_as(records))
}

fn ends(interval: Option<Interval>) -> [Cell; 2] {
    [interval.map(|interval| interval.low), interval.map(|interval| interval.high)].map(Cell::from)
}

fn probability(p: Option<f64>) -> Cell {
    match p {
        Some(p) if p < 0.001 => Cell::from("< 0.001"),
        p => Cell::from(p),
    }
}

/// One row per measure. A file holds the ends of the interval as numbers.
impl Tabulate for Comparison {
    fn table(&self) -> Result<Table> {
        let first = || {
            vec![
                Column::text("measure"),
                Column::number(&self.first, 3),
                Column::number(&self.second, 3),
                Column::number("difference", 3),
            ]
        };
        let (mut shown, mut filed) = (first(), first());
        shown.push(Column::text("95 % interval of the difference"));
        filed.extend(["difference_low", "difference_high"].map(|name| Column::number(name, 3)));
        shown.extend([Column::number("p", 3), Column::text("test")]);
        filed.extend([Column::number("p_value", 3), Column::text("test")]);
        let title = format!(
            "Comparison: {} minus {}, same {} patients",
            self.first, self.second, self.patients
        );
        let (mut table, mut records) = (Table::new(&title, shown), Table::new(&title, filed));
        for measure in &self.measures {
            let test = match measure.p_value {
                Some(_) => measure.test.name().to_owned(),
                None => format!("{}: undefined, too few or too uniform cases", measure.test.name()),
            };
            let mut row = vec![Cell::from(measure.name)];
            row.extend([measure.first, measure.second, measure.difference].map(Cell::from));
            let mut record = row.clone();
            row.push(interval_cell(measure.interval));
            row.extend([probability(measure.p_value), Cell::from(&*test)]);
            record.extend(ends(measure.interval));
            record.extend([Cell::from(measure.p_value), Cell::from(test)]);
            table.push(row)?;
            records.push(record)?;
        }
        Ok(table.filed_as(records))
    }
}

impl Show for Comparison {
    fn show(&self) -> Result<Display> {
        Ok(Display::of([Part::Table(self.table()?)]))
    }
}
