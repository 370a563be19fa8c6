//! A slice on the screen: the picture, what is known beside it, a line that says where one is.

use unicode_width::UnicodeWidthStr;

use crate::frontends::images::{Placed, Window};
use crate::report::shortened;

/// Columns that notes get beside a picture, at least.
const NOTES: u32 = 36;
/// Columns of the gap before them.
const GAP: u32 = 2;
/// Columns of a picture beside which notes may stand; in a narrower window they stand below.
const NARROWEST: u32 = 22;

/// Between parts of a line.
const DOT: &str = " · ";

/// Where the parts of a frame stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Columns and rows that the picture may take.
    pub picture: (u32, u32),
    /// Rows that notes may take.
    pub notes: u32,
    /// Whether they stand beside the picture, not below it.
    pub beside: bool,
}

impl Layout {
    /// For a window of which so many rows are taken by other things. It depends on nothing else, so that the
    /// picture stays in place from slice to slice.
    pub fn new(window: &Window, taken: u32) -> Self {
        let rows = window.rows.saturating_sub(taken).max(1);
        let columns = window.columns.max(2);
        if columns >= NARROWEST + GAP + NOTES {
            return Self { picture: (columns - GAP - NOTES, rows), notes: rows, beside: true };
        }
        let notes = if rows >= 12 { rows / 3 } else { 0 };
        Self { picture: (columns - 1, rows - notes), notes, beside: false }
    }
}

/// A line with the sequence that sets the colour of the mark before it.
pub(super) struct Line {
    pub text: String,
    pub mark: Option<String>,
}

/// One slice, ready for the screen.
pub(super) struct Frame {
    pub picture: Placed,
    pub layout: Layout,
    pub title: String,
    pub notes: Vec<Line>,
    /// Lines below, from the left edge.
    pub status: Vec<String>,
    /// Of the window.
    pub columns: u32,
}

impl Frame {
    /// Rows above the status.
    fn body(&self) -> u32 {
        let notes = (self.notes.len() as u32 + 1).min(self.layout.notes);
        match self.layout.beside {
            true => self.picture.rows.max(notes),
            false => self.picture.rows + notes,
        }
    }

    /// Rows of everything.
    pub fn rows(&self) -> u32 {
        self.body() + self.status.len() as u32
    }

    /// Writes it from the left end of a row on that has [`Self::rows`] rows below its upper edge; the cursor ends in
    /// the last of them.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\x1b7");
        out.extend_from_slice(&self.picture.bytes);
        out.extend_from_slice(b"\x1b8");
        let column = if self.layout.beside { self.picture.columns + GAP } else { 0 };
        let first = if self.layout.beside { 0 } else { self.picture.rows };
        let width = self.columns.saturating_sub(column + 1) as usize;
        for row in 0..self.body() {
            // What is right of the picture goes, and the whole row below it.
            let edge = if row < self.picture.rows { self.picture.columns } else { 0 };
            out.extend_from_slice(format!("\x1b[{}G\x1b[K", edge + 1).as_bytes());
            if let Some(text) = row.checked_sub(first).and_then(|note| self.note(note, width)) {
                out.extend_from_slice(format!("\x1b[{}G{text}", column + 1).as_bytes());
            }
            out.extend_from_slice(b"\r\n");
        }
        for (number, line) in self.status.iter().enumerate() {
            let end = if number + 1 < self.status.len() { "\r\n" } else { "" };
            let line = shortened(line, self.columns.saturating_sub(1) as usize);
            out.extend_from_slice(format!("\r\x1b[K{line}{end}").as_bytes());
        }
    }

    /// The line of this number beside the picture, the title being the first; where there are more than have
    /// room, the last one says so.
    fn note(&self, number: u32, width: usize) -> Option<String> {
        let there = self.notes.len() as u32 + 1;
        if number >= there.min(self.layout.notes) {
            return None;
        }
        if number + 1 == self.layout.notes && number + 1 < there {
            return Some("…".to_owned());
        }
        if number == 0 {
            return Some(format!("\x1b[1m{}\x1b[0m", shortened(&self.title, width)));
        }
        let Line { text, mark } = &self.notes[number as usize - 1];
        Some(match mark {
            None => shortened(text, width),
            Some(colour) => {
                format!("{colour}━━\x1b[0m {}", shortened(text, width.saturating_sub(3)))
            }
        })
    }

    /// The same as text, for a log.
    pub fn text(&self) -> String {
        let lines = std::iter::once(self.title.as_str())
            .chain(self.status.iter().map(String::as_str))
            .chain(self.notes.iter().map(|line| line.text.as_str()));
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    }
}

/// Parts in as few lines of this width as possible, at most `most`; what has no room is left out.
pub(super) fn flowed(parts: &[String], width: u32, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        let fits = |line: &String| line.width() + DOT.width() + part.width() < width as usize;
        match lines.pop() {
            Some(line) if fits(&line) => lines.push(format!("{line}{DOT}{part}")),
            last => {
                lines.extend(last);
                if lines.len() == most {
                    break;
                }
                lines.push(part.clone());
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(window: &Window, notes: usize) -> Frame {
        let layout = Layout::new(window, 2);
        let picture = Placed { bytes: b"PICTURE".to_vec(), columns: 10, rows: 4 };
        let line = |number| Line { text: format!("note {number}"), mark: None };
        Frame {
            picture,
            layout,
            title: "sub-01".to_owned(),
            notes: (1..=notes).map(line).collect(),
            status: vec!["slice 1 of 3".to_owned(), "q back".to_owned()],
            columns: window.columns,
        }
    }

    fn written(frame: &Frame) -> String {
        let mut bytes = Vec::new();
        frame.write(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn notes_stand_beside_the_picture_where_there_is_room() {
        let wide = Window::default();
        assert_eq!(Layout::new(&wide, 2), Layout { picture: (42, 22), notes: 22, beside: true });
        let narrow = Window { columns: 40, ..wide };
        assert_eq!(Layout::new(&narrow, 2), Layout { picture: (39, 15), notes: 7, beside: false });
        let tiny = Layout::new(&Window { columns: 1, rows: 1, ..wide }, 2);
        assert_eq!(tiny, Layout { picture: (1, 1), notes: 0, beside: false });
    }

    #[test]
    fn a_frame_has_the_rows_that_it_says() {
        for window in [Window::default(), Window { columns: 40, ..Window::default() }] {
            for notes in [0, 2, 9, 60] {
                let frame = frame(&window, notes);
                let text = written(&frame);
                assert_eq!(text.matches('\n').count() as u32 + 1, frame.rows(), "{text:?}");
                assert!(frame.rows() <= window.rows, "{} notes", notes);
                assert_eq!(text.contains('…'), notes as u32 + 1 > frame.layout.notes);
                assert!(text.starts_with("\x1b7PICTURE\x1b8"), "{text:?}");
            }
        }
    }

    #[test]
    fn lines_are_cut_to_the_window() {
        let mut frame = frame(&Window { columns: 30, ..Window::default() }, 1);
        frame.status = vec!["long ".repeat(20)];
        assert!(written(&frame).ends_with("long long long long long lon…"), "{}", written(&frame));
    }

    #[test]
    fn parts_flow_into_lines() {
        let parts = ["slice 4 of 11", "window", "q back"].map(str::to_owned);
        assert_eq!(flowed(&parts, 80, 2), ["slice 4 of 11 · window · q back"]);
        assert_eq!(flowed(&parts, 24, 2), ["slice 4 of 11 · window", "q back"]);
        assert_eq!(flowed(&parts, 10, 2), ["slice 4 of 11", "window"]);
    }
}
