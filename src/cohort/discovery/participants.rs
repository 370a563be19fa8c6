//! The participants table: one row per subject, with columns on health and lesions.
//!
//! `participants.tsv` as in BIDS; `participants.csv` and tables separated by commas or semicolons are read
//! too. With a row per session, the columns that agree in all rows of a subject count. [`super::table_text`] reads text.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::naming::{IMAGE_SUFFIX, Listing, session_name, short_name};
use super::table_text::{Records, decode, header_below, records};
use crate::cohort::health::{Columns, GROUP_COLUMNS, LESION_COLUMN, is_missing};
use crate::cohort::note::first_of;
use crate::files::{content_pointer, file_name, note_read, read_regular};
use crate::{Error, Result};

const KEY: &str = "participant_id";
const SESSION: &str = "session_id";

/// A read table of participants; without the file, a table without rows.
#[derive(Clone, Debug, Default)]
pub(in crate::cohort) struct Participants {
    /// By name without `sub-`.
    rows: BTreeMap<String, Columns>,
    /// The table's file name, if there is one.
    file: Option<String>,
    /// Whether a column may say who is healthy.
    decides: bool,
    /// The names of rows by what is left of them in small letters; `None` where several share it.
    by_folded: BTreeMap<String, Option<String>>,
    /// Names of several folders or images that differ in capital letters alone, folded: rows that differ from them in
    /// letters, too, may be those of either.
    clashing: BTreeSet<String>,
    /// Sentences about the table that its user should know.
    pub(in crate::cohort) remarks: Vec<String>,
}

impl Participants {
    /// Reads the table of a folder, if it has one.
    ///
    /// # Errors
    /// If the table cannot be read, has no `participant_id`, a column twice, a row of another length or
    /// a subject twice.
    pub(in crate::cohort) fn read(listing: &Listing) -> Result<Self> {
        let Some(path) = table_of(listing) else { return Ok(Self::default()) };
        let refuse = |reason: String| Error::file(&path, reason);
        match fs::metadata(&path) {
            Err(_) => return Err(refuse(content_pointer::missing_content(&path))),
            Ok(metadata) if !metadata.is_file() => return Err(refuse("is not a file".into())),
            Ok(_) => {}
        }
        note_read(&path);
        let bytes = fs::read(&path).map_err(|e| refuse(format!("cannot be read ({e})")))?;
        if let Some(reason) = content_pointer::pointer(&bytes) {
            return Err(refuse(reason));
        }
        let text = decode(bytes).map_err(refuse)?;
        let mut participants = Self::parse(&text).map_err(refuse)?;
        participants.file = Some(file_name(&path));
        participants.clashing = clashing(listing);
        Ok(participants)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let Records { header, rows, separator } = records(text)?;
        let place = |wanted: &str| header.iter().position(|name| name.eq_ignore_ascii_case(wanted));
        let Some(key) = place(KEY) else {
            return Err(without_key(&header, text));
        };
        let named: Vec<String> = header.iter().map(|name| known_name(name)).collect();
        // Spreadsheets leave columns without a name behind.
        let twice = |(at, name): &(usize, &String)| !name.is_empty() && named[..*at].contains(name);
        if let Some((_, name)) = named.iter().enumerate().find(twice) {
            return Err(format!("has two columns called {name:?}; rename one"));
        }
        let has_sessions = place(SESSION).is_some();
        let decides = named.iter().any(|name| GROUP_COLUMNS.contains(&name.as_str()));
        let mut participants = Self { decides, ..Self::default() };
        let mut line_of: BTreeMap<String, u64> = BTreeMap::new();
        let mut differing: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (line, mut values) in rows {
            separator.fit(&mut values, &header, line)?;
            let name = short_name(&values[key]).to_owned();
            if name.is_empty() {
                participants.remarks.push(format!(
                    "line {line} of the participants table names no participant; it is left out"
                ));
                continue;
            }
            let columns: Columns = header
                .iter()
                .zip(&values)
                .enumerate()
                .filter(|(at, (name, _))| *at != key && !name.is_empty())
                .map(|(_, (name, value))| (known_name(name), value.clone()))
                .collect();
            let first = line_of.insert(name.clone(), line);
            match (first, participants.rows.get_mut(&name)) {
                (Some(first), _) if !has_sessions => {
                    return Err(format!(
                        "{} stands in lines {first} and {line}; keep one row per participant",
                        values[key]
                    ));
                }
                (Some(_), Some(kept)) => kept.retain(|column, value| {
                    let other = columns.get(column).map(String::as_str).unwrap_or_default();
                    // A gap in one of the rows says nothing against the others.
                    if is_missing(&value.to_lowercase()) {
                        other.clone_into(value);
                    }
                    let agrees = is_missing(&other.to_lowercase())
                        || value.to_lowercase() == other.to_lowercase();
                    if !agrees && !column.eq_ignore_ascii_case(SESSION) {
                        differing.entry(column.clone()).or_default().push(values[key].clone());
                    }
                    agrees
                }),
                _ => {
                    participants.rows.insert(name, columns);
                }
            }
        }
        if !differing.is_empty() {
            let decides = differing.keys().any(|name| GROUP_COLUMNS.contains(&name.as_str()));
            let of = |(column, names): (&String, &Vec<String>)| {
                format!("{column} of {}", first_of(names))
            };
            participants.remarks.push(format!(
                "the participants table has a row per session; where a subject's rows disagree, the column is left out for \
                 this subject ({}){}",
                differing.iter().map(of).collect::<Vec<_>>().join("; "),
                if decides {
                    ", who counts as clinical unless another column says who is healthy"
                } else {
                    ""
                }
            ));
        }
        for id in participants.rows.keys() {
            let known = participants.by_folded.entry(folded(id));
            known.and_modify(|known| *known = None).or_insert_with(|| Some(id.clone()));
        }
        if participants.rows.is_empty() {
            participants.remarks.push("the participants table has a header and no rows".to_owned());
        }
        Ok(participants)
    }

