//! Tables of sessions, which BIDS allows beside the images of a subject and which are not read.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::naming::dataset_root;
use crate::cohort::entry::Entry;
use crate::cohort::health::{GROUP_COLUMNS, LESION_COLUMN};

/// Bytes of a table's first line that are looked at.
const LONGEST_HEADER: u64 = 1 << 16;

/// A sentence on tables such as `sub-01/sub-01_sessions.tsv` with columns that would tell who is healthy or has a lesion;
/// `None` if there are none.
pub(in crate::cohort) fn not_read<'a>(entries: impl Iterator<Item = &'a Entry>) -> Option<String> {
    let mut tables = BTreeSet::new();
    for entry in entries.filter(|entry| entry.session().is_some()) {
        let Some(image) = entry.found_at() else { continue };
        let Some(root) = dataset_root(image) else { continue };
        let subject = image.strip_prefix(root).ok().and_then(|path| path.components().next());
        if let Some(name) = subject.map(|name| name.as_os_str().to_string_lossy().into_owned()) {
            tables.insert(root.join(&name).join(format!("{name}_sessions.tsv")));
        }
    }
    let mut known = tables.into_iter().filter_map(|table| Some((known_column(&table)?, table)));
    let (column, first) = known.next()?;
    let others = match known.count() {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    Some(format!(
        "tables of sessions are not read: {}{others} has a column {column}; who is healthy or has a lesion counts only \
         in participants.tsv",
        first.display()
    ))
}

/// The first column of a table that would matter in the participants table.
fn known_column(table: &Path) -> Option<&'static str> {
    let mut header = String::new();
    BufReader::new(File::open(table).ok()?.take(LONGEST_HEADER)).read_line(&mut header).ok()?;
    let columns: Vec<String> = header.trim().split('\t').map(str::to_lowercase).collect();
    let all = GROUP_COLUMNS.into_iter().chain([LESION_COLUMN]);
    all.into_iter().find(|known| columns.iter().any(|column| column == known))
}
