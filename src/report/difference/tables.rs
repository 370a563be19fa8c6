//! Cells in which two tables differ.

use super::first::FirstDifference;

/// A cell in which two tables differ.
#[derive(Clone, Debug, PartialEq)]
pub struct TableChange {
    /// Counted from 1, without the header.
    pub row: usize,
    /// What stands in the row's first cell, which mostly names it.
    pub label: String,
    pub column: String,
    pub first: String,
    pub second: String,
}

impl TableChange {
    /// The second value minus the first one, if both are numbers.
    pub fn change(&self) -> Option<f64> {
        let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
        Some(number(&self.second)? - number(&self.first)?)
    }

    /// Such as "row 3 (sub-02), column score".
    pub fn place(&self) -> String {
        format!("row {} ({}), column {}", self.row, self.label, self.column)
    }
}

/// All cells in which two TSV tables differ, in the order of the first one's rows and columns.
///
/// # Errors
/// A difference that is not one of cells: other columns, or another number of rows.
pub fn table_changes(first: &str, second: &str) -> Result<Vec<TableChange>, FirstDifference> {
    let (mut ours, mut theirs) = (first.lines(), second.lines());
    let (header, other) = (ours.next().unwrap_or_default(), theirs.next().unwrap_or_default());
    if header != other {
        let names = |header: &str| header.replace('\t', ", ");
        return Err(FirstDifference::new("columns", names(header), names(other)));
    }
    let columns: Vec<&str> = header.split('\t').collect();
    let rows = (ours.clone().count(), theirs.clone().count());
    let mut changes = Vec::new();
    for (row, (a, b)) in ours.by_ref().zip(theirs.by_ref()).enumerate() {
        let label = a.split('\t').next().unwrap_or_default();
        let (a, b) = (a.split('\t').collect::<Vec<_>>(), b.split('\t').collect::<Vec<_>>());
        for (at, column) in columns.iter().enumerate() {
            let cell = |row: &[&str]| row.get(at).copied().unwrap_or("no cell").to_owned();
            let (first, second) = (cell(&a), cell(&b));
            if first != second {
                let (label, column) = (label.to_owned(), (*column).to_owned());
                changes.push(TableChange { row: row + 1, label, column, first, second });
            }
        }
    }
    match rows.0 == rows.1 {
        true => Ok(changes),
        // A cell that differs says more than the number of rows.
        false if !changes.is_empty() => Ok(changes),
        false => Err(FirstDifference::new("number of rows", rows.0, rows.1)),
    }
}

/// The first difference of two tables, if it is one of cells, columns or rows.
pub(super) fn first_cell(first: &str, second: &str) -> Option<FirstDifference> {
    match table_changes(first, second) {
        Ok(changes) => {
            let change = changes.into_iter().next()?;
            let place = change.place();
            Some(FirstDifference { place, first: change.first, second: change.second })
        }
        Err(difference) => Some(difference),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "subject\tscore\nsub-01\t0.5\nsub-02\tn/a\n";

    #[test]
    fn changed_cells_are_named_with_their_difference() {
        let changes = table_changes(TABLE, "subject\tscore\nsub-01\t0.75\nsub-02\t1\n").unwrap();
        let places: Vec<String> = changes.iter().map(TableChange::place).collect();
        assert_eq!(places, ["row 1 (sub-01), column score", "row 2 (sub-02), column score"]);
        assert_eq!((changes[0].change(), changes[1].change()), (Some(0.25), None));
    }

    #[test]
    fn other_columns_and_rows_are_a_difference() {
        let found = first_cell(TABLE, "subject\tload\nsub-01\t0.5\nsub-02\tn/a\n").unwrap();
        assert_eq!(found, FirstDifference::new("columns", "subject, score", "subject, load"));
        let found = first_cell(TABLE, "subject\tscore\nsub-01\t0.5\n").unwrap();
        assert_eq!(found, FirstDifference::new("number of rows", 2, 1));
    }
}
