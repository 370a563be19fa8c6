//! Parts of a cohort, chosen by position, name, participants column or health, and cohorts put together.

#[cfg(feature = "shell")]
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::Cohort;
use super::discovery::naming::{dataset_root, short_name};
use super::entry::Entry;
use super::found_labels::found_by_the_program;
use super::health::{GROUP_COLUMNS, HealthCount};
use super::member::Member;
use super::provenance::{Provenance, Step};
use crate::{Error, Result};

impl Cohort {
    /// What a user should know about a subject and its masks, as clauses without the folders that the cohort lies in:
    /// what was noted when it was preprocessed. Tables, pages and records all tell these.
    pub fn remarks(&self, name: &str) -> Vec<String> {
        let notes = self.notes(name);
        let entry = self.entries().find(|entry| &*entry.name == name);
        // What a session brings back need not be preprocessed again before it is reported on.
        let confidence = entry.filter(|_| notes.is_empty()).and_then(Entry::found_confidence);
        let found = confidence.map(found_by_the_program);
        let notes = notes.iter().chain(&found);
        notes.map(|note| self.without_folders(&note.to_string())).collect()
    }

    /// A text without the folders that the cohort lies in: it is for others, too.
    pub fn without_folders(&self, text: &str) -> String {
        let mut folders = self.provenance().map_or_else(Vec::new, Provenance::folders);
        if folders.is_empty() && text.contains('/') {
            let images = self.entries().filter_map(Entry::found_at);
            folders = images.filter_map(|path| dataset_root(path).or(path.parent())).collect();
            folders.dedup();
        }
        // A relative path may lie in no folder, in "." or in "..".
        let has_name = |folder: &&Path| folder.file_name().is_some();
        let folders = folders.into_iter().filter(has_name);
        folders.fold(text.to_owned(), |text, folder| {
            text.replace(&format!("{}/", folder.display()), "")
        })
    }

    /// The position of a subject.
    ///
    /// # Errors
    /// If no subject has this name.
    pub fn find(&self, name: &str) -> Result<usize> {
        self.entries().position(|entry| &*entry.name == name).ok_or_else(|| {
            if let Some(meant) = self.meant(name) {
                let message =
                    format!("{} has no subject {name}; did you mean {meant}?", self.name());
                return Error::input(message);
            }
            let ends = match self.names().as_slice() {
                [] => "is empty".into(),
                [one] => format!("holds {one} only"),
                [first, .., last] => {
                    format!("holds {} subjects from {first} to {last}", self.len())
                }
            };
            Error::input(format!("{} has no subject {name}; it {ends}", self.name()))
        })
    }

    /// The subject probably meant by an unknown name: the same but for `sub-` and capitals, or the only one
    /// that contains it.
    fn meant(&self, name: &str) -> Option<&str> {
        let short = |name: &str| short_name(name).to_lowercase();
        let asked = short(name);
        let names = self.names();
        let same = names.iter().find(|other| short(other) == asked).copied();
        let mut containing = names.iter().filter(|other| short(other).contains(&asked));
        let first = containing.next().filter(|_| asked.len() > 2);
        same.or_else(|| first.filter(|_| containing.next().is_none()).copied())
    }

    /// How many entries lack nothing but a cord mask.
    pub fn without_masks(&self) -> usize {
        self.entries().filter(|entry| entry.is_unsegmented()).count()
    }

    /// The subjects at these positions; positions past the end are left out.
    pub fn slice(&self, range: Range<usize>) -> Self {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        let step = Step::Slice { from: start, to: end };
        self.part(&format!("{start}:{end}"), step, self.members[start..end].to_vec())
    }

    /// The entry at one position as a cohort of its own, which shares nothing with this one: what it preprocesses
    /// goes with it.
    ///
    /// # Errors
    /// If there is no such position.
    pub fn alone(&self, position: usize) -> Result<Self> {
        let member = Member::new(self.entry(position)?.clone(), self.grid());
        Ok(self.with_members(vec![Arc::new(member)]))
    }

    /// What the files of the subjects were when their folder was loaded, as a short hash by name, and of the participants
    /// table by its path. Empty where no folder was loaded.
    #[cfg(feature = "shell")]
    pub(crate) fn file_stamps(&self) -> BTreeMap<String, String> {
        let loaded = self.entries().filter_map(|entry| Some((entry, entry.loaded.as_ref()?)));
        let all = loaded.flat_map(|(entry, loaded)| {
            [Some((entry.name.to_string(), loaded.stamp())), loaded.table_stamp()]
        });
        all.flatten().collect()
    }

    /// The subjects of these names, in this order.
    ///
    /// # Errors
    /// If a name is not of a subject or comes twice, or there is none.
    pub fn picked(&self, names: &[String]) -> Result<Self> {
        let members = self.named(names)?;
        if members.is_empty() {
            return Err(Error::input(format!("no subject of {} is named", self.name())));
        }
        Ok(self.part(&short_list(names), Step::Picked { names: names.to_vec() }, members))
    }

    /// All subjects but those of these names.
    ///
    /// # Errors
    /// If a name is not of a subject or comes twice, or nobody is left.
    pub fn without(&self, names: &[String]) -> Result<Self> {
        self.named(names)?;
        let members = self.keep(|entry| names.iter().all(|name| **name != *entry.name));
        if members.is_empty() {
            return Err(Error::input(format!("without these subjects, {} is empty", self.name())));
        }
        let step = Step::Without { names: names.to_vec() };
        Ok(self.part(&format!("without {}", short_list(names)), step, members))
    }

