//! The verbs' documentation, read from the verbs themselves, for `help`, completion and the hints
//! in errors. Nothing about a verb is written twice.

mod types;
mod verb;

use std::sync::LazyLock;

use starlark::docs::{DocItem, DocMember};
use starlark::environment::GlobalsBuilder;

pub(super) use types::{Member, Type};
pub use verb::{Parameter, Passing, Verb};

use super::{values, verbs};
use crate::report::{List, Page};

/// All verbs by theme, in the order of a study; the types they return; the language's own
/// functions and types.
pub struct Manual {
    pub themes: Vec<Theme>,
    /// Functions of the language itself, such as `len`.
    pub(super) functions: Vec<Verb>,
    /// Functions of the language that come in a group, such as `json.encode`: the group's name and
    /// its functions.
    pub(super) groups: Vec<(String, Vec<Verb>)>,
    /// The types that verbs return, with their attributes and methods, and the language's own.
    types: Vec<Type>,
}

/// Verbs for one kind of task.
pub struct Theme {
    pub title: &'static str,
    pub verbs: Vec<Verb>,
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
            let verbs = docs.members.iter().filter_map(|(name, item)| function(name, item));
            Theme { title, verbs: verbs.collect() }
        };
        let mut manual = Self {
            themes: verbs::THEMES.iter().map(theme).collect(),
            functions: Vec::new(),
            groups: Vec::new(),
            types: values::documentation(),
        };
        for (name, item) in &verbs::language().documentation().members {
            match item {
                DocItem::Member(DocMember::Property(_)) => {}
                DocItem::Member(DocMember::Function(docs)) => {
                    manual.functions.push(Verb::from_docs(name, docs));
                }
                DocItem::Type(docs) => {
                    let constructor = docs.constructor.as_ref();
                    manual.functions.extend(constructor.map(|docs| Verb::from_docs(name, docs)));
                    manual.types.push(Type::from_docs(docs, None));
                }
                DocItem::Module(docs) => {
                    let members = docs.members.iter();
                    let functions = members.filter_map(|(name, item)| function(name, item));
                    manual.groups.push((name.clone(), functions.collect()));
                }
            }
        }
        manual
    }

    /// All verbs, in the order of the themes.
    pub fn verbs(&self) -> impl Iterator<Item = &Verb> {
        self.themes.iter().flat_map(|theme| &theme.verbs)
    }

    /// The verb of that name.
    pub fn verb(&self, name: &str) -> Option<&Verb> {
        self.verbs().find(|verb| verb.name == name)
    }

    /// The verb or function of the language of that name.
    pub(super) fn function(&self, name: &str) -> Option<&Verb> {
        self.verb(name).or_else(|| self.functions.iter().find(|function| function.name == name))
    }

    /// The documented type called `name`.
    pub(super) fn kind(&self, name: &str) -> Option<&Type> {
        self.types.iter().find(|kind| kind.name == name)
    }

    /// Parameter names of a verb or, failing that, of a method of any type.
    pub(super) fn parameters(&self, function: &str) -> Vec<String> {
        let method = || self.types.iter().find_map(|kind| kind.method(function));
        let documented = self.verb(function).or_else(method);
        let parameters = documented.map(|verb| verb.parameters.as_slice()).unwrap_or_default();
        let named = parameters.iter().filter(|parameter| parameter.passing != Passing::Rest);
        named.map(|parameter| parameter.name.clone()).collect()
    }

    /// The verbs by theme, one line each.
    pub fn overview(&self) -> Page {
        let list = |Theme { title, verbs }: &Theme| List {
            title: (*title).to_owned(),
            entries: verbs.iter().map(|verb| (verb.name.clone(), verb.summary.clone())).collect(),
        };
        Page {
            paragraphs: vec!["`help(NAME)` tells more about one of them.".to_owned()],
            lists: self.themes.iter().map(list).collect(),
            ..Page::default()
        }
    }
}

fn function(name: &str, item: &DocItem) -> Option<Verb> {
    match item {
        DocItem::Member(DocMember::Function(docs)) => Some(Verb::from_docs(name, docs)),
        _ => None,
    }
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
                let default = parameter.default.as_deref();
                assert_ne!(default, Some(verb::UNTOLD), "{}: {}", verb.name, parameter.name);
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
}
