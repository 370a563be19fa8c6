//! What the editor asks while the user types: completions, colours, hints.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use rustyline::completion::{Candidate, Completer};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter, HistoryHinter};
use rustyline::validate::Validator;
use rustyline::{CompletionType, Context, Helper};
use unicode_width::UnicodeWidthStr;

use crate::frontends::commands::{COMMANDS, command_line};
use crate::frontends::images::Window;
use crate::language::Highlight;
use crate::report::shortened;
use crate::session::{CandidateKind, Completions, Session, highlight};

/// Where completions come from: a session, or a kernel with one.
pub(super) trait CompletionSource {
    /// What could stand before the character `cursor` of `source`, counted from 0.
    fn complete(&self, source: &str, cursor: usize) -> Completions;
}

impl CompletionSource for Session {
    fn complete(&self, source: &str, cursor: usize) -> Completions {
        Session::complete(self, source, cursor)
    }
}

/// A line of more bytes is not painted anew at every key: a long text that arrives as typed keys, from
/// a terminal that does not mark what is pasted, would take minutes.
const MOST_REPAINTED: usize = 2000;

/// The editor's helper.
pub(super) struct Assistant {
    source: Arc<dyn CompletionSource>,
    history: HistoryHinter,
    /// Set while the line is an answer, not source.
    muted: bool,
    /// The line as far as it is typed.
    typed: RefCell<String>,
}

impl Assistant {
    pub fn new(source: Arc<dyn CompletionSource>) -> Self {
        Self { source, history: HistoryHinter::new(), muted: false, typed: RefCell::default() }
    }

    /// Stops helping, or helps again.
    pub fn mute(&mut self, muted: bool) {
        self.muted = muted;
    }

    /// The line as far as it was typed; a new one begins.
    pub fn take_typed(&self) -> String {
        self.typed.take()
    }
}

impl Helper for Assistant {}

/// The Enter key decides whether a cell is complete.
impl Validator for Assistant {}

/// The rest of an earlier cell that began like this one.
pub(super) struct HistoryHint {
    whole: String,
    /// Its first line.
    shown: String,
}

impl Hint for HistoryHint {
    fn display(&self) -> &str {
        &self.shown
    }

    fn completion(&self) -> Option<&str> {
        Some(&self.whole)
    }
}

impl Hinter for Assistant {
    type Hint = HistoryHint;

    fn hint(&self, line: &str, position: usize, context: &Context<'_>) -> Option<HistoryHint> {
        line.clone_into(&mut self.typed.borrow_mut());
        if self.muted || line.contains('\n') {
            return None;
        }
        let whole = self.history.hint(line, position, context)?;
        let shown = match whole.split_once('\n') {
            Some((first, _)) => format!("{first} …"),
            None => whole.clone(),
        };
        Some(HistoryHint { whole, shown })
    }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        if self.muted || command_line(line).is_some() {
            return line.into();
        }
        let (mut painted, mut done) = (String::new(), 0);
        for (range, meaning) in highlight(line) {
            painted.push_str(&line[done..range.start]);
            let text = &line[range.clone()];
            match colour(meaning) {
                Some(colour) => painted.push_str(&format!("\x1b[{colour}m{text}\x1b[0m")),
                None => painted.push_str(text),
            }
            done = range.end;
        }
        painted.push_str(&line[done..]);
        painted.into()
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        format!("\x1b[1;36m{prompt}\x1b[0m").into()
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        format!("\x1b[2m{hint}\x1b[0m").into()
    }

    fn highlight_candidate<'c>(&self, candidate: &'c str, _: CompletionType) -> Cow<'c, str> {
        // The explanation follows two spaces.
        match candidate.trim_end().split_once("  ") {
            Some((name, detail)) => format!("{name}  \x1b[2m{detail}\x1b[0m").into(),
            None => candidate.into(),
        }
    }

    fn highlight_char(&self, line: &str, _: usize, kind: CmdKind) -> bool {
        let is_typed = kind == CmdKind::Other;
        !self.muted && kind != CmdKind::MoveCursor && !(is_typed && line.len() > MOST_REPAINTED)
    }
}

/// The colour of a word, one of the terminal's own eight so that its theme decides.
fn colour(meaning: Highlight) -> Option<&'static str> {
    match meaning {
        Highlight::Keyword => Some("35"),
        Highlight::Constant | Highlight::Number => Some("33"),
        Highlight::Function => Some("34"),
        Highlight::Argument => Some("36"),
        Highlight::Text => Some("32"),
        Highlight::Comment => Some("2"),
        Highlight::Invalid => Some("31"),
        Highlight::Attribute | Highlight::Operator | Highlight::Bracket => None,
    }
}

/// One possible completion.
pub(super) struct Completion {
    /// A row of the list.
    row: String,
    replacement: String,
}

impl Candidate for Completion {
    fn display(&self) -> &str {
        &self.row
    }

    fn replacement(&self) -> &str {
        &self.replacement
    }
}

/// Completions with what explains each, as rows of a list: aligned and in full where all have
/// room, else names alone.
fn completion_rows(completions: Vec<(String, String)>, window: &Window) -> Vec<Completion> {
    let explained = completions.len() as u32 + 4 <= window.rows;
    let width = completions.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
    let row = |name: &str, detail: &str| {
        if !explained || detail.is_empty() {
            return name.to_owned();
        }
        let pad = " ".repeat(width - name.width());
        let row = format!("{name}{pad}  {detail}");
        shortened(&row, window.columns.saturating_sub(3) as usize)
    };
    completions
        .into_iter()
        .map(|(name, detail)| Completion { row: row(&name, &detail), replacement: name })
        .collect()
}

impl Assistant {
    /// Where the completed word begins, and its completions with what explains each.
    fn completions(&self, line: &str, position: usize) -> (usize, Vec<(String, String)>) {
        let found = self.source.complete(line, line[..position].chars().count());
        let byte = line.char_indices().nth(found.start).map_or(line.len(), |(byte, _)| byte);
        let explained = found.candidates.into_iter().map(|candidate| {
            let detail = match (candidate.detail, candidate.kind) {
                (Some(detail), _) => detail,
                (None, CandidateKind::Value | CandidateKind::Path) => String::new(),
                (None, kind) => kind.name().to_owned(),
            };
            (candidate.text, detail)
        });
        (byte, explained.collect())
    }
}

impl Completer for Assistant {
    type Candidate = Completion;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Completion>)> {
        if self.muted {
            return Ok((position, Vec::new()));
        }
        let (start, completions) = match line.strip_prefix(':') {
            Some(command) if !command.contains(char::is_whitespace) => (1, commands(command)),
            _ => self.completions(line, position),
        };
        Ok((start, completion_rows(completions, &Window::current())))
    }
}

fn commands(typed: &str) -> Vec<(String, String)> {
    let matching = COMMANDS.iter().filter(|command| command.name.starts_with(typed));
    matching.map(|command| (command.name.to_owned(), command.summary.to_owned())).collect()
}