    /// The row of `name`, with or without `sub-` in front. Where no row has this name, the only one that differs from it
    /// in capital letters alone, if no other name does.
    pub(in crate::cohort) fn row(&self, name: &str) -> Option<&Columns> {
        self.rows.get(self.id_of(name)?)
    }

    /// The name that the row of `name` has in the table, without `sub-`.
    pub(in crate::cohort) fn id_of(&self, name: &str) -> Option<&str> {
        let short = short_name(name);
        if let Some((id, _)) = self.rows.get_key_value(short) {
            return Some(id);
        }
        let wanted = folded(name);
        if self.clashing.contains(&wanted) {
            return None;
        }
        self.by_folded.get(&wanted)?.as_deref()
    }

    /// Whether the table has a column that may say who is healthy.
    pub(in crate::cohort) fn has_group_column(&self) -> bool {
        self.decides
    }

    /// Whether the table has rows at all.
    pub(in crate::cohort) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether there is a table.
    pub(in crate::cohort) fn exists(&self) -> bool {
        self.file.is_some()
    }

    /// The table in this folder, if there is one.
    pub(in crate::cohort) fn path_in(&self, folder: &Path) -> Option<PathBuf> {
        self.file.as_ref().map(|file| folder.join(file))
    }

    /// The names of rows, without `sub-`.
    pub(in crate::cohort) fn names(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(String::as_str)
    }
}

/// What a table of the sessions of one participant says of a session such as `ses-1`: the columns that have a meaning and a
/// value. None if the table has no such column. The error is a clause.
pub(in crate::cohort) fn session_row(table: &Path, session: &str) -> Result<Columns, String> {
    let bytes = read_regular(table).map_err(|_| "cannot be read".to_owned())?;
    let text = decode(bytes)?;
    let Records { header, rows, .. } = records(&text)?;
    let mut rows = rows.into_iter().map(|(_, values)| values);
    let header: Vec<String> = header.iter().map(|name| known_name(name)).collect();
    let names_sessions = |name: &String| name.eq_ignore_ascii_case(SESSION);
    if let Some(line) = header_below(&text, SESSION).filter(|_| !header.iter().any(names_sessions))
    {
        return Err(title_above(line));
    }
    let has_meaning = |name: &str| GROUP_COLUMNS.contains(&name) || name == LESION_COLUMN;
    if !header.iter().any(|name| has_meaning(name)) {
        return Ok(Columns::new());
    }
    let Some(key) = header.iter().position(names_sessions) else {
        return Err(format!("it has no column {SESSION}"));
    };
    let is_it = |row: &Vec<String>| row.get(key).is_some_and(|name| session_name(name) == session);
    let Some(row) = rows.find(is_it) else { return Err(format!("it has no row {session}")) };
    let says =
        |(name, value): &(String, String)| has_meaning(name) && !is_missing(&value.to_lowercase());
    Ok(header.into_iter().zip(row).filter(says).collect())
}

