//! A table as HTML.

use std::fmt::Write as _;

use super::{Alignment, Cell, Column, Table};
use crate::figures::drawing::markup::escape;

impl Table {
    /// An HTML table that looks right wherever it is put: the alignment stands in the cells, since
    /// pages have rules of their own for tables. Missing values are of class `missing`. All text
    /// is escaped; there are no scripts.
    pub fn to_html(&self) -> String {
        let mut html = String::from("<table class=\"u2ad-table\">\n");
        // Writing to a string cannot fail.
        if !self.title.is_empty() {
            let _ = writeln!(html, "<caption>{}</caption>", escape(&self.title));
        }
        html.push_str("<thead><tr>");
        for column in &self.columns {
            let (style, heading) = (style(column), escape(&column.heading()));
            let _ = write!(html, "<th scope=\"col\"{style}>{heading}</th>");
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            html.push_str("<tr>");
            for (cell, column) in row.iter().zip(&self.columns) {
                let (style, shown) = (style(column), escape(&column.shown(cell)));
                let missing = matches!(cell, Cell::Missing);
                let class = if missing { " class=\"missing\"" } else { "" };
                let _ = write!(html, "<td{class}{style}>{shown}</td>");
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</tbody>\n</table>\n");
        html
    }
}

fn style(column: &Column) -> &'static str {
    match column.alignment {
        Alignment::Right => " style=\"text-align:right\"",
        Alignment::Left => " style=\"text-align:left\"",
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::scores;

    #[test]
    fn html_is_escaped_and_numbers_stand_on_the_right() {
        let html = scores().to_html();
        let words = "<td style=\"text-align:left\">&lt;b&gt; &amp;</td>";
        assert!(html.contains(words) && !html.contains("<b>"), "{html}");
        assert!(html.contains("<th scope=\"col\" style=\"text-align:right\">score</th>"), "{html}");
        assert!(html.contains("<td class=\"missing\" style=\"text-align:right\">–</td>"), "{html}");
        assert!(html.contains("<caption>Patient scores</caption>"), "{html}");
    }
}
