//! What was run, remembered across kernels.

use std::collections::{HashSet, VecDeque};
use std::path::Path;

use jupyter_protocol::{HistoryEntry, HistoryReply};
use serde::Deserialize;
use serde_json::Value;

use super::history_file::{Entry, HistoryFile, cut};

/// Entries that are kept in memory where they cannot be written.
const KEPT: usize = 1000;

/// The history of this kernel and of those before it.
pub(super) struct History {
    session: usize,
    /// `None` if it cannot be written: the history then ends with the kernel.
    file: Option<HistoryFile>,
    /// What could not be written.
    unwritten: VecDeque<Entry>,
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
        let opened = file.and_then(|path| HistoryFile::open(path).ok());
        let (file, session) = opened.map_or((None, 1), |(file, session)| (Some(file), session));
        Self { session, file, unwritten: VecDeque::new() }
    }

    /// Adds a cell that was run and the text of its value, of which only the beginning is kept.
    pub fn push(&mut self, line: usize, input: &str, output: String) {
        let output = cut(output);
        let entry = Entry { session: self.session, line, input: input.into(), output };
        // A full disk must not stop the work.
        if self.file.as_mut().is_none_or(|file| file.push(&entry).is_err()) {
            self.unwritten.push_back(entry);
            if self.unwritten.len() > KEPT {
                self.unwritten.pop_front();
            }
        }
    }

    /// Answers a `history_request`.
    pub fn answer(&mut self, request: &Value) -> HistoryReply {
        let query: Query = serde_json::from_value(request.clone()).unwrap_or_default();
        let written = self.file.as_mut().and_then(|file| file.entries().ok()).unwrap_or_default();
        let entries: Vec<&Entry> = written.iter().chain(&self.unwritten).collect();
        let found = match query.hist_access_type.as_str() {
            "tail" => last(entries, query.n),
            "range" => self.range(entries, &query),
            "search" => search(entries, &query),
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
    fn range<'e>(&self, mut entries: Vec<&'e Entry>, query: &Query) -> Vec<&'e Entry> {
        let session = match query.session.unwrap_or(0) {
            back if back <= 0 => self.session as i64 + back,
            session => session,
        };
        let from = query.start.unwrap_or(1);
        let to = query.stop.unwrap_or(i64::MAX);
        entries.retain(|entry| {
            entry.session as i64 == session && (from..to).contains(&(entry.line as i64))
        });
        entries
    }
}

fn search<'e>(mut entries: Vec<&'e Entry>, query: &Query) -> Vec<&'e Entry> {
    let pattern: Vec<char> = query.pattern.as_deref().unwrap_or("*").chars().collect();
    entries.retain(|entry| matches(&pattern, &entry.input.chars().collect::<Vec<_>>()));
    if query.unique.unwrap_or(false) {
        // The last of equal ones stays.
        let mut seen = HashSet::new();
        entries.reverse();
        entries.retain(|entry| seen.insert(entry.input.as_str()));
        entries.reverse();
    }
    last(entries, query.n)
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
    use std::io::Write;

    use serde_json::json;

    use super::*;

    fn inputs(history: &mut History, request: Value) -> Vec<String> {
        let entry = |entry: HistoryEntry| match entry {
            HistoryEntry::Input(_, _, input) | HistoryEntry::InputOutput(_, _, (input, _)) => input,
        };
        history.answer(&request).history.into_iter().map(entry).collect()
    }

    fn filled() -> History {
        let mut history = History::open(None);
        for (line, input) in ["a = 1", "b = 2", "a = 1", "c = 3"].iter().enumerate() {
            history.push(line + 1, input, String::new());
        }
        history
    }

    #[test]
    fn tail_range_and_search_find_what_they_say() {
        let mut history = filled();
        let tail = json!({"hist_access_type": "tail", "n": 2});
        assert_eq!(inputs(&mut history, tail), ["a = 1", "c = 3"]);
        let range = json!({"hist_access_type": "range", "session": 0, "start": 2, "stop": 4});
        assert_eq!(inputs(&mut history, range), ["b = 2", "a = 1"]);
        let mut search = |more: Value| {
            let mut request = json!({"hist_access_type": "search", "pattern": "? = *"});
            request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            inputs(&mut history, request)
        };
        assert_eq!(search(json!({})).len(), 4);
        assert_eq!(search(json!({"unique": true})), ["b = 2", "a = 1", "c = 3"]);
        assert_eq!(search(json!({"n": 1})), ["c = 3"]);
        assert_eq!(search(json!({"n": null, "unique": null})).len(), 4);
        assert_eq!(inputs(&mut history, json!({"hist_access_type": 3})), Vec::<String>::new());
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
        first.push(1, "x = \"é\"\ny = 2", String::new());
        std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(b"{\"session\": 1, torn\n"))
            .unwrap();
        let mut second = History::open(Some(&path));
        assert_eq!(second.session, 2);
        second.push(1, "z = 3", "3".to_owned());
        let mut third = History::open(Some(&path));
        let tail = json!({"hist_access_type": "tail", "n": 9, "output": true});
        assert_eq!(inputs(&mut third, tail), ["x = \"é\"\ny = 2", "z = 3"]);
        let before = json!({"hist_access_type": "range", "session": -1});
        assert_eq!(inputs(&mut third, before), ["z = 3"]);
    }

    #[test]
    fn a_large_output_is_kept_by_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        let mut history = History::open(Some(&path));
        history.push(1, "'x' * 100000000", "x".repeat(100 << 20));
        assert!(std::fs::metadata(&path).unwrap().len() < 20_000);
        let tail = json!({"hist_access_type": "tail", "n": 1, "output": true});
        let HistoryEntry::InputOutput(1, 1, (input, output)) =
            history.answer(&tail).history.remove(0)
        else {
            panic!("an entry with its output");
        };
        assert_eq!(input, "'x' * 100000000");
        assert!(output.starts_with("xxx") && output.ends_with('…'));
    }
}
