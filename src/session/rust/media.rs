//! What a Rust cell shows at its end.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::figures::drawing::markup::unescape;
use crate::figures::{Figure, picture};
use crate::report::Markup;
use crate::rust_cells::Media;
use crate::session::{Display, Part};
use crate::{Error, Result};

/// The richest form that front ends can show; `None` of a cell that ends without a value.
///
/// # Errors
/// If a picture cannot be decoded.
pub(super) fn display(mut media: Media) -> Result<Option<Display>> {
    let text = media.remove("text/plain");
    let title = || {
        let first = text.as_deref().and_then(|text| text.lines().next()).unwrap_or_default();
        let inner = first.strip_prefix("[figure: ").and_then(|rest| rest.strip_suffix(']'));
        match inner.unwrap_or_default() {
            "" => "Rust cell".to_owned(),
            title => title.to_owned(),
        }
    };
    if let Some(png) = media.remove("image/png") {
        return Ok(Some(Display::of([Part::Figure(decoded(&title(), &png)?)])));
    }
    if let Some(html) = media.remove("text/html") {
        let figures = pictures(&html, &title());
        let text = text.unwrap_or_default();
        return Ok(Some(Display::of([Part::Markup(Markup { html, text, figures })])));
    }
    Ok(match (text, media.keys().next()) {
        (Some(text), _) => Some(Display::text(text)),
        (None, Some(other)) => Some(Display::text(format!("[{other}]"))),
        (None, None) => None,
    })
}

fn decoded(title: &str, base64: &str) -> Result<Figure> {
    let compact: String = base64.split_whitespace().collect();
    let bytes = BASE64_STANDARD.decode(compact).map_err(|error| {
        Error::Figure(format!("a picture of a Rust cell cannot be shown: {error}"))
    })?;
    picture(title, &bytes)
}

/// The PNGs that a page embeds, for front ends that show no pages.
fn pictures(html: &str, title: &str) -> Vec<Figure> {
    let mut before = "";
    let mut figures = Vec::new();
    for (place, rest) in html.split("data:image/png;base64,").enumerate() {
        let base64 = rest.split(['"', '\'', ')']).next().unwrap_or_default();
        // What cannot be read is still in the page.
        if place > 0
            && let Ok(figure) = decoded(&alternative(before).unwrap_or(title.to_owned()), base64)
        {
            figures.push(figure);
        }
        before = rest;
    }
    figures
}

/// What stands for the picture that begins behind this piece of a page.
fn alternative(before: &str) -> Option<String> {
    let (_, inside) = before.rsplit_once("<img")?;
    let (text, _) = inside.split_once("alt=\"")?.1.split_once('"')?;
    Some(unescape(text)).filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(forms: &[(&str, &str)]) -> Media {
        forms.iter().map(|(mime, content)| ((*mime).to_owned(), (*content).to_owned())).collect()
    }

    fn map() -> Figure {
        crate::figures::live_curve("loss", "loss", "batch", &[(1.0, 1.0), (2.0, 0.5)], &[])
    }

    #[test]
    fn each_form_is_shown_as_what_it_is() {
        assert!(display(media(&[])).unwrap().is_none());
        let text = display(media(&[("text/plain", "2")])).unwrap().unwrap();
        assert_eq!(text.to_text(), "2");
        let png = BASE64_STANDARD.encode(map().png().unwrap());
        let forms = media(&[("image/png", &png), ("text/plain", "[figure: loss]")]);
        let shown = display(forms).unwrap().unwrap();
        assert_eq!(shown.to_text(), "[figure: loss]");
        let html = format!("<b>two</b><img alt=\"a &lt; b\" src=\"data:image/png;base64,{png}\">");
        let shown =
            display(media(&[("text/html", &html), ("text/plain", "two")])).unwrap().unwrap();
        let Part::Markup(markup) = &shown.parts[0] else { panic!("{shown:?}") };
        assert_eq!(markup.figures[0].title, "a < b");
        assert_eq!((markup.figures.len(), shown.to_text()), (1, "two".to_owned()));
        assert!(display(media(&[("image/png", "!")])).is_err());
    }
}
