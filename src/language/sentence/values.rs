//! The language's messages about values as sentences: names, attributes, operators and items.

use starlark::syntax::ast::{AstExprP, AstLiteral, AstNoPayload, AstStmt, ExprP, StmtP};

use crate::language::dialect::{MAX_CALL_DEPTH, parse};

/// A sentence and perhaps a hint.
pub(super) type Sentence = (String, Option<String>);

/// An index out of range, or a slice with the step 0. The language counts from the other end before it complains,
/// so the number is the one that is written in the source, if there is one.
pub(super) fn about_index(source: Option<&str>) -> String {
    fn expression(statement: &AstStmt) -> Option<&AstExprP<AstNoPayload>> {
        match &statement.node {
            StmtP::Statements(statements) => statements.first().and_then(expression),
            StmtP::Expression(expression) => Some(expression),
            _ => None,
        }
    }
    let number = |index: &AstExprP<AstNoPayload>| match &index.node {
        ExprP::Literal(AstLiteral::Int(number)) => Some(number.node.to_string()),
        ExprP::Minus(number) => match &number.node {
            ExprP::Literal(AstLiteral::Int(number)) => Some(format!("-{}", number.node)),
            _ => None,
        },
        _ => None,
    };
    let ast = source.and_then(|source| parse("index", source).ok());
    match ast.as_ref().and_then(|ast| expression(ast.statement())).map(|found| &found.node) {
        Some(ExprP::Slice(..)) => "the step of a slice must not be 0".to_owned(),
        Some(ExprP::Index(parts)) => match number(&parts.1) {
            Some(number) => format!("there is no item {number}: the index is out of range"),
            None => "the index is out of range".to_owned(),
        },
        _ => "the index is out of range".to_owned(),
    }
}

/// What a job has yet to give cannot be looked at.
pub(super) fn about_later(message: &str) -> Option<Sentence> {
    let wait = |what: &str| {
        Some(format!("take it from wait(job), where `job` is what start returns{what}"))
    };
    let rest = message.strip_prefix("Object of type `Later` has no attribute `");
    if let Some(attribute) = rest.and_then(|rest| rest.strip_suffix('`')) {
        let sentence = format!("`{attribute}` is not known yet: a job has yet to give this value");
        return Some((sentence, wait(&format!(": wait(job).{attribute}"))));
    }
    let is_about = message.contains("`Later`") || message.contains("<what a job has yet to do>");
    is_about.then(|| ("this value is not known yet: a job has yet to give it".to_owned(), wait("")))
}

/// Names, attributes, operators and items.
pub(super) fn about_values(message: &str) -> Option<String> {
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
        return Some(format!("{} has no `{attribute}`", a(kind)));
    }
    if let Some(name) = quoted("Module has no symbol `", "`") {
        return Some(format!("the loaded file defines no `{name}`"));
    }
    if let Some(name) = quoted("Cannot import private symbol `", "`") {
        return Some(format!("`{name}` is private to the loaded file"));
    }
    if let Some(rest) = quoted("Operation `", "`") {
        return operation(rest);
    }
    if let Some(rest) = quoted("Expected `", ")`") {
        let (expected, given) = rest.split_once("`, but got `")?;
        let (kind, value) = given.split_once(" (repr: ")?;
        return Some(format!("here must be {expected}, not the {kind} {value}"));
    }
    if let Some(key) = quoted("Key `", "` was not found") {
        return Some(format!("there is no key {key}"));
    }
    (message == "Starlark call stack overflow")
        .then(|| format!("functions call each other more than {} levels deep", MAX_CALL_DEPTH))
}

/// ``+` not supported for types `int` and `string`` and its like, without the outer ticks.
fn operation(rest: &str) -> Option<String> {
    if let Some((operator, kinds)) = rest.split_once("` not supported for types `") {
        let (left, right) = kinds.split_once("` and `")?;
        return Some(match operator {
            "[]" => format!("{} has no items to pick with {}", a(left), a(right)),
            "compare" => format!("{} and {} cannot be compared", a(left), a(right)),
            _ => format!("`{operator}` does not work between {} and {}", a(left), a(right)),
        });
    }
    let (operator, kind) = rest.split_once("` not supported on type `")?;
    Some(match operator {
        "call()" => format!("{} cannot be called", a(kind)),
        "(iter)" => format!("{} cannot be looped over", a(kind)),
        "len()" => format!("{} has no length", a(kind)),
        _ => format!("`{operator}` does not work on {}", a(kind)),
    })
}

/// A type with its article.
fn a(kind: &str) -> String {
    match kind {
        "NoneType" | "None" => "None".to_owned(),
        _ if kind.starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O']) => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_the_one_that_is_written() {
        let sentence = |source: &str| about_index(Some(source));
        assert_eq!(about_index(None), "the index is out of range");
        assert_eq!(sentence("[1, 2, 3][-4]"), "there is no item -4: the index is out of range");
        assert_eq!(sentence("range(5)[9]"), "there is no item 9: the index is out of range");
        assert_eq!(sentence("xs[n]"), "the index is out of range");
        assert_eq!(sentence("[1, 2][::0]"), "the step of a slice must not be 0");
        assert_eq!(sentence("[].pop()"), "the index is out of range");
    }

    #[test]
    fn what_a_job_has_yet_to_give_is_not_called_by_an_inner_name() {
        for message in [
            "Object of type `Later` has no attribute `losses`",
            "Operation `[]` not supported for types `Later` and `int`",
            "Type of parameter `model` doesn't match, expected `Model`, actual `Later (repr: <what a job has yet to do>)`",
        ] {
            let (sentence, hint) = about_later(message).unwrap();
            assert!(
                sentence.contains("not known yet") && !sentence.contains("Later"),
                "{sentence}"
            );
            assert!(hint.unwrap().contains("wait(job)"));
        }
    }

    #[test]
    fn a_wrong_type_without_a_parameter_is_told() {
        let sentence = about_values("Expected `int`, but got `float (repr: 1.0)`").unwrap();
        assert_eq!(sentence, "here must be int, not the float 1.0");
    }
}
