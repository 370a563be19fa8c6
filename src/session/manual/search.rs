//! Which entries of the manual answer a few words.

use strsim::osa_distance;

use super::help_index;
use super::types::Member;
use super::verb::Verb;
use super::{Manual, Type};
use crate::report::{List, Page};

/// Entries that a search shows.
const MOST_HITS: usize = 10;
/// Names that are suggested where nothing is found.
const MOST_SUGGESTIONS: usize = 3;
/// Columns that an entry takes at most, so that it stays on one line of a terminal.
const LINE: usize = 76;
/// Columns of a term that has its summary beside it on a terminal of 80 columns.
const WIDEST_TERM: usize = 26;
/// The shortest part of a word that stands for it.
const SHORTEST_PART: usize = 4;
/// Words that say nothing about what is looked for.
const FILLERS: [&str; 28] = [
    "a", "all", "an", "and", "are", "by", "can", "do", "does", "for", "from", "get", "how", "i",
    "in", "is", "it", "my", "of", "on", "or", "that", "the", "to", "what", "where", "which",
    "with",
];

/// How much a word counts by the place where it is found.
mod weight {
    pub const NAME: f64 = 10.0;
    pub const SUMMARY: f64 = 4.0;
    pub const PARAMETER: f64 = 3.0;
    pub const TEXT: f64 = 1.0;
}

/// How much an entry counts by what it is.
mod importance {
    pub const VERB: f64 = 1.0;
    pub const OF_A_TYPE: f64 = 0.6;
    pub const OF_THE_LANGUAGE: f64 = 0.3;
}

/// One thing that the manual explains, as a search sees it.
struct Entry {
    /// The argument of `help` that shows it.
    term: String,
    /// Weight relative to other entries: the likeliest answers come first.
    importance: f64,
    summary: String,
    /// Stems of words, each with the weight of its place.
    words: Vec<(String, f64)>,
}

impl Manual {
    /// The entries in which the words of `question` occur, the best ones first; `None` if there are none.
    /// An entry has a word if it holds another form of it, or a longer word that contains it.
    pub fn search(&self, question: &str) -> Option<Page> {
        let asked = stems(question);
        let said: Vec<String> =
            asked.iter().filter(|word| !FILLERS.contains(&word.as_str())).cloned().collect();
        let asked = if said.is_empty() { asked } else { said };
        let mut hits: Vec<(usize, f64, Entry)> = Vec::new();
        for entry in self.entries() {
            let strengths = asked.iter().map(|word| entry.strength(word) * entry.importance);
            let (found, score) = strengths
                .filter(|strength| *strength > 0.0)
                .fold((0, 0.0), |(found, score), strength| (found + 1, score + strength));
            if found > 0 {
                hits.push((found, score, entry));
            }
        }
        // A stable sort: equal entries keep the order of the manual.
        hits.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)));
        let most = hits.first()?.0;
        // Entries with fewer of the words only where hardly any has as many.
        let best = hits.iter().filter(|(found, ..)| *found == most).count();
        if best >= MOST_SUGGESTIONS {
            hits.truncate(best);
        }
        let all = hits.len();
        hits.truncate(MOST_HITS);
        let widths = hits.iter().map(|(_, _, entry)| entry.term.len());
        let column = widths.filter(|width| *width <= WIDEST_TERM).max().unwrap_or(0);
        let room = LINE.saturating_sub(column + 4);
        let entry =
            |(_, _, entry): (usize, f64, Entry)| (entry.term, shortened(&entry.summary, room));
        let entries: Vec<_> = hits.into_iter().map(entry).collect();
        let question = question.trim();
        let count = match (all, entries.len()) {
            (1, _) => format!("One entry matches \"{question}\""),
            (all, shown) if all > shown => {
                format!("{shown} of {all} entries that match \"{question}\", the best first")
            }
            (all, _) => format!("{all} entries match \"{question}\", the best first"),
        };
        let heading = format!("{count}; `help(\"{}\")` tells all about it.", entries[0].0);
        Some(Page {
            paragraphs: vec![heading],
            lists: vec![List { title: String::new(), entries }],
            ..Page::default()
        })
    }

    /// Names that are spelt nearly as `name`, the nearest first. A part of a name between underscores counts as well
    /// as the whole.
    pub fn nearest_names(&self, name: &str) -> Vec<String> {
        let asked = name.to_lowercase();
        let distance = |other: &str| {
            let to = |asked: &str| {
                // A short word has too many neighbours.
                let slips = match asked.chars().count() {
                    0..4 => 0,
                    letters => 1.max(letters / 4),
                };
                let parts = other.split('_').map(|part| osa_distance(asked, part));
                let distance =
                    parts.chain([osa_distance(asked, other)]).min().unwrap_or(usize::MAX);
                (distance <= slips).then_some(distance)
            };
            let parts = asked.split_whitespace().filter(|part| part.len() >= SHORTEST_PART);
            parts.chain([asked.as_str()]).filter_map(to).min()
        };
        let names = self.verbs().chain(self.functions_alone()).map(|verb| verb.name.clone());
        let names = names.chain(self.types.iter().map(|kind| kind.name.clone()));
        let mut near: Vec<(usize, String)> =
            names.filter_map(|other| Some((distance(&other.to_lowercase())?, other))).collect();
        near.sort();
        // A type and its constructor have one name.
        near.dedup();
        near.into_iter().map(|(_, name)| name).take(MOST_SUGGESTIONS).collect()
    }

    fn entries(&self) -> impl Iterator<Item = Entry> {
        use importance::{OF_A_TYPE, OF_THE_LANGUAGE};
        let verbs = self.verbs().map(|verb| Entry::of(verb.name.clone(), verb));
        let types = self.types.iter().enumerate().flat_map(|(position, kind)| {
            let importance = if position < self.own_types { OF_A_TYPE } else { OF_THE_LANGUAGE };
            let members = kind.members.iter().map(move |member| Entry::of_member(kind, member));
            let entries = [Entry::of_type(kind)].into_iter().chain(members);
            entries.map(move |entry| entry.with(importance))
        });
        let topics = help_index::all().map(|found| {
            let mut entry = Entry::new(found.term, &found.summary);
            entry.add(&found.words, weight::NAME);
            entry
        });
        let functions = self.functions_alone().map(|one| Entry::of(one.name.clone(), one));
        let grouped = self.groups.iter().flat_map(|(group, functions)| {
            functions.iter().map(move |one| Entry::of(format!("{group}.{}", one.name), one))
        });
        let language = functions.chain(grouped).map(|entry| entry.with(OF_THE_LANGUAGE));
        verbs.chain(topics).chain(types).chain(language)
    }
}

