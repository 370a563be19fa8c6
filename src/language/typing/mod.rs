//! What the type checker of the language finds: which source it is given, and its messages as those of a
//! run.

mod kinds;

use std::collections::BTreeSet;
use std::ops::Range;

use self::kinds::{expected_and_given, plain};
use super::brackets::closing;
use super::sentence::{Failed, sentence};
use super::tokens::{Placed, Token, tokens};

/// A source as the body of a function. The type checker looks into functions only.
pub(crate) struct InFunction {
    pub source: String,
    /// Lines before the first one of the source.
    lines: usize,
    /// Whether a line of the source has one more space before it.
    is_indented: Vec<bool>,
}

impl InFunction {
    pub fn new(source: &str) -> Self {
        let tokens = tokens(source);
        let mut body = source.to_owned();
        let mut head = String::new();
        // A function cannot load: that comes before it. Its lines stay, so that all others keep their numbers.
        for load in loads(source, &tokens).into_iter().rev() {
            let text = &source[load.clone()];
            head = format!("{text}\n{head}");
            let lines = "\\\n".repeat(text.matches('\n').count());
            body.replace_range(load, &format!("{lines}pass"));
        }
        head.push_str("def cells():\n");
        let in_text = lines_in_text(source, &tokens);
        let is_indented: Vec<bool> = body
            .split('\n')
            .enumerate()
            .map(|(number, line)| !line.trim().is_empty() && !in_text.contains(&number))
            .collect();
        let lines = body.split('\n').zip(&is_indented);
        let lines =
            lines.map(|(line, indented)| format!("{}{line}\n", if *indented { " " } else { "" }));
        let source = lines.fold(head.clone(), |whole, line| whole + &line) + " pass\n";
        Self { source, lines: head.matches('\n').count(), is_indented }
    }

    /// A line and column of it in the source that it was made of, counted from 1.
    pub fn place(&self, line: usize, column: usize) -> Option<(usize, usize)> {
        let line = line.checked_sub(self.lines)?;
        let shift = usize::from(*self.is_indented.get(line.checked_sub(1)?)?);
        Some((line, column.saturating_sub(shift).max(1)))
    }
}

/// Where the statements are that load files.
fn loads(source: &str, tokens: &[Placed]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, placed) in tokens.iter().enumerate() {
        let is_first = at == 0 || matches!(tokens[at - 1].token, Token::Newline | Token::Comment);
        if is_first && &source[placed.range.clone()] == "load" {
            let end = closing(tokens, at + 1);
            found.extend(tokens.get(end).map(|close| placed.range.start..close.range.end));
        }
    }
    found
}

/// Numbers of the lines, counted from 0, that begin inside a text.
fn lines_in_text(source: &str, tokens: &[Placed]) -> BTreeSet<usize> {
    let mut lines = BTreeSet::new();
    // Where lines end, so that nobody counts from the start of the source for every text.
    let ends: Vec<usize> = source.match_indices('\n').map(|(at, _)| at).collect();
    let line = |byte: usize| ends.partition_point(|end| *end < byte);
    let mut start = None;
    for placed in tokens {
        match placed.token {
            Token::FormatStart => start = start.or(Some(placed.range.start)),
            Token::FormatEnd => {
                if let Some(start) = start.take() {
                    lines.extend(line(start) + 1..=line(placed.range.end));
                }
            }
            Token::Text if source[placed.range.clone()].contains('\n') => {
                lines.extend(line(placed.range.start) + 1..=line(placed.range.end));
            }
            _ => {}
        }
    }
    lines
}

