//! From the language's errors to [`CellError`]: one sentence, its place, and the calls that led there.

use starlark::codemap::{FileSpan, Pos, Span};
use starlark::docs::{DocItem, DocMember};
use starlark::errors::Frame;
use starlark::{Error as LanguageError, ErrorKind};

use super::cell_error::{Call, CellError, Place};
use super::dialect::marks;
use super::rust_stop::RustStop;
use super::sentence::{Failed, sentence, short_name};
use crate::Error;

/// Explains an error. `parameters` gives the parameter names of a function, for suggestions.
pub(crate) fn diagnose(
    error: LanguageError,
    parameters: &dyn Fn(&str) -> Vec<String>,
) -> CellError {
    let frames = &error.call_stack().frames;
    let place = error.span().or_else(|| frames.last().and_then(|f| f.location.as_ref()));
    let place = place.map(|span| Box::new(Place::of(span)));
    let calls = calls(frames, place.as_deref());
    if let Some(stop) = cause(error.kind()).and_then(|cause| cause.downcast_ref::<RustStop>()) {
        let file = error.span().map(|span| (span.filename(), marks::unmarked(span.file.source())));
        let (file, script) = file.unwrap_or_default();
        let stopped = stop.in_script(file, &script);
        // Without a place in the Rust code, the call is the place.
        return CellError { place: stopped.place.or(place), calls, ..stopped };
    }
    let source = error.span().map(|span| marks::unmarked(span.source_span()));
    let reword = |message: String| {
        let call = Failed {
            function: frames.last().map(|frame| short_name(&frame.name)),
            source: source.as_deref(),
            line: place.as_deref().map(|place| place.source.as_str()),
            parameters,
        };
        let (message, hint) = sentence(&message, &call);
        CellError { hint, ..CellError::new(message) }
    };
    let explained = match (error.kind(), cause(error.kind())) {
        (ErrorKind::Fail(message), _) => CellError::new(message.to_string().trim()),
        (_, Some(cause)) => match cause.downcast_ref::<Error>() {
            Some(Error::Cancelled) => CellError::interrupted(),
            Some(own) => CellError::new(own.to_string()),
            None => reword(format!("{cause:#}")),
        },
        (_, None) => reword(error.without_diagnostic().to_string()),
    };
    CellError { place, calls, ..explained }
}

/// Names of the parameters that a documented function takes.
pub(crate) fn documented_parameters(item: &DocItem) -> Vec<String> {
    match item {
        DocItem::Member(DocMember::Function(function)) => {
            function.params.regular_params().map(|parameter| parameter.name.clone()).collect()
        }
        _ => Vec::new(),
    }
}

fn cause(kind: &ErrorKind) -> Option<&anyhow::Error> {
    match kind {
        ErrorKind::Fail(cause)
        | ErrorKind::StackOverflow(cause)
        | ErrorKind::Value(cause)
        | ErrorKind::Function(cause)
        | ErrorKind::Scope(cause)
        | ErrorKind::Parser(cause)
        | ErrorKind::Freeze(cause)
        | ErrorKind::Internal(cause)
        | ErrorKind::Native(cause)
        | ErrorKind::Other(cause) => Some(cause),
        _ => None,
    }
}

impl Place {
    /// The first line of a span. A span of several lines is cut at the end of its first; one
    /// behind the last line, where the text ended too early, moves to the end of that line.
    fn of(span: &FileSpan) -> Self {
        let text = span.file.source().trim_end();
        if text.len() <= span.span.begin().get() as usize && !text.is_empty() {
            let end = Pos::new(text.len() as u32);
            return Self::of_text(&FileSpan { file: span.file.clone(), span: Span::new(end, end) });
        }
        Self::of_text(span)
    }

    fn of_text(span: &FileSpan) -> Self {
        if marks::is_marked(span.file.source()) {
            return Self::of_marked(span);
        }
        let resolved = span.resolve_span();
        let line = resolved.begin.line;
        let source = span.file.source_line(line).trim_end().to_owned();
        let end =
            if resolved.end.line == line { resolved.end.column } else { source.chars().count() };
        Self {
            file: span.filename().to_owned(),
            line: line + 1,
            column: resolved.begin.column + 1,
            width: end.saturating_sub(resolved.begin.column).max(1),
            source,
        }
    }

    /// The same in a source with marks: places and lines are those without.
    fn of_marked(span: &FileSpan) -> Self {
        let marked = span.file.source();
        let (begin, end) = (span.span.begin().get() as usize, span.span.end().get() as usize);
        let plain = marks::unmarked(marked);
        let before = marks::unmarked(marked.get(..begin).unwrap_or_default());
        let until = marks::unmarked(marked.get(..end).unwrap_or_default());
        let line = before.matches('\n').count();
        let column = |text: &str| text.rsplit('\n').next().unwrap_or_default().chars().count();
        let source = plain.split('\n').nth(line).unwrap_or_default().trim_end().to_owned();
        let begin = column(&before);
        let is_one_line = until.matches('\n').count() == line;
        let end = if is_one_line { column(&until) } else { source.chars().count() };
        Self {
            file: span.filename().to_owned(),
            line: line + 1,
            column: begin + 1,
            width: end.saturating_sub(begin).max(1),
            source,
        }
    }
}

/// The calls of the user's own functions that led to `place`.
fn calls(frames: &[Frame], place: Option<&Place>) -> Vec<Call> {
    let call = |frame: &Frame| {
        let place = Place::of(frame.location.as_ref()?);
        Some(Call { function: short_name(&frame.name).to_owned(), place })
    };
    // The innermost frame is the call that the place itself shows.
    let is_elsewhere = |call: &Call| {
        place.is_none_or(|place| (&call.place.file, call.place.line) != (&place.file, place.line))
    };
    frames.iter().filter_map(call).filter(is_elsewhere).collect()
}
