//! Why a cell stopped, as the user sees it.

use std::fmt;

/// Characters of a source line that a report shows.
const MOST_COLUMNS: usize = 240;

/// Why a cell stopped: one sentence, the place in the source and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellError {
    /// One sentence without a full stop.
    pub message: String,
    /// What to do about it, such as "did you mean `lesions`?".
    pub hint: Option<String>,
    /// Where it happened.
    pub place: Option<Box<Place>>,
    /// The calls that led there, outermost first; empty at the top level.
    pub calls: Vec<Call>,
    /// Further errors that were found with it.
    pub also: Vec<CellError>,
    /// Whether the user interrupted the cell, which is not an error.
    pub interrupted: bool,
}

/// A span within one source line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Name of the cell or path of the file.
    pub file: String,
    /// Line and column, counted from 1 in characters.
    pub line: usize,
    pub column: usize,
    /// How many characters of the line are marked; at least 1.
    pub width: usize,
    /// The complete line.
    pub source: String,
}

/// A call of a function written in the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub function: String,
    /// Where it was called.
    pub place: Place,
}

impl CellError {
    /// An error without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            place: None,
            calls: Vec::new(),
            also: Vec::new(),
            interrupted: false,
        }
    }

    /// An interrupt by the user.
    pub fn interrupted() -> Self {
        Self { interrupted: true, ..Self::new("interrupted") }
    }

    /// Message and hint in one line, as a log keeps it.
    pub fn sentence(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}; {hint}", self.message),
            None => self.message.clone(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl Place {
    /// The source line with carets below the marked span. Of a very long line, what is around the
    /// span.
    fn excerpt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let begin = self.column.saturating_sub(1);
        let skipped = match self.source.chars().nth(MOST_COLUMNS) {
            Some(_) => begin.saturating_sub(MOST_COLUMNS / 2),
            None => 0,
        };
        let shown: String = self.source.chars().skip(skipped).take(MOST_COLUMNS).collect();
        let is_cut = self.source.chars().nth(skipped + MOST_COLUMNS).is_some();
        let (before, behind) = (if skipped > 0 { "…" } else { "" }, if is_cut { "…" } else { "" });
        // Tabs stay tabs, so that the carets stand where the terminal puts the text.
        let indent: String = before
            .chars()
            .chain(shown.chars().take(begin - skipped))
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let marks =
            "^".repeat(self.width.min((MOST_COLUMNS + skipped).saturating_sub(begin)).max(1));
        writeln!(f, "{margin} --> {self}")?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {before}{shown}{behind}")?;
        write!(f, "{margin} | {indent}{marks}")
    }
}

/// The complete report without colours: sentence, place with its source line, calls.
impl fmt::Display for CellError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.interrupted { "" } else { "error: " };
        write!(f, "{kind}{}", self.sentence())?;
        if let Some(place) = &self.place {
            writeln!(f)?;
            place.excerpt(f)?;
        }
        for call in self.calls.iter().rev() {
            write!(f, "\n  in {}, called at {}", call.function, call.place)?;
        }
        self.also.iter().try_for_each(|also| write!(f, "\n{also}"))
    }
}

impl std::error::Error for CellError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_points_at_the_source() {
        let place = Place {
            file: "study.star".into(),
            line: 12,
            column: 5,
            width: 3,
            source: "x = abc(1)".into(),
        };
        let error = CellError {
            hint: Some("did you mean `abd`?".into()),
            place: Some(Box::new(place.clone())),
            calls: vec![Call { function: "outer".into(), place }],
            ..CellError::new("`abc` is not defined")
        };
        assert_eq!(
            error.to_string(),
            "error: `abc` is not defined; did you mean `abd`?\n   \
             --> study.star:12:5\n   |\n12 | x = abc(1)\n   |     ^^^\n  \
             in outer, called at study.star:12:5"
        );
    }

    #[test]
    fn of_a_very_long_line_only_the_place_is_shown() {
        let (a, b) = ("a".repeat(100_000), "b".repeat(100_000));
        let place = Place {
            file: "cell 1".into(),
            line: 1,
            column: 100_001,
            width: 4,
            source: format!("{a}here{b}"),
        };
        let error = CellError { place: Some(Box::new(place)), ..CellError::new("wrong") };
        let report = error.to_string();
        let lines: Vec<_> = report.lines().rev().take(2).collect();
        let column = |line: &str, mark: &str| line[..line.find(mark).unwrap()].chars().count();
        assert_eq!(column(lines[1], "here"), column(lines[0], "^^^^"));
        assert!(lines[1].starts_with("1 | …a") && lines[1].ends_with("b…"), "{report}");
        assert!(report.chars().count() < 1000, "{report}");
    }
}
