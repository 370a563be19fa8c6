//! Line editing: several lines as long as a block is open, history, completion of names.

use std::path::PathBuf;
use std::sync::Arc;

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Helper};

use super::history;
use crate::session::{Completeness, Manual, Session, completeness};
use crate::{Error, Result};

const PROMPT: &str = "u2ad> ";

/// The shell's editor.
pub(super) struct Editor {
    inner: rustyline::Editor<Assistant, DefaultHistory>,
    history: Option<PathBuf>,
}

/// What the user did at the prompt.
pub(super) enum Line {
    Source(String),
    /// Ctrl-C: nothing to run.
    Cleared,
    /// Ctrl-D.
    End,
}

impl Editor {
    pub fn new(session: Arc<Session>) -> Result<Self> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .auto_add_history(true)
            .bracketed_paste(true)
            .build();
        let mut inner = rustyline::Editor::with_config(config).map_err(failed)?;
        inner.set_helper(Some(Assistant(session)));
        let history = history::file();
        if let Some(history) = &history {
            // There is none before the first session.
            inner.load_history(history).ok();
        }
        Ok(Self { inner, history })
    }

    /// Waits for a complete cell.
    pub fn read(&mut self) -> Result<Line> {
        match self.inner.readline(PROMPT) {
            Ok(source) => {
                if let Some(history) = &self.history {
                    // A full disk must not end the session.
                    self.inner.append_history(history).ok();
                }
                Ok(Line::Source(source))
            }
            Err(ReadlineError::Interrupted) => Ok(Line::Cleared),
            Err(ReadlineError::Eof) => Ok(Line::End),
            Err(error) => Err(failed(error)),
        }
    }
}

fn failed(error: ReadlineError) -> Error {
    Error::input(format!("the terminal cannot be read: {error}"))
}

/// What rustyline asks while the user types.
struct Assistant(Arc<Session>);

impl Helper for Assistant {}

impl Hinter for Assistant {
    type Hint = String;
}

impl Highlighter for Assistant {}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext) -> rustyline::Result<ValidationResult> {
        // Text that no line can mend is handed over too: running it reports the error.
        Ok(match completeness(context.input()) {
            Completeness::Incomplete { .. } => ValidationResult::Incomplete,
            Completeness::Complete | Completeness::Invalid => ValidationResult::Valid(None),
        })
    }
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = &line[..position];
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let start = before.trim_end_matches(is_part).len();
        let word = &before[start..];
        let names = self.0.names();
        let candidates: Vec<String> = match before[..start].strip_suffix('.') {
            // After a dot: the attributes of a name's value.
            Some(owner) => {
                let owner = &owner[owner.trim_end_matches(is_part).len()..];
                let value = names.into_iter().find(|name| name.name == owner);
                value.map(|value| value.attributes).unwrap_or_default()
            }
            None => {
                let verbs = Manual::get().verbs().map(|verb| verb.name.clone());
                verbs.chain(names.into_iter().map(|name| name.name)).collect()
            }
        };
        let mut pairs: Vec<_> = candidates
            .into_iter()
            .filter(|candidate| candidate.starts_with(word))
            .map(|name| Pair { display: name.clone(), replacement: name })
            .collect();
        pairs.sort_by(|a, b| a.display.cmp(&b.display));
        pairs.dedup_by(|a, b| a.display == b.display);
        Ok((start, pairs))
    }
}
