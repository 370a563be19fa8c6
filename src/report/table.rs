//! A titled table of typed columns; how it is shown in a terminal, on a page and in a file.

mod html;
mod text;
mod tsv;

#[cfg(feature = "shell")]
pub(crate) use text::shortened;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::{counted, shown_number};
use crate::{Error, Result};

/// One value of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Value", try_from = "Value")]
pub enum Cell {
    /// No value; a number that is NaN is shown and saved like it.
    Missing,
    Integer(i64),
    Number(f64),
    Text(String),
}

/// In JSON a cell is null, a number or a string. (An untagged enum would not read numbers back:
/// a dependency turns on serde_json's `arbitrary_precision`.)
impl From<Cell> for Value {
    fn from(cell: Cell) -> Self {
        match cell {
            Cell::Missing => Self::Null,
            Cell::Integer(integer) => integer.into(),
            Cell::Number(number) => number.into(),
            Cell::Text(text) => text.into(),
        }
    }
}

impl TryFrom<Value> for Cell {
    type Error = String;

    fn try_from(value: Value) -> std::result::Result<Self, String> {
        match value {
            Value::Null => Ok(Self::Missing),
            Value::String(text) => Ok(Self::Text(text)),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => Ok(Self::Integer(integer)),
                (None, Some(float)) => Ok(Self::Number(float)),
                (None, None) => Err(format!("{number} is too large for a table cell")),
            },
            other => Err(format!("{other} is not a table cell")),
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_string())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        if number.is_nan() { Self::Missing } else { Self::Number(number) }
    }
}

impl From<i64> for Cell {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Self {
        i64::try_from(count).map_or(Self::Number(count as f64), Self::Integer)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}

impl Cell {
    /// Clauses joined by "; "; missing if there is none.
    pub fn list(clauses: &[String]) -> Self {
        match clauses {
            [] => Self::Missing,
            clauses => Self::Text(clauses.join("; ")),
        }
    }
}

/// Alignment of the values of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Alignment {
    Left,
    Right,
}

/// What a column holds and how it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    /// Unit of the numbers, shown in brackets after the name.
    pub unit: Option<String>,
    pub alignment: Alignment,
    /// Decimals shown to the user; files keep every digit.
    pub decimals: usize,
}

impl Column {
    /// Text, aligned left.
    pub fn text(name: impl Into<String>) -> Self {
        Self { name: name.into(), unit: None, alignment: Alignment::Left, decimals: 3 }
    }

    /// Numbers, aligned right, shown with `decimals`.
    pub fn number(name: impl Into<String>, decimals: usize) -> Self {
        Self { name: name.into(), unit: None, alignment: Alignment::Right, decimals }
    }

    /// The same column with a unit.
    pub fn with_unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = Some(unit.into());
        self
    }

    /// Name and unit.
    pub fn heading(&self) -> String {
        match &self.unit {
            Some(unit) => format!("{} ({unit})", self.name),
            None => self.name.clone(),
        }
    }

    /// A cell as shown to the user.
    fn shown(&self, cell: &Cell) -> String {
        match cell {
            Cell::Missing => "–".into(),
            Cell::Integer(integer) => integer.to_string(),
            Cell::Number(number) if number.is_nan() => "–".into(),
            Cell::Number(number) => shown_number(*number, self.decimals),
            Cell::Text(text) => controls_as_spaces(text),
        }
    }
}

/// Rows of cells under typed columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    pub title: String,
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    /// What files hold instead, if that is not what is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    records: Option<Box<Table>>,
}

impl Table {
    /// A table without rows.
    pub fn new(title: impl Into<String>, columns: Vec<Column>) -> Self {
        Self { title: title.into(), columns, rows: Vec::new(), records: None }
    }

    /// The same table to look at; files hold the rows and columns of `records`: for example numbers where
    /// a reader sees an interval as text.
    pub fn filed_as(self, records: Table) -> Self {
        Self { records: Some(Box::new(records)), ..self }
    }

    /// The rows and columns that files hold.
    pub fn records(&self) -> &Table {
        self.records.as_deref().unwrap_or(self)
    }

    /// The columns, left to right.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The rows, top to bottom; each has one cell per column.
    pub fn rows(&self) -> &[Vec<Cell>] {
        &self.rows
    }

    /// Adds a row at the bottom.
    ///
    /// # Errors
    /// [`Error::Input`] if there are more or fewer cells than columns.
    pub fn push(&mut self, row: Vec<Cell>) -> Result<()> {
        if row.len() != self.columns.len() {
            return Err(Error::input(format!(
                "table \"{}\" has {} columns, but a row has {}",
                self.title,
                self.columns.len(),
                counted(row.len(), "cell")
            )));
        }
        self.rows.push(row);
        Ok(())
    }
}

/// Text on one line: tabs, line breaks and other control characters become spaces.
fn controls_as_spaces(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub fn scores() -> Table {
        let columns = vec![
            Column::text("subject"),
            Column::number("score", 3),
            Column::number("lesion", 1).with_unit("mm²"),
        ];
        let mut table = Table::new("Patient scores", columns);
        table.push(vec!["sub-01".into(), 0.123456789.into(), 14usize.into()]).unwrap();
        table.push(vec!["患者-02".into(), f64::NAN.into(), Cell::Missing]).unwrap();
        table.push(vec!["<b>\t&".into(), 12.0.into(), Some(2.25).into()]).unwrap();
        table
    }

    #[test]
    fn a_row_of_the_wrong_length_is_refused() {
        let error = scores().push(vec![Cell::Missing]).unwrap_err().to_string();
        assert_eq!(error, "table \"Patient scores\" has 3 columns, but a row has 1 cell");
    }

    #[test]
    fn a_small_number_is_not_shown_as_zero() {
        assert_eq!(
            [0.0, 0.0006, 0.00049, -3.1e-6].map(|number| shown_number(number, 3)),
            ["0.000", "0.001", "4.9e-4", "-3.1e-6"]
        );
    }

    #[test]
    fn a_table_survives_json() {
        let table = scores();
        let json = serde_json::to_string(&table).unwrap();
        assert_eq!(serde_json::from_str::<Table>(&json).unwrap(), table);
    }

    #[test]
    fn a_table_without_columns_or_rows_still_renders() {
        let empty = Table::new("nothing", vec![]);
        assert!(empty.to_text(0).starts_with("nothing") && empty.to_tsv() == "\n");
        let bare = Table::new("", vec![Column::text("name")]);
        assert_eq!(bare.to_text(3), "name\n────\n");
    }
}
