//! The elements that hold for one frame, as text and numbers.

use super::data_set::{DataSet, Items, Layout, Value};
use super::tags::Tag;

/// Bytes of a text that are looked at; the standard allows far less.
const LONGEST_TEXT: usize = 1024;

/// Where to look for the elements of one frame: its own functional groups, those of all frames, the file.
#[derive(Clone, Copy)]
pub(super) struct Elements<'d, 'a> {
    layout: Layout,
    places: [Option<&'d Items<'a>>; 3],
}

impl<'d, 'a> Elements<'d, 'a> {
    /// The elements of frame `index`, counted from 0.
    pub(super) fn of(data_set: &'d DataSet<'a>, index: usize) -> Self {
        let places = [data_set.frames.get(index), Some(&data_set.shared), Some(&data_set.elements)];
        Self { layout: data_set.layout, places }
    }

    fn find(&self, tag: Tag) -> Option<Value<'a>> {
        let inside = |items: &&Items<'a>| items.iter().find(|(found, _)| *found == tag).copied();
        self.places.iter().flatten().find_map(inside).map(|(_, value)| value)
    }

    /// The text of an element on one line, unless it is empty.
    pub(super) fn text(&self, tag: Tag) -> Option<String> {
        let value = self.find(tag)?;
        Some(text(value.bytes)).filter(|text| !text.is_empty())
    }

    /// The words of an element with several values.
    pub(super) fn words(&self, tag: Tag) -> Vec<String> {
        let Some(text) = self.text(tag) else { return Vec::new() };
        text.split('\\').map(|word| word.trim().to_owned()).collect()
    }

    /// The first number of an element, if it is finite.
    pub(super) fn number(&self, tag: Tag) -> Option<f64> {
        let value = self.find(tag)?;
        number_at(value, 0, self.layout).filter(|number| number.is_finite())
    }

    /// Exactly `N` finite numbers.
    pub(super) fn numbers<const N: usize>(&self, tag: Tag) -> Option<[f64; N]> {
        let value = self.find(tag)?;
        let mut numbers = [0.0; N];
        for (at, number) in numbers.iter_mut().enumerate() {
            *number = number_at(value, at, self.layout).filter(|number| number.is_finite())?;
        }
        number_at(value, N, self.layout).is_none().then_some(numbers)
    }

    /// A whole number that is not negative.
    pub(super) fn count(&self, tag: Tag) -> Option<usize> {
        let number = self.number(tag)?;
        (number.fract() == 0.0 && (0.0..1e9).contains(&number)).then_some(number as usize)
    }
}

/// Text in UTF-8 or, if it is not, in Latin-1. Control characters become spaces: they could drive a terminal.
fn text(bytes: &[u8]) -> String {
    let bytes = bytes.get(..LONGEST_TEXT).unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    };
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.trim().to_owned()
}

/// Number `at` of a value, counted from 0.
fn number_at(value: Value<'_>, at: usize, layout: Layout) -> Option<f64> {
    fn chunk<const N: usize>(bytes: &[u8], at: usize, layout: Layout) -> Option<[u8; N]> {
        let mut chunk: [u8; N] = *bytes.get(at.checked_mul(N)?..)?.first_chunk()?;
        if layout.big_endian {
            chunk.reverse();
        }
        Some(chunk)
    }
    let bytes = value.bytes;
    match &value.kind {
        b"US" => chunk(bytes, at, layout).map(|chunk| f64::from(u16::from_le_bytes(chunk))),
        b"SS" => chunk(bytes, at, layout).map(|chunk| f64::from(i16::from_le_bytes(chunk))),
        b"UL" => chunk(bytes, at, layout).map(|chunk| f64::from(u32::from_le_bytes(chunk))),
        b"SL" => chunk(bytes, at, layout).map(|chunk| f64::from(i32::from_le_bytes(chunk))),
        b"FL" => chunk(bytes, at, layout).map(|chunk| f64::from(f32::from_le_bytes(chunk))),
        b"FD" => chunk(bytes, at, layout).map(f64::from_le_bytes),
        _ => text(bytes).split('\\').nth(at)?.trim().parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_any_bytes_stays_on_one_line() {
        assert_eq!(text(b"t2_tse_sag \0"), "t2_tse_sag");
        assert_eq!(text("Wirbelsäule".as_bytes()), "Wirbelsäule");
        assert_eq!(text(b"Wirbels\xe4ule"), "Wirbelsäule");
        assert_eq!(text(b"a\x1b[2Jb\r\n"), "a [2Jb");
    }

    #[test]
    fn numbers_are_read_by_their_kind() {
        let of = |kind: &Kind, bytes: &[u8], at, layout| {
            number_at(Value { kind: *kind, bytes }, at, layout)
        };
        type Kind = [u8; 2];
        assert_eq!(of(b"DS", b" 1.5\\-2e1 ", 1, Layout::EXPLICIT), Some(-20.0));
        assert_eq!(of(b"DS", b"1.5\\", 1, Layout::EXPLICIT), None);
        assert_eq!(of(b"US", &[1, 2], 0, Layout::EXPLICIT), Some(513.0));
        assert_eq!(of(b"US", &[1, 2], 0, Layout::BIG_ENDIAN), Some(258.0));
        assert_eq!(of(b"FD", &1.5f64.to_le_bytes(), 0, Layout::IMPLICIT), Some(1.5));
        assert_eq!(of(b"FD", &[0; 7], 0, Layout::IMPLICIT), None);
    }
}
