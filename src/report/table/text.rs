//! A table as aligned plain text.

use unicode_width::UnicodeWidthStr;

use super::{Alignment, Cell, Table, one_line};

impl Table {
    /// Aligned plain text no wider than `width` terminal columns where that is possible: words are cut
    /// with "…", those of the widest column first, and a column keeps at least four. Numbers and the
    /// headings above them stay whole.
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
                if self.columns[at].alignment == Alignment::Right && !matches!(cell, Cell::Text(_))
                {
                    least[at] = text.width().max(least[at]);
                }
            }
        }
        let gaps = 2 * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > width {
            let shrinkable = (0..widths.len()).filter(|at| widths[*at] > least[*at]);
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

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::super::tests::scores;

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
