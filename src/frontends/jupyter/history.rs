//! What was run, remembered across kernels: one JSON object a line in the user's state folder.

use std::collections::{HashSet, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, Write};
use std::path::Path;

use jupyter_protocol::{HistoryEntry, HistoryReply};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Entries that are kept in memory and, when a kernel starts, on disk.
const KEPT: usize = 5000;

/// One run cell; one without a line starts a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    session: usize,
    line: usize,
    input: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    output: String,
}

/// The history of this kernel and of those before it.
pub(super) struct History {
    session: usize,
    entries: VecDeque<Entry>,
    /// `None` if the file cannot be written: the history then ends with the kernel.
    file: Option<File>,
}

/// A `history_request`, with what clients leave out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Query {
    hist_access_type: String,
    output: bool,
    session: Option<i64>,
    start: Option<i64>,
    stop: Option<i64>,
    n: Option<i64>,
    pattern: Option<String>,
    unique: Option<bool>,
}

impl History {
    /// Opens the history kept in `file` and starts a session in it; without a file, or if it cannot be
    /// read, an empty one.
    pub fn open(file: Option<&Path>) -> Self {
        file.and_then(|path| Self::read(path).ok()).unwrap_or(Self {
            session: 1,
            entries: VecDeque::new(),
            file: None,
        })
    }

    fn read(path: &Path) -> std::io::Result<Self> {
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).truncate(false).open(path)?;
        // Two kernels that start at once must not take the same session.
        file.lock()?;
        // A line written by another version or cut off by a crash is skipped.
        let mut entries: VecDeque<Entry> = BufReader::new(&file)
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| serde_json::from_str(&line).ok())
            .collect();
        if entries.len() > 2 * KEPT {
            entries.drain(..entries.len() - KEPT);
            file.set_len(0)?;
            file.rewind()?;
            let mut lines = Vec::new();
            for entry in &entries {
                serde_json::to_writer(&mut lines, entry)?;
                lines.push(b'\n');
            }
            file.write_all(&lines)?;
        }
        let session = entries.iter().map(|entry| entry.session).max().unwrap_or(0) + 1;
        let start = Entry { session, line: 0, input: String::new(), output: String::new() };
        writeln!(file, "{}", serde_json::to_string(&start)?)?;
        file.unlock()?;
        entries.retain(|entry| entry.line > 0);
        Ok(Self { session, entries, file: Some(file) })
    }

    /// Adds a cell that was run and the text of its value.
    pub fn push(&mut self, line: usize, input: &str, output: &str) {
        let entry =
            Entry { session: self.session, line, input: input.into(), output: output.into() };
        if let (Some(file), Ok(json)) = (&mut self.file, serde_json::to_string(&entry)) {
            // In one write, so that kernels do not tear each other's lines. A full disk must not
            // stop the work.
            file.write_all(format!("{json}\n").as_bytes()).ok();
        }
        self.entries.push_back(entry);
        if self.entries.len() > 2 * KEPT {
            self.entries.pop_front();
        }
    }

    /// Answers a `history_request`.
    pub fn answer(&self, request: &Value) -> HistoryReply {
        let query: Query = serde_json::from_value(request.clone()).unwrap_or_default();
        let found = match query.hist_access_type.as_str() {
            "tail" => last(self.entries.iter().collect(), query.n),
            "range" => self.range(&query),
            "search" => self.search(&query),
            _ => Vec::new(),
        };
        let entry = |entry: &Entry| {
            let Entry { session, line, input, output } = entry.clone();
            match query.output {
                true => HistoryEntry::InputOutput(session, line, (input, output)),
                false => HistoryEntry::Input(session, line, input),
            }
        };
        HistoryReply::new(found.into_iter().map(entry).collect())
    }

    /// Lines of one session: 0 is this one, a negative number counts back from it.
    fn range(&self, query: &Query) -> Vec<&Entry> {
        let session = match query.session.unwrap_or(0) {
            back if back <= 0 => self.session as i64 + back,
            session => session,
        };
        let from = query.start.unwrap_or(1);
        let to = query.stop.unwrap_or(i64::MAX);
        self.entries
            .iter()
            .filter(|entry| entry.session as i64 == session)
            .filter(|entry| (from..to).contains(&(entry.line as i64)))
            .collect()
    }

    fn search(&self, query: &Query) -> Vec<&Entry> {
        let pattern: Vec<char> = query.pattern.as_deref().unwrap_or("*").chars().collect();
        let is_match = |entry: &&Entry| matches(&pattern, &entry.input.chars().collect::<Vec<_>>());
        let mut found: Vec<_> = self.entries.iter().filter(is_match).collect();
        if query.unique.unwrap_or(false) {
            // The last of equal ones stays.
            let mut seen = HashSet::new();
            found.reverse();
            found.retain(|entry| seen.insert(entry.input.as_str()));
            found.reverse();
        }
        last(found, query.n)
    }
}

