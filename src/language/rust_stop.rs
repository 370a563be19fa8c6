//! Why a cell in Rust stopped.

use std::fmt;

use super::cell_error::{CellError, Place};

/// A stop inside the verb `rust`, on its way through the language. Places are those of the code.
#[derive(Debug)]
pub(crate) struct RustStop {
    pub error: CellError,
    pub code: String,
}

impl fmt::Display for RustStop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error.sentence())
    }
}

impl std::error::Error for RustStop {}

impl RustStop {
    /// The error with the places of the script in which the code stands; where it is not found
    /// there, such as code that was put together, places stay those of the code.
    pub fn in_script(&self, file: &str, script: &str) -> CellError {
        let mut found = script.match_indices(&self.code);
        let place = match (found.next(), found.next()) {
            (Some((at, _)), None) if !self.code.is_empty() => Some(at),
            _ => None,
        };
        relocated(&self.error, &|place_in_code| match place {
            Some(at) => {
                let before = &script[..at];
                let lines = before.matches('\n').count();
                let beside = before.rsplit('\n').next().unwrap_or_default().chars().count();
                let line = place_in_code.line + lines;
                Place {
                    file: file.to_owned(),
                    line,
                    column: place_in_code.column + if place_in_code.line == 1 { beside } else { 0 },
                    source: script.lines().nth(line - 1).unwrap_or_default().to_owned(),
                    ..place_in_code.clone()
                }
            }
            None => place_in_code.clone(),
        })
    }
}

/// The same error elsewhere.
pub(crate) fn relocated(error: &CellError, relocate: &dyn Fn(&Place) -> Place) -> CellError {
    CellError {
        place: error.place.as_ref().map(|place| Box::new(relocate(place))),
        also: error.also.iter().map(|also| relocated(also, relocate)).collect(),
        ..error.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_the_code_become_places_in_the_script() {
        let code = "let x = 1;\nx + y".to_owned();
        let place = |line, column, source: &str| Place {
            file: "Rust code".into(),
            line,
            column,
            width: 1,
            source: source.into(),
        };
        let error = CellError {
            place: Some(Box::new(place(2, 5, "x + y"))),
            also: vec![CellError {
                place: Some(Box::new(place(1, 5, "let x = 1;"))),
                ..CellError::new("two")
            }],
            ..CellError::new("one")
        };
        let script = format!("a = 1\nrust(\"\"\"{code}\"\"\")\n");
        let stop = RustStop { error, code };
        let found = stop.in_script("study.star", &script);
        let first = found.place.unwrap();
        assert_eq!((first.line, first.column, first.source.as_str()), (3, 5, "x + y\"\"\")"));
        let second = found.also[0].place.as_ref().unwrap();
        assert_eq!((second.line, second.column, second.file.as_str()), (2, 13, "study.star"));
        assert_eq!(stop.in_script("study.star", "rust(code)"), stop.error);
    }
}
