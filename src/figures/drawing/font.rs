//! The embedded font, so that figures look the same on every machine and need no font there.

use std::sync::OnceLock;

use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};

use crate::{Error, Result};

/// What plotters and SVG viewers look for. A viewer without DejaVu Sans takes Verdana, which is
/// as wide.
const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

static DEJAVU_SANS: &[u8] = include_bytes!("font/DejaVuSans-subset.ttf");

/// What plotters uses by default, as in users' own figures.
const DEFAULT_FAMILY: &str = "sans-serif";

/// Makes the font known to plotters; only the first call does anything.
pub(in crate::figures) fn register() -> Result<()> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let register = |family| register_font(family, FontStyle::Normal, DEJAVU_SANS).is_ok();
    let registered = *REGISTERED.get_or_init(|| [FAMILY, DEFAULT_FAMILY].into_iter().all(register));
    if registered { Ok(()) } else { Err(Error::Figure("the embedded font is damaged".into())) }
}

/// The font at a size in drawing units.
pub(in crate::figures) fn at(size: i32) -> FontDesc<'static> {
    FontDesc::new(FontFamily::Name(FAMILY), f64::from(size), FontStyle::Normal)
}

/// Width of a text in drawing units.
pub(in crate::figures) fn width(text: &str, size: i32) -> i32 {
    // A damaged font is reported where the figure is rendered.
    let _ = register();
    at(size).box_size(text).map_or(0, |(width, _)| width as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_has_the_letters_and_signs_that_figures_use() {
        let missing = width("\u{10FFFF}", 100);
        for sign in "²³⁻µσεΔ–—…≥≤×→−°·|é◆▲".chars() {
            // The box that stands for a missing sign has its own width; none of these share it.
            assert_ne!(width(&sign.to_string(), 100), missing, "{sign} is missing");
        }
    }
}
