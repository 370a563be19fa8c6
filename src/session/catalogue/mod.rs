//! The manual of this build, read from the verbs and types themselves, so that nothing about a verb
//! is written twice.

mod choices;

use std::sync::LazyLock;

use starlark::docs::{DocItem, DocMember};
use starlark::environment::GlobalsBuilder;

use self::choices::choices;
use super::engine::jobs::JobValue;
use super::manual::{Manual, Theme, Type, UNTOLD, Verb};
use super::{values, verbs};

/// The manual of this build.
pub fn manual() -> &'static Manual {
    static MANUAL: LazyLock<Manual> = LazyLock::new(read);
    &MANUAL
}

fn read() -> Manual {
    let theme = |&(title, add): &(&'static str, verbs::Theme)| {
        let docs = GlobalsBuilder::new().with(add).build().documentation();
        let verbs = docs.members.iter().filter_map(|(name, item)| function(name, item));
        Theme { title, verbs: verbs.collect() }
    };
    let mut types = values::documentation();
    types.push(values::documented::<JobValue>(None));
    let mut manual = Manual {
        themes: verbs::THEMES.iter().map(theme).collect(),
        functions: Vec::new(),
        groups: Vec::new(),
        own_types: types.len(),
        types,
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
    let methods = manual.types.iter_mut().flat_map(Type::methods_mut);
    let grouped = manual.groups.iter_mut().flat_map(|(_, functions)| functions);
    let verbs = manual.themes.iter_mut().flat_map(|theme| &mut theme.verbs);
    verbs.chain(&mut manual.functions).chain(grouped).chain(methods).for_each(complete);
    manual
}

/// Adds what the verb itself does not document: the words that a parameter takes, and fractional
/// defaults. Corrects what the language says of its own.
fn complete(verb: &mut Verb) {
    if verb.name == "removesuffix" {
        // The language describes `removeprefix` there.
        "Remove a suffix from a string. If the string does not end with the suffix, returns the original string."
            .clone_into(&mut verb.summary);
        verb.details = None;
    }
    for parameter in &mut verb.parameters {
        parameter.choices = choices(&verb.name, &parameter.name);
        if parameter.default.as_deref() == Some(UNTOLD)
            && let Some(fraction) = verbs::fraction(&parameter.name)
        {
            parameter.default = Some(format!("{fraction:?}"));
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
        for verb in manual().verbs() {
            assert!(verb.summary.ends_with('.'), "{} has no summary sentence", verb.name);
            assert!(verb.example.is_some(), "{} has no example", verb.name);
            for parameter in &verb.parameters {
                assert!(parameter.summary.is_some(), "{}: {}", verb.name, parameter.name);
                let default = parameter.default.as_deref();
                assert_ne!(default, Some(UNTOLD), "{}: {}", verb.name, parameter.name);
            }
        }
    }

    #[test]
    fn every_example_is_valid_source() {
        for verb in manual().verbs() {
            let example = verb.example.as_deref().unwrap_or_default();
            assert!(crate::language::dialect::parse(&verb.name, example).is_ok(), "{}", verb.name);
        }
    }
}
