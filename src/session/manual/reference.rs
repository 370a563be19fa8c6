//! Everything that the manual holds, in the order in which one would read it.

use super::types::Member;
use super::{Manual, Passing, Type, Verb};
use crate::error::spaces_collapsed;
use crate::report::{List, Page};

/// Pages on one subject.
#[derive(Clone, Debug)]
pub struct Chapter {
    pub title: String,
    /// Each with the name that it explains. A chapter of lists has one page without a name.
    pub pages: Vec<(String, Page)>,
}

impl Manual {
    /// All pages: the verbs by theme, the types that they return, and what the language itself defines.
    pub fn chapters(&self) -> Vec<Chapter> {
        let themes = self.themes.iter().map(|theme| Chapter {
            title: theme.title.to_owned(),
            pages: theme.verbs.iter().map(|verb| (verb.name.clone(), verb.page())).collect(),
        });
        let (own, of_language) = self.types.split_at(self.own_types.min(self.types.len()));
        let types = Chapter {
            title: "Types".to_owned(),
            pages: own.iter().map(|kind| (kind.name.clone(), kind.whole_page())).collect(),
        };
        themes.chain([types, self.language(of_language)]).collect()
    }

    /// Functions and types that every Starlark program has, one line each.
    fn language(&self, types: &[Type]) -> Chapter {
        let mut functions: Vec<_> =
            self.functions_alone().map(|function| line(function, "")).collect();
        for (group, members) in &self.groups {
            functions.extend(members.iter().map(|function| line(function, &format!("{group}."))));
        }
        let mut lists = vec![List { title: "Functions".to_owned(), entries: functions }];
        lists.extend(types.iter().filter(|kind| !kind.members.is_empty()).map(|kind| {
            let members = kind.members.iter().map(|member| match member {
                Member::Method(method) => line(method, "."),
                Member::Attribute { name, summary, .. } => {
                    (format!(".{name}"), first_sentence(summary))
                }
            });
            let name = kind.name.split('[').next().unwrap_or_default();
            List { title: format!("Methods of {name}"), entries: members.collect() }
        }));
        let about = "Functions and types of Starlark itself, which verbs and your own functions are used with.";
        let page = Page { paragraphs: vec![about.to_owned()], lists, ..Page::default() };
        Chapter { title: "The language".to_owned(), pages: vec![(String::new(), page)] }
    }
}

impl Type {
    /// Its page, with the parameters of its methods.
    fn whole_page(&self) -> Page {
        let mut page = self.page();
        for member in &self.members {
            let Member::Method(method) = member else { continue };
            let documented = method.parameters.iter().filter(|one| one.passing != Passing::Rest);
            let entries: Vec<_> = documented
                .filter_map(|one| Some((one.name.clone(), one.summary.clone()?)))
                .collect();
            if !entries.is_empty() {
                page.lists.push(List { title: format!("Parameters of .{}", method.name), entries });
            }
        }
        page
    }
}

fn line(function: &Verb, before: &str) -> (String, String) {
    (format!("{before}{}", function.name), first_sentence(&function.summary))
}

/// The first sentence of a text, on one line.
fn first_sentence(text: &str) -> String {
    let text = spaces_collapsed(text);
    text.split_inclusive(". ").next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use crate::session::catalogue::manual;

    #[test]
    fn nothing_is_left_out() {
        let chapters = manual().chapters();
        let names: Vec<&str> = chapters
            .iter()
            .flat_map(|chapter| chapter.pages.iter().map(|(name, _)| name.as_str()))
            .collect();
        for verb in manual().verbs() {
            assert!(names.contains(&verb.name.as_str()), "{}", verb.name);
        }
        for kind in ["Cohort", "Image", "Findings", "Evaluation", "Method"] {
            assert!(names.contains(&kind), "{kind}");
        }
        let language = chapters.last().unwrap().pages[0].1.text(80);
        for word in ["len", "json.encode", "Methods of dict", ".append"] {
            assert!(language.contains(word), "{word}");
        }
    }
}