/// What to do about a title above the header of a table.
fn title_above(line: usize) -> String {
    format!("its header seems to be line {line}: remove the lines above it")
}

/// Why a table without the column that names participants cannot be read.
fn without_key(header: &[String], text: &str) -> String {
    if let Some(line) = header_below(text, KEY) {
        return format!("has no column {KEY} in its first line; {}", title_above(line));
    }
    // Spaces look like tabs.
    match header.iter().find(|name| name.to_ascii_lowercase().starts_with(KEY)) {
        Some(name) => format!(
            "has a column called {name:?}, and none called {KEY}; separate columns with tabs, and rename the column if \
             it holds the names of the sub- folders"
        ),
        None => format!("has no column {KEY}; add one with the names of the sub- folders"),
    }
}

/// A name in small letters, without `sub-` in whatever letters.
pub(super) fn folded(name: &str) -> String {
    let lower = name.to_lowercase();
    short_name(&lower).to_owned()
}

/// The folded names of a folder's subfolders and images that are written in several ways.
fn clashing(listing: &Listing) -> BTreeSet<String> {
    let folders = listing.folders.iter().map(|path| file_name(path));
    let images = listing.niftis().map(|(stem, _)| stem);
    let mut spellings: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for name in folders.chain(images) {
        let name = name.strip_suffix(IMAGE_SUFFIX).unwrap_or(&name).to_owned();
        spellings.entry(folded(&name)).or_default().insert(name);
    }
    let several = spellings.into_iter().filter(|(_, names)| names.len() > 1);
    several.map(|(name, _)| name).collect()
}

/// The name of a column: those with a meaning in small letters, whatever the table writes.
fn known_name(name: &str) -> String {
    let known = GROUP_COLUMNS.into_iter().chain([LESION_COLUMN]);
    known.into_iter().find(|known| known.eq_ignore_ascii_case(name)).unwrap_or(name).to_owned()
}

