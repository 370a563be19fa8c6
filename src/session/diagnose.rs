//! From the language's errors to [`CellError`]: one sentence, the place, the way there.

use starlark::codemap::FileSpan;
use starlark::docs::{DocItem, DocMember};
use starlark::errors::Frame;
use starlark::{Error as LanguageError, ErrorKind};

use super::manual::nearest;
use super::{Call, CellError, Place};
use crate::Error;

/// Explains an error. `parameters` tells the parameter names of a function, for suggestions.
pub(super) fn diagnose(
    error: LanguageError,
    parameters: &dyn Fn(&str) -> Vec<String>,
) -> CellError {
    let frames = &error.call_stack().frames;
    let place = error.span().or_else(|| frames.last().and_then(|f| f.location.as_ref()));
    let place = place.map(Place::of);
    let calls = calls(frames, place.as_ref());
    let function = frames.last().map(|frame| frame.name.as_str());
    let explained = match cause(error.kind()) {
        Some(cause) => match cause.downcast_ref::<Error>() {
            Some(Error::Cancelled) => CellError::interrupted(),
            Some(own) => CellError::new(own.to_string()),
            None => reword(&format!("{cause:#}"), function, parameters),
        },
        None => reword(&error.without_diagnostic().to_string(), function, parameters),
    };
    CellError { place, calls, ..explained }
}

/// Names of the parameters that a documented function takes.
pub(super) fn documented_parameters(item: &DocItem) -> Vec<String> {
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
    /// The first line of a span. A span of several lines is cut at the end of its first.
    fn of(span: &FileSpan) -> Self {
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
}

/// The calls of the user's own functions that led to `place`.
fn calls(frames: &[Frame], place: Option<&Place>) -> Vec<Call> {
    let call = |frame: &Frame| {
        let place = Place::of(frame.location.as_ref()?);
        Some(Call { function: frame.name.clone(), place })
    };
    // The innermost frame is the call that the place itself shows.
    let is_elsewhere = |call: &Call| {
        place.is_none_or(|place| (&call.place.file, call.place.line) != (&place.file, place.line))
    };
    frames.iter().filter_map(call).filter(is_elsewhere).collect()
}

/// Puts the language's messages into sentences that name the function, the parameter, what was
/// expected and what was given. Unknown messages stay as they are.
fn reword(
    message: &str,
    function: Option<&str>,
    parameters: &dyn Fn(&str) -> Vec<String>,
) -> CellError {
    let (message, suggestion) = match message.split_once(", did you mean ") {
        Some((message, name)) => (message, Some(format!("did you mean {name}"))),
        None => (message, None),
    };
    let (message, hint) = reword_call(message, function, parameters)
        .or_else(|| reword_name(message).map(|message| (message, None)))
        .unwrap_or_else(|| (message.to_owned(), None));
    CellError { hint: suggestion.or(hint), ..CellError::new(message) }
}

/// Messages about the arguments of a call.
fn reword_call(
    message: &str,
    function: Option<&str>,
    parameters: &dyn Fn(&str) -> Vec<String>,
) -> Option<(String, Option<String>)> {
    if let Some(rest) = message.strip_prefix("Found `") {
        let (given, called) = rest.split_once("` extra named parameter(s) for call to ")?;
        let given: Vec<_> = given.split("` `").collect();
        let known = parameters(called);
        let hint = match nearest(given[0], &known) {
            Some(name) => Some(format!("did you mean `{name}`?")),
            None if known.is_empty() => None,
            None => Some(format!("it takes {}", known.join(", "))),
        };
        return Some((format!("{called} has no parameter `{}`", given.join("`, `")), hint));
    }
    if let Some(rest) = message.strip_prefix("Found ") {
        let (count, called) = rest.split_once(" extra positional argument(s) for call to ")?;
        let known = parameters(called);
        let hint = (!known.is_empty()).then(|| format!("it takes {}", known.join(", ")));
        let plural = if count == "1" { "" } else { "s" };
        return Some((format!("{called} got {count} unnamed argument{plural} too many"), hint));
    }
    if let Some(rest) = message.strip_prefix("Missing ") {
        let (_, rest) = rest.split_once("parameter `")?;
        let (name, called) = rest.split_once("` for call to `")?;
        return Some((format!("{} needs `{name}`", called.trim_end_matches('`')), None));
    }
    if let Some(rest) = message.strip_prefix("Type of parameter `") {
        let (name, rest) = rest.split_once("` doesn't match, expected `")?;
        let (expected, given) = rest.split_once("`, actual `")?;
        let (kind, value) = given.trim_end_matches('`').split_once(" (repr: ")?;
        let value = value.strip_suffix(')')?;
        let what = match (name, function) {
            ("this", Some(function)) => format!("{function} is called on a wrong value: it"),
            (_, Some(function)) => format!("{function}: `{name}`"),
            (_, None) => format!("`{name}`"),
        };
        return Some((format!("{what} must be {}, not the {kind} {value}", kinds(expected)), None));
    }
    if let Some(rest) = message.strip_prefix("Error unpacking value for parameter `") {
        let (name, rest) = rest.split_once('`')?;
        let (_, reason) = rest.split_once(": ")?;
        let called = function.map(|function| format!("{function}: ")).unwrap_or_default();
        return Some((format!("{called}`{name}` cannot be used: {}", lower(reason)), None));
    }
    None
}

/// Messages about names, attributes, operators and syntax.
fn reword_name(message: &str) -> Option<String> {
    let quoted = |prefix: &str, suffix: &str| {
        message.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix))
    };
    if let Some(name) = quoted("Variable `", "` not found") {
        return Some(format!("`{name}` is not defined"));
    }
    if let Some(name) = quoted("Local variable `", "` referenced before assignment") {
        return Some(format!("`{name}` has no value yet"));
    }
    if let Some(rest) = quoted("Object of type `", "`") {
        let (kind, attribute) = rest.split_once("` has no attribute `")?;
        return Some(format!("a value of type {kind} has no `{attribute}`"));
    }
    if let Some(name) = quoted("Module has no symbol `", "`") {
        return Some(format!("the loaded file defines no `{name}`"));
    }
    if let Some(name) = quoted("Module symbol `", "` is not exported") {
        return Some(format!("`{name}` is private to the loaded file"));
    }
    if let Some(rest) = quoted("Operation `", "`") {
        return Some(match rest.split_once("` not supported for types `") {
            Some((operator, kinds)) => {
                format!("`{operator}` does not work between {}", kinds.replace("` and `", " and "))
            }
            None => {
                let (operator, kind) = rest.split_once("` not supported on type `")?;
                format!("`{operator}` does not work on a value of type {kind}")
            }
        });
    }
    if let Some(index) = quoted("Index `", "` is out of bound") {
        return Some(format!("there is no item {index}: the index is out of range"));
    }
    if let Some(key) = quoted("Key `", "` was not found") {
        return Some(format!("there is no key {key}"));
    }
    if let Some(rest) = message.strip_prefix("Parse error: ") {
        return Some(format!("syntax error: {rest}"));
    }
    match message {
        "Starlark call stack overflow" => Some(format!(
            "functions call each other more than {} levels deep",
            super::language::MAX_CALL_DEPTH
        )),
        "Evaluation cancelled" => Some("interrupted".to_owned()),
        _ => None,
    }
}

/// A type expression for reading: "int or None".
fn kinds(expected: &str) -> String {
    expected.split(" | ").collect::<Vec<_>>().join(" or ")
}

fn lower(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
