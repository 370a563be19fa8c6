//! What a cell has defined, for completion and help while the next cell runs.

use starlark::docs::{DocItem, DocMember};
use starlark::environment::Module;
use starlark::typing::Ty;
use starlark::values::dict::DictRef;
use starlark::values::list::ListRef;
use starlark::values::structs::StructRef;
use starlark::values::{Heap, Value};

use super::manual::{Manual, Verb};
use super::show::Showable;
use super::show::written::written;
use super::values::ModelValue;
use crate::context::panics;

/// Maximum length of a value's text, in characters.
const SUMMARY: usize = 72;
/// Maximum number of names that select a part of a value.
const KEYS: usize = 1000;

/// A name that the user's code defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub name: String,
    /// Type of its value, such as "Cohort" or "function".
    pub kind: String,
    /// Attributes and methods of its value.
    pub attributes: Vec<String>,
    /// The value in a few words.
    pub summary: String,
    /// Type of its value as documentation writes it, such as "list[Slice]".
    pub(super) type_of: String,
    /// Its value if that is a function.
    pub(super) function: Option<Verb>,
    /// Names that select a part of it in square brackets.
    pub(super) keys: Vec<String>,
    /// Attributes with their types, of a struct.
    pub(super) fields: Vec<(String, String)>,
}

/// The module's names in alphabetical order.
pub(super) fn names(module: &Module, manual: &Manual) -> Vec<Name> {
    values(module).into_iter().map(|(name, value)| Name::of(&name, value, manual)).collect()
}

/// Names of models that have learned something that is not in a file of the user.
pub(super) fn unsaved(module: &Module) -> Vec<String> {
    let models = values(module).into_iter().filter_map(|(name, value)| {
        ModelValue::from_value(value)?.is_unsaved().then(|| name.to_owned())
    });
    models.collect()
}

/// The module's names with their values, in alphabetical order.
pub(super) fn values<'v>(module: &Module<'v>) -> Vec<(String, Value<'v>)> {
    let mut values: Vec<_> = module
        .names()
        .filter_map(|name| {
            // A cell that failed before it ran leaves names without a place in the module, on
            // which `get` panics.
            let value = panics::catch(|| module.get(name.as_str())).ok().flatten()?;
            Some((name.as_str().to_owned(), value))
        })
        .collect();
    values.sort_by(|a, b| a.0.cmp(&b.0));
    values
}

impl Name {
    fn of(name: &str, value: Value, manual: &Manual) -> Self {
        let fields = StructRef::from_value(value);
        let fields = fields.iter().flat_map(StructRef::iter);
        Self {
            name: name.to_owned(),
            kind: value.get_type().to_owned(),
            attributes: value.dir_attr(),
            summary: summary(value),
            type_of: type_of(value),
            function: function(name, value, manual),
            keys: keys(value),
            fields: fields
                .map(|(name, value)| (name.as_str().to_owned(), type_of(value)))
                .collect(),
        }
    }
}

/// A value's type as documentation writes it; a list's with that of its first element.
fn type_of(value: Value) -> String {
    let first = ListRef::from_value(value).and_then(|list| list.first());
    match first {
        Some(first) => format!("list[{}]", Ty::of_value(*first)),
        None => Ty::of_value(value).to_string(),
    }
}

/// A function of the user, or a verb under another name.
pub(super) fn function(name: &str, value: Value, manual: &Manual) -> Option<Verb> {
    match value.get_type() {
        "function" | "native_function" => {}
        _ => return None,
    }
    // A verb's value knows its types but prints as its name: the manual has its page.
    if let Some(verb) = manual.function(&value.to_str()) {
        return Some(verb.clone());
    }
    match value.documentation() {
        DocItem::Member(DocMember::Function(docs)) => Some(Verb::from_docs(name, &docs)),
        _ => None,
    }
}

/// A value in a few words; a large one only by its length.
fn summary(value: Value) -> String {
    let kind = value.get_type();
    let known = value.request_value::<Showable>().is_some();
    let text = match kind {
        "function" | "native_function" => return String::new(),
        _ if known => value.to_str(),
        "string" => start_of_string(value.unpack_str().unwrap_or_default()),
        "NoneType" | "bool" | "int" | "float" => written(value),
        _ => match value.length() {
            Ok(1) => format!("{kind} of 1"),
            Ok(length) => format!("{kind} of {length}"),
            Err(_) => kind.to_owned(),
        },
    };
    let mut line: String = text.chars().take(SUMMARY).collect();
    if line.len() < text.len() {
        line.push('…');
    }
    line
}

/// A string as code, of which a long one loses its end: it is looked at after every cell.
fn start_of_string(text: &str) -> String {
    let end = text.char_indices().nth(SUMMARY).map_or(text.len(), |(place, _)| place);
    Heap::temp(|heap| written(heap.alloc(&text[..end])))
}

fn keys(value: Value) -> Vec<String> {
    if let Some(dict) = DictRef::from_value(value) {
        let texts = dict.keys().filter_map(|key| key.unpack_str().map(str::to_owned));
        return texts.take(KEYS).collect();
    }
    let keys = value.request_value::<Showable>().map(|showable| showable.0.keys());
    keys.into_iter().flatten().take(KEYS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_string_is_told_by_its_start() {
        Heap::temp(|heap| {
            assert_eq!(summary(heap.alloc("cord\n")), "\"cord\\n\"");
            let told = summary(heap.alloc("x".repeat(10_000)));
            assert_eq!(told, format!("\"{}…", "x".repeat(SUMMARY - 1)));
            // Cut between letters, not inside one.
            let told = summary(heap.alloc("é".repeat(10_000)));
            assert!(told.starts_with('"') && told.ends_with('…'), "{told}");
        });
    }
}
