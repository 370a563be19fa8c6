//! The documentation of one verb, method or function.

use starlark::docs::{DocFunction, DocParam, DocString};

use crate::error::spaces_collapsed;
use crate::report::{List, Page};

/// What the language writes for a default that it does not know.
pub(in crate::session) const UNTOLD: &str = "...";

/// One verb; also a method, a function of the language, or one of the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verb {
    pub name: String,
    /// One sentence.
    pub summary: String,
    pub details: Option<String>,
    pub parameters: Vec<Parameter>,
    /// Type of what it returns; "None" for nothing.
    pub returns: String,
    /// A few lines of code.
    pub example: Option<String>,
}

/// One parameter of a verb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// With the stars of `*args` and `**kwargs`.
    pub name: String,
    /// Its type, such as "int" or "None | str".
    pub kind: String,
    /// As it is written in code; `None` for a parameter that must be given.
    pub default: Option<String>,
    /// How it may be given.
    pub passing: Passing,
    pub summary: Option<String>,
    /// The words that it accepts, if it accepts only these.
    pub choices: Vec<&'static str>,
}

/// How an argument may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// By position only.
    Position,
    /// By position or by name.
    Either,
    /// By name only.
    Name,
    /// Any further arguments: `*args`, `**kwargs`.
    Rest,
}

impl Parameter {
    /// Whether it takes a file or folder.
    pub fn is_path(&self) -> bool {
        self.name == "path" && self.kind.contains("str")
    }
}

impl Verb {
    pub(in crate::session) fn from_docs(name: &str, docs: &DocFunction) -> Self {
        let params = &docs.params;
        let listed = [
            (Passing::Position, params.pos_only.iter().collect::<Vec<_>>()),
            (Passing::Either, params.pos_or_named.iter().collect()),
            (Passing::Rest, params.args.iter().collect()),
            (Passing::Name, params.named_only.iter().collect()),
            (Passing::Rest, params.kwargs.iter().collect()),
        ];
        let is_named =
            |docs: &DocParam| params.kwargs.as_ref().is_some_and(|one| std::ptr::eq(one, docs));
        let parameter = |docs: &DocParam, passing| Parameter {
            name: match passing {
                Passing::Rest if is_named(docs) => starred("**", &docs.name),
                Passing::Rest => starred("*", &docs.name),
                _ => docs.name.clone(),
            },
            kind: docs.typ.to_string(),
            default: docs.default_value.clone(),
            passing,
            summary: docs.docs.as_ref().map(prose),
            choices: Vec::new(),
        };
        let parameters = listed
            .into_iter()
            .flat_map(|(passing, all)| all.into_iter().map(move |docs| parameter(docs, passing)));
        let parameters = parameters.collect();
        let docs_of = docs.docs.as_ref();
        Self {
            name: name.to_owned(),
            summary: docs_of.map(|docs| sentence(name, &docs.summary)).unwrap_or_default(),
            details: docs_of.and_then(|docs| docs.details.clone()),
            parameters,
            returns: docs.ret.typ.to_string(),
            example: docs_of.and_then(|docs| docs.examples.as_deref()).map(without_fences),
        }
    }

    /// As it is called in code: `phantom_cohort(subjects = 12, seed = None)`.
    pub fn signature(&self) -> String {
        let parameters: Vec<_> = self
            .parameters
            .iter()
            .map(|Parameter { name, default, .. }| match default {
                Some(default) => format!("{name} = {default}"),
                None => name.clone(),
            })
            .collect();
        format!("{}({})", self.name, parameters.join(", "))
    }

    /// Signature, documentation, parameters and example.
    pub fn page(&self) -> Page {
        let returns = match self.returns.as_str() {
            "None" | "typing.Any" => String::new(),
            kind => format!(" -> {kind}"),
        };
        let parameters: Vec<_> = self
            .parameters
            .iter()
            .filter_map(|p| Some((p.name.clone(), p.summary.clone()?)))
            .collect();
        let summary = Some(&self.summary).filter(|summary| !summary.is_empty());
        let details = self.details.as_deref().unwrap_or_default();
        let points: Vec<_> = details.lines().filter_map(point).collect();
        let prose: Vec<_> = details.lines().filter(|line| point(line).is_none()).collect();
        let points = List { title: String::new(), entries: points };
        let parameters = List { title: "Parameters".into(), entries: parameters };
        Page {
            heading: self.signature() + &returns,
            paragraphs: summary.cloned().into_iter().chain(paragraphs(&prose.join("\n"))).collect(),
            lists: [points, parameters].into_iter().filter(|l| !l.entries.is_empty()).collect(),
            example: self.example.clone(),
        }
    }
}

/// The name of a parameter that takes any further arguments.
fn starred(stars: &str, name: &str) -> String {
    format!("{stars}{}", name.trim_start_matches('*'))
}

/// A summary as a sentence. The language begins its own with the function's name or a link, as in
/// `[len]( https://… ): get the length`.
fn sentence(name: &str, summary: &str) -> String {
    let link = summary.strip_prefix('[').and_then(|rest| rest.split_once(" ): "));
    let plain = link.map(|(_, rest)| rest).or_else(|| summary.strip_prefix(&format!("{name}: ")));
    let Some(plain) = plain else { return summary.to_owned() };
    let mut letters = plain.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let end = if plain.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

/// Summary and details in one paragraph.
pub(super) fn prose(docs: &DocString) -> String {
    let details = docs.details.as_deref().unwrap_or_default();
    spaces_collapsed(&format!("{} {details}", docs.summary))
}

/// A line such as "* `term`: meaning" as an entry of a list.
fn point(line: &str) -> Option<(String, String)> {
    let (term, meaning) = line.trim().strip_prefix("* `")?.split_once("`: ")?;
    Some((term.to_owned(), meaning.to_owned()))
}

/// Paragraphs of a text that empty lines separate, each on one line.
fn paragraphs(text: &str) -> Vec<String> {
    let all = text.split("\n\n").map(spaces_collapsed);
    all.filter(|paragraph| !paragraph.is_empty()).collect()
}

/// An example without its Markdown fences.
fn without_fences(example: &str) -> String {
    let lines: Vec<_> = example.lines().filter(|line| !line.trim().starts_with("```")).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn summaries_of_the_language_become_sentences() {
        let linked = "[len]( https://host/spec.md#len ): get the length of a sequence";
        assert_eq!(sentence("len", linked), "Get the length of a sequence.");
        assert_eq!(sentence("fail", "fail: fail the execution"), "Fail the execution.");
        assert_eq!(sentence("seed", "Sets the seed."), "Sets the seed.");
    }
}
