//! What is said about the participants table of a cohort.

use super::bids::row_id;
use super::naming::short_name;
use super::participants::{Participants, folded};
use crate::cohort::entry::Entry;
use crate::cohort::health::{self, GROUP_COLUMNS, HealthCount, HealthRule, contradiction};
use crate::context::{Context, counted};

/// Says how the participants table was understood: remarks on the table, who is healthy by which column,
/// subjects without a row and rows without a subject.
pub(in crate::cohort) fn tell_participants(
    entries: &[&Entry],
    participants: &Participants,
    rule: Option<&HealthRule>,
    context: &Context,
) {
    for remark in &participants.remarks {
        context.warn(remark.clone());
    }
    let unmatched = unmatched(entries, participants);
    let rows = entries.iter().map(|entry| entry.said());
    match HealthCount::of(rows, rule) {
        Some(count) => {
            context.note(count.to_string());
            if let Some(unknown) = count.unknown() {
                context.warn(format!("{unknown}; they count as clinical"));
            }
            if let Some(undecided) = rule.and_then(|_| count.undecided()) {
                context.warn(undecided);
            }
        }
        None => context.note(format!(
            "{}: {} clinical",
            if !participants.exists() {
                "no participants.tsv says who is healthy".to_owned()
            } else if participants.is_empty() {
                "the participants table has no rows".to_owned()
            } else if unmatched.is_some() {
                "no row of the participants table belongs to a subject".to_owned()
            } else if participants.has_group_column() {
                "the rows of the participants table disagree on who is healthy".to_owned()
            } else {
                format!("the participants table has no column {}", GROUP_COLUMNS.join(", "))
            },
            match entries.len() {
                1 => "the only subject counts as".to_owned(),
                many => format!("all {many} subjects count as"),
            }
        )),
    }
    if participants.is_empty() {
        return;
    }
    if let Some(unknown) = health::unknown_lesions(entries.iter().map(|entry| &entry.participant)) {
        context.warn(unknown);
    }
    if rule.is_none() {
        tell_contradictions(entries, context);
    }
    match unmatched {
        Some(unmatched) => context.warn(unmatched),
        None => tell_left_over(entries, participants, context),
    }
}

/// A sentence on a table none of whose rows belongs to a subject, with a name of each side; `None` of other tables.
pub(in crate::cohort) fn unmatched(
    entries: &[&Entry],
    participants: &Participants,
) -> Option<String> {
    let (id, subject) = (participants.names().next()?, entries.first()?);
    entries.iter().all(|entry| id_of(entry, participants).is_none()).then(|| {
        format!(
            "no row of the participants table belongs to a subject: participant_id is such as {id}, and the subjects are \
             called such as {}; write both alike",
            subject.name
        )
    })
}

/// The name that an entry's row has in the table, without `sub-`; `None` without a row.
fn id_of<'a>(entry: &Entry, participants: &'a Participants) -> Option<&'a str> {
    row_id(participants, &entry.name, entry.found_at())
}

/// Tells subjects without a row, rows without a subject, and those that belong together but are written in other letters.
fn tell_left_over(entries: &[&Entry], participants: &Participants, context: &Context) {
    let ids: Vec<Option<&str>> = entries.iter().map(|entry| id_of(entry, participants)).collect();
    let missing: Vec<_> = entries.iter().zip(&ids).filter(|(_, id)| id.is_none()).collect();
    if let Some((first, _)) = missing.first() {
        context.warn(format!(
            "{} without a row in the participants table, the first {}; counted as clinical",
            counted(missing.len(), "subject"),
            first.name
        ));
    }
    let is_respelt = |(entry, id): &(&&Entry, &str)| {
        !entry.name.contains(id) && entry.name.to_lowercase().contains(&folded(id))
    };
    let found = entries.iter().zip(&ids).filter_map(|(entry, id)| Some((entry, (*id)?)));
    let respelt: Vec<_> = found.filter(is_respelt).collect();
    if let Some((first, id)) = respelt.first() {
        context.note(format!(
            "the participants table writes {} in other letters, the first {} as {id}",
            counted(respelt.len(), "subject"),
            first.name
        ));
    }
    let names: Vec<&str> = entries.iter().map(|entry| short_name(&entry.name)).collect();
    // An entry may be called after a session or run of its subject, or lie in a subfolder.
    let belongs = |row: &str, name: &str| {
        let name = name.rsplit('/').next().unwrap_or(name);
        let name = short_name(name);
        name == row || name.strip_prefix(row).is_some_and(|rest| rest.starts_with('_'))
    };
    let is_absent =
        |row: &&str| !ids.contains(&Some(row)) && !names.iter().any(|name| belongs(row, name));
    let absent: Vec<&str> = participants.names().filter(is_absent).collect();
    if let Some(first) = absent.first() {
        context.warn(format!(
            "{} of the participants table without images, the first {first}",
            counted(absent.len(), "row")
        ));
    }
}

/// Warns about rows that call a subject healthy in one column and a patient in another.
fn tell_contradictions(entries: &[&Entry], context: &Context) {
    let found =
        entries.iter().filter_map(|entry| Some((entry, contradiction(&entry.participant)?)));
    let found: Vec<_> = found.collect();
    if let Some((entry, [first, other])) = found.first() {
        let by_session = entry.said_by_session.as_ref();
        let columns = match by_session.filter(|said| said.columns.contains(*first)) {
            Some(said) => format!("columns {first} and {other} of {}", said.file),
            None => format!("participants columns {first} and {other}"),
        };
        context.warn(format!(
            "the {columns} contradict each other on who is healthy, for {}, the first {}; {first} decides, unless a rule \
             says otherwise: load_cohort(…, healthy = \"{other} == '…'\")",
            counted(found.len(), "subject"),
            entry.name
        ));
    }
}
