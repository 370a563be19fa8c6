//! What could stand at the cursor.

use super::candidate::{Candidate, CandidateKind};
use super::cursor::{Call, Cursor};
use super::kinds;
use super::known::Known;
use super::paths::paths;
use super::scope::Scope;
use crate::language::brackets::{opening, primary_start};
use crate::language::tokens::{KEYWORDS, Placed, Token, is_word};
use crate::session::catalogue::manual;
use crate::session::manual::{Member, Type};
use crate::session::{Name, Parameter, Verb};

/// The user's names that are offered at most.
const MOST_VARIABLES: usize = 300;

/// What could stand at a place, in the order in which to offer it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completions {
    /// The characters of the source that a candidate replaces, counted from 0.
    pub start: usize,
    pub end: usize,
    pub candidates: Vec<Candidate>,
}

impl Candidate {
    fn new(text: impl Into<String>, kind: CandidateKind, detail: Option<String>) -> Self {
        let detail = detail.filter(|detail| !detail.is_empty() && detail != "typing.Any");
        Self { text: text.into(), kind, detail }
    }

    fn function(function: &Verb, kind: CandidateKind) -> Self {
        Self::new(&function.name, kind, Some(function.signature()))
    }
}

/// What could stand before the character `cursor` of `source`, given the values of earlier cells.
/// Runs nothing.
pub(in crate::session) fn complete(values: &[Name], source: &str, cursor: usize) -> Completions {
    let cursor = Cursor::new(source, cursor);
    let mut tokens = cursor.tokens();
    let end = cursor.before.len();
    let at_cursor = |placed: &&Placed| placed.range.end == end;
    let (start, candidates) = match tokens.last().filter(at_cursor).map(|last| last.token) {
        Some(Token::Comment | Token::Number | Token::FormatEnd) => (end, Vec::new()),
        Some(Token::OpenText { content }) => {
            let content = content.min(end);
            tokens.pop();
            let scope = cursor.scope(values, &tokens);
            in_text(&scope, &tokens, content, &cursor.before[content..])
        }
        _ => {
            let start = cursor.before.trim_end_matches(is_word).len();
            tokens.retain(|placed| placed.range.end <= start);
            let scope = cursor.scope(values, &tokens);
            let word = &cursor.before[start..];
            let mut candidates = outside_text(&scope, &tokens, word);
            candidates.retain(|candidate| candidate.text.starts_with(word));
            (start, candidates)
        }
    };
    let mut seen = std::collections::BTreeSet::new();
    let candidates = candidates.into_iter().filter(|one| seen.insert(one.text.clone())).collect();
    Completions { start: cursor.position(start), end: cursor.position(end), candidates }
}

/// Candidates within a string; `content` is what of it stands before the cursor, and `from` where
/// that begins.
fn in_text(
    scope: &Scope,
    tokens: &[Placed],
    from: usize,
    content: &str,
) -> (usize, Vec<Candidate>) {
    let is_load = |open: usize| {
        open.checked_sub(1).is_some_and(|before| scope.text(&tokens[before]) == "load")
    };
    if let Some(open) = opening(tokens).filter(|open| is_load(*open)) {
        return match tokens.len() == open + 1 {
            true => paths(from, content, Some("star")),
            false => (from, Vec::new()),
        };
    }
    if let Some(parameter) = Call::at(scope, tokens).as_ref().and_then(Call::parameter) {
        if parameter.is_path() {
            return paths(from, content, None);
        }
        let choices = parameter.choices.iter().filter(|choice| choice.starts_with(content));
        return (from, choices.map(|choice| choice_of(parameter, choice, "")).collect());
    }
    let keys = keys(scope, tokens).iter().filter(|key| key.starts_with(content));
    (from, keys.map(|key| Candidate::new(key, CandidateKind::Value, None)).collect())
}

/// Names that pick a part of the value before an open square bracket at the end of `tokens`.
fn keys<'a>(scope: &Scope<'a>, tokens: &[Placed]) -> &'a [String] {
    let Some((last, before)) = tokens.split_last() else { return &[] };
    let Some(owner) = before.last().filter(|_| scope.text(last) == "[") else { return &[] };
    let is_attribute = before.len() > 1 && scope.text(&before[before.len() - 2]) == ".";
    match scope.value(scope.text(owner)).filter(|_| !is_attribute) {
        Some(value) => &value.keys,
        None => &[],
    }
}

fn choice_of(parameter: &Parameter, choice: &str, quote: &str) -> Candidate {
    let text = format!("{quote}{choice}{quote}");
    let is_default = parameter.default.as_deref() == Some(&*format!("\"{choice}\""));
    Candidate::new(text, CandidateKind::Value, is_default.then(|| "default".to_owned()))
}

