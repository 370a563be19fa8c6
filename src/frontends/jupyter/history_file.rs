//! The file behind the history: one JSON object a line in the user's state folder, shared by kernels
//! that run at the same time. It is read when somebody asks, and never grows without limit.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Bytes of an entry's output; a history is there to find cells, not what they showed.
const MOST_OUTPUT: usize = 16 << 10;
/// A file of more bytes loses its oldest half when a kernel starts.
const MOST_BYTES: u64 = 16 << 20;
/// A longer line is not read. Earlier versions wrote outputs of any size.
const LONGEST_LINE: u64 = 8 << 20;
/// Bytes that are read at once on the way back to the last session.
const BLOCK: u64 = 64 << 10;

/// One run cell; one without a line starts a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub session: usize,
    pub line: usize,
    pub input: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
}

/// An open history file.
#[derive(Debug)]
pub(super) struct HistoryFile(File);

impl HistoryFile {
    /// Opens the file, which need not exist, and starts a session in it; gives its number.
    pub fn open(path: &Path) -> io::Result<(Self, usize)> {
        let file =
            OpenOptions::new().read(true).append(true).create(true).truncate(false).open(path)?;
        let mut history = Self(file);
        // Two kernels that start at once must not take the same session.
        let session = history.locked(|history| {
            let last = match history.0.metadata()?.len() > MOST_BYTES {
                true => history.shorten()?,
                false => history.last_session()?,
            };
            let session = last + 1;
            let start = Entry { session, line: 0, input: String::new(), output: String::new() };
            history.0.write_all(&json_line(&start)?)?;
            Ok(session)
        })?;
        Ok((history, session))
    }

    /// Adds an entry.
    pub fn push(&mut self, entry: &Entry) -> io::Result<()> {
        let line = json_line(entry)?;
        // Kernels must not tear each other's lines.
        self.locked(|history| history.0.write_all(&line))
    }

    /// The cells in the file, oldest first.
    pub fn entries(&mut self) -> io::Result<Vec<Entry>> {
        self.locked(|history| {
            let mut entries = Vec::new();
            history.each_line(|line| {
                entries.extend(entry(line).filter(|entry| entry.line > 0));
            })?;
            Ok(entries)
        })
    }

    fn locked<R>(&mut self, work: impl FnOnce(&mut Self) -> io::Result<R>) -> io::Result<R> {
        self.0.lock()?;
        let outcome = work(self);
        self.0.unlock()?;
        outcome
    }

    /// The number of the session that started last: the last start in the file, since sessions
    /// start one after another. Looked for from the end.
    fn last_session(&mut self) -> io::Result<usize> {
        let (mut begin, mut text) = (self.0.metadata()?.len(), Vec::new());
        while begin > 0 {
            let length = BLOCK.min(begin);
            begin -= length;
            self.0.seek(SeekFrom::Start(begin))?;
            let mut block = vec![0; length as usize];
            self.0.read_exact(&mut block)?;
            // The first line may have begun in the block before: it is looked at again.
            let first_end = match begin {
                0 => 0,
                _ => block.iter().position(|byte| *byte == b'\n').map_or(block.len(), |at| at + 1),
            };
            let whole = [&block[first_end..], &text].concat();
            let mut entries = whole.split(|byte| *byte == b'\n').filter_map(entry);
            if let Some(start) = entries.rfind(|entry| entry.line == 0) {
                return Ok(start.session);
            }
            text = match first_end == block.len() && text.len() as u64 > LONGEST_LINE {
                true => Vec::new(),
                false if first_end == block.len() => [block, text].concat(),
                false => block[..first_end].to_vec(),
            };
        }
        Ok(0)
    }

