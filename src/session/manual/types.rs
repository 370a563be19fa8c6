//! The documentation of types, and what follows from how a type is written.

use starlark::docs::{DocMember, DocType};

use super::verb::{Verb, prose};
use crate::report::{List, Page};

/// A type of value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::session) struct Type {
    pub name: String,
    pub summary: String,
    /// Type of its items: of `cohort[3]`, and of `subject` in `for subject in cohort`.
    pub element: Option<&'static str>,
    pub members: Vec<Member>,
}

/// An attribute or method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::session) enum Member {
    Attribute {
        name: String,
        /// Type of its value.
        kind: String,
        summary: String,
    },
    Method(Verb),
}

impl Type {
    pub fn from_docs(docs: &DocType, element: Option<&'static str>) -> Self {
        let member = |(name, member): (&String, &DocMember)| match member {
            DocMember::Property(property) => Member::Attribute {
                name: name.clone(),
                kind: property.typ.to_string(),
                summary: property.docs.as_ref().map(prose).unwrap_or_default(),
            },
            DocMember::Function(function) => Member::Method(Verb::from_docs(name, function)),
        };
        Self {
            name: docs.ty.to_string(),
            summary: docs.docs.as_ref().map(prose).unwrap_or_default(),
            element,
            members: docs.members.iter().map(member).collect(),
        }
    }

    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name() == name)
    }

    pub fn methods_mut(&mut self) -> impl Iterator<Item = &mut Verb> {
        self.members.iter_mut().filter_map(|member| match member {
            Member::Method(method) => Some(method),
            Member::Attribute { .. } => None,
        })
    }

    pub fn method(&self, name: &str) -> Option<&Verb> {
        match self.member(name)? {
            Member::Method(method) => Some(method),
            Member::Attribute { .. } => None,
        }
    }

    /// What it is, its attributes and its methods.
    pub fn page(&self) -> Page {
        Page {
            heading: self.name.clone(),
            paragraphs: Vec::from_iter((!self.summary.is_empty()).then(|| self.summary.clone())),
            lists: self.lists(),
            example: None,
        }
    }

    /// What one of its attributes or methods is.
    pub fn page_of(&self, member: &Member) -> Page {
        match member {
            Member::Attribute { name, kind, summary } => Page {
                heading: format!("{}.{name} -> {kind}", self.name),
                paragraphs: vec![summary.clone()],
                ..Page::default()
            },
            Member::Method(method) => {
                let page = method.page();
                Page { heading: format!("{}.{}", self.name, page.heading), ..page }
            }
        }
    }

    /// Attributes and methods.
    pub fn lists(&self) -> Vec<List> {
        let is_method = |member: &&Member| matches!(member, Member::Method(_));
        let (methods, attributes): (Vec<_>, Vec<_>) = self.members.iter().partition(is_method);
        [("Attributes", attributes), ("Methods", methods)]
            .into_iter()
            .filter(|(_, members)| !members.is_empty())
            .map(|(title, members)| List {
                title: title.to_owned(),
                entries: members.into_iter().map(Member::entry).collect(),
            })
            .collect()
    }
}

impl Member {
    pub fn name(&self) -> &str {
        match self {
            Self::Attribute { name, .. } => name,
            Self::Method(method) => &method.name,
        }
    }

    fn entry(&self) -> (String, String) {
        match self {
            Self::Attribute { name, kind, summary } => {
                (format!(".{name} -> {kind}"), summary.clone())
            }
            Self::Method(method) => {
                let returns = match method.returns.as_str() {
                    "None" => String::new(),
                    kind => format!(" -> {kind}"),
                };
                (format!(".{}{returns}", method.signature()), method.summary.clone())
            }
        }
    }
}