    /// The members of these names, in this order.
    fn named(&self, names: &[String]) -> Result<Vec<Arc<Member>>> {
        let mut seen = BTreeSet::new();
        let member = |name: &String| {
            let position = self.find(name)?;
            match seen.insert(position) {
                true => Ok(self.members[position].clone()),
                false => Err(Error::input(format!("{name} is named twice"))),
            }
        };
        names.iter().map(member).collect()
    }

    /// The same subjects under names that begin with `prefix`, behind `sub-`: to join cohorts in which the same names
    /// stand for other people. They are preprocessed anew.
    ///
    /// # Errors
    /// If the prefix is not made of letters and digits.
    pub fn prefixed(&self, prefix: &str) -> Result<Self> {
        if prefix.is_empty() || !prefix.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(Error::input(format!(
                "a prefix of names is made of the letters a to z and of digits, unlike {prefix:?}"
            )));
        }
        let renamed = |member: &Arc<Member>| {
            let entry = &member.entry;
            let name = match entry.name.strip_prefix("sub-") {
                Some(label) => format!("sub-{prefix}{label}"),
                None => format!("{prefix}{}", entry.name),
            };
            Arc::new(Member::new(entry.renamed(name.into()), self.grid()))
        };
        let members = self.members.iter().map(renamed).collect();
        let step = Step::Prefixed { prefix: prefix.to_owned() };
        Ok(self.part(&format!("prefix {prefix}"), step, members))
    }

    /// The subjects of this cohort, then those of another one.
    ///
    /// # Errors
    /// If they are preprocessed in different grids, or two subjects have the same name.
    pub fn joined(&self, other: &Self) -> Result<Self> {
        if self.grid() != other.grid() {
            return Err(Error::input(format!(
                "{} is preprocessed with {}, {} with {}; `.preprocess` makes them alike",
                self.name(),
                self.grid(),
                other.name(),
                other.grid()
            )));
        }
        let own: BTreeSet<&str> = self.names().into_iter().collect();
        if let Some(name) = other.names().into_iter().find(|name| own.contains(name)) {
            return Err(Error::input(format!(
                "{name} is in both cohorts; if these are two people, give one cohort other names: \
                 `.prefixed(\"b\")`"
            )));
        }
        Ok(self.with_others(other))
    }

    /// The subjects whose participants column is `value`.
    ///
    /// # Errors
    /// If no subject has this column, or none has this value.
    pub fn filter(&self, column: &str, value: &str) -> Result<Self> {
        let cell = |entry: &Entry| entry.participant.get(column).cloned();
        let kept = self.keep(|entry| cell(entry).as_deref() == Some(value));
        if !kept.is_empty() {
            let step = Step::Filter { column: column.to_owned(), value: value.to_owned() };
            return Ok(self.part(&format!("{column} = {value}"), step, kept));
        }
        let values: BTreeSet<String> = self.entries().filter_map(cell).collect();
        Err(Error::input(if values.is_empty() {
            format!(
                "{} has no participants column {column}; it has {}",
                self.name(),
                list(self.columns())
            )
        } else {
            format!("nobody in {} has {column} = {value}; there is {}", self.name(), list(values))
        }))
    }

    /// The healthy subjects.
    ///
    /// # Errors
    /// If no participants column says who is healthy, it has words that say neither healthy nor clinical,
    /// or no subject is healthy.
    pub fn healthy(&self) -> Result<Self> {
        let by_rule = self.has_health_rule();
        if let Some(unknown) = self.unknown_health() {
            return Err(Error::input(unknown));
        }
        let kept = self.keep(Entry::is_healthy);
        if !kept.is_empty() {
            return Ok(self.part("healthy", Step::Healthy, kept));
        }
        let columns = list(GROUP_COLUMNS);
        Err(Error::input(if by_rule {
            format!("nobody in {} is healthy by the rule given when it was loaded", self.name())
        } else if self.entries().any(|entry| entry.health().is_some()) {
            format!("nobody in {} is healthy by its participants column ({columns})", self.name())
        } else {
            format!(
                "nothing says who is healthy in {}; add a column `dataset` with the values healthy and clinical to participants.tsv (one of {columns} will do), or give a rule: load_cohort(…, healthy = \"column == 'value'\")",
                self.name()
            )
        }))
    }

    /// A sentence about words of the participants table that say neither healthy nor clinical, and what to do
    /// about them; `None` if there are none, or if a rule was given when loading.
    pub fn unknown_health(&self) -> Option<String> {
        let rows = self.entries().map(Entry::said);
        let unknown = HealthCount::of(rows, None).and_then(|count| count.unknown());
        unknown.filter(|_| !self.has_health_rule())
    }

    fn has_health_rule(&self) -> bool {
        self.entries().any(|entry| entry.healthy.is_some())
    }

    /// The clinical subjects: all that are not healthy.
    ///
    /// # Errors
    /// If all subjects are healthy.
    pub fn clinical(&self) -> Result<Self> {
        let kept = self.keep(|entry| !entry.is_healthy());
        if kept.is_empty() {
            return Err(Error::input(format!("everybody in {} is healthy", self.name())));
        }
        Ok(self.part("clinical", Step::Clinical, kept))
    }

    fn keep(&self, wanted: impl Fn(&Entry) -> bool) -> Vec<Arc<Member>> {
        self.members.iter().filter(|member| wanted(&member.entry)).cloned().collect()
    }
}

/// The names if they are few, else their number.
fn short_list(names: &[String]) -> String {
    match names.len() {
        0..=3 => names.join(", "),
        many => format!("{many} subjects"),
    }
}

/// A list of names for messages.
fn list<T: Into<String>>(names: impl IntoIterator<Item = T>) -> String {
    match names.into_iter().map(Into::into).collect::<Vec<String>>().as_slice() {
        [] => "none".into(),
        names => names.join(", "),
    }
}
