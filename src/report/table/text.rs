//! A table as aligned plain text.

use std::collections::HashSet;

use unicode_width::UnicodeWidthStr;

use super::{Alignment, Cell, Table, controls_as_spaces};

impl Table {
    /// Aligned plain text no wider than `width` terminal columns where that is possible: words are cut
    /// with "…", those of the widest column first, and a column keeps at least four. Numbers and the
    /// headings above them stay whole. A table that is wider even so is stacked: its columns go on below,
    /// each time after those that tell the rows apart.
    pub fn to_text(&self, width: usize) -> String {
        let parts = self.parts(width);
        if parts.len() < 2 {
            return self.laid_out(width);
        }
        let stacked: Vec<String> = parts
            .iter()
            .enumerate()
            .map(|(place, columns)| {
                let title = if place == 0 { self.title.as_str() } else { "" };
                let of = |row: &Vec<Cell>| columns.iter().map(|at| row[*at].clone()).collect();
                let part = Table {
                    title: title.to_owned(),
                    columns: columns.iter().map(|at| self.columns[*at].clone()).collect(),
                    rows: self.rows.iter().map(of).collect(),
                    records: None,
                };
                part.laid_out(width)
            })
            .collect();
        stacked.join("\n")
    }

    /// The columns of each part of a table that is stacked in `width` terminal columns: the whole headings
    /// and numbers fit, unless a column alone is wider.
    fn parts(&self, width: usize) -> Vec<Vec<usize>> {
        let keys = self.keys();
        let least: Vec<usize> = (0..self.columns.len())
            .map(|at| self.least_width(at).max(self.key_width(at, keys, width)))
            .collect();
        let keys: Vec<usize> = (0..keys).collect();
        let total = |columns: &[usize]| {
            columns.iter().map(|at| least[*at]).sum::<usize>() + 2 * columns.len().saturating_sub(1)
        };
        let all: Vec<usize> = (0..self.columns.len()).collect();
        if total(&all) <= width || self.rows.is_empty() || total(&keys) >= width {
            return vec![all];
        }
        let mut parts: Vec<Vec<usize>> = Vec::new();
        let mut part = keys.clone();
        for at in all.into_iter().skip(keys.len()) {
            part.push(at);
            if part.len() > keys.len() + 1 && total(&part) > width {
                part.pop();
                parts.push(std::mem::replace(&mut part, keys.clone()));
                part.push(at);
            }
        }
        parts.push(part);
        parts
    }

    /// How many of the first columns, of at most three, tell the rows apart; 1 if they do not.
    fn keys(&self) -> usize {
        let apart = |keys: &usize| {
            let mut seen = HashSet::new();
            self.rows.iter().all(|row| seen.insert(format!("{:?}", &row[..*keys])))
        };
        (1..=3.min(self.columns.len())).find(apart).unwrap_or(1)
    }

    /// The narrowest that a column can be: its heading and its numbers whole, words cut.
    fn least_width(&self, at: usize) -> usize {
        let column = &self.columns[at];
        let number = |row: &Vec<Cell>| match has_words(&row[at]) {
            true => 0,
            false => column.shown(&row[at]).width(),
        };
        let numbers = self.rows.iter().map(number).max().unwrap_or(0);
        controls_as_spaces(&column.heading()).width().max(numbers)
    }

    /// The width that keeps a column whole if it tells the rows apart, as far as that leaves a third of the
    /// table's width for the others; 0 for other columns.
    fn key_width(&self, at: usize, keys: usize, width: usize) -> usize {
        if at >= keys {
            return 0;
        }
        let column = &self.columns[at];
        let cells = self.rows.iter().map(|row| column.shown(&row[at]).width());
        cells.max().unwrap_or(0).min(2 * width / 3 / keys)
    }

