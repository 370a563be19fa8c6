//! The language's error messages as sentences that name the function, the parameter, what was
//! expected and what was given.

mod python_habits;
mod rejected_lines;
mod rejected_messages;
mod values;

use starlark::syntax::ast::{ArgumentP, AstStmt, ExprP, StmtP};

use self::python_habits as habits;
use self::values::{Sentence, about_index, about_later, about_values};
use super::dialect::{marks, parse};
use super::nearest::nearest;
use super::nesting::TOO_DEEP;

/// What is known about the call or statement that failed.
pub(crate) struct Failed<'a> {
    /// The innermost function that was running or being called.
    pub function: Option<&'a str>,
    /// Source of the statement or expression.
    pub source: Option<&'a str>,
    /// The whole line of source that holds its beginning.
    pub line: Option<&'a str>,
    /// Gives the parameter names of a function.
    pub parameters: &'a dyn Fn(&str) -> Vec<String>,
}

/// Rewords a message of the language. An unknown message stays as it is.
pub(crate) fn sentence(message: &str, failed: &Failed) -> Sentence {
    let (message, suggestion) = match message.split_once(", did you mean ") {
        Some((message, name)) => {
            (message, habits::suggestion(message, name).filter(|_| is_written(name)))
        }
        None => (message, None),
    };
    let undefined = message.strip_prefix("Variable `").and_then(|m| m.strip_suffix("` not found"));
    if let Some((sentence, hint)) = undefined.and_then(habits::undefined) {
        return (sentence, Some(hint));
    }
    let habit = habits::of(message, failed.source.unwrap_or_default());
    let (message, hint) = about_later(message)
        .or_else(|| about_arguments(message, failed))
        .or_else(|| about_syntax(message, failed.line))
        .or_else(|| message.strip_prefix("Index `").map(|_| (about_index(failed.source), None)))
        .or_else(|| about_values(message).map(|message| (message, None)))
        .unwrap_or_else(|| (message.trim_end_matches('.').to_owned(), None));
    (message, habit.or(suggestion).or(hint))
}

/// Whether a suggested name, such as "`detect`?", is one that can be written.
fn is_written(name: &str) -> bool {
    !marks::is_inner(name.trim_matches(['`', '?']))
}

