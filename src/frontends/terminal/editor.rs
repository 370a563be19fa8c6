//! The prompt: several lines as long as a cell is unfinished, history, completion, colours.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::config::BellStyle;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{CompletionType, Config};

use super::assistant::{Assistant, CompletionSource};
use super::external_editor::edit_externally;
use super::{history, keys};
use crate::{Error, Result};

const PROMPT: &str = "u2ad> ";

/// Cells remembered across sessions.
const REMEMBERED: usize = 10_000;

/// The shell's editor.
pub(super) struct Editor {
    inner: rustyline::Editor<Assistant, DefaultHistory>,
    history: Option<PathBuf>,
    /// Raised when Ctrl-O ended the line.
    edit_requested: Arc<AtomicBool>,
}

/// What the user did at the prompt.
pub(super) enum Line {
    /// A cell or a command.
    Text(String),
    /// Ctrl-C: nothing to run.
    Cleared,
    /// Ctrl-D.
    End,
}

impl Editor {
    /// A prompt that completes what `source` knows.
    pub fn new(source: Arc<dyn CompletionSource>) -> Result<Self> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .completion_show_all_if_ambiguous(true)
            .completion_prompt_limit(1000)
            .bell_style(BellStyle::None)
            .max_history_size(REMEMBERED)
            .map_err(unreadable)?
            .build();
        let mut inner = rustyline::Editor::with_config(config).map_err(unreadable)?;
        inner.set_helper(Some(Assistant::new(source)));
        let edit_requested = Arc::new(AtomicBool::new(false));
        keys::bind(&mut inner, edit_requested.clone());
        let history = history::file();
        if let Some(history) = &history {
            // There is none before the first session.
            inner.load_history(history).ok();
        }
        Ok(Self { inner, history, edit_requested })
    }

    /// Waits for a cell or command.
    pub fn read(&mut self) -> Result<Line> {
        let mut draft = String::new();
        loop {
            // What was typed before belongs to an earlier line.
            self.typed();
            match self.inner.readline_with_initial(PROMPT, (&draft, "")) {
                Ok(text) if self.edit_requested.swap(false, Ordering::SeqCst) => {
                    draft = self.edited(text);
                }
                Ok(text) => {
                    let text = text.trim_end().to_owned();
                    self.remember(&text);
                    return Ok(Line::Text(text));
                }
                Err(ReadlineError::Interrupted) => return Ok(Line::Cleared),
                Err(ReadlineError::Eof) => return Ok(Line::End),
                // A byte that is no character, from a terminal with another encoding or a program:
                // the work behind the prompt must not end with it.
                Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                    draft = self.typed();
                    eprintln!("a byte was left out: it is not UTF-8, which u2ad reads");
                }
                Err(error) => return Err(unreadable(error)),
            }
        }
    }

    /// What was typed when reading ended with an error.
    fn typed(&self) -> String {
        self.inner.helper().map(Assistant::take_typed).unwrap_or_default()
    }

    /// Asks a question that "y" answers with yes, anything else with no.
    pub fn confirm(&mut self, question: &str) -> bool {
        self.inner.helper_mut().into_iter().for_each(|assistant| assistant.mute(true));
        let answer = self.inner.readline(&format!("{question} [y/N] "));
        self.inner.helper_mut().into_iter().for_each(|assistant| assistant.mute(false));
        match answer {
            Ok(answer) => matches!(answer.trim(), "y" | "Y" | "yes"),
            // A second Ctrl-D confirms.
            Err(ReadlineError::Eof) => true,
            Err(_) => false,
        }
    }

    /// A text, or the last cell, as the user changed it in their own editor.
    fn edited(&mut self, text: String) -> String {
        let last = || self.inner.history().iter().last().cloned().unwrap_or_default();
        let draft = if text.trim().is_empty() { last() } else { text };
        match edit_externally(&draft) {
            Ok(text) => text.trim_end().to_owned(),
            Err(error) => {
                eprintln!("error: {error}");
                draft
            }
        }
    }

    fn remember(&mut self, text: &str) {
        let added = self.inner.add_history_entry(text).unwrap_or(false);
        if let (true, Some(history)) = (added, &self.history) {
            // A full disk must not end the session.
            self.inner.append_history(history).ok();
        }
    }
}

fn unreadable(error: ReadlineError) -> Error {
    Error::input(format!("the terminal cannot be read: {error}"))
}
