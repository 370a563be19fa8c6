//! What a user should know about a subject that can be used all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Words of every note on lesions that the slices do not show.
pub(crate) const LOST_LESIONS: &str = "of the lesion area (ground truth)";

/// A remark about one subject. Where many subjects share its topic, one line about all of them
/// takes the place of one line each.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// What holds for every subject with such a note, as a clause; `{}` stands for the amounts.
    pub topic: &'static str,
    /// How much of it this subject has, in the unit that the topic names.
    pub amount: Option<f64>,
    /// What holds for this subject, as a clause without its name.
    pub text: String,
    /// Whether results may be wrong unless the user looks at it.
    pub is_warning: bool,
}

impl Note {
    /// A remark for information.
    pub(super) fn new(topic: &'static str, text: impl Into<String>) -> Self {
        Self { topic, amount: None, text: text.into(), is_warning: false }
    }

    /// A remark on something that may make results wrong.
    pub(super) fn warning(topic: &'static str, text: impl Into<String>) -> Self {
        Self { is_warning: true, ..Self::new(topic, text) }
    }

    /// Whether it says how much of the ground truth of lesions the slices do not show.
    pub fn is_on_lost_lesions(&self) -> bool {
        self.topic.contains(LOST_LESIONS)
    }

    /// The same with an amount for the `{}` of its topic.
    pub(super) fn of(self, amount: f64) -> Self {
        Self { amount: Some(amount), ..self }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Subjects with notes on one topic are listed one by one up to this number.
const LISTED: usize = 3;

/// The lines that tell some subjects' notes: one for each, or one for all that share a topic if they
/// are many. `of` is the number of subjects in the cohort. Each line comes with whether it is a warning.
pub(super) fn lines(notes: &[(&str, &Note)], of: usize) -> Vec<(String, bool)> {
    let mut topics: Vec<&str> = notes.iter().map(|(_, note)| note.topic).collect();
    let mut seen = Vec::new();
    topics.retain(|topic| {
        !seen.contains(topic) && {
            seen.push(*topic);
            true
        }
    });
    let mut lines = Vec::new();
    for topic in topics {
        let about: Vec<_> = notes.iter().filter(|(_, note)| note.topic == topic).collect();
        if about.len() <= LISTED {
            let line = |(name, note): &&(&str, &Note)| {
                (format!("subject {name}: {note}"), note.is_warning)
            };
            lines.extend(about.iter().map(line));
            continue;
        }
        let amounts = about.iter().filter_map(|(_, note)| note.amount);
        let (low, high) = amounts
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), amount| {
                (low.min(amount), high.max(amount))
            });
        let range = if format!("{low:.0}") == format!("{high:.0}") {
            format!("{low:.0}")
        } else {
            format!("{low:.0} to {high:.0}")
        };
        // A subject may have several notes on one topic, such as one per mask.
        let subjects = about.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>().len();
        let (name, first) = about[0];
        let example = if first.amount.is_some() {
            String::new()
        } else {
            format!("; the first, {name}: {first}")
        };
        let summary = topic.replace("{}", &range);
        lines.push((format!("{subjects} of {of} subjects: {summary}{example}"), first.is_warning));
    }
    lines
}

/// The names of subjects that have the same image, joined by "and", from names and image hashes in order.
pub(crate) fn same_image<'a>(
    images: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
) -> Vec<String> {
    let (mut by_hash, mut order) = (BTreeMap::<&str, Vec<&str>>::new(), Vec::new());
    for (name, hash) in images {
        let Some(hash) = hash else { continue };
        let names = by_hash.entry(hash).or_default();
        if names.is_empty() {
            order.push(hash);
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let names = order.into_iter().filter_map(|hash| by_hash.remove(hash));
    names.filter(|names| names.len() > 1).map(|names| names.join(" and ")).collect()
}

/// The first of some names, and how many more there are: "a, b, c and 2 more".
pub(crate) fn first_of(names: &[String]) -> String {
    let first = names[..names.len().min(LISTED)].join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_with_one_image_are_named_together() {
        let images =
            [("a", Some("1")), ("b", Some("2")), ("c", Some("1")), ("d", None), ("e", None)];
        assert_eq!(same_image(images), ["a and c"]);
        assert_eq!(same_image([("a", Some("1")), ("a", Some("1"))]), [""; 0]);
        assert_eq!(first_of(&["a", "b", "c", "d"].map(String::from)), "a, b, c and 1 more");
    }

    #[test]
    fn few_subjects_are_named_and_many_are_counted() {
        let outside = |percent: f64| {
            let text = format!("{percent} % of the cord lies outside");
            Note::new("{} % of the cord lies outside", text).of(percent)
        };
        let notes: Vec<Note> = [9.0, 23.0, 12.0, 10.0].map(outside).into();
        let named: Vec<(&str, &Note)> = ["a", "b", "c", "d"].into_iter().zip(&notes).collect();
        let few = lines(&named[..2], 26);
        assert_eq!(few[1].0, "subject b: 23 % of the cord lies outside");
        let many = lines(&named, 26);
        assert_eq!(many, [("4 of 26 subjects: 9 to 23 % of the cord lies outside".into(), false)]);
        let soft = Note::warning("masks are soft", "its cord mask is soft");
        let shared: Vec<(&str, &Note)> = ["a", "b", "c", "d"].map(|name| (name, &soft)).into();
        let expected = "4 of 9 subjects: masks are soft; the first, a: its cord mask is soft";
        assert_eq!(lines(&shared, 9), [(expected.into(), true)]);
        let twice: Vec<(&str, &Note)> = ["a", "a", "b", "b"].map(|name| (name, &soft)).into();
        let expected = "2 of 9 subjects: masks are soft; the first, a: its cord mask is soft";
        assert_eq!(lines(&twice, 9)[0].0, expected, "subjects are counted, not notes");
    }
}
