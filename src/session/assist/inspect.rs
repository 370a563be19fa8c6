//! What is known about what stands at the cursor.

use super::cursor::{Call, Cursor, WINDOW};
use super::kinds;
use super::known::Known;
use super::scope::Scope;
use crate::language::brackets::{opening, primary_start};
use crate::language::tokens::{Placed, Token, tokens};
use crate::report::List;
use crate::session::catalogue::manual;
use crate::session::manual::Member;
use crate::session::{Name, Page, Verb};

/// Bytes of a source in which functions are looked for: no more than what a cursor looks at, so that both count from
/// the start of the source.
const MOST_SEARCHED: usize = WINDOW;

/// The page about the name, call or index in which the cursor stands or which ends there; within
/// the brackets of a call, about what is called. Runs nothing.
pub(in crate::session) fn inspect(values: &[Name], source: &str, cursor: usize) -> Option<Page> {
    let cursor = at_end_of_word(source, cursor);
    let mut tokens = cursor.tokens();
    let last = tokens.last()?;
    let touches = last.range.end == cursor.before.len();
    if touches && last.token == Token::Comment {
        return None;
    }
    if touches && !matches!(last.token, Token::OpenText { .. } | Token::Newline) {
        let scope = cursor.scope(values, &tokens);
        if let Some(page) = about_touched(&scope, &tokens, source) {
            return Some(page);
        }
    }
    if matches!(last.token, Token::OpenText { .. }) {
        tokens.pop();
    }
    let scope = cursor.scope(values, &tokens);
    // The call in whose brackets the cursor stands, however deep in other brackets.
    let mut inside = tokens.as_slice();
    loop {
        if let Some(call) = Call::at(&scope, inside) {
            return Some(call.function.page());
        }
        inside = &inside[..opening(inside)?];
    }
}

/// The page about the name in which the cursor stands and nothing else; for the name of an argument, about what is called.
/// Runs nothing.
pub(in crate::session) fn describe(source: &str, cursor: usize) -> Option<Page> {
    let cursor = at_end_of_word(source, cursor);
    let tokens = cursor.tokens();
    let (last, before) = tokens.split_last()?;
    if last.token != Token::Word || last.range.end != cursor.before.len() {
        return None;
    }
    let scope = cursor.scope(&[], &tokens);
    let behind = cursor.after.trim_start();
    if behind.starts_with('=') && !behind.starts_with("==") {
        let call = Call::at(&scope, before).filter(|call| call.at_start);
        if let Some(call) = call {
            let is_known = |name: &str| call.function.parameters.iter().any(|one| one.name == name);
            return is_known(scope.text(last)).then(|| call.function.page());
        }
    }
    about_touched(&scope, &tokens, source)
}

/// The cursor, moved to the end of the word in which it stands.
fn at_end_of_word(source: &str, cursor: usize) -> Cursor<'_> {
    let cursor = Cursor::new(source, cursor);
    let rest = cursor.rest_of_word().chars().count();
    let whole = cursor.position(cursor.before.len()) + rest;
    Cursor::new(source, whole)
}

/// The page about the name, call or index at the end of some tokens.
fn about_touched(scope: &Scope, tokens: &[Placed], source: &str) -> Option<Page> {
    let about = &tokens[primary_start(scope.source(), tokens)..];
    if let [name] = about
        && name.token == Token::Word
        && let Some(function) = own_function(scope, name, source)
    {
        return Some(function.page());
    }
    about_expression(scope, about)
}

/// The function of this name that the whole source defines, with its parameters and its documentation; it may stand
/// behind the cursor.
fn own_function(scope: &Scope, name: &Placed, source: &str) -> Option<Verb> {
    let text = scope.text(name);
    let may_be_own = match scope.local().find(|(known, _)| *known == text) {
        Some((_, known)) => matches!(known, Known::Function(_)),
        None => scope.name(text) == Known::Nothing,
    };
    if !may_be_own || source.len() > MOST_SEARCHED {
        return None;
    }
    let all = tokens(source);
    let is_here = |pair: &[Placed]| {
        &source[pair[0].range.clone()] == "def" && &source[pair[1].range.clone()] == text
    };
    let places: Vec<usize> = (1..all.len()).filter(|at| is_here(&all[at - 1..=*at])).collect();
    // The last one up to the cursor, else the first one behind it.
    let before = places.iter().rfind(|at| all[**at].range.end <= name.range.end);
    let at = before.or(places.first())?;
    Scope::function(source, &all[at - 1..])
}