/// A message of the type checker as the sentence of a run, with a hint. `called` is the function in whose
/// call it is.
pub(crate) fn typing_sentence(
    message: &str,
    called: Option<&str>,
    parameters: &dyn Fn(&str) -> Vec<String>,
) -> (String, Option<String>) {
    let quoted = |prefix: &str, suffix: &str| {
        message.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix))
    };
    let two = |prefix: &str, between: &str| {
        message.strip_prefix(prefix)?.strip_suffix('`')?.split_once(between)
    };
    let function = called.unwrap_or("this function");
    let takes = || {
        let known = parameters(function);
        (!known.is_empty()).then(|| format!("it takes {}", known.join(", ")))
    };
    let at_run_time = if let Some(name) = quoted("Unexpected parameter named `", "`") {
        format!("Found `{name}` extra named parameter(s) for call to {function}")
    } else if message == "Missing required parameter `_`" {
        return (format!("{function} needs more arguments"), takes());
    } else if let Some(name) = quoted("Missing required parameter `", "`") {
        format!("Missing parameter `{name}` for call to `{function}`")
    } else if let Some((name, kind)) = two("The attribute `", "` is not available on the type `") {
        format!("Object of type `{}` has no attribute `{name}`", plain(kind))
    } else if let Some(kind) = quoted("Type `", "` is not iterable") {
        format!("Operation `(iter)` not supported on type `{}`", plain(kind))
    } else if let Some(kind) = quoted("Call to a non-callable type `", "`")
        .or_else(|| quoted("Type `", "` is not callable"))
    {
        format!("Operation `call()` not supported on type `{}`", plain(kind))
    } else if let Some(kind) = quoted("Type `", "` does not have [::] operator") {
        format!("Operation `[::]` not supported on type `{}`", plain(kind))
    } else if let Some((kind, index)) =
        two("Type `", "` does not have [] operator or [] cannot accept `")
    {
        format!("Operation `[]` not supported for types `{}` and `{}`", plain(kind), plain(index))
    } else if let Some((operator, kinds)) =
        two("Binary operator `", "` is not available on the types `")
    {
        let kinds = kinds.split_once("` and `").unwrap_or((kinds, ""));
        let (left, right) = (plain(kinds.0), plain(kinds.1));
        format!("Operation `{operator}` not supported for types `{left}` and `{right}`")
    } else if let Some((operator, kind)) =
        two("Unary operator `", "` is not available on the type `")
    {
        format!("Operation `{operator}` not supported on type `{}`", plain(kind))
    } else if let Some((expected, given)) = two("Expected type `", "` but got `") {
        let place = called.map_or(String::new(), |function| format!("{function}: "));
        let (expected, given) = expected_and_given(expected, given);
        return (format!("{place}this must be {expected}, not {given}"), None);
    } else if message == "Too many positional arguments" {
        return (format!("{function} got too many unnamed arguments"), takes());
    } else {
        message.to_owned()
    };
    sentence(&at_run_time, &Failed { function: called, source: None, line: None, parameters })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;
    use crate::language::dialect::parse;

    #[test]
    fn a_source_becomes_a_function_and_its_places_are_found_again() {
        let source = "load(\"a.star\",\n    \"b\")\n# %%\nx = \"\"\"\ny\"\"\"\nif x:\n    b()\n";
        let function = InFunction::new(source);
        let expected = "load(\"a.star\",\n    \"b\")\ndef cells():\n \\\n pass\n # %%\n x = \"\"\"\ny\"\"\"\n \
                        if x:\n     b()\n\n pass\n";
        assert_eq!(function.source, expected);
        assert!(crate::language::dialect::parse("cells", &function.source).is_ok());
        assert_eq!(function.place(7, 2), Some((4, 1)));
        assert_eq!(function.place(8, 2), Some((5, 2)));
        assert_eq!(function.place(10, 6), Some((7, 5)));
        assert_eq!(function.place(2, 1), None);
    }

    #[test]
    fn messages_read_as_those_of_a_run() {
        let parameters = |_: &str| ["subjects", "lesions"].map(String::from).to_vec();
        let told = |message: &str| {
            let (sentence, hint) = typing_sentence(message, Some("phantom_cohort"), &parameters);
            hint.map_or(sentence.clone(), |hint| format!("{sentence}; {hint}"))
        };
        assert_eq!(
            told("Unexpected parameter named `subject`"),
            "phantom_cohort has no parameter `subject`; did you mean `subjects`?"
        );
        assert_eq!(
            told("Missing required parameter `subjects`"),
            "phantom_cohort needs `subjects`; it takes subjects, lesions"
        );
        assert_eq!(
            told("The attribute `pixels` is not available on the type `Subject`"),
            "a Subject has no `pixels`"
        );
        assert_eq!(
            told("Expected type `Cohort | None` but got `int`"),
            "phantom_cohort: this must be a Cohort or None, not an int"
        );
        assert_eq!(
            told("Binary operator `+` is not available on the types `int` and `str`"),
            "`+` does not work between an int and a string"
        );
        assert_eq!(
            told("The attribute `foo` is not available on the type `list[int | str]`"),
            "a list has no `foo`"
        );
        assert_eq!(told("Type `None` is not callable"), "None cannot be called");
        assert_eq!(
            told("Missing required parameter `_`"),
            "phantom_cohort needs more arguments; it takes subjects, lesions"
        );
    }

    #[test]
    fn many_texts_take_time_in_proportion() {
        let source = "x = \"\"\"\n\"\"\"\n".repeat(40_000);
        let tokens = tokens(&source);
        let started = Instant::now();
        assert_eq!(lines_in_text(&source, &tokens).len(), 40_000);
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    }

    /// Sources of pieces that are code, or could have been.
    const PIECES: &str = "(def f\\(a\\):\n    |return a\n|x = 1\n|if x:\n  |\n|load\\(\"a.star\",\n \"b\"\\)\n|\"\"\"|\"|f\"|\\{x\\}|\\(|\\)|é|\\\\|# c\n|\t|\r| |pass\n){0,20}";

    fn check(source: &str) -> Result<(), TestCaseError> {
        let function = InFunction::new(source);
        let lines = source.split('\n').count();
        prop_assert_eq!(function.source.split('\n').count(), function.lines + lines + 2);
        for line in 1..=lines {
            let place = function.place(function.lines + line, 3);
            prop_assert!(matches!(place, Some((found, 2..=3)) if found == line), "{:?}", place);
        }
        prop_assert_eq!(function.place(function.lines, 1), None);
        let is_code = parse("cells", source).is_ok();
        prop_assert!(!is_code || parse("cells", &function.source).is_ok(), "{}", function.source);
        Ok(())
    }

    proptest! {
        #[test]
        fn any_text_becomes_a_function(source in "(?s).{0,60}") {
            check(&source)?;
        }

        #[test]
        fn any_code_becomes_a_function(source in PIECES) {
            check(&source)?;
        }
    }
}
