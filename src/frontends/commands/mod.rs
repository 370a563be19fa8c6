//! Commands beside the language: lines that begin with a colon, such as `:who`. They act on the
//! session, never on values, and are the same in every interactive front end.

mod table;
mod transcript;

use crate::language::CellError;
use crate::session::{Display, Session};
use crate::{Error, Result};

pub(super) use self::table::COMMANDS;

/// What a front end provides to a command.
pub(super) trait CommandHost {
    fn session(&self) -> &Session;

    /// Runs a cell as if it had been typed, and shows what it shows.
    ///
    /// # Errors
    /// Why the cell stopped.
    fn run(&mut self, source: &str) -> std::result::Result<(), CellError>;

    /// Shows something that does not come from a cell.
    fn show(&mut self, display: Display);

    /// Says how figures are drawn, after switching to `choice` if it is given.
    ///
    /// # Errors
    /// For another name, or where figures are always drawn the same way.
    fn images(&mut self, choice: Option<&str>) -> Result<String>;

    /// Whether figures and the end of the session are the front end's own affair.
    fn is_notebook(&self) -> bool {
        false
    }
}

/// A command and its line in `:help`.
pub(super) struct Command {
    pub name: &'static str,
    /// What follows the name, as help writes it.
    pub arguments: &'static str,
    pub summary: &'static str,
    run: fn(&mut dyn CommandHost, &str) -> std::result::Result<Next, CellError>,
}

/// What happens after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Stay,
    Quit,
}

/// The command line in a text: what follows the colon. `None` for source of the language.
pub(super) fn command_line(text: &str) -> Option<&str> {
    let line = text.trim().strip_prefix(':')?;
    (!line.contains('\n')).then_some(line)
}

/// Runs what follows the colon.
///
/// # Errors
/// If there is no such command, it cannot do what it is asked for, or its cell stopped.
pub(super) fn run(line: &str, host: &mut dyn CommandHost) -> std::result::Result<Next, CellError> {
    let (name, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let command = COMMANDS.iter().find(|command| command.name == name);
    let Some(command) = command else {
        let begins_so = |command: &&Command| !name.is_empty() && command.name.starts_with(name);
        let hint = match COMMANDS.iter().find(begins_so) {
            Some(command) => format!("did you mean `:{}`?", command.name),
            None => ":help lists them".to_owned(),
        };
        let message = format!("there is no command `:{name}`");
        return Err(CellError { hint: Some(hint), ..CellError::new(message) });
    };
    (command.run)(host, argument.trim())
}

fn refused(error: Error) -> CellError {
    CellError::new(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_that_begins_with_a_colon_is_a_command() {
        assert_eq!(command_line(":who"), Some("who"));
        assert_eq!(command_line("  :time 1 + 1 "), Some("time 1 + 1"));
        assert_eq!(command_line("x = {1: 2}"), None);
        assert_eq!(command_line(":who\nx = 1"), None);
    }

    #[test]
    fn names_are_unique_and_help_has_a_sentence_for_each() {
        for (at, command) in COMMANDS.iter().enumerate() {
            assert!(COMMANDS[..at].iter().all(|other| other.name != command.name));
            assert!(command.summary.ends_with('.'), "{}", command.name);
        }
    }
}