/// The page about an expression, if anything is known about it.
fn about_expression(scope: &Scope, tokens: &[Placed]) -> Option<Page> {
    let [.., last] = tokens else { return None };
    let text = scope.text(last);
    if let [name] = tokens
        && name.token == Token::Word
    {
        if let Some(value) = scope.value(text) {
            return Some(about_value(value));
        }
        if let Some(kind) = manual().kind(text).filter(|_| scope.name(text) == Known::Nothing) {
            return Some(kind.page());
        }
    }
    if let [owner @ .., dot, name] = tokens
        && scope.text(dot) == "."
        && let Known::Value(kind) = scope.expression(owner)
        && let Some((owner, Member::Attribute { name, kind, summary })) = kinds::documented(&kind)
            .into_iter()
            .find_map(|kind| Some((&kind.name, kind.member(scope.text(name))?)))
    {
        return Some(Page {
            heading: format!("{owner}.{name} -> {kind}"),
            paragraphs: std::iter::once(summary.clone()).chain(summaries(kind)).collect(),
            lists: lists(kind),
            example: None,
        });
    }
    match scope.expression(tokens) {
        Known::Function(function) => Some(function.page()),
        Known::Value(kind) if last.token != Token::Text => {
            let source = tokens.first().map(|first| first.range.start..last.range.end)?;
            Some(of_kind(&scope.source()[source], &kind))
        }
        Known::Group(group) => {
            let groups = manual().groups.iter();
            let functions = groups.filter(|(name, _)| *name == group).flat_map(|(_, all)| all);
            let entries = functions.map(|one| (one.signature(), one.summary.clone())).collect();
            let lists = vec![List { title: "Functions".to_owned(), entries }];
            Some(Page { heading: group, lists, ..Page::default() })
        }
        Known::Value(_) | Known::Fields(_) | Known::Nothing => None,
    }
}

/// A value that an earlier cell left: what it is, and what it can do.
fn about_value(value: &Name) -> Page {
    if let Some(function) = &value.function {
        return function.page();
    }
    let mut page = of_kind(&value.name, &value.type_of);
    page.paragraphs.insert(0, value.summary.clone());
    if !value.fields.is_empty() {
        let field = |(name, kind): &(String, String)| (format!(".{name} -> {kind}"), String::new());
        let entries = value.fields.iter().map(field).collect();
        page.heading = format!("{}: {}", value.name, value.kind);
        page.lists = vec![List { title: "Attributes".to_owned(), entries }];
    }
    page
}

/// Something of this type.
fn of_kind(source: &str, kind: &str) -> Page {
    Page {
        heading: format!("{source}: {kind}"),
        paragraphs: summaries(kind),
        lists: lists(kind),
        example: None,
    }
}

fn summaries(kind: &str) -> Vec<String> {
    let summaries = kinds::documented(kind).into_iter().map(|kind| kind.summary.clone());
    summaries.filter(|summary| !summary.is_empty()).collect()
}

/// Attributes and methods of our own types; those of numbers and texts are the language's.
fn lists(kind: &str) -> Vec<List> {
    kinds::documented(kind).into_iter().flat_map(|kind| kind.lists()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(marked: &str) -> Option<Page> {
        let (before, after) = marked.split_once('|').unwrap();
        describe(&format!("{before}{after}"), before.chars().count())
    }

    #[test]
    fn a_name_is_described_and_nothing_around_it() {
        let heading = |marked: &str| page(marked).map(|page| page.heading).unwrap_or_default();
        assert!(heading("|detect(foo)").starts_with("detect(model, "));
        assert!(heading("phantom_cohort(sub|jects = 3)").starts_with("phantom_cohort("));
        for unknown in [
            "detect(|foo)",
            "detect(u2ad(), foo.b|ar)",
            "phantom_cohort(subj|cts = 3)",
            "x = foo()\nprint(|x)",
            "print(\"|detect\")",
            "def f(a):\n    return |a\n",
            "load(\"a.star\", \"score\")\nsc|ore(1)",
        ] {
            assert_eq!(heading(unknown), "", "{unknown}");
        }
    }

    #[test]
    fn own_functions_are_described_wherever_they_stand() {
        let source = "\
def before():
    return sc|ore(1)

def score(subject, *args, scale = 2.0, **more):
    \"\"\"Scales a subject.

    Twice by default.
    \"\"\"
    return scale
score = 3
";
        let told = page(source).unwrap();
        assert_eq!(told.heading, "score(subject, *args, scale = 2.0, **more)");
        assert_eq!(told.paragraphs, ["Scales a subject.", "Twice by default."]);
        assert_eq!(page("def sc|ore(a, b = 1): pass\n").unwrap().heading, "score(a, b = 1)");
        let twice = "def f(a): pass\ndef f(b):\n    'Second.'\nf|(1)\ndef f(c): pass\n";
        assert_eq!(page(twice).unwrap().paragraphs, ["Second."]);
    }
}
