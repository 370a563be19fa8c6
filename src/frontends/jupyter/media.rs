//! A part of a display in every form that a client may want, richest first.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jupyter_protocol::{DisplayData, Media, MediaType, Transient};
use serde_json::{Map, Value, json};

use crate::Result;
use crate::figures::Figure;
use crate::report::{Markup, TEXT_WIDTH};
use crate::session::{Page, Part};

/// A chart is offered as SVG too, unless it is larger than this: with pictures in it the PNG is
/// smaller and looks the same.
const LARGEST_SVG: usize = 120 << 10;

/// A bundle of forms and what clients should know about them.
#[derive(Clone, Debug, Default)]
pub(super) struct Bundle {
    pub data: Media,
    pub metadata: Map<String, Value>,
}

/// A part of what is shown, under the identity by which it can be replaced later.
pub(super) fn data(Bundle { data, metadata }: Bundle, id: Option<String>) -> DisplayData {
    DisplayData { data, metadata, transient: Some(Transient { display_id: id }) }
}

impl Bundle {
    /// Plain text alone.
    pub fn text(text: impl Into<String>) -> Self {
        Self::of([MediaType::Plain(text.into())])
    }

    pub fn of(forms: impl IntoIterator<Item = MediaType>) -> Self {
        Self { data: Media::new(forms.into_iter().collect()), metadata: Map::new() }
    }

    /// Every form of `part`.
    ///
    /// # Errors
    /// If a figure cannot be drawn.
    pub fn part(part: &Part) -> Result<Self> {
        Ok(match part {
            Part::Text(text) => Self::text(text),
            Part::Table(table) => Self::of([
                MediaType::Html(table.to_html()),
                MediaType::Plain(table.to_text(TEXT_WIDTH).trim_end().to_owned()),
            ]),
            Part::Figure(figure) => Self::figure(figure)?,
            Part::Page(page) => Self::page(page),
            Part::Markup(Markup { html, text, .. }) => {
                Self::of([MediaType::Html(html.clone()), MediaType::Plain(text.clone())])
            }
        })
    }

    /// Documentation as Markdown and as text.
    pub fn page(page: &Page) -> Self {
        let text = MediaType::Plain(page.text(TEXT_WIDTH));
        Self::of([MediaType::Markdown(page.markdown()), text])
    }

    /// A figure as PNG with the size it should have on the page; as SVG where that is small; its
    /// title as text.
    pub fn figure(figure: &Figure) -> Result<Self> {
        let size = figure.size_on_page();
        let png = BASE64_STANDARD.encode(figure.png()?);
        let mut forms = vec![MediaType::Png(png)];
        let svg = svg(figure)?;
        if svg.len() <= LARGEST_SVG && !svg.contains("data:image/") {
            forms.push(MediaType::Svg(svg));
        }
        forms.push(MediaType::Plain(format!("[figure: {}]", figure.title)));
        let mut bundle = Self::of(forms);
        bundle
            .metadata
            .insert("image/png".to_owned(), json!({ "width": size.0, "height": size.1 }));
        Ok(bundle)
    }
}

/// A figure as SVG of its size on the page.
///
/// # Errors
/// If it cannot be drawn.
pub(super) fn svg(figure: &Figure) -> Result<String> {
    let (width, height) = figure.size_on_page();
    let resized = |svg: String, name: &str, from: u32, to: u32| {
        svg.replacen(&format!("{name}=\"{from}\""), &format!("{name}=\"{to}\""), 1)
    };
    let svg = resized(figure.svg()?, "width", figure.width, width);
    Ok(resized(svg, "height", figure.height, height))
}
