//! A titled table of typed columns, shown in a terminal, on a page, or saved as TSV.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::figures::markup::escape;
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

/// On which side of its column a value stands.
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
    /// Decimals shown to people; files keep every digit.
    pub decimals: usize,
}

impl Column {
    /// Words, on the left.
    pub fn text(name: impl Into<String>) -> Self {
        Self { name: name.into(), unit: None, alignment: Alignment::Left, decimals: 3 }
    }

    /// Numbers, on the right, shown with `decimals`.
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

    /// A cell as people read it.
    fn shown(&self, cell: &Cell) -> String {
        match cell {
            Cell::Missing => "–".into(),
            Cell::Integer(integer) => integer.to_string(),
            Cell::Number(number) if number.is_nan() => "–".into(),
            Cell::Number(number) => format!("{number:.*}", self.decimals),
            Cell::Text(text) => one_line(text),
        }
    }
}

/// Rows of cells under typed columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    pub title: String,
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows.
    pub fn new(title: impl Into<String>, columns: Vec<Column>) -> Self {
        Self { title: title.into(), columns, rows: Vec::new() }
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
                "table \"{}\" has {} columns, but a row has {} cells",
                self.title,
                self.columns.len(),
                row.len()
            )));
        }
        self.rows.push(row);
        Ok(())
    }

    /// Aligned plain text no wider than `width` terminal columns where that is possible: the
    /// widest columns of words are cut with "…" first, and a column keeps at least four.
    pub fn to_text(&self, width: usize) -> String {
        let shown: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| row.iter().zip(&self.columns).map(|(cell, c)| c.shown(cell)).collect())
            .collect();
        let headings: Vec<String> =
            self.columns.iter().map(|column| one_line(&column.heading())).collect();
        let widths = self.widths(&headings, &shown, width);
        let mut text = String::new();
        if !self.title.is_empty() {
            text.push_str(&one_line(&self.title));
            text.push('\n');
        }
        self.write_row(&mut text, &headings, &widths);
        let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        text.push_str(&rule.join("  "));
        text.push('\n');
        for row in &shown {
            self.write_row(&mut text, row, &widths);
        }
        text
    }

    /// Tab-separated values in the manner of BIDS: a line of names (with units), every digit of
    /// every number, `n/a` for missing values. Equal tables give equal bytes.
    pub fn to_tsv(&self) -> String {
        let clean = |text: &str| match one_line(text) {
            // An empty field would be no value at all.
            empty if empty.is_empty() => "n/a".to_string(),
            line => line,
        };
        let field = |cell: &Cell| match cell {
            Cell::Missing => "n/a".into(),
            Cell::Integer(integer) => integer.to_string(),
            Cell::Number(number) if number.is_nan() => "n/a".into(),
            // The shortest digits that read back as the same number.
            Cell::Number(number) => number.to_string(),
            Cell::Text(text) => clean(text),
        };
        let mut lines = vec![self.columns.iter().map(|c| clean(&c.heading())).collect::<Vec<_>>()];
        lines.extend(self.rows.iter().map(|row| row.iter().map(field).collect()));
        lines.iter().map(|line| line.join("\t") + "\n").collect()
    }

    /// An HTML table of class `u2ad-table`; numbers stand in cells of class `number`, missing
    /// values in cells of class `missing`. All text is escaped.
    pub fn to_html(&self) -> String {
        let class = |column: &Column, cell: Option<&Cell>| match (cell, column.alignment) {
            (Some(Cell::Missing), _) => " class=\"missing\"",
            (_, Alignment::Right) => " class=\"number\"",
            (_, Alignment::Left) => "",
        };
        let mut html = String::from("<table class=\"u2ad-table\">\n");
        // Writing to a string cannot fail.
        if !self.title.is_empty() {
            let _ = writeln!(html, "<caption>{}</caption>", escape(&self.title));
        }
        html.push_str("<thead>\n<tr>");
        for column in &self.columns {
            let heading = escape(&column.heading());
            let _ = write!(html, "<th scope=\"col\"{}>{heading}</th>", class(column, None));
        }
        html.push_str("</tr>\n</thead>\n<tbody>\n");
        for row in &self.rows {
            html.push_str("<tr>");
            for (cell, column) in row.iter().zip(&self.columns) {
                let shown = escape(&column.shown(cell));
                let _ = write!(html, "<td{}>{shown}</td>", class(column, Some(cell)));
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</tbody>\n</table>\n");
        html
    }

    /// Width of each column, so that all fit into `width` with two spaces between them.
    fn widths(&self, headings: &[String], shown: &[Vec<String>], width: usize) -> Vec<usize> {
        const LEAST: usize = 4;
        let mut widths: Vec<usize> = headings.iter().map(|heading| heading.width()).collect();
        for row in shown {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = cell.width().max(*widest);
            }
        }
        let gaps = 2 * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > width {
            // A cut word can be guessed, a cut number misleads: words give way first.
            let words = |at: &usize| self.columns[*at].alignment == Alignment::Left;
            let shrinkable = (0..widths.len()).filter(|at| words(at) && widths[*at] > LEAST);
            let Some(widest) = shrinkable.max_by_key(|at| (widths[*at], *at)) else { break };
            widths[widest] -= 1;
        }
        widths
    }

    fn write_row(&self, text: &mut String, cells: &[String], widths: &[usize]) {
        let mut line = String::new();
        for ((cell, width), column) in cells.iter().zip(widths).zip(&self.columns) {
            let cell = cut(cell, *width);
            let space = " ".repeat(width - cell.width());
            match column.alignment {
                Alignment::Left => line.extend([cell.as_str(), &space, "  "]),
                Alignment::Right => line.extend([space.as_str(), &cell, "  "]),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

/// The text within `width` terminal columns, cut with "…" if it is wider.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_string();
    }
    let mut kept = String::new();
    for character in text.chars() {
        let longer = format!("{kept}{character}");
        if longer.width() >= width {
            break;
        }
        kept = longer;
    }
    if width > 0 {
        kept.push('…');
    }
    kept
}

/// Text on one line: tabs, line breaks and other control characters become spaces.
fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores() -> Table {
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
    fn text_is_aligned_by_what_a_terminal_shows() {
        let expected = "\
Patient scores
subject   score  lesion (mm²)
───────  ──────  ────────────
sub-01    0.123            14
患者-02       –             –
<b> &    12.000           2.2
";
        assert_eq!(scores().to_text(80), expected);
    }

    #[test]
    fn a_narrow_terminal_cuts_words_and_never_numbers() {
        let mut table = scores();
        table.push(vec!["a-very-long-subject-name".into(), 1.0.into(), 1.0.into()]).unwrap();
        let text = table.to_text(36);
        assert!(text.lines().skip(1).all(|line| line.width() <= 36), "{text}");
        assert!(text.contains("a-very-long-s…") && text.contains("12.000"), "{text}");
        // Too narrow for the numbers: they stay whole.
        assert!(table.to_text(5).contains("12.000"));
    }

    #[test]
    fn tsv_keeps_every_digit_and_marks_what_is_missing() {
        let expected = "subject\tscore\tlesion (mm²)\nsub-01\t0.123456789\t14\n患者-02\tn/a\tn/a\n\
                        <b> &\t12\t2.25\n";
        assert_eq!(scores().to_tsv(), expected);
        let mut tiny = Table::new("", vec![Column::number("p", 2)]);
        let number = 1.0 / 3.0 * 1e-9;
        tiny.push(vec![number.into()]).unwrap();
        let read: f64 = tiny.to_tsv().lines().nth(1).unwrap().parse().unwrap();
        assert_eq!(read.to_bits(), number.to_bits());
    }

    #[test]
    fn html_is_escaped_and_says_what_is_a_number() {
        let html = scores().to_html();
        assert!(html.contains("<td>&lt;b&gt; &amp;</td>") && !html.contains("<b>"), "{html}");
        assert!(html.contains("<th scope=\"col\" class=\"number\">score</th>"));
        assert!(html.contains("<td class=\"missing\">–</td>"));
    }

    #[test]
    fn a_row_of_the_wrong_length_is_refused() {
        let error = scores().push(vec![Cell::Missing]).unwrap_err().to_string();
        assert_eq!(error, "table \"Patient scores\" has 3 columns, but a row has 1 cells");
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
