//! Keys that know the language: Enter, Tab, Backspace; and Ctrl-O, which leaves for the user's own
//! editor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::{
    Cmd, ConditionalEventHandler, Event, EventContext, EventHandler, Helper, KeyCode, KeyEvent,
    Modifiers, Movement, RepeatCount,
};

use crate::frontends::commands::command_line;
use crate::language::{Completeness, completeness};

/// Columns of one level of indentation.
const INDENT: usize = 4;

/// Binds the keys. `edit_requested` is raised when Ctrl-O ended the line.
pub(super) fn bind<H: Helper, I: rustyline::history::History>(
    editor: &mut rustyline::Editor<H, I>,
    edit_requested: Arc<AtomicBool>,
) {
    let key = |code| KeyEvent(code, Modifiers::NONE);
    let mut bind = |key: KeyEvent, handler: Box<dyn ConditionalEventHandler>| {
        editor.bind_sequence(key, EventHandler::Conditional(handler));
    };
    bind(key(KeyCode::Enter), Box::new(Enter));
    // What was typed while a cell ran has its line ends as line feeds.
    bind(KeyEvent::ctrl('J'), Box::new(Enter));
    bind(key(KeyCode::Tab), Box::new(Tab));
    bind(key(KeyCode::Backspace), Box::new(Backspace));
    bind(KeyEvent::ctrl('O'), Box::new(OpenEditor(edit_requested)));
    editor.bind_sequence(KeyEvent(KeyCode::Enter, Modifiers::ALT), Cmd::Newline);
}

/// Runs a complete cell; in an unfinished one, begins the next line where it should begin.
struct Enter;

impl ConditionalEventHandler for Enter {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, at: &EventContext) -> Option<Cmd> {
        Some(match next_line(at.line(), at.pos()) {
            None => Cmd::AcceptLine,
            Some(indent) => Cmd::Insert(1, format!("\n{indent}")),
        })
    }
}

/// What the next line of an unfinished cell begins with; `None` for a cell to run.
fn next_line(text: &str, cursor: usize) -> Option<String> {
    if command_line(text).is_some() {
        return None;
    }
    let (before, after) = text.split_at(cursor);
    let indent = |text: &str| match completeness(text) {
        Completeness::Incomplete { indent } => Some(indent),
        Completeness::Complete | Completeness::Invalid => None,
    };
    if after.contains('\n') {
        return Some(indent(before).unwrap_or_default());
    }
    // An empty line ends a block, however far it is indented.
    let last = text.lines().last().unwrap_or_default();
    let ended = text.contains('\n') && last.trim().is_empty();
    match ended {
        true => indent(&format!("{}\n", text.trim_end())),
        false => indent(text),
    }
}

/// The line before the cursor, if it is nothing but spaces.
fn margin(at: &EventContext) -> Option<usize> {
    let before = &at.line()[..at.pos()];
    let line = &before[before.rfind('\n').map_or(0, |end| end + 1)..];
    line.bytes().all(|byte| byte == b' ').then_some(line.len())
}

/// Indents in the margin, completes elsewhere.
struct Tab;

impl ConditionalEventHandler for Tab {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, at: &EventContext) -> Option<Cmd> {
        // At the very beginning there is nothing to indent: Tab then lists what there is.
        let margin = margin(at).filter(|_| at.line().contains('\n'))?;
        Some(Cmd::Insert(1, " ".repeat(INDENT - margin % INDENT)))
    }
}

/// Takes back a level of indentation in the margin.
struct Backspace;

impl ConditionalEventHandler for Backspace {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, at: &EventContext) -> Option<Cmd> {
        let margin = margin(at).filter(|margin| *margin > 1)?;
        let spaces = (margin - 1) % INDENT + 1;
        Some(Cmd::Kill(Movement::BackwardChar(spaces as RepeatCount)))
    }
}

/// Ends the line and says that it goes to the user's editor.
struct OpenEditor(Arc<AtomicBool>);

impl ConditionalEventHandler for OpenEditor {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext) -> Option<Cmd> {
        self.0.store(true, Ordering::SeqCst);
        Some(Cmd::AcceptLine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_end(text: &str) -> Option<usize> {
        next_line(text, text.len()).map(|indent| indent.len())
    }

    #[test]
    fn a_complete_cell_runs() {
        for text in
            ["1 + 1", ":who", "seed?", "x = = 2", "for i in [1]:\n    print(i)\n    ", "x = [\n1]"]
        {
            assert_eq!(at_end(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_unfinished_cell_goes_on_indented() {
        assert_eq!(at_end("for i in [1]:"), Some(4));
        assert_eq!(at_end("for i in [1]:\n    if i:"), Some(8));
        assert_eq!(at_end("def f():\n    x = 1"), Some(4));
        assert!(at_end("f(").is_some());
    }

    #[test]
    fn enter_above_the_last_line_opens_a_line_there() {
        let text = "def f():\n    return 1\n";
        assert_eq!(next_line(text, 8).as_deref(), Some("    "));
    }
}
