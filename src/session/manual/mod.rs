//! What `help`, completion and hints know of the verbs, functions and types. The
//! [catalogue](super::catalogue) fills it from the verbs themselves.

mod help_index;
mod reference;
mod search;
mod topics;
mod tutorials;
mod types;
mod verb;

pub use reference::Chapter;
pub use tutorials::{TUTORIALS, Tutorial};
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
    /// The types that verbs return, with their attributes and methods, and then the language's own.
    pub(super) types: Vec<Type>,
    /// How many of `types` are those that verbs return.
    pub(super) own_types: usize,
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

    /// Functions of the language that no verb has taken the place of.
    fn functions_alone(&self) -> impl Iterator<Item = &Verb> {
        self.functions.iter().filter(|function| self.verb(&function.name).is_none())
    }

    /// The verb or function of the language of that name.
    pub(super) fn function(&self, name: &str) -> Option<&Verb> {
        self.verb(name).or_else(|| self.functions.iter().find(|function| function.name == name))
    }

    /// The page of a verb, a function or type of the language, `GROUP.FUNCTION` or `TYPE.MEMBER`; of an answer to
    /// what is often asked, a command of the program, or a page of the documentation.
    pub(super) fn page(&self, name: &str) -> Option<Page> {
        if let Some(function) = self.function(name) {
            return Some(function.page());
        }
        if let Some(kind) = self.kind(name) {
            return Some(kind.page());
        }
        self.page_of_part(name).or_else(|| help_index::page(name))
    }

    /// The page of `GROUP.FUNCTION` or `TYPE.MEMBER`.
    fn page_of_part(&self, name: &str) -> Option<Page> {
        let (whole, part) = name.split_once('.')?;
        if let Some(kind) = self.kind(whole) {
            return kind.member(part).map(|member| kind.page_of(member));
        }
        let (_, functions) = self.groups.iter().find(|(group, _)| group == whole)?;
        functions.iter().find(|function| function.name == part).map(Verb::page)
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
            paragraphs: vec![
                "`help(NAME)` tells more about one of them, `help(\"some words\")` finds what has these words, and \
                 `examples()` lists tutorials."
                    .to_owned(),
            ],
            lists: self.themes.iter().map(list).collect(),
            ..Page::default()
        }
    }
}