/// Candidates for the beginning `word` of a name.
fn outside_text(scope: &Scope, tokens: &[Placed], word: &str) -> Vec<Candidate> {
    let last = tokens.last().map(|last| scope.text(last));
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        return Vec::new();
    }
    match last {
        Some(".") => {
            let owner = &tokens[..tokens.len() - 1];
            return members(&scope.expression(&owner[primary_start(scope.source(), owner)..]));
        }
        // A new name follows.
        Some("def" | "for" | "lambda") => return Vec::new(),
        _ => {}
    }
    let mut candidates = Vec::new();
    let call = Call::at(scope, tokens);
    if let Some(call) = &call {
        let parameter = call.parameter();
        if call.at_start {
            candidates.extend(call.open_parameters().map(keyword_argument));
        }
        let value = call.at_start || last == Some("=");
        if let Some(parameter) = parameter.filter(|_| value) {
            candidates.extend(parameter.choices.iter().map(|c| choice_of(parameter, c, "\"")));
            candidates.extend(fitting(scope, parameter, word));
        }
    }
    let keys = keys(scope, tokens).iter().map(|key| format!("\"{key}\""));
    candidates.extend(keys.map(|key| Candidate::new(key, CandidateKind::Value, None)));
    candidates.extend(variables(scope, word).into_iter().take(MOST_VARIABLES));
    // In an open call an empty word asks what fits there, not what there is.
    if call.is_some() && word.is_empty() {
        return candidates;
    }
    let manual = manual();
    candidates.extend(manual.verbs().map(|verb| Candidate::function(verb, CandidateKind::Verb)));
    let functions = manual.functions.iter();
    candidates.extend(functions.map(|one| Candidate::function(one, CandidateKind::Function)));
    let groups = manual.groups.iter();
    candidates.extend(groups.map(|(name, _)| Candidate::new(name, CandidateKind::Function, None)));
    let constants = ["True", "False", "None"].iter();
    candidates.extend(constants.map(|name| Candidate::new(*name, CandidateKind::Value, None)));
    let keywords = KEYWORDS.iter();
    candidates.extend(keywords.map(|name| Candidate::new(*name, CandidateKind::Keyword, None)));
    candidates
}

fn keyword_argument(parameter: &Parameter) -> Candidate {
    let Parameter { name, kind, default, .. } = parameter;
    let detail = match default {
        Some(default) if kind == "typing.Any" => format!("default {default}"),
        Some(default) => format!("{kind}, default {default}"),
        None => kind.clone(),
    };
    Candidate::new(format!("{name} = "), CandidateKind::KeywordArgument, Some(detail))
}

/// Variables whose type is one that the parameter takes; and booleans.
fn fitting(scope: &Scope, parameter: &Parameter, word: &str) -> Vec<Candidate> {
    let taken: Vec<_> = parameter.kind.split(" | ").collect();
    let mut fitting = variables(scope, word);
    let fits = |kind: &str| kind != "None" && taken.contains(&kind);
    fitting.retain(|variable| variable.detail.as_deref().is_some_and(fits));
    fitting.truncate(MOST_VARIABLES);
    if taken.contains(&"bool") {
        let values = ["True", "False"].iter();
        fitting.extend(values.map(|name| Candidate::new(*name, CandidateKind::Value, None)));
    }
    if taken.contains(&"None") {
        fitting.push(Candidate::new("None", CandidateKind::Value, None));
    }
    fitting
}

/// The user's names that begin with `word`, in alphabetical order.
fn variables(scope: &Scope, word: &str) -> Vec<Candidate> {
    let candidate = |name: &str, known: &Known| match known {
        Known::Function(function) => {
            Candidate::new(name, CandidateKind::Function, Some(function.signature()))
        }
        Known::Value(kind) => Candidate::new(name, CandidateKind::Variable, Some(kind.clone())),
        Known::Fields(_) | Known::Group(_) | Known::Nothing => {
            Candidate::new(name, CandidateKind::Variable, None)
        }
    };
    let local = scope.local().filter(|(name, _)| name.starts_with(word));
    let mut all: Vec<_> = local.map(|(name, known)| candidate(name, known)).collect();
    let values = scope.values().into_iter().filter(|value| value.name.starts_with(word));
    all.extend(values.map(|value| candidate(&value.name, &Known::of(value))));
    all.sort_by(|a, b| a.text.cmp(&b.text));
    all
}

/// Attributes and methods of something.
fn members(of: &Known) -> Vec<Candidate> {
    let attribute = |(name, kind): &(String, String)| {
        Candidate::new(name, CandidateKind::Attribute, Some(kind.clone()))
    };
    match of {
        Known::Value(kind) => {
            kinds::documented(kind).into_iter().flat_map(Type::candidates).collect()
        }
        Known::Fields(fields) => fields.iter().map(attribute).collect(),
        Known::Group(name) => {
            let group = manual().groups.iter().filter(|(group, _)| group == name);
            let functions = group.flat_map(|(_, functions)| functions);
            functions.map(|one| Candidate::function(one, CandidateKind::Function)).collect()
        }
        Known::Function(_) | Known::Nothing => Vec::new(),
    }
}

impl Type {
    fn candidates(&self) -> impl Iterator<Item = Candidate> {
        self.members.iter().map(|member| match member {
            Member::Attribute { name, kind, .. } => {
                Candidate::new(name, CandidateKind::Attribute, Some(kind.clone()))
            }
            Member::Method(method) => Candidate::function(method, CandidateKind::Method),
        })
    }
}