    /// Keeps the latest entries, half of what the file may hold; gives the number of the session that
    /// started last.
    fn shorten(&mut self) -> io::Result<usize> {
        let mut lines = std::collections::VecDeque::new();
        let (mut bytes, mut last) = (0, 0);
        self.each_line(|line| {
            let Some(entry) = entry(line) else { return };
            last = last.max(entry.session);
            let Ok(line) = json_line(&entry) else { return };
            bytes += line.len() as u64;
            lines.push_back(line);
            while bytes > MOST_BYTES / 2
                && let Some(oldest) = lines.pop_front()
            {
                bytes -= oldest.len() as u64;
            }
        })?;
        self.0.set_len(0)?;
        lines.iter().try_for_each(|line| self.0.write_all(line))?;
        Ok(last)
    }

    /// Passes every line that is not too long.
    fn each_line(&mut self, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        self.0.rewind()?;
        let mut reader = BufReader::new(&self.0);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line)?;
            if read == 0 {
                return Ok(());
            }
            if read as u64 == LONGEST_LINE && !line.ends_with(b"\n") {
                reader.skip_until(b'\n')?;
                continue;
            }
            take(&line);
        }
    }
}

/// The entry in a line. A line written by another version or cut off by a crash has none.
fn entry(line: &[u8]) -> Option<Entry> {
    let entry: Entry = serde_json::from_slice(line).ok()?;
    Some(Entry { output: cut(entry.output), ..entry })
}

fn json_line(entry: &Entry) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    Ok(line)
}

/// An output of no more than [`MOST_OUTPUT`] bytes; dots say that there was more.
pub(super) fn cut(mut output: String) -> String {
    if output.len() > MOST_OUTPUT {
        let end = (0..=MOST_OUTPUT).rev().find(|end| output.is_char_boundary(*end));
        output.truncate(end.unwrap_or(0));
        output.push('…');
        output.shrink_to_fit();
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(session: usize, line: usize, input: &str, output: &str) -> Entry {
        Entry { session, line, input: input.into(), output: output.into() }
    }

    #[test]
    fn the_last_session_is_found_behind_much_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        let (mut first, session) = HistoryFile::open(&path).unwrap();
        assert_eq!(session, 1);
        let (mut second, session) = HistoryFile::open(&path).unwrap();
        assert_eq!(session, 2);
        // Entries of both, of lengths that end anywhere in a block.
        for line in 1..200 {
            first.push(&cell(1, line, &"x".repeat(line * 37 % 3000), "")).unwrap();
            second.push(&cell(2, line, &"é\n".repeat(line * 53 % 3000), "")).unwrap();
        }
        first.push(&cell(1, 200, &"y".repeat(3 * BLOCK as usize), "")).unwrap();
        assert_eq!(HistoryFile::open(&path).unwrap().1, 3);
        assert_eq!(first.entries().unwrap().len(), 399);
    }

    #[test]
    fn a_file_that_grew_too_large_is_shortened_and_long_lines_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        let (mut old, _) = HistoryFile::open(&path).unwrap();
        old.push(&cell(1, 1, "early", "")).unwrap();
        old.push(&cell(1, 2, "'x' * 100000000", &"x".repeat(12 << 20))).unwrap();
        for line in 3..2000 {
            old.push(&cell(1, line, &"z".repeat(5000), "")).unwrap();
        }
        let (mut later, session) = HistoryFile::open(&path).unwrap();
        assert_eq!(session, 2);
        assert!(std::fs::metadata(&path).unwrap().len() <= MOST_BYTES / 2 + 100);
        let entries = later.entries().unwrap();
        assert_eq!(entries.last().unwrap().line, 1999);
        assert!(entries.iter().all(|entry| entry.output.is_empty()));
        old.push(&cell(1, 2000, "still", "")).unwrap();
        assert_eq!(later.entries().unwrap().last().unwrap().input, "still");
    }

    #[test]
    fn an_output_is_cut_between_characters() {
        let output = cut("é".repeat(MOST_OUTPUT));
        assert!(output.len() <= MOST_OUTPUT + 3 && output.ends_with("é…"));
        assert_eq!(cut("short".to_owned()), "short");
    }
}
