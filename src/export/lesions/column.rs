//! Columns of a table of measures: their names, meaning and values in one place.

use serde_json::Value;

use crate::Result;
use crate::export::dataset::described;
use crate::report::{Cell, Column, Table};

/// A column of a table with one row per `T`.
#[derive(Debug)]
pub struct MeasureColumn<T> {
    /// Its name, which ends in the unit where there is one: `volume_mm3`.
    pub name: &'static str,
    /// What it holds, for people who did not write it.
    pub description: &'static str,
    pub unit: Option<&'static str>,
    /// Decimals of numbers shown to the user; `None` of words.
    pub decimals: Option<usize>,
    pub value: fn(&T) -> Cell,
}

/// A column of words.
pub(super) const fn words<T>(
    name: &'static str,
    description: &'static str,
    value: fn(&T) -> Cell,
) -> MeasureColumn<T> {
    MeasureColumn { name, description, unit: None, decimals: None, value }
}

/// A column of numbers without a unit.
pub(super) const fn plain<T>(
    name: &'static str,
    decimals: usize,
    description: &'static str,
    value: fn(&T) -> Cell,
) -> MeasureColumn<T> {
    MeasureColumn { name, description, unit: None, decimals: Some(decimals), value }
}

/// A column of numbers in a unit.
pub(super) const fn in_unit<T>(
    name: &'static str,
    unit: &'static str,
    decimals: usize,
    description: &'static str,
    value: fn(&T) -> Cell,
) -> MeasureColumn<T> {
    MeasureColumn { name, description, unit: Some(unit), decimals: Some(decimals), value }
}

impl<T> MeasureColumn<T> {
    /// The column as a table has it.
    pub fn column(&self) -> Column {
        self.decimals
            .map_or_else(|| Column::text(self.name), |decimals| Column::number(self.name, decimals))
    }

    /// Its entry in a BIDS data dictionary.
    pub fn described(&self) -> (String, Value) {
        described(self.name, self.description, self.unit)
    }
}

/// The table of these columns with one row per item.
pub(super) fn tabulated<T>(
    title: &str,
    columns: &[MeasureColumn<T>],
    items: &[T],
) -> Result<Table> {
    let mut table = Table::new(title, columns.iter().map(MeasureColumn::column).collect());
    for item in items {
        table.push(columns.iter().map(|column| (column.value)(item)).collect())?;
    }
    Ok(table)
}
