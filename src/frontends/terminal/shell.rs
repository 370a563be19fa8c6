//! The session behind the prompt: cells and commands in, screens out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::echo_off::EchoOff;
use super::editor::Editor;
use crate::Result;
use crate::frontends::ImageChoice;
use crate::frontends::commands::{self, CommandHost, Next, command_line};
use crate::frontends::console::Console;
use crate::frontends::images::Protocol;
use crate::language::{CellError, Question, question};
use crate::options::Choice;
use crate::report::RunStatus;
use crate::session::{Cell, Display, Part, Session, journal_time};

/// The name of the script in the run folder.
pub(super) const COPY: &str = "shell.star";

/// The shell without its prompt.
pub(super) struct Shell {
    session: Arc<Session>,
    console: Arc<Console>,
}

impl Shell {
    pub fn new(session: Arc<Session>, console: Arc<Console>) -> Self {
        Self { session, console }
    }

    /// Handles the typed text: a cell or a command.
    pub fn take(&mut self, text: &str) -> Next {
        if text.trim().is_empty() {
            return Next::Stay;
        }
        let outcome = match (command_line(text), question(text)) {
            (Some(line), _) => commands::run(line, self),
            (None, Some(question)) => self.answer(&question).map(|()| Next::Stay),
            (None, None) => self.run(text).map(|()| Next::Stay),
        };
        outcome.unwrap_or_else(|error| {
            self.console.fail(&error);
            Next::Stay
        })
    }

    /// Shows the page that answers a question.
    fn answer(&self, question: &Question) -> Result<(), CellError> {
        let page = self.session.answer(question)?;
        self.console.show(&Display::of([Part::Page(page)]));
        Ok(())
    }

    /// Restores the session in the folder and reports what was restored. Says whether the session can go on
    /// there: not if its journal could not be read after all.
    pub fn resume(&self) -> bool {
        let echo_off = EchoOff::new();
        let outcome = self.session.resume();
        drop(echo_off);
        match outcome {
            Ok(display) => {
                display.iter().for_each(|display| self.console.show(display));
                true
            }
            Err(error) => {
                self.console.fail(&error);
                error.interrupted
            }
        }
    }

    /// Tells the user that a session can be restored.
    pub fn offer(&self, folder: &Path) {
        self.console.tell(&format!(
            "the session in {} did not end: u2ad --resume brings it back",
            folder.display()
        ));
    }

    /// Whether the shell may end now: asks if a job would be lost, or something was learned and not saved.
    pub fn may_end(&self, editor: &mut Editor) -> bool {
        let jobs = self.session.jobs();
        if !jobs.is_empty() && !editor.confirm(&format!("{}. End anyway?", jobs.join("; "))) {
            return false;
        }
        let unsaved = self.session.unsaved_models();
        let question = match &*unsaved {
            [] => return true,
            [one] => format!("{one} was trained and not saved. End anyway?"),
            several => format!("{} were trained and not saved. End anyway?", several.join(", ")),
        };
        editor.confirm(&question)
    }

    /// Closes the folder of a session that ends without its user.
    pub fn end_early(session: &Session, console: &Console) {
        console.keep_script(&session.transcript().to_script(COPY));
        let folder = console.finish(RunStatus::Interrupted);
        Self::tell_how_to_go_on(console, folder);
    }

    /// Closes the session and its folder. Says whether everything that was shown could be written.
    pub fn end(self) -> bool {
        let Self { session, console } = self;
        console.keep_script(&session.transcript().to_script(COPY));
        // The last user of the session: this waits until its journal is closed.
        drop(session);
        let folder = console.finish(RunStatus::Completed);
        Self::tell_how_to_go_on(&console, folder);
        !console.is_incomplete()
    }

    fn tell_how_to_go_on(console: &Console, folder: Option<PathBuf>) {
        if let Some(folder) = folder.filter(|folder| journal_time(folder).is_some()) {
            console.tell(&format!("u2ad --resume {} goes on there", folder.display()));
        }
    }
}

impl CommandHost for Shell {
    fn session(&self) -> &Session {
        &self.session
    }

    fn run(&mut self, source: &str) -> Result<(), CellError> {
        let number = self.session.transcript().cells.len() + 1;
        self.console.log(&format!("[{number}] {source}"));
        let cell = Cell {
            name: format!("cell {number}"),
            source: source.to_owned(),
            folder: PathBuf::new(),
        };
        let echo_off = EchoOff::new();
        let outcome = self.session.run(cell);
        drop(echo_off);
        outcome?.iter().for_each(|value| self.console.show(value));
        Ok(())
    }

    fn show(&mut self, display: Display) {
        self.console.show(&display);
    }

    fn images(&mut self, choice: Option<&str>) -> Result<String> {
        if let Some(name) = choice {
            self.console.choose_images(ImageChoice::from_name(name)?);
        }
        Ok(match self.console.images() {
            (_, Protocol::None) => "figures are saved, not drawn".to_owned(),
            (ImageChoice::Auto, found) => {
                format!("figures are drawn by {} (auto)", ImageChoice::Protocol(found).name())
            }
            (chosen, _) => format!("figures are drawn by {}", chosen.name()),
        })
    }
}
