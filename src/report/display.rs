//! A value as the user sees it, independent of the front end.

use super::{Page, Table};
use crate::figures::Figure;

/// Columns of plain text where the width of the page is unknown.
pub const TEXT_WIDTH: usize = 100;

/// A value as the user sees it: parts from top to bottom. A front end shows each part in the best
/// form it can and never needs to know what the value was.
#[derive(Clone, Debug)]
pub struct Display {
    pub parts: Vec<Part>,
    /// A display with the same identity as an earlier one replaces it, where the front end can.
    pub id: Option<String>,
}

/// One part of a [`Display`].
#[derive(Clone, Debug)]
pub enum Part {
    /// Plain text, possibly of several lines, without a final line break.
    Text(String),
    /// A figure, drawn only in the format that the front end needs.
    Figure(Figure),
    /// A table, laid out by the front end.
    Table(Table),
    /// Documentation, laid out by the front end.
    Page(Page),
    /// HTML from elsewhere.
    Markup(Markup),
}

/// HTML, with a fallback for front ends that cannot show it.
#[derive(Clone, Debug)]
pub struct Markup {
    pub html: String,
    pub text: String,
    /// The pictures in it.
    pub figures: Vec<Figure>,
}

impl Display {
    /// A display of these parts.
    pub fn of(parts: impl IntoIterator<Item = Part>) -> Self {
        Self { parts: parts.into_iter().collect(), id: None }
    }

    /// A display of plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::of([Part::Text(text.into())])
    }

    /// The plain-text form of every part that has one.
    pub fn to_text(&self) -> String {
        let parts: Vec<_> = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Figure(figure) => format!("[figure: {}]", figure.title),
                Part::Table(table) => table.to_text(TEXT_WIDTH),
                Part::Page(page) => page.text(TEXT_WIDTH),
                Part::Markup(markup) => markup.text.clone(),
            })
            .collect();
        parts.join("\n")
    }
}
