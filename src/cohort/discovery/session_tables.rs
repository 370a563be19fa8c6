//! Tables of sessions, which BIDS allows beside the images of a subject: `sub-01/sub-01_sessions.tsv`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::naming::dataset_root;
use super::participants::session_row;
use crate::cohort::entry::Entry;
use crate::cohort::health::{self, Columns, LESION_COLUMN, SaidBySession, is_missing};
use crate::context::counted;
use crate::files::file_name;

/// Adds to the columns of an entry what its row in a table of sessions says: who is healthy and has a lesion, where the
/// participants table does not say it.
pub(in crate::cohort) fn complete(entry: Entry) -> Entry {
    let Some((table, session)) = table_of(&entry) else { return entry };
    let Ok(row) = session_row(&table, &session) else { return entry };
    let mut participant = entry.participant.clone();
    let is_unsaid = |column: &str| match column == LESION_COLUMN {
        true => {
            let known = entry.participant.get(column);
            known.is_none_or(|value| is_missing(&value.trim().to_lowercase()))
        }
        false => health::is_healthy(&entry.participant).is_none(),
    };
    let said: Columns = row.into_iter().filter(|(column, _)| is_unsaid(column)).collect();
    let columns: BTreeSet<String> = said.keys().cloned().collect();
    let said_by_session =
        (!columns.is_empty()).then(|| SaidBySession { file: file_name(&table), columns });
    participant.extend(said);
    Entry { participant, said_by_session, ..entry }
}

/// Sentences on the tables that count for some entries, and on those that do not.
pub(in crate::cohort) fn told<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<String> {
    let (mut used, mut ignored) = (Vec::new(), BTreeMap::new());
    for entry in entries {
        let Some((table, session)) = table_of(entry) else { continue };
        let differs =
            |(column, value): (&String, &String)| entry.participant.get(column) != Some(value);
        match session_row(&table, &session) {
            Err(reason) => drop(ignored.insert(table, reason)),
            Ok(row) => match row.iter().find(|one| differs(*one)) {
                Some((column, _)) => {
                    let reason = format!("participants.tsv decides instead of its column {column}");
                    ignored.insert(table, reason);
                }
                None if !row.is_empty() => used.push(table),
                None => {}
            },
        }
    }
    let mut told = Vec::new();
    if let Some(first) = used.first() {
        told.push(format!(
            "tables of sessions say who is healthy or has a lesion for {}, the first {}",
            counted(used.len(), "image"),
            first.display()
        ));
    }
    if let Some((table, reason)) = ignored.first_key_value() {
        let others = match ignored.len() - 1 {
            0 => String::new(),
            others => format!(", and {others} more"),
        };
        told.push(format!(
            "tables of sessions that do not count: {} ({reason}){others}",
            table.display()
        ));
    }
    told
}

/// The table that an entry's session may have a row in, if there is one.
pub(in crate::cohort) fn file_of(entry: &Entry) -> Option<PathBuf> {
    Some(table_of(entry)?.0)
}

/// The table, with the name of the entry's session, such as `ses-1`.
fn table_of(entry: &Entry) -> Option<(PathBuf, String)> {
    let (image, session) = (entry.found_at()?, entry.session()?);
    let root = dataset_root(image)?;
    let subject = image.strip_prefix(root).ok()?.components().next()?.as_os_str();
    let name = format!("{}_sessions.tsv", subject.to_string_lossy());
    let table = root.join(subject).join(name);
    table.is_file().then_some((table, session))
}
