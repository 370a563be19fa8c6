//! The error of a cell in the form that clients show.

use jupyter_protocol::{ErrorOutput, ReplyError};

use crate::language::CellError;

/// Weight instead of colour: the colours of clients are the same on a dark page as on a light one, and
/// none of them is readable on both. The colour of text is.
const BOLD: &str = "\x1b[1m";
const PLAIN: &str = "\x1b[0m";

/// Name, sentence and report of an error.
pub(super) fn error_output(error: &CellError) -> ErrorOutput {
    let report = error.to_string();
    ErrorOutput {
        ename: name(error).to_owned(),
        evalue: error.sentence(),
        traceback: report.lines().map(painted).collect(),
    }
}

/// The same as part of a reply.
pub(super) fn reply_error(error: &CellError) -> Box<ReplyError> {
    let ErrorOutput { ename, evalue, traceback } = error_output(error);
    Box::new(ReplyError { ename, evalue, traceback })
}

/// The kind of error, by the names that clients know.
fn name(error: &CellError) -> &'static str {
    match error {
        CellError { interrupted: true, .. } => "KeyboardInterrupt",
        CellError { message, .. } if message.starts_with("syntax error") => "SyntaxError",
        CellError { message, .. } if message.ends_with("is not defined") => "NameError",
        _ => "Error",
    }
}

/// A line of the report. What the eye looks for is bold: the word "error" and the marks below the
/// source.
fn painted(line: &str) -> String {
    if let Some(sentence) = line.strip_prefix("error:") {
        return format!("{BOLD}error:{PLAIN}{sentence}");
    }
    match line.find('^') {
        Some(at) if is_below_source(&line[..at], &line[at..]) => {
            format!("{}{BOLD}{}{PLAIN}", &line[..at], &line[at..])
        }
        _ if line == "interrupted" => format!("{BOLD}{line}{PLAIN}"),
        _ => line.to_owned(),
    }
}

/// Whether this is the line of carets below the source.
fn is_below_source(margin: &str, carets: &str) -> bool {
    margin.trim_start().starts_with('|') && carets.chars().all(|c| c == '^')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Place;

    #[test]
    fn the_report_keeps_its_words_and_is_readable_on_any_page() {
        let place =
            Place { file: "cell 3".into(), line: 2, column: 5, width: 3, source: "x = abc".into() };
        let error = CellError {
            place: Some(Box::new(place)),
            hint: Some("did you mean `abd`?".into()),
            ..CellError::new("`abc` is not defined")
        };
        let output = error_output(&error);
        assert_eq!(output.ename, "NameError");
        assert_eq!(output.evalue, "`abc` is not defined; did you mean `abd`?");
        assert!(output.traceback[0].contains("\x1b[1merror:\x1b[0m"), "{:?}", output.traceback);
        assert!(output.traceback.last().unwrap().ends_with("\x1b[1m^^^\x1b[0m"));
        let plain: Vec<String> =
            output.traceback.iter().map(|line| line.replace(BOLD, "").replace(PLAIN, "")).collect();
        assert_eq!(plain.join("\n"), error.to_string());
    }

    #[test]
    fn an_interrupt_has_the_name_that_clients_know() {
        assert_eq!(error_output(&CellError::interrupted()).ename, "KeyboardInterrupt");
    }
}
