//! Values of a cell as HTML and as text.

use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::Location;
use std::sync::Mutex;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::Result;
use crate::error::locked;
use crate::figures::Figure;
use crate::figures::drawing::markup::escape;
use crate::report::{Display, Part, Show, TEXT_WIDTH};

/// What a cell has shown so far.
struct Shown {
    cell: usize,
    html: String,
    text: String,
}

/// Notebooks run one cell at a time, so one is enough.
static SHOWN: Mutex<Option<Shown>> = Mutex::new(None);

/// The method by which evcxr shows the value that ends a cell.
pub trait EvcxrDisplay: Show {
    /// Shows the value below what its cell has shown before; if it cannot be shown, prints why.
    #[track_caller]
    fn evcxr_display(&self) {
        show(self);
    }
}

impl<T: Show + ?Sized> EvcxrDisplay for T {}

/// Shows a value on the way, below what its cell has shown before.
#[track_caller]
pub fn show(value: &(impl Show + ?Sized)) {
    let cell = cell(Location::caller());
    let shown = value.show().and_then(|display| Ok((html(&display)?, display.to_text())));
    match shown {
        Ok((html, text)) => add(cell, &html, text.trim_end()),
        Err(error) => eprintln!("this cannot be shown: {error}"),
    }
}

/// Distinguishes cells: each is a library of its own, and its name of its source file a string of
/// its own.
fn cell(place: &Location<'_>) -> usize {
    place.file().as_ptr() as usize
}

fn add(cell: usize, html: &str, text: &str) {
    let mut shown = locked(&SHOWN);
    let before = shown.take().filter(|shown| shown.cell == cell);
    let mut now = before.unwrap_or(Shown { cell, html: String::new(), text: String::new() });
    for (all, more) in [(&mut now.html, html), (&mut now.text, text)] {
        if !all.is_empty() {
            all.push('\n');
        }
        all.push_str(more);
    }
    let block = |mime: &str, content: &str| {
        format!("EVCXR_BEGIN_CONTENT {mime}\n{content}\nEVCXR_END_CONTENT\n")
    };
    let blocks = block("text/html", &now.html) + &block("text/plain", &now.text);
    // There is nowhere to report a failure of this.
    let _ = std::io::stdout().lock().write_all(blocks.as_bytes());
    *shown = Some(now);
}

/// A display as one piece of HTML, pictures included.
///
/// # Errors
/// If a figure cannot be drawn.
pub fn html(display: &Display) -> Result<String> {
    let mut html = String::new();
    for part in &display.parts {
        match part {
            Part::Text(text) => preformatted(&mut html, text),
            Part::Page(page) => preformatted(&mut html, &page.text(TEXT_WIDTH)),
            Part::Table(table) => html.push_str(&table.to_html()),
            Part::Figure(figure) => html.push_str(&picture(figure)?),
            Part::Markup(markup) => html.push_str(&markup.html),
        }
    }
    Ok(html)
}

fn preformatted(html: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(html, "<pre>{}</pre>", escape(text));
}

fn picture(figure: &Figure) -> Result<String> {
    let (width, height) = figure.size_on_page();
    let (title, png) = (escape(&figure.title), BASE64_STANDARD.encode(figure.png()?));
    Ok(format!(
        "<p><img alt=\"{title}\" width=\"{width}\" height=\"{height}\" \
         src=\"data:image/png;base64,{png}\"></p>\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Cell, Column, Table};

    #[test]
    fn every_part_is_in_the_html_and_text_is_escaped() {
        let mut table = Table::new("Scores", vec![Column::text("subject")]);
        table.push(vec![Cell::from("sub-01")]).unwrap();
        let figure = crate::figures::roc_curves(&[]);
        let display = Display::of([
            Part::Text("a\nb < c".to_owned()),
            Part::Table(table),
            Part::Figure(figure),
        ]);
        let html = html(&display).unwrap();
        assert!(html.starts_with("<pre>a\nb &lt; c</pre>\n<table"), "{html}");
        assert!(html.contains("src=\"data:image/png;base64,iVBOR"), "no picture");
    }
}
