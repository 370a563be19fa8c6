//! The text of an open file, and places in it. The protocol counts lines from 0, and columns in units of
//! UTF-16; the session counts characters, the language bytes.

use std::ops::Range;

use lsp_types::Position;

/// The text of an open file.
pub(super) struct Document {
    pub text: String,
    /// Bytes at which lines begin.
    lines: Vec<usize>,
}

impl Document {
    pub fn new(text: String) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
        let lines = lines.collect();
        Self { text, lines }
    }

    /// The byte at a position; the end of a line or of the text if the position lies behind it.
    pub fn byte(&self, position: Position) -> usize {
        let Some(begin) = self.lines.get(position.line as usize) else { return self.text.len() };
        let line = self.line(position.line as usize);
        let mut units = 0;
        for (at, letter) in line.char_indices() {
            if units >= position.character {
                return begin + at;
            }
            units += letter.len_utf16() as u32;
        }
        begin + line.len()
    }

    /// The character at a position, counted from 0.
    pub fn character(&self, position: Position) -> usize {
        self.text[..self.byte(position)].chars().count()
    }

    /// The position of a byte that begins a character.
    pub fn position(&self, byte: usize) -> Position {
        let line = self.lines.partition_point(|begin| *begin <= byte).saturating_sub(1);
        let begin = self.lines[line];
        let units = self.text[begin..byte.max(begin)].encode_utf16().count();
        Position::new(line as u32, units as u32)
    }

    pub fn range(&self, bytes: &Range<usize>) -> lsp_types::Range {
        lsp_types::Range::new(self.position(bytes.start), self.position(bytes.end))
    }

    /// The byte of a character, counted from 0.
    pub fn byte_of(&self, character: usize) -> usize {
        self.text.char_indices().nth(character).map_or(self.text.len(), |(at, _)| at)
    }

    /// Bytes of some characters of a line; line and column are counted from 1.
    pub fn in_line(&self, line: usize, column: usize, width: usize) -> Range<usize> {
        let line = line.saturating_sub(1).min(self.lines.len() - 1);
        let text = self.line(line);
        let byte = |characters: usize| {
            let at = text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at);
            self.lines[line] + at
        };
        let from = column.saturating_sub(1);
        byte(from)..byte(from + width)
    }

    /// A line, counted from 0, without its end.
    fn line(&self, line: usize) -> &str {
        let end = self.lines.get(line + 1).copied().unwrap_or(self.text.len());
        self.text[self.lines[line]..end].trim_end_matches(['\n', '\r'])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_units_of_utf_16() {
        let document = Document::new("é = '𝄞'\r\nx\n".to_owned());
        let place = Position::new(0, 7);
        assert_eq!(&document.text[..document.byte(place)], "é = '𝄞");
        assert_eq!(document.character(place), 6);
        assert_eq!(document.position(document.byte(place)), place);
        assert_eq!(document.byte(Position::new(0, 99)), "é = '𝄞'".len());
        assert_eq!(document.position(document.text.len()), Position::new(2, 0));
        assert_eq!(document.byte(Position::new(9, 0)), document.text.len());
        assert_eq!(&document.text[document.in_line(1, 5, 3)], "'𝄞'");
        assert_eq!(&document.text[document.in_line(2, 1, 9)], "x");
        assert_eq!(document.byte_of(6), document.byte(place));
    }
}
