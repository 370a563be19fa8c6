//! The embedded font, so that figures look the same on every machine and need no font there.

use std::borrow::Cow;
use std::ops::RangeInclusive;
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

/// What stands for a letter that the font lacks: without it there would be a gap, or nothing.
const REPLACEMENT: char = '\u{FFFD}';

/// Whether the font has a letter.
pub(in crate::figures) fn has(letter: char) -> bool {
    static RANGES: OnceLock<Vec<RangeInclusive<u32>>> = OnceLock::new();
    let ranges = RANGES.get_or_init(|| ranges(DEJAVU_SANS).unwrap_or_default());
    ranges.iter().any(|range| range.contains(&u32::from(letter)))
}

/// The text with a visible sign for each letter that the font lacks.
pub(in crate::figures) fn drawable(text: &str) -> Cow<'_, str> {
    match text.chars().all(has) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(
            text.chars().map(|sign| if has(sign) { sign } else { REPLACEMENT }).collect(),
        ),
    }
}

/// The letters that a font of up to 65 536 of them has, from its table "cmap" in format 4.
fn ranges(font: &[u8]) -> Option<Vec<RangeInclusive<u32>>> {
    let number = |at: usize| Some(u16::from_be_bytes(font.get(at..at + 2)?.try_into().ok()?));
    let long = |at: usize| Some(u32::from_be_bytes(font.get(at..at + 4)?.try_into().ok()?));
    let tables = 0..usize::from(number(4)?);
    let table =
        tables.map(|place| 12 + 16 * place).find(|at| font.get(*at..at + 4) == Some(b"cmap"));
    let cmap = long(table? + 8)? as usize;
    let encodings = 0..usize::from(number(cmap + 2)?);
    let starts = encodings.filter_map(|place| Some(cmap + long(cmap + 8 + 8 * place)? as usize));
    let start = starts.into_iter().find(|start| number(*start) == Some(4))?;
    let doubled = usize::from(number(start + 6)?);
    let segments = (0..doubled).step_by(2).map(|place| {
        let last = number(start + 14 + place)?;
        Some(u32::from(number(start + 16 + doubled + place)?)..=u32::from(last))
    });
    // The last one only ends the table.
    segments.filter(|range| !matches!(range, Some(range) if *range.end() == 0xffff)).collect()
}

/// The font at a size in drawing units.
pub(in crate::figures) fn at(size: i32) -> FontDesc<'static> {
    FontDesc::new(FontFamily::Name(FAMILY), f64::from(size), FontStyle::Normal)
}

/// Width of a text in drawing units.
pub(in crate::figures) fn width(text: &str, size: i32) -> i32 {
    // A damaged font is reported where the figure is rendered.
    let _ = register();
    at(size).box_size(&drawable(text)).map_or(0, |(width, _)| width as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_has_the_letters_and_signs_that_figures_use() {
        for sign in "azAZ09 ²³⁻µσεΔ–—…≥≤×→−°·|éẞЖ◆▲\u{FFFD}".chars()
        {
            assert!(has(sign), "{sign} is missing");
        }
    }

    #[test]
    fn letters_that_the_font_lacks_are_drawn_as_a_sign() {
        assert_eq!(drawable("sub-José, 3 mm²"), "sub-José, 3 mm²");
        assert_eq!(drawable("sub-患者01"), "sub-\u{FFFD}\u{FFFD}01");
        assert_eq!(drawable("\u{FFFF}\u{10FFFF}"), "\u{FFFD}\u{FFFD}");
        assert_eq!(width("患", 100), width("\u{FFFD}", 100));
        assert!(width("患", 100) > 20);
    }
}
