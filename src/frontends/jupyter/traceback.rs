//! The error of a cell in the form that clients show.

use jupyter_protocol::{ErrorOutput, ReplyError};

use crate::language::CellError;

const RED: &str = "\x1b[1;31m";
const CYAN: &str = "\x1b[36m";
const PLAIN: &str = "\x1b[0m";

/// Name, sentence and coloured report of an error.
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

/// A line of the report in the colours of the shell: what went wrong in red, where in cyan.
fn painted(line: &str) -> String {
    if let Some(sentence) = line.strip_prefix("error:") {
        return format!("{RED}error:{PLAIN}{sentence}");
    }
    let body = line.trim_start();
    let margin = &line[..line.len() - body.len()];
    if body.starts_with("--> ") {
        return format!("{margin}{CYAN}{body}{PLAIN}");
    }
    match line.find('^') {
        Some(at) if is_below_source(&line[..at], &line[at..]) => {
            format!("{}{RED}{}{PLAIN}", &line[..at], &line[at..])
        }
        _ if line == "interrupted" => format!("{RED}{line}{PLAIN}"),
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
    fn the_report_keeps_its_words_and_gets_colours() {
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
        assert!(output.traceback[0].contains("\x1b[1;31merror:\x1b[0m"), "{:?}", output.traceback);
        assert!(output.traceback.last().unwrap().ends_with("\x1b[1;31m^^^\x1b[0m"));
        let plain: Vec<String> = output
            .traceback
            .iter()
            .map(|line| line.replace(RED, "").replace(CYAN, "").replace(PLAIN, ""))
            .collect();
        assert_eq!(plain.join("\n"), error.to_string());
    }

    #[test]
    fn an_interrupt_has_the_name_that_clients_know() {
        assert_eq!(error_output(&CellError::interrupted()).ename, "KeyboardInterrupt");
    }
}