impl Entry {
    fn new(term: String, summary: &str) -> Self {
        let summary = summary.to_owned();
        let mut entry = Self { term, importance: importance::VERB, summary, words: Vec::new() };
        entry.add(&entry.term.clone(), weight::NAME);
        entry.add(&entry.summary.clone(), weight::SUMMARY);
        entry
    }

    fn of(term: String, verb: &Verb) -> Self {
        let mut entry = Self::new(term, &verb.summary);
        entry.add(verb.details.as_deref().unwrap_or_default(), weight::TEXT);
        for parameter in &verb.parameters {
            entry.add(&parameter.name, weight::PARAMETER);
            entry.add(parameter.summary.as_deref().unwrap_or_default(), weight::TEXT);
            entry.add(&parameter.choices.join(" "), weight::PARAMETER);
        }
        entry
    }

    fn of_type(kind: &Type) -> Self {
        Self::new(kind.name.clone(), &kind.summary)
    }

    fn of_member(kind: &Type, member: &Member) -> Self {
        let term = format!("{}.{}", kind.name, member.name());
        match member {
            Member::Attribute { summary, .. } => Self::new(term, summary),
            Member::Method(method) => Self::of(term, method),
        }
    }

    fn with(self, importance: f64) -> Self {
        Self { importance, ..self }
    }

    fn add(&mut self, text: &str, weight: f64) {
        self.words.extend(stems(text).into_iter().map(|stem| (stem, weight)));
    }

    /// How well the entry answers one word, 0 if not at all.
    fn strength(&self, word: &str) -> f64 {
        let strengths = self.words.iter().map(|(own, weight)| weight * likeness(own, word));
        strengths.fold(0.0, f64::max)
    }
}

/// How much a word of an entry answers one that was asked for, 0 to 1.
fn likeness(own: &str, asked: &str) -> f64 {
    if own == asked {
        1.0
    } else if begins_like(own, asked) {
        0.6
    } else if asked.len() >= SHORTEST_PART && own.contains(asked) {
        0.4
    } else {
        0.0
    }
}

/// Whether one of the words begins with the other, as "segmentat" does with "segment".
fn begins_like(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    short.len() >= SHORTEST_PART && long.starts_with(short)
}

/// The words of a text, without the endings that tell forms of one word apart.
fn stems(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(|word| stem(&word.to_lowercase())).collect()
}

