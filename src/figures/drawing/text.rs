//! Text on a figure: anchored, measured, broken into lines and shortened to fit.

use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontTransform, RGBColor, TextStyle};

use super::canvas::{Area, Drawn};
use super::font;

/// Size and colour of a text.
#[derive(Clone, Copy, Debug)]
pub(in crate::figures) struct Ink {
    /// Height of a line without spacing, in drawing units.
    pub size: i32,
    pub colour: RGBColor,
}

impl Ink {
    /// The same size in another colour.
    pub const fn coloured(self, colour: RGBColor) -> Self {
        Self { colour, ..self }
    }

    /// Distance from one line to the next.
    pub fn line(self) -> i32 {
        self.size * 5 / 4
    }

    /// For plotters.
    pub fn style(self) -> TextStyle<'static> {
        font::at(self.size).color(&self.colour)
    }
}

/// Which point of a text sits at the given place.
pub(in crate::figures) type Anchor = (HPos, VPos);
pub(in crate::figures) const TOP_LEFT: Anchor = (HPos::Left, VPos::Top);
pub(in crate::figures) const TOP_CENTER: Anchor = (HPos::Center, VPos::Top);
pub(in crate::figures) const LEFT: Anchor = (HPos::Left, VPos::Center);
pub(in crate::figures) const CENTER: Anchor = (HPos::Center, VPos::Center);
pub(in crate::figures) const RIGHT: Anchor = (HPos::Right, VPos::Center);
pub(in crate::figures) const BOTTOM_LEFT: Anchor = (HPos::Left, VPos::Bottom);
pub(in crate::figures) const BOTTOM_CENTER: Anchor = (HPos::Center, VPos::Bottom);

/// Writes one line.
pub(in crate::figures) fn write(
    area: &Area<'_>,
    text: &str,
    ink: Ink,
    at: (i32, i32),
    (h, v): Anchor,
) -> Drawn {
    area.draw_text(text, &ink.style().pos(Pos::new(h, v)), at)
}

/// Writes one line that reads upwards, centred on `at`.
pub(in crate::figures) fn write_upwards(
    area: &Area<'_>,
    text: &str,
    ink: Ink,
    at: (i32, i32),
) -> Drawn {
    let style = ink.style().transform(FontTransform::Rotate270);
    area.draw_text(text, &style.pos(Pos::new(HPos::Center, VPos::Center)), at)
}

/// Width in drawing units.
pub(in crate::figures) fn width(text: &str, ink: Ink) -> i32 {
    font::width(text, ink.size)
}

/// The text, cut and ended with "…" where it is wider than `room`.
pub(in crate::figures) fn fitted(text: &str, ink: Ink, room: i32) -> String {
    if width(text, ink) <= room {
        return text.to_string();
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.pop().is_some() {
        let shortened: String = kept.iter().chain(&['…']).collect();
        if width(&shortened, ink) <= room {
            return shortened;
        }
    }
    String::new()
}

/// The text, with "…" in its middle where it is wider than `room`: of long names, the ends differ.
pub(in crate::figures) fn fitted_within(text: &str, ink: Ink, room: i32) -> String {
    if width(text, ink) <= room {
        return text.to_string();
    }
    let all: Vec<char> = text.chars().collect();
    for kept in (0..all.len()).rev() {
        let (begin, end) = (kept / 2, all.len() - kept.div_ceil(2));
        let shortened: String = all[..begin].iter().chain(&['…']).chain(&all[end..]).collect();
        if width(&shortened, ink) <= room {
            return shortened;
        }
    }
    String::new()
}

/// The text in lines no wider than `room`, broken at spaces; a longer word is cut. At most four
/// lines.
pub(in crate::figures) fn wrapped(text: &str, ink: Ink, room: i32) -> Vec<String> {
    const LINES: usize = 4;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), ink) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    if lines.len() > LINES {
        let rest = lines.split_off(LINES - 1).join(" ");
        lines.push(rest);
    }
    lines.iter().map(|line| fitted(line, ink, room)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::drawing::style::NOTE;

    #[test]
    fn a_text_too_wide_is_cut_with_an_ellipsis() {
        let long = "sub-".to_string() + &"verylong".repeat(40);
        let cut = fitted(&long, NOTE, 400);
        assert!(cut.ends_with('…') && cut.starts_with("sub-very") && width(&cut, NOTE) <= 400);
        assert_eq!(fitted("short", NOTE, 400), "short");
        assert_eq!(fitted("anything", NOTE, 0), "");
        let within = |end: &str| fitted_within(&format!("{long}{end}"), NOTE, 400);
        assert!(within("01").starts_with("sub-v") && within("01").ends_with("ong01"));
        assert!(within("01") != within("02") && width(&within("01"), NOTE) <= 400);
        assert_eq!(fitted_within("anything", NOTE, 0), "");
    }

    #[test]
    fn wrapping_keeps_every_word_and_the_width() {
        let text = "eins zwei drei vier fünf sechs sieben acht";
        let lines = wrapped(text, NOTE, 500);
        assert!(lines.len() > 1 && lines.iter().all(|line| width(line, NOTE) <= 500));
        assert_eq!(lines.join(" "), text);
        assert!(wrapped("", NOTE, 500).is_empty());
    }
}