    /// All columns side by side.
    fn laid_out(&self, width: usize) -> String {
        let shown: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| row.iter().zip(&self.columns).map(|(cell, c)| c.shown(cell)).collect())
            .collect();
        let headings: Vec<String> =
            self.columns.iter().map(|column| controls_as_spaces(&column.heading())).collect();
        let widths = self.widths(&headings, &shown, width);
        let mut text = String::new();
        if !self.title.is_empty() {
            text.push_str(&controls_as_spaces(&self.title));
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

    /// Width of each column, so that all fit into `width` with two spaces between them.
    fn widths(&self, headings: &[String], shown: &[Vec<String>], width: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = headings.iter().map(|heading| heading.width()).collect();
        // A shortened word can be guessed, but a shortened number misleads: only text is cut.
        let mut least: Vec<usize> = std::iter::zip(&self.columns, &widths)
            .map(|(column, heading)| match column.alignment {
                Alignment::Left => 4,
                Alignment::Right => *heading,
            })
            .collect();
        for (row, cells) in shown.iter().zip(&self.rows) {
            for (at, (text, cell)) in row.iter().zip(cells).enumerate() {
                widths[at] = text.width().max(widths[at]);
                if self.columns[at].alignment == Alignment::Right && !has_words(cell) {
                    least[at] = text.width().max(least[at]);
                }
            }
        }
        let gaps = 2 * widths.len().saturating_sub(1);
        let keys = self.keys();
        let keys: Vec<usize> =
            (0..widths.len()).map(|at| least[at].max(self.key_width(at, keys, width))).collect();
        // Columns that distinguish the rows are cut last.
        for least in [keys, least] {
            while widths.iter().sum::<usize>() + gaps > width {
                let shrinkable = (0..widths.len()).filter(|at| widths[*at] > least[*at]);
                let Some(widest) = shrinkable.max_by_key(|at| (widths[*at], *at)) else { break };
                widths[widest] -= 1;
            }
        }
        widths
    }

    fn write_row(&self, text: &mut String, cells: &[String], widths: &[usize]) {
        let mut line = String::new();
        for ((cell, width), column) in cells.iter().zip(widths).zip(&self.columns) {
            let cell = shortened(cell, *width);
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

/// Whether a cell can be cut: words can be guessed, but a number, or one with its interval, misleads.
fn has_words(cell: &Cell) -> bool {
    matches!(cell, Cell::Text(text) if text.chars().any(char::is_alphabetic))
}

/// The text within `width` terminal columns, cut with "…" if it is wider.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for character in text.chars() {
        kept.push(character);
        if kept.width() >= width {
            kept.pop();
            break;
        }
    }
    if width > 0 {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::super::tests::scores;
    use super::super::{Cell, Column, Table};

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
    fn a_table_that_is_too_wide_is_stacked_and_cuts_no_heading() {
        let names: Vec<String> = (0..12).map(|at| format!("a_rather_long_measure_{at}")).collect();
        let mut columns = vec![Column::text("subject"), Column::number("lesion", 0)];
        columns.extend(names.iter().map(|name| Column::number(name, 3)));
        let mut table = Table::new("Lesions", columns);
        for lesion in 1..4_usize {
            let mut row = vec![Cell::from("sub-01"), Cell::from(lesion)];
            row.extend((0..12).map(|at| Cell::from(f64::from(at))));
            table.push(row).unwrap();
        }
        for width in [60, 80, 100] {
            let text = table.to_text(width);
            assert!(text.lines().all(|line| line.width() <= width), "{text}");
            assert!(names.iter().all(|name| text.contains(name)), "{text}");
            // Subject and number stand before each part.
            let parts = text.matches("subject  lesion").count();
            assert!(parts > 1 && text.matches("sub-01        3").count() == parts, "{text}");
        }
        assert!(!table.to_text(1000).contains("\n\n"));
    }

    #[test]
    fn a_stacked_table_keeps_the_names_of_its_rows() {
        let mut columns = vec![Column::text("subject")];
        columns.extend((0..9).map(|at| Column::number(format!("measure_{at}"), 3)));
        columns.push(Column::text("remark"));
        let mut table = Table::new("Scores", columns);
        for subject in 1..4 {
            let mut row = vec![Cell::from(format!("sub-clinical0{subject}"))];
            row.extend((0..9).map(|at| Cell::from(f64::from(at))));
            row.push(Cell::from("the fluid is darker than the cord, which is unusual"));
            table.push(row).unwrap();
        }
        for width in [60, 80] {
            let text = table.to_text(width);
            assert!(text.lines().all(|line| line.width() <= width), "{text}");
            let parts = text.matches("subject").count();
            assert!(parts > 1 && text.matches("sub-clinical03").count() == parts, "{text}");
        }
    }

    #[test]
    fn a_narrow_terminal_cuts_words_and_never_numbers() {
        let mut table = scores();
        table.push(vec!["a-very-long-subject-name".into(), 1.0.into(), 1.0.into()]).unwrap();
        let text = table.to_text(36);
        assert!(text.lines().skip(1).all(|line| line.width() <= 36), "{text}");
        assert!(text.contains("a-very-long-subject-n…") && text.contains("12.000"), "{text}");
        // Words in a column of numbers give way like others.
        let words =
            vec!["sub-03".into(), "a long sentence about a missing score".into(), 1.0.into()];
        table.push(words).unwrap();
        let text = table.to_text(44);
        assert!(text.lines().skip(1).all(|line| line.width() <= 44), "{text}");
        assert!(text.contains("a long s") && text.contains("12.000"), "{text}");
        // Too narrow for the numbers: they stay whole.
        assert!(table.to_text(5).contains("12.000"));
    }
}