fn last(mut entries: Vec<&Entry>, n: Option<i64>) -> Vec<&Entry> {
    if let Some(n) = n.and_then(|n| usize::try_from(n).ok()) {
        entries.drain(..entries.len().saturating_sub(n));
    }
    entries
}

/// Whether a text matches a pattern where `*` stands for anything and `?` for one character.
fn matches(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on if the last star must swallow one more character.
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn inputs(history: &History, request: Value) -> Vec<String> {
        let entry = |entry: HistoryEntry| match entry {
            HistoryEntry::Input(_, _, input) | HistoryEntry::InputOutput(_, _, (input, _)) => input,
        };
        history.answer(&request).history.into_iter().map(entry).collect()
    }

    fn filled() -> History {
        let mut history = History::open(None);
        for (line, input) in ["a = 1", "b = 2", "a = 1", "c = 3"].iter().enumerate() {
            history.push(line + 1, input, "");
        }
        history
    }

    #[test]
    fn tail_range_and_search_find_what_they_say() {
        let history = filled();
        let tail = json!({"hist_access_type": "tail", "n": 2});
        assert_eq!(inputs(&history, tail), ["a = 1", "c = 3"]);
        let range = json!({"hist_access_type": "range", "session": 0, "start": 2, "stop": 4});
        assert_eq!(inputs(&history, range), ["b = 2", "a = 1"]);
        let search = |more: Value| {
            let mut request = json!({"hist_access_type": "search", "pattern": "? = *"});
            request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            inputs(&history, request)
        };
        assert_eq!(search(json!({})).len(), 4);
        assert_eq!(search(json!({"unique": true})), ["b = 2", "a = 1", "c = 3"]);
        assert_eq!(search(json!({"n": 1})), ["c = 3"]);
        assert_eq!(search(json!({"n": null, "unique": null})).len(), 4);
        assert_eq!(inputs(&history, json!({"hist_access_type": 3})), Vec::<String>::new());
    }

    #[test]
    fn a_pattern_spans_lines_and_backtracks() {
        let is_match = |pattern: &str, text: &str| {
            matches(&pattern.chars().collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>())
        };
        assert!(is_match("a*b*c", "a\nbb\nc"));
        assert!(is_match("*", ""));
        assert!(!is_match("a?c", "ac"));
        assert!(!is_match("a*d", "abc"));
    }

    #[test]
    fn the_history_outlives_the_kernel_and_sessions_count_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        let mut first = History::open(Some(&path));
        first.push(1, "x = \"é\"\ny = 2", "");
        std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(b"{\"session\": 1, torn\n"))
            .unwrap();
        let mut second = History::open(Some(&path));
        assert_eq!(second.session, 2);
        second.push(1, "z = 3", "3");
        let third = History::open(Some(&path));
        let tail = json!({"hist_access_type": "tail", "n": 9, "output": true});
        assert_eq!(inputs(&third, tail), ["x = \"é\"\ny = 2", "z = 3"]);
        let before = json!({"hist_access_type": "range", "session": -1});
        assert_eq!(inputs(&third, before), ["z = 3"]);
    }
}
