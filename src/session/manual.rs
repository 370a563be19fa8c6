//! The verbs' documentation, read from the verbs themselves: for `help`, completion, hints in
//! errors and the reference page. Nothing about a verb is written twice.

use std::fmt::Write;
use std::sync::LazyLock;

use starlark::docs::{DocFunction, DocItem, DocMember, DocString, DocType};
use starlark::environment::GlobalsBuilder;

use super::{values, verbs};

/// All verbs by theme, in the order of a study.
pub struct Manual {
    pub themes: Vec<Theme>,
    /// The types that verbs return, with their attributes and methods.
    types: Vec<DocType>,
}

/// Verbs for one kind of task.
pub struct Theme {
    pub title: &'static str,
    pub verbs: Vec<Verb>,
}

/// One verb.
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
pub struct Parameter {
    pub name: String,
    /// Its type, such as "int" or "None | str".
    pub kind: String,
    /// As it would be typed; `None` for a parameter that must be given.
    pub default: Option<String>,
    pub keyword_only: bool,
    pub summary: Option<String>,
}

impl Manual {
    /// The manual of this build.
    pub fn get() -> &'static Self {
        static MANUAL: LazyLock<Manual> = LazyLock::new(Manual::read);
        &MANUAL
    }

    fn read() -> Self {
        let theme = |&(title, add): &(&'static str, verbs::Theme)| {
            let docs = GlobalsBuilder::new().with(add).build().documentation();
            let verbs = docs.members.iter().filter_map(|(name, item)| Verb::from_item(name, item));
            Theme { title, verbs: verbs.collect() }
        };
        Self { themes: verbs::THEMES.iter().map(theme).collect(), types: values::documentation() }
    }

    /// All verbs, in the order of the themes.
    pub fn verbs(&self) -> impl Iterator<Item = &Verb> {
        self.themes.iter().flat_map(|theme| &theme.verbs)
    }

    /// The verb of that name.
    pub fn verb(&self, name: &str) -> Option<&Verb> {
        self.verbs().find(|verb| verb.name == name)
    }

    /// Parameter names of a verb or, failing that, of a method of any type.
    pub(super) fn parameters(&self, function: &str) -> Vec<String> {
        let names = |verb: &Verb| verb.parameters.iter().map(|p| p.name.clone()).collect();
        if let Some(verb) = self.verb(function) {
            return names(verb);
        }
        let method = self.types.iter().find_map(|kind| match kind.members.get(function)? {
            DocMember::Function(method) => Some(Verb::from_docs(function, method)),
            DocMember::Property(_) => None,
        });
        method.as_ref().map(names).unwrap_or_default()
    }

    /// The verbs by theme, one line each.
    pub fn overview(&self) -> String {
        let width = self.verbs().map(|verb| verb.name.len()).max().unwrap_or(0);
        let mut text = String::new();
        for Theme { title, verbs } in &self.themes {
            let _ = writeln!(text, "{title}");
            for Verb { name, summary, .. } in verbs {
                let _ = writeln!(text, "  {name:width$}  {summary}");
            }
            text.push('\n');
        }
        text.push_str("help(NAME) tells more about one of them.");
        text
    }

    /// The page of whatever `item` documents, called `name`.
    pub(super) fn page(name: &str, item: &DocItem) -> String {
        match item {
            DocItem::Member(DocMember::Function(function)) => {
                Verb::from_docs(name, function).page()
            }
            DocItem::Member(DocMember::Property(property)) => {
                member(name, &property.typ.to_string(), property.docs.as_ref())
            }
            DocItem::Type(kind) => type_page(kind),
            DocItem::Module(module) => {
                let names: Vec<_> = module.members.keys().map(String::as_str).collect();
                format!("{name}: {}", names.join(", "))
            }
        }
    }

    /// The page of the type that the language calls `kind`, if it is one of ours.
    pub(super) fn type_page(&self, kind: &str) -> Option<String> {
        self.types.iter().find(|docs| docs.ty.to_string() == kind).map(type_page)
    }
}

impl Verb {
    fn from_item(name: &str, item: &DocItem) -> Option<Self> {
        match item {
            DocItem::Member(DocMember::Function(docs)) => Some(Self::from_docs(name, docs)),
            _ => None,
        }
    }

