//! Running a cell in Rust.

use starlark::environment::Module;

use crate::language::relocated;
use crate::language::{CellError, Place};
use crate::session::Display;
use crate::session::cell::Cell;
use crate::session::state::State;

/// The name, in errors, of code that did not come from a cell.
#[cfg(feature = "rust-cells")]
pub(super) const CODE: &str = "Rust code";

#[cfg(feature = "rust-cells")]
pub(in crate::session) use with::run;
#[cfg(not(feature = "rust-cells"))]
pub(in crate::session) use without::run;

/// Runs the code of a cell, which begins behind its first `before` lines.
pub(in crate::session) fn run_cell(
    state: &State,
    module: &Module,
    cell: &Cell,
    (code, before): (&str, usize),
) -> Result<Option<Display>, CellError> {
    run(state, module, code).map_err(|error| {
        relocated(&error, &|place| Place {
            file: cell.name.clone(),
            line: place.line + before,
            ..place.clone()
        })
    })
}

#[cfg(feature = "rust-cells")]
mod with {
    use std::path::PathBuf;

    use starlark::environment::Module;

    use super::CODE;
    use crate::context::Event;
    use crate::files::LazyFolder;
    use crate::language::{CellError, Place};
    use crate::rust_cells::{Diagnostic, Ended, RustCells};
    use crate::session::rust::cell_exchange::CellExchange;
    use crate::session::rust::give::Given;
    use crate::session::rust::media;
    use crate::session::state::State;
    use crate::session::{Display, Output};

    /// The Rust side of a session, with what was given to it.
    struct RustSide {
        cells: RustCells,
        folder: LazyFolder,
        given: Given,
    }

    impl Default for RustSide {
        fn default() -> Self {
            let folder = LazyFolder::temporary(None);
            Self { cells: RustCells::default(), folder, given: Given::default() }
        }
    }

    /// Runs Rust code. Places in its error are those of the code.
    pub(in crate::session) fn run(
        state: &State,
        module: &Module,
        code: &str,
    ) -> Result<Option<Display>, CellError> {
        let as_cell_error = |error: crate::Error| CellError::new(error.to_string());
        let Ok(mut side) = state.rust().try_borrow_mut() else {
            return Err(CellError::new("Rust code cannot run Rust code of the session"));
        };
        let side = side.get_or_insert_with(|| Box::<RustSide>::default());
        let Some(RustSide { cells, folder, given }) = side.downcast_mut() else {
            return Err(CellError::new("the Rust side of this session is of another kind"));
        };
        let folder: PathBuf = folder.path().map_err(as_cell_error)?;
        let mut exchange = CellExchange { state, module, given, folder: &folder };
        match cells.run(code, &folder, &mut exchange).map_err(as_cell_error)? {
            Ended::Shown(media) => media::display(media).map_err(as_cell_error),
            Ended::CompileErrors(diagnostics) => Err(compile_error(&diagnostics, code)),
            Ended::Stopped { message, lost } => {
                Err(CellError { hint: lost.map(str::to_owned), ..CellError::new(message) })
            }
            Ended::Interrupted { lost } => {
                if let Some(lost) = lost {
                    state.sink().emit(Output::Event(Event::Note(lost.to_owned())));
                }
                Err(CellError::interrupted())
            }
        }
    }

    fn compile_error(diagnostics: &[Diagnostic], code: &str) -> CellError {
        let mut errors = diagnostics.iter().map(|diagnostic| CellError {
            hint: diagnostic.hint.clone(),
            place: diagnostic.place.map(|place| Box::new(located(place, code))),
            ..CellError::new(diagnostic.message.clone())
        });
        let first = errors.next();
        let mut first = first.unwrap_or_else(|| CellError::new("the Rust cell does not compile"));
        first.also = errors.collect();
        first
    }

    fn located((line, column, width): (usize, usize, usize), code: &str) -> Place {
        let source = code.lines().nth(line.saturating_sub(1)).unwrap_or_default().to_owned();
        let rest = (source.chars().count() + 1).saturating_sub(column);
        Place { file: CODE.to_owned(), line, column, width: width.min(rest).max(1), source }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn every_mistake_gets_its_place() {
            let diagnostic = |message: &str, place| Diagnostic {
                message: message.to_owned(),
                hint: None,
                place,
            };
            let diagnostics = [
                diagnostic("one", Some((2, 5, usize::MAX))),
                diagnostic("two", Some((1, 1, 3))),
                diagnostic("three", None),
            ];
            let error = compile_error(&diagnostics, "let x;\nfoo bar(");
            let place = error.place.unwrap();
            assert_eq!((place.line, place.column, place.width), (2, 5, 4));
            assert_eq!(place.source, "foo bar(");
            assert_eq!(error.also.len(), 2);
            assert_eq!(error.also[0].place.as_ref().unwrap().width, 3);
        }
    }
}

#[cfg(not(feature = "rust-cells"))]
mod without {
    use starlark::environment::Module;

    use crate::language::CellError;
    use crate::session::Display;
    use crate::session::state::State;

    /// Says how to get Rust cells.
    pub(in crate::session) fn run(
        _: &State,
        _: &Module,
        _: &str,
    ) -> Result<Option<Display>, CellError> {
        let hint = "`cargo install --path . --features rust-cells` in the source of u2ad gives one";
        Err(CellError {
            hint: Some(hint.to_owned()),
            ..CellError::new("this build of u2ad has no Rust cells")
        })
    }
}
