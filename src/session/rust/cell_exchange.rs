//! What a running Rust cell gets from its session.

use std::path::Path;

use starlark::environment::Module;

use super::give::Given;
use super::take::take;
use crate::context::Event;
use crate::exchange::{Reply, Request};
use crate::rust_cells::Exchange;
use crate::session::Output;
use crate::session::state::State;
use crate::{Error, Result};

/// Lives as long as one cell runs.
pub(super) struct CellExchange<'a, 'v> {
    pub state: &'a State,
    pub module: &'a Module<'v>,
    pub given: &'a mut Given,
    pub folder: &'a Path,
}

impl CellExchange<'_, '_> {
    fn reply(&mut self, request: Request) -> Result<Reply> {
        match request {
            Request::Get { name } => {
                self.given.file(&name, self.module, self.state, self.folder).map(Reply::File)
            }
            Request::Set { name, file } => {
                let taken = take(&name, &file, self.module);
                // The file was written for this exchange alone.
                std::fs::remove_file(&file).ok();
                taken.map(|()| Reply::Done)
            }
        }
    }
}

impl Exchange for CellExchange<'_, '_> {
    fn printed(&mut self, text: &str, error: bool) {
        let text = text.to_owned();
        self.state.sink().emit(if error { Output::ErrorText(text) } else { Output::Text(text) });
    }

    fn note(&mut self, note: String) {
        self.state.sink().emit(Output::Event(Event::Note(note)));
    }

    fn answer(&mut self, prompt: &str) -> Option<String> {
        if let Some(request) = Request::from_prompt(prompt) {
            let reply = match self.reply(request) {
                Err(Error::Cancelled) => return None,
                Err(error) => Reply::Refused(error.to_string()),
                Ok(reply) => reply,
            };
            return serde_json::to_string(&reply).ok();
        }
        let cancel = self.state.context().cancel;
        match self.state.sink().ask(prompt, false, &cancel) {
            Ok(answer) => Some(answer),
            Err(Error::Cancelled) => None,
            Err(error) => {
                self.printed(&format!("{error}\n"), true);
                Some(String::new())
            }
        }
    }

    fn is_cancelled(&self) -> bool {
        self.state.context().cancel.is_cancelled()
    }
}
