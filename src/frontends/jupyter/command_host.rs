//! Commands of the shell, such as `:who`, in a cell.

use std::sync::Arc;

use super::kernel::Kernel;
use crate::frontends::commands::CommandHost;
use crate::language::CellError;
use crate::session::{Cell, Display, Output, Session, Sink};
use crate::{Error, Result};

/// What a cell of the kernel provides to a command.
pub(super) struct CellCommandHost {
    kernel: Arc<Kernel>,
    /// What errors call the cell.
    name: String,
    /// The value of what the command ran.
    pub value: Option<Display>,
}

impl CellCommandHost {
    pub fn new(kernel: Arc<Kernel>, name: String) -> Self {
        Self { kernel, name, value: None }
    }
}

impl CommandHost for CellCommandHost {
    fn session(&self) -> &Session {
        &self.kernel.session
    }

    fn run(&mut self, source: &str) -> Result<(), CellError> {
        let cell =
            Cell { name: self.name.clone(), source: source.to_owned(), folder: Default::default() };
        self.value = self.kernel.session.run(cell)?;
        Ok(())
    }

    fn show(&mut self, display: Display) {
        self.kernel.sink.emit(Output::Display(display));
    }

    fn images(&mut self, _: Option<&str>) -> Result<String> {
        Err(Error::input("in a notebook, figures are always drawn as images"))
    }

    fn is_notebook(&self) -> bool {
        true
    }
}