/// A function's name without the file that defines it.
pub(crate) fn short_name(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Wrong arguments of a call.
fn about_arguments(message: &str, failed: &Failed) -> Option<Sentence> {
    if let Some(rest) = message.strip_prefix("Found `") {
        let (given, called) = rest.split_once("` extra named parameter(s) for call to ")?;
        let called = short_name(called);
        return Some(unknown_parameter(called, given.split('`').next()?, failed));
    }
    if let Some(rest) = message.strip_prefix("Found ") {
        let (count, called) = rest.split_once(" extra positional argument(s) for call to ")?;
        let called = short_name(called);
        let known = (failed.parameters)(called);
        let plural = if count == "1" { "" } else { "s" };
        let sentence = format!("{called} got {count} unnamed argument{plural} too many");
        return Some((sentence, takes(&known)));
    }
    if let Some(rest) = message.strip_prefix("Missing ") {
        let (_, rest) = rest.split_once("parameter `")?;
        let (name, called) = rest.split_once("` for call to `")?;
        let called = short_name(called.trim_end_matches('`'));
        // A misspelt keyword shows up as a missing parameter first.
        let known = (failed.parameters)(called);
        let given = failed.source.map(keywords).unwrap_or_default();
        return Some(match given.iter().find(|given| !known.contains(given)) {
            Some(unknown) if !known.is_empty() => unknown_parameter(called, unknown, failed),
            _ => (format!("{called} needs `{name}`"), takes(&known)),
        });
    }
    if let Some(rest) = message.strip_prefix("Type of parameter `") {
        let (name, rest) = rest.split_once("` doesn't match, expected `")?;
        let (expected, given) = rest.split_once("`, actual `")?;
        let (kind, value) = given.trim_end_matches('`').split_once(" (repr: ")?;
        let value = value.strip_suffix(')')?;
        return Some((wrong_type(failed.function, name, expected, kind, value), None));
    }
    if let Some(rest) = message.strip_prefix("Value `") {
        let (value, rest) = rest.split_once("` of type `")?;
        let (kind, rest) = rest.split_once("` does not match the type annotation `")?;
        if let Some(expected) = rest.strip_suffix("` for return type") {
            let expected = short_name(expected);
            let sentence =
                format!("the annotation says {expected}, but the value is the {kind} {value}");
            return Some((sentence, None));
        }
        let (expected, name) = rest.split_once("` for argument `")?;
        let name = name.trim_end_matches('`');
        return Some((wrong_type(failed.function, name, expected, kind, value), None));
    }
    if let Some(rest) = message.strip_prefix("Error unpacking value for parameter `") {
        let (name, rest) = rest.split_once('`')?;
        let (_, reason) = rest.split_once(": ")?;
        let called = failed.function.map(|function| format!("{function}: ")).unwrap_or_default();
        return Some((format!("{called}`{name}` cannot be used: {}", lowercase(reason)), None));
    }
    None
}

fn unknown_parameter(called: &str, given: &str, failed: &Failed) -> Sentence {
    let known = (failed.parameters)(called);
    let hint = match nearest(given, &known) {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None => takes(&known),
    };
    (format!("{called} has no parameter `{given}`"), hint)
}

fn takes(parameters: &[String]) -> Option<String> {
    (!parameters.is_empty()).then(|| format!("it takes {}", parameters.join(", ")))
}

fn wrong_type(
    function: Option<&str>,
    name: &str,
    expected: &str,
    kind: &str,
    value: &str,
) -> String {
    let called = function.map(|function| format!("{function}: ")).unwrap_or_default();
    let expected = expected.split(" | ").map(short_name).collect::<Vec<_>>().join(" or ");
    // `None` is its own type's only value.
    let given = if value == "None" { value.to_owned() } else { format!("the {kind} {value}") };
    format!("{called}`{name}` must be {expected}, not {given}")
}

/// Names of the keyword arguments of a call, read from its source.
fn keywords(call: &str) -> Vec<String> {
    fn in_statement(statement: &AstStmt) -> Vec<String> {
        match &statement.node {
            StmtP::Statements(statements) => statements.iter().flat_map(in_statement).collect(),
            StmtP::Expression(expression) => match &expression.node {
                ExprP::Call(_, arguments) => arguments
                    .args
                    .iter()
                    .filter_map(|argument| match &argument.node {
                        ArgumentP::Named(name, _) => Some(name.node.clone()),
                        _ => None,
                    })
                    .collect(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
    parse("call", call).map(|ast| in_statement(ast.statement())).unwrap_or_default()
}

/// What the parser rejects, with Starlark's alternative.
fn about_syntax(message: &str, line: Option<&str>) -> Option<Sentence> {
    if message.ends_with(TOO_DEEP) {
        return Some((message.to_owned(), Some("give inner parts names of their own".to_owned())));
    }
    if let Some((sentence, hint)) = line.and_then(|line| rejected_messages::meant(message, line)) {
        return Some((sentence.to_owned(), Some(hint.to_owned())));
    }
    let rest = message.strip_prefix("Parse error: ")?;
    if let Some((sentence, hint)) = line.and_then(rejected_lines::meant) {
        return Some((sentence.to_owned(), Some(hint.to_owned())));
    }
    let foreign = rest.strip_prefix("invalid input `").and_then(|rest| rest.chars().next());
    if let Some(foreign) = foreign.filter(|foreign| !foreign.is_ascii()) {
        return Some(foreign_character(foreign));
    }
    if rest.starts_with("unexpected symbol '**'") {
        let sentence = "syntax error: Starlark has no `**`";
        return Some((
            sentence.to_owned(),
            Some("write `x * x`; sqrt(x) is the square root".to_owned()),
        ));
    }
    if rest.starts_with("unexpected symbol ':'") && rest.contains("f-string") {
        let sentence = "syntax error: braces in an f-string hold no format after `:`";
        return Some((sentence.to_owned(), Some("write {format(x, \".2f\")}".to_owned())));
    }
    if rest.contains("tabs are not allowed") {
        let hint = "indent with spaces; an editor changes tabs to spaces";
        return Some((format!("syntax error: {rest}"), Some(hint.to_owned())));
    }
    if rest.ends_with("expected new indentation block") {
        return Some(("syntax error: this line must be indented".to_owned(), None));
    }
    let keyword = rest.strip_prefix("cannot use reserved keyword `").map(|k| k.trim_matches('`'));
    let module =
        line.and_then(|line| line.split([' ', '.', ',']).nth(1)).and_then(habits::undefined);
    let hint = match keyword {
        Some("import" | "from") if module.is_some() => {
            return Some((
                "syntax error: Starlark has no `import`".to_owned(),
                module.map(|(_, hint)| hint),
            ));
        }
        Some("import" | "from") => Some("load(\"file.star\", \"name\") takes names from a file"),
        Some("while") => Some("repeat with `for … in range(…)` and leave with `break`"),
        Some("class") => Some("group values with struct(…)"),
        Some("try" | "except" | "raise" | "finally") => {
            Some("an error ends the cell; fail(\"…\") raises one")
        }
        Some("with") => Some("verbs open and close files themselves; leave the `with` out"),
        Some("del") => Some("give the name another value, or take an item away with .pop(…)"),
        Some("global" | "nonlocal") => Some(
            "a function returns values, and the caller names them; a list or dict can be changed in it",
        ),
        Some("yield" | "async" | "await") => {
            Some("return a list; start(lambda: …) runs in the background")
        }
        Some("is") => Some("compare with `==`"),
        Some("assert") => Some("write `if …: fail(\"…\")`"),
        _ => None,
    };
    let sentence = match keyword {
        Some(keyword) => format!("syntax error: Starlark has no `{keyword}`"),
        None => format!("syntax error: {rest}"),
    };
    Some((sentence, hint.map(str::to_owned)))
}

/// A character beyond ASCII outside texts and comments: a letter of a name, or one that editors put
/// in the place of another.
fn foreign_character(character: char) -> Sentence {
    let meant = match character {
        '“' | '”' | '„' | '«' | '»' => "\"",
        '‘' | '’' | '‚' => "'",
        '−' | '–' | '—' => "-",
        '×' | '·' => "*",
        '÷' => "/",
        '≤' => "<=",
        '≥' => ">=",
        '≠' => "!=",
        '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{3000}' => {
            let sentence = "syntax error: this is a special space, which looks like a usual one";
            return (sentence.to_owned(), Some("type a space in its place".to_owned()));
        }
        _ if character.is_alphanumeric() => {
            let sentence = format!(
                "syntax error: a name has the letters a to z, digits and underscores, not \
                 `{character}`"
            );
            return (sentence, Some("texts and comments may have any letter".to_owned()));
        }
        _ => return (format!("syntax error: `{character}` means nothing here"), None),
    };
    (format!("syntax error: `{character}` means nothing here"), Some(format!("write `{meant}`")))
}

fn lowercase(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reworded(message: &str, source: &str) -> (String, Option<String>) {
        let parameters = |_: &str| ["subjects", "lesions"].map(String::from).to_vec();
        let function = Some("phantom_cohort");
        sentence(
            message,
            &Failed { function, source: Some(source), line: Some(source), parameters: &parameters },
        )
    }

    #[test]
    fn a_misspelt_keyword_is_named_even_if_a_parameter_is_missing_for_it() {
        let message = "Missing parameter `subjects` for call to `phantom_cohort`";
        let (sentence, hint) = reworded(message, "phantom_cohort(subject = 3)");
        assert_eq!(sentence, "phantom_cohort has no parameter `subject`");
        assert_eq!(hint.unwrap(), "did you mean `subjects`?");
        let (sentence, _) = reworded(message, "phantom_cohort(lesions = 3)");
        assert_eq!(sentence, "phantom_cohort needs `subjects`");
    }

    #[test]
    fn a_wrong_type_names_function_parameter_expected_and_given() {
        let message = "Type of parameter `subjects` doesn't match, expected `None | int`, \
                       actual `string (repr: \"a`b\")`";
        let (sentence, _) = reworded(message, "");
        assert_eq!(
            sentence,
            "phantom_cohort: `subjects` must be None or int, not the string \"a`b\""
        );
    }

    #[test]
    fn a_character_beyond_ascii_gets_a_sentence() {
        let (sentence, hint) = reworded("Parse error: invalid input `ö`", "");
        assert_eq!(
            sentence,
            "syntax error: a name has the letters a to z, digits and underscores, not `ö`"
        );
        assert_eq!(hint.unwrap(), "texts and comments may have any letter");
        let (sentence, hint) = reworded("Parse error: invalid input `“`", "");
        assert_eq!(sentence, "syntax error: `“` means nothing here");
        assert_eq!(hint.unwrap(), "write `\"`");
        let (sentence, _) = reworded("Parse error: invalid input `$`", "");
        assert_eq!(sentence, "syntax error: invalid input `$`");
    }

    #[test]
    fn habits_from_python_are_told_what_stands_here_for_them() {
        for (message, source, expected) in [
            (
                "Object of type `list` has no attribute `sort`, did you mean `insert`?",
                "a.sort()",
                "sorted(a) gives",
            ),
            ("Operation `compare` not supported for types `Image` and `float`", "", ".above(0.5)"),
            ("Object of type `Image` has no attribute `max`, did you mean `mean`?", "", ".maximum"),
            ("Operation `call()` not supported on type `float`", "a.mean()", "write a.mean"),
            ("Unsupported format character: '.'", "\"%.2f\" % x", "format(x, \".2f\")"),
            (
                "Invalid character '.' inside replacement field",
                "\"{:.2f}\".format(x)",
                "format(x, \".2f\")",
            ),
            ("Key `:>8` was not found", "\"{:>8}\".format(x)", "format(x, \".2f\")"),
            ("Variable `np` not found, did you mean `s`?", "", "maps have"),
            ("Variable `quit` not found", "", ":quit"),
            (
                "Found `default` extra named parameter(s) for call to max",
                "max([], default = 0)",
                "max(xs) if xs else 0",
            ),
            ("Parse error: unexpected new line, expected keyword 'else'", "y = x if x", "else"),
            ("Parse error: cannot use reserved keyword `with`", "with a:", "leave the `with` out"),
            ("Parse error: unexpected new line", "x++", "x += 1"),
            ("Object of type `Job` has no attribute `result`", "job.result", "wait(job)"),
        ] {
            let (_, hint) = reworded(message, source);
            assert!(
                hint.as_ref().is_some_and(|hint| hint.contains(expected)),
                "{message}: {hint:?}"
            );
        }
        let far = "Variable `maths` not found, did you mean `hash`?";
        assert_eq!(reworded(far, ""), ("`maths` is not defined".to_owned(), None));
        let near = "Variable `colou` not found, did you mean `colour`?";
        assert_eq!(reworded(near, "").1.unwrap(), "did you mean `colour`?");
    }

    #[test]
    fn inner_names_are_never_suggested() {
        for inner in ["*", "%", "__written__"] {
            let message = format!("Variable `d` not found, did you mean `{inner}`?");
            assert_eq!(reworded(&message, "d"), ("`d` is not defined".to_owned(), None));
        }
        let message = "Variable `detct` not found, did you mean `detect`?";
        assert_eq!(reworded(message, "").1.unwrap(), "did you mean `detect`?");
    }

    #[test]
    fn an_unknown_message_stays_as_it_is() {
        assert_eq!(reworded("Something new.", ""), ("Something new".to_owned(), None));
    }
}