/// A word without its ending: "masks", "masking" and "masked" become "mask".
fn stem(word: &str) -> String {
    let cut = |endings: &[&str]| {
        let ending = endings.iter().find(|ending| word.ends_with(**ending))?;
        let rest = &word[..word.len() - ending.len()];
        (rest.chars().count() >= 3).then(|| rest.to_owned())
    };
    if let Some(rest) = cut(&["ies"]) {
        return rest + "y";
    }
    if word.ends_with("ss") {
        return word.to_owned();
    }
    let rest = cut(&["ings", "ing", "ions", "ion", "ed", "es", "e", "s"])
        .unwrap_or_else(|| word.to_owned());
    let mut letters = rest.chars().rev();
    // "plotting" and "plot".
    match (letters.next(), letters.next()) {
        (Some(last), Some(before))
            if last == before && rest.len() < word.len() && !"ls".contains(last) =>
        {
            rest[..rest.len() - last.len_utf8()].to_owned()
        }
        _ => rest,
    }
}

/// The first sentence of a text, cut at a word if it is longer than `room` letters.
fn shortened(text: &str, room: usize) -> String {
    let sentence = text.split_inclusive(". ").next().unwrap_or_default().trim();
    if sentence.chars().count() <= room {
        return sentence.to_owned();
    }
    let mut short = String::new();
    for word in sentence.split(' ') {
        if short.chars().count() + word.chars().count() + 2 > room {
            break;
        }
        short.push_str(word);
        short.push(' ');
    }
    format!("{}…", short.trim_end().trim_end_matches([',', ':', ';']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::catalogue::manual;

    fn found(question: &str) -> Vec<String> {
        let page = manual().search(question).unwrap_or_default();
        page.lists.into_iter().flat_map(|list| list.entries).map(|(term, _)| term).collect()
    }

    #[test]
    fn words_find_the_verbs_that_a_user_would_look_for() {
        for (question, verb) in [
            ("export map", "export"),
            ("exporting maps", "export"),
            ("how do I save a model", "save_model"),
            ("healthy threshold", "calibrate"),
            ("simulated lesions", "paint_lesions"),
            ("segmentation of the cord", "segment"),
            ("uncertainties", "estimate_uncertainty"),
            ("compare methods", "compare"),
            ("dicom", "u2ad import"),
            ("screening", "u2ad screen"),
            ("sweeps", "u2ad sweep"),
            ("jupyter", "u2ad kernel"),
            ("bids tree", "u2ad bids"),
            ("slurm", "docs/scale.md"),
            ("reproduce", "u2ad verify"),
            ("figures as files", "saving a figure"),
            ("number of a slice", "slice number"),
        ] {
            let found = found(question);
            assert!(
                found[..found.len().min(3)].contains(&verb.to_owned()),
                "{question}: {found:?}"
            );
            assert!(found.len() <= MOST_HITS);
        }
        assert!(found("voxel qwerty").len() <= MOST_HITS);
        assert_eq!(found("qwerty"), [""; 0]);
        assert_eq!(found("  ?! "), [""; 0]);
    }

    #[test]
    fn what_is_often_asked_has_a_page() {
        for asked in [
            "overfitting",
            "cross-validation",
            "Resume training",
            "memory",
            "dice",
            "read csv",
            "disc",
            "square root",
            "GPU",
            "save figure",
            "slice number",
            "import",
            "axial",
            "new patient",
            "u2ad verify",
            "docs/scale.md",
        ] {
            let page = manual().page(asked).unwrap_or_else(|| panic!("{asked}"));
            assert!(!page.paragraphs.is_empty(), "{asked}");
        }
    }

    #[test]
    fn an_entry_takes_one_line() {
        for question in ["lesion", "model", "path", "the"] {
            let text = manual().search(question).unwrap().text(80);
            let lines = text.lines().skip_while(|line| !line.is_empty()).skip(1);
            assert!(lines.clone().count() <= MOST_HITS, "{text}");
            let folded = |line: &str| line.starts_with("      ") && line.trim().len() > 50;
            assert!(!lines.clone().any(folded), "{text}");
        }
    }

    #[test]
    fn forms_of_a_word_have_one_stem() {
        for forms in [
            &["mask", "masks", "masking", "masked"][..],
            &["plot", "plots", "plotting", "plotted"],
            &["train", "trains", "training", "trained"],
            &["uncertainty", "uncertainties"],
            &["score", "scores", "scoring", "scored"],
            &["calibrate", "calibrates"],
        ] {
            let stems: Vec<String> = forms.iter().map(|form| stem(form)).collect();
            assert!(stems.windows(2).all(|pair| pair[0] == pair[1]), "{stems:?}");
        }
        assert_eq!(stem("loss"), "loss");
    }

    #[test]
    fn a_mistyped_name_is_near_to_several() {
        assert_eq!(manual().nearest_names("trian"), ["train_epoch", "train_scorer"]);
        assert_eq!(manual().nearest_names("detcet"), ["detect"]);
        assert!(manual().nearest_names("esport mpa").contains(&"export".to_owned()));
        assert_eq!(manual().nearest_names("qwertyuiop"), [""; 0]);
    }
}
