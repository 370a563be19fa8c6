//! A table as tab-separated values.

use super::{Cell, Table, controls_as_spaces};

impl Table {
    /// Tab-separated values in the manner of BIDS: a line of names (with units), every digit of
    /// every number, `n/a` for missing values; of [`Self::records`]. Equal tables give equal bytes.
    pub fn to_tsv(&self) -> String {
        let Table { columns, rows, .. } = self.records();
        let clean = |text: &str| match controls_as_spaces(text) {
            // An empty field would be no value at all.
            empty if empty.is_empty() => "n/a".to_string(),
            // Readers take a quotation mark at the beginning for the start of a quoted field.
            line if line.starts_with('"') => format!("\"{}\"", line.replace('"', "\"\"")),
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
        let mut lines = vec![columns.iter().map(|c| clean(&c.heading())).collect::<Vec<_>>()];
        lines.extend(rows.iter().map(|row| row.iter().map(field).collect()));
        lines.iter().map(|line| line.join("\t") + "\n").collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::scores;
    use super::super::{Column, Table};

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
    fn a_quotation_mark_at_the_beginning_is_quoted() {
        let mut table = Table::new("", vec![Column::text("a"), Column::text("b")]);
        table.push(vec!["\"q\"".into(), "an \"inner\" one".into()]).unwrap();
        assert_eq!(table.to_tsv(), "a\tb\n\"\"\"q\"\"\"\tan \"inner\" one\n");
    }
}
