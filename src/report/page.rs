//! A page of documentation, laid out as text of any width or as Markdown.

use std::fmt::Write;

use textwrap::{Options, fill};
use unicode_width::UnicodeWidthStr;

/// Minimum width of a column of text that is readable.
const NARROWEST: usize = 20;

/// Maximum width of a signature in Markdown, which does not wrap code.
const WIDEST_CODE: usize = 90;

/// The documentation of a verb, a type or a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// What it is about, as code: a signature, or a name with its type. May be empty.
    pub heading: String,
    /// Prose; each paragraph is one line.
    pub paragraphs: Vec<String>,
    pub lists: Vec<List>,
    /// Lines of code that show the use.
    pub example: Option<String>,
}

/// Terms and what they mean, such as parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// May be empty.
    pub title: String,
    /// A term, which is code, and its meaning, which may be empty.
    pub entries: Vec<(String, String)>,
}

impl Page {
    /// A page with only a heading.
    pub fn titled(heading: impl Into<String>) -> Self {
        Self { heading: heading.into(), ..Self::default() }
    }

    /// Text of at most `width` columns, as far as single words and the example allow.
    pub fn text(&self, width: usize) -> String {
        let width = width.max(NARROWEST);
        let mut blocks = Vec::new();
        if !self.heading.is_empty() {
            blocks.push(heading(&self.heading, width));
        }
        blocks.extend(self.paragraphs.iter().map(|paragraph| fill(paragraph, width)));
        blocks.extend(self.lists.iter().map(|list| list.text(width)));
        if let Some(example) = &self.example {
            let lines = example.lines().map(|line| format!("  {line}").trim_end().to_owned());
            blocks.push(format!("Example\n{}", lines.collect::<Vec<_>>().join("\n")));
        }
        blocks.join("\n\n")
    }

    /// The same as Markdown: code in fences, terms in bold lists.
    pub fn markdown(&self) -> String {
        let mut blocks = Vec::new();
        let code = |code: &str| format!("```python\n{}\n```", code.trim_end());
        if !self.heading.is_empty() {
            blocks.push(code(&heading(&self.heading, WIDEST_CODE)));
        }
        blocks.extend(self.paragraphs.iter().map(|paragraph| escaped(paragraph)));
        for List { title, entries } in &self.lists {
            if !title.is_empty() {
                blocks.push(format!("**{title}**"));
            }
            let entry = |(term, meaning): &(String, String)| match meaning.is_empty() {
                true => format!("- `{term}`"),
                false => format!("- `{term}`: {}", escaped(meaning)),
            };
            blocks.push(entries.iter().map(entry).collect::<Vec<_>>().join("\n"));
        }
        if let Some(example) = &self.example {
            blocks.push(format!("**Example**\n\n{}", code(example)));
        }
        blocks.join("\n\n")
    }
}

/// Prose in which Markdown finds no marks of its own but backquotes: `sub-*` and `_seg` are meant as written.
fn escaped(prose: &str) -> String {
    let parts = prose.split('`').enumerate().map(|(number, part)| match number % 2 {
        0 => part.replace('*', "\\*").replace('_', "\\_").replace('<', "&lt;"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("`")
}

/// A signature in lines of at most `width` columns. A parameter stays on one line with its default.
fn heading(signature: &str, width: usize) -> String {
    const TOGETHER: &str = "\u{a0}";
    let bound = signature
        .replace(" = ", &format!("{TOGETHER}={TOGETHER}"))
        .replace("-> ", &format!("->{TOGETHER}"));
    fill(&bound, Options::new(width).subsequent_indent("    ")).replace(TOGETHER, " ")
}

impl List {
    /// Terms in a column, their meanings beside them. A term that is wider than the column has its
    /// meaning below.
    fn text(&self, width: usize) -> String {
        let fits = |term: &&String| term.width() <= width / 3;
        let terms = self.entries.iter().map(|(term, _)| term);
        let column = terms.filter(fits).map(|term| term.width()).max().unwrap_or(2);
        let mut text = String::new();
        if !self.title.is_empty() {
            let _ = writeln!(text, "{}", self.title);
        }
        let hanging = " ".repeat(column + 4);
        for (term, meaning) in &self.entries {
            let beside = term.width() <= column;
            if !beside || meaning.is_empty() {
                let options = Options::new(width).initial_indent("  ").subsequent_indent("      ");
                let _ = writeln!(text, "{}", fill(term, options));
            }
            if meaning.is_empty() {
                continue;
            }
            let label = match beside {
                true => format!("  {term}{}", " ".repeat(column + 2 - term.width())),
                false => hanging.clone(),
            };
            let options = Options::new(width).initial_indent(&label).subsequent_indent(&hanging);
            let _ = writeln!(text, "{}", fill(meaning, options));
        }
        text.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        Page {
            heading: "train(model, cohort, learning_rate = 0.003)".into(),
            paragraphs: vec!["Trains one epoch: every slice of the cohort once.".into()],
            lists: vec![List {
                title: "Parameters".into(),
                entries: vec![
                    ("model".into(), "the model; it changes in place.".into()),
                    ("learning_rate_of_a_stage".into(), "at the start.".into()),
                    ("bare".into(), String::new()),
                ],
            }],
            example: Some("train(model, people)".into()),
        }
    }

    #[test]
    fn text_keeps_within_the_width() {
        let expected = "\
train(model, cohort,
    learning_rate = 0.003)

Trains one epoch: every slice of the
cohort once.

Parameters
  model  the model; it changes in place.
  learning_rate_of_a_stage
         at the start.
  bare

Example
  train(model, people)";
        assert_eq!(page().text(40), expected);
        for width in [0, 20, 33, 80, 200] {
            let text = page().text(width);
            let widest = text.lines().map(UnicodeWidthStr::width).max().unwrap();
            assert!(widest <= width.max(28), "{width}: {text}");
        }
    }

    #[test]
    fn markdown_marks_code_and_terms() {
        let markdown = page().markdown();
        assert!(markdown.starts_with("```python\ntrain(model, "), "{markdown}");
        assert!(markdown.contains("- `model`: the model; it changes in place."), "{markdown}");
        assert!(markdown.ends_with("```python\ntrain(model, people)\n```"), "{markdown}");
        let page = Page { paragraphs: vec!["`sub-*` and sub-*/anat/*_T2w < 3".into()], ..page() };
        assert!(page.markdown().contains("`sub-*` and sub-\\*/anat/\\*\\_T2w &lt; 3"));
    }
}
