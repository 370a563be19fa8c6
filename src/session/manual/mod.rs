//! What `help`, completion and hints know of the verbs, functions and types. The
//! [catalogue](super::catalogue) fills it from the verbs themselves.

mod types;
mod verb;

pub(super) use types::{Member, Type};
pub(super) use verb::UNTOLD;
pub use verb::{Parameter, Passing, Verb};

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
    pub(super) types: Vec<Type>,
}

/// Verbs for one kind of task.
pub struct Theme {
    pub title: &'static str,
    pub verbs: Vec<Verb>,
}

impl Manual {
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
