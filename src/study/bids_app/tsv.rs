//! Tables of an export, read again.

use std::path::Path;

use crate::files::read_regular_unlogged;
use crate::{Error, Result};

/// The lines of a table, each cut into its cells.
pub(super) struct Tsv {
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Tsv {
    /// Reads a table; `None` where there is none.
    ///
    /// # Errors
    /// If it cannot be read, or a row has another number of cells than the header.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        if std::fs::symlink_metadata(path).is_err() {
            return Ok(None);
        }
        let text = String::from_utf8(read_regular_unlogged(path)?)
            .map_err(|_| Error::file(path, "is not a table: it is not text in UTF-8"))?;
        let mut lines =
            text.lines().map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
        let header = lines.next().unwrap_or_default();
        let rows: Vec<Vec<String>> = lines.collect();
        match rows.iter().position(|row| row.len() != header.len()) {
            Some(row) => Err(Error::file(
                path,
                format!(
                    "line {} has {} columns, but the header has {}; remove the file and screen the session again",
                    row + 2,
                    rows[row].len(),
                    header.len()
                ),
            )),
            None => Ok(Some(Self { header, rows })),
        }
    }

    /// The cells of a column, by row; empty if there is no such column.
    pub fn column(&self, name: &str) -> Vec<&str> {
        let place = self.header.iter().position(|column| column == name);
        place.map_or_else(Vec::new, |place| self.rows.iter().map(|row| &*row[place]).collect())
    }

    /// As text.
    pub fn text(&self) -> String {
        let lines = std::iter::once(&self.header).chain(&self.rows);
        lines.map(|cells| format!("{}\n", cells.join("\t"))).collect()
    }
}