/// The table of a folder, in any case; a `.tsv` before a `.csv`.
fn table_of(listing: &Listing) -> Option<PathBuf> {
    ["participants.tsv", "participants.csv"].into_iter().find_map(|name| {
        listing.files.iter().find(|path| file_name(path).eq_ignore_ascii_case(name)).cloned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(pairs: &[(&str, &str)]) -> Columns {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn a_table_is_read_whatever_its_line_ends_and_separators() {
        let expected = [columns(&[("age", "40")]), columns(&[("age", "n/a")])];
        for text in [
            "participant_id\tage\nsub-01\t40\nsub-02\tn/a\n",
            "participant_id\tage\r\nsub-01\t40\r\n02\tn/a\r\n",
            "participant_id\tage\rsub-01\t40\rsub-02\tn/a",
            "Participant_ID,age\nsub-01,40\n\n02,n/a\n",
            "participant_id;age\nsub-01;40\n02;n/a\n",
            "\"participant_id\"\t\"age\"\n\"sub-01\"\t\"40\"\nsub-02\t\"n/a\"\n",
        ] {
            let table = Participants::parse(text).unwrap();
            let rows = ["sub-01", "02"].map(|name| table.row(name).cloned().unwrap());
            assert_eq!(rows, expected, "{text:?}");
            assert_eq!(table.row("sub-03"), None);
        }
        let stray = "participant_id\tnote\nsub-01\t\"tall\nsub-02\tsmall\n";
        assert_eq!(
            Participants::parse(stray).unwrap().row("sub-02"),
            Some(&columns(&[("note", "small")]))
        );
    }

    #[test]
    fn a_row_per_session_keeps_what_agrees() {
        let table = Participants::parse(
            "participant_id\tsession_id\tgroup\tage\nsub-01\tses-1\thc\t40\nsub-01\tses-2\thc\t41\n",
        )
        .unwrap();
        assert_eq!(table.row("sub-01"), Some(&columns(&[("group", "hc")])));
        assert!(table.remarks[0].ends_with("(age of sub-01)"), "{:?}", table.remarks);
        let all = "participant_id\tsession_id\tgroup\nsub-01\t1\thc\nsub-01\t2\tms\n";
        let table = Participants::parse(all).unwrap();
        assert_eq!(table.id_of("sub-01"), Some("01"), "its row is there");
        let said = &table.remarks[0];
        assert!(said.contains("(group of sub-01), who counts as clinical"), "{said}");
        let empty = Participants::parse("participant_id\tgroup\n").unwrap();
        assert!(empty.remarks[0].contains("no rows"));
    }

    #[test]
    fn names_that_differ_in_capital_letters_are_matched_where_that_is_certain() {
        let text = "participant_id\tage\nSub-A1\t4\nSUB-B\t5\nsub-b\t6\nsub-C\t7\nSUB-c\t8\n";
        let mut table = Participants::parse(text).unwrap();
        let id = |table: &Participants, name: &str| table.id_of(name).map(str::to_owned);
        assert_eq!(id(&table, "sub-a1").as_deref(), Some("Sub-A1"));
        assert_eq!(id(&table, "sub-b").as_deref(), Some("b"), "its own name comes first");
        assert_eq!(id(&table, "sub-c"), None, "two rows may be meant");
        assert_eq!(id(&table, "sub-a2"), None);
        let folders = ["sub-a1", "sub-A1"].map(PathBuf::from).to_vec();
        table.clashing = clashing(&Listing { folders, ..Listing::default() });
        assert_eq!(id(&table, "sub-a1"), None, "two folders may be meant");
    }

    #[test]
    fn empty_cells_at_the_end_of_lines_do_no_harm() {
        let expected = columns(&[("age", "40")]);
        for text in [
            "participant_id\tage\nsub-01\t40\t\nsub-02\t41\n",
            "participant_id\tage\nsub-01\t40\t\t\nsub-02\t41\t\n",
            "participant_id\tage\t\nsub-01\t40\nsub-02\t41\t\n",
            "participant_id;age;;\nsub-01;40\nsub-02;41;\n",
            "sep=;\r\nparticipant_id;age\r\nsub-01;40\r\n",
            "\"sep=,\"\nparticipant_id,age\nsub-01,40\n",
            "sep=|\nparticipant_id|age\nsub-01|40\n",
        ] {
            let table = Participants::parse(text).unwrap();
            assert_eq!(table.row("sub-01"), Some(&expected), "{text:?}");
        }
        let decimal = "participant_id;age;group\nsub-01;40,5;hc\n";
        let row = columns(&[("age", "40,5"), ("group", "hc")]);
        assert_eq!(Participants::parse(decimal).unwrap().row("sub-01"), Some(&row));
    }

    #[test]
    fn a_table_that_cannot_be_trusted_is_refused_in_one_sentence() {
        let refusal = |text| Participants::parse(text).unwrap_err();
        assert_eq!(
            refusal("participant_id\tage\nsub-01\t4\n\nsub-02\t5\nsub-01\t6\n"),
            "sub-01 stands in lines 2 and 5; keep one row per participant"
        );
        assert_eq!(
            refusal("participant_id\tage\nsub-01 4\n"),
            "line 2 has 1 column, the header has 2; separate them with tabs"
        );
        assert_eq!(
            refusal("participant_id\tage\nsub-01\t4\t5\n"),
            "line 2 has 3 columns, the header has 2; remove the tab that is too many, or name the column"
        );
        assert_eq!(
            refusal("participant_id,age\n\nsub-01,40,5\n"),
            "line 3 has 3 columns, the header has 2; a value that holds a comma, such as 40,5, needs quotation marks \
             around it: \"40,5\""
        );
        assert_eq!(
            refusal("participant_id,age\nsub-01;40\n"),
            "line 2 has 1 column, the header has 2; separate them with commas, as the header is"
        );
        assert!(refusal("participant_id age\nsub-01 4\n").contains("separate columns with tabs"));
        assert_eq!(
            refusal("participant_id\tgroup\tgroup\nsub-01\thc\tms\n"),
            "has two columns called \"group\"; rename one"
        );
        let no_key = "has no column participant_id; add one with the names of the sub- folders";
        assert_eq!(refusal("age\n4\n"), no_key);
        assert_eq!(refusal(""), no_key);
        let below = "has no column participant_id in its first line; its header seems to be line 3: remove the lines above it";
        for title in ["Our study\n\n", "\"Our study, 2026\"\r\n\r\n", "Our study,\r,\r"] {
            let text = format!("{title}participant_id,group\nsub-01,hc\n");
            assert_eq!(Participants::parse(&text).unwrap_err(), below);
        }
    }
}