    fn from_docs(name: &str, docs: &DocFunction) -> Self {
        let params = &docs.params;
        let positional = params.pos_only.iter().chain(&params.pos_or_named).map(|p| (p, false));
        let parameters = positional
            .chain(params.named_only.iter().map(|p| (p, true)))
            .map(|(docs, keyword_only)| Parameter {
                name: docs.name.clone(),
                kind: docs.typ.to_string(),
                default: docs.default_value.clone(),
                keyword_only,
                summary: docs.docs.as_ref().map(prose),
            })
            .collect();
        Self {
            name: name.to_owned(),
            summary: docs.docs.as_ref().map(|docs| docs.summary.clone()).unwrap_or_default(),
            details: docs.docs.as_ref().and_then(|docs| docs.details.clone()),
            parameters,
            returns: docs.ret.typ.to_string(),
            example: docs.docs.as_ref().and_then(|d| d.examples.as_deref()).map(without_fences),
        }
    }

    /// As it would be called: `phantom_cohort(subjects = 12, seed = None)`.
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
    pub fn page(&self) -> String {
        let mut text = self.signature();
        if self.returns != "None" {
            let _ = write!(text, " -> {}", self.returns);
        }
        text.push('\n');
        for paragraph in [Some(&self.summary), self.details.as_ref()].into_iter().flatten() {
            let _ = write!(text, "\n{paragraph}\n");
        }
        let width = self.parameters.iter().map(|p| p.name.len()).max().unwrap_or(0);
        let summarised: Vec<_> =
            self.parameters.iter().filter_map(|p| Some((p, p.summary.as_ref()?))).collect();
        if !summarised.is_empty() {
            text.push('\n');
        }
        for (Parameter { name, .. }, summary) in summarised {
            let _ = writeln!(text, "  {name:width$}  {summary}");
        }
        if let Some(example) = &self.example {
            text.push_str("\nExample\n");
            for line in example.lines() {
                let _ = writeln!(text, "  {line}");
            }
        }
        text.trim_end().to_owned()
    }
}

/// The name among `names` that a mistyped `name` may have meant.
pub(super) fn nearest<'a>(name: &str, names: &'a [String]) -> Option<&'a String> {
    let distance = |other: &String| edit_distance(name, other);
    let closest = names.iter().min_by_key(|other| distance(other))?;
    let is_part = closest.starts_with(name) || name.starts_with(closest.as_str());
    (is_part || distance(closest) <= 2.max(name.len() / 3)).then_some(closest)
}

/// Levenshtein distance.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<_> = b.chars().collect();
    let mut row: Vec<_> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

fn type_page(kind: &DocType) -> String {
    let mut text = kind.ty.to_string();
    if let Some(docs) = &kind.docs {
        let _ = write!(text, "\n\n{}", prose(docs));
    }
    text.push('\n');
    for (name, docs) in &kind.members {
        let line = match docs {
            DocMember::Property(property) => {
                member(&format!(".{name}"), &property.typ.to_string(), property.docs.as_ref())
            }
            DocMember::Function(function) => {
                let verb = Verb::from_docs(name, function);
                member(&format!(".{}", verb.signature()), &verb.returns, function.docs.as_ref())
            }
        };
        let _ = write!(text, "\n  {line}");
    }
    text
}

fn member(name: &str, kind: &str, docs: Option<&DocString>) -> String {
    let summary = docs.map(|docs| format!(": {}", docs.summary)).unwrap_or_default();
    format!("{name} -> {kind}{summary}")
}

/// Summary and details in one paragraph.
fn prose(docs: &DocString) -> String {
    let details = docs.details.as_deref().unwrap_or_default();
    format!("{} {details}", docs.summary).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An example without its Markdown fences.
fn without_fences(example: &str) -> String {
    let lines: Vec<_> = example.lines().filter(|line| !line.trim().starts_with("```")).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_is_documented_with_its_parameters_and_an_example() {
        for verb in Manual::get().verbs() {
            assert!(verb.summary.ends_with('.'), "{} has no summary sentence", verb.name);
            assert!(verb.example.is_some(), "{} has no example", verb.name);
            for parameter in &verb.parameters {
                assert!(parameter.summary.is_some(), "{}: {}", verb.name, parameter.name);
            }
        }
    }

    #[test]
    fn every_example_is_valid_source() {
        for verb in Manual::get().verbs() {
            let example = verb.example.as_deref().unwrap_or_default();
            assert!(super::super::language::parse(&verb.name, example).is_ok(), "{}", verb.name);
        }
    }

    #[test]
    fn a_mistyped_name_finds_the_nearest_one() {
        let names = ["subjects", "lesions", "seed"].map(String::from);
        assert_eq!(nearest("lesion", &names).unwrap(), "lesions");
        assert_eq!(nearest("subejcts", &names).unwrap(), "subjects");
        assert_eq!(nearest("colour", &names), None);
    }
}
