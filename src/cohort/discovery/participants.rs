//! The participants table: one row per subject, with columns on health and lesions.
//!
//! `participants.tsv` as in BIDS; `participants.csv` and tables separated by commas or semicolons are read
//! too. With a row per session, the columns that agree in all rows of a subject count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::naming::{Listing, session_name, short_name};
use crate::cohort::health::{Columns, GROUP_COLUMNS, LESION_COLUMN, is_missing};
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
        Ok(participants)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut rows = records(text)?.into_iter();
        let header = rows.next().map(|(_, header)| header).unwrap_or_default();
        let place = |wanted: &str| header.iter().position(|name| name.eq_ignore_ascii_case(wanted));
        let Some(key) = place(KEY) else {
            return Err(format!("has no column {KEY}; add one with the names of the sub- folders"));
        };
        let named: Vec<String> = header.iter().map(|name| known_name(name)).collect();
        // Spreadsheets leave columns without a name behind.
        let twice = |(at, name): &(usize, &String)| !name.is_empty() && named[..*at].contains(name);
        if let Some((_, name)) = named.iter().enumerate().find(twice) {
            return Err(format!("has two columns called {name:?}; rename one"));
        }
        let has_sessions = place(SESSION).is_some();
        let mut participants = Self::default();
        let mut line_of: BTreeMap<String, u64> = BTreeMap::new();
        let mut differing = BTreeSet::new();
        for (line, values) in rows {
            if values.len() != header.len() {
                return Err(format!(
                    "line {line} has {} columns, the header has {}; separate them with tabs",
                    values.len(),
                    header.len()
                ));
            }
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
                .filter(|(at, _)| *at != key)
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
                        differing.insert(column.clone());
                    }
                    agrees
                }),
                _ => {
                    participants.rows.insert(name, columns);
                }
            }
        }
        if !differing.is_empty() {
            let columns = differing.into_iter().collect::<Vec<_>>().join(", ");
            participants.remarks.push(format!(
                "the participants table has a row per session; where a subject's rows differ, the column is left out ({columns})"
            ));
        }
        if participants.rows.is_empty() {
            participants.remarks.push("the participants table has a header and no rows".to_owned());
        }
        Ok(participants)
    }

    /// The row of `name`, with or without `sub-` in front.
    pub(in crate::cohort) fn row(&self, name: &str) -> Option<&Columns> {
        self.rows.get(short_name(name))
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
    let rows = records(&decode(bytes)?)?;
    let mut rows = rows.into_iter().map(|(_, values)| values);
    let header: Vec<String> =
        rows.next().unwrap_or_default().iter().map(|name| known_name(name)).collect();
    let has_meaning = |name: &str| GROUP_COLUMNS.contains(&name) || name == LESION_COLUMN;
    if !header.iter().any(|name| has_meaning(name)) {
        return Ok(Columns::new());
    }
    let Some(key) = header.iter().position(|name| name.eq_ignore_ascii_case(SESSION)) else {
        return Err(format!("it has no column {SESSION}"));
    };
    let is_it = |row: &Vec<String>| row.get(key).is_some_and(|name| session_name(name) == session);
    let Some(row) = rows.find(is_it) else { return Err(format!("it has no row {session}")) };
    let says =
        |(name, value): &(String, String)| has_meaning(name) && !is_missing(&value.to_lowercase());
    Ok(header.into_iter().zip(row).filter(says).collect())
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

/// The text of a table: UTF-8, or UTF-16 with its mark.
fn decode(bytes: Vec<u8>) -> Result<String, String> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16(&units).map_err(|_| "is not valid UTF-16 text; save it as UTF-8".into())
    };
    match &bytes[..] {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [b'P', b'K', 3, 4, ..] => Err("is a spreadsheet; save it as tab-separated text".into()),
        _ => match String::from_utf8(bytes) {
            Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned()),
            Err(_) => Err("is not UTF-8 text; save it as UTF-8".into()),
        },
    }
}

/// The rows that are not blank with their line numbers. Cells are separated by tabs or, if the first
/// line has none, by semicolons or commas.
fn records(text: &str) -> Result<Vec<(u64, Vec<String>)>, String> {
    let first = text.split(['\n', '\r']).find(|line| !line.trim().is_empty()).unwrap_or_default();
    let delimiter = [b'\t', b';', b',']
        .into_iter()
        .find(|&mark| first.contains(char::from(mark)))
        .unwrap_or(b'\t');
    let read = |quoting: bool| -> Result<Vec<(u64, Vec<String>)>, String> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .quoting(quoting)
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| format!("cannot be read ({error})"))?;
            let line = record.position().map_or(0, csv::Position::line);
            if record.iter().any(|cell| !cell.is_empty()) {
                rows.push((line, record.iter().map(str::to_owned).collect()));
            }
        }
        Ok(rows)
    };
    let rows = read(true)?;
    // A cell that begins with a stray quotation mark would take the lines below it along.
    let swallows =
        |(_, cells): &(u64, Vec<String>)| cells.iter().any(|cell| cell.contains(['\n', '\r']));
    if rows.iter().any(swallows) { read(false) } else { Ok(rows) }
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
    fn texts_in_other_encodings_are_read_or_named() {
        let text = "participant_id\tgroup\nsub-é\thc\n";
        let wide = |mark: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
            let units = text.encode_utf16().flat_map(bytes);
            decode(mark.into_iter().chain(units).collect()).unwrap()
        };
        assert_eq!(wide([0xff, 0xfe], u16::to_le_bytes), text);
        assert_eq!(wide([0xfe, 0xff], u16::to_be_bytes), text);
        assert_eq!(decode([b"\xef\xbb\xbf", text.as_bytes()].concat()).unwrap(), text);
        assert!(decode(vec![b'a', 0xe9, b'b']).unwrap_err().contains("save it as UTF-8"));
        assert!(decode(b"PK\x03\x04".to_vec()).unwrap_err().contains("spreadsheet"));
    }

    #[test]
    fn a_row_per_session_keeps_what_agrees() {
        let table = Participants::parse(
            "participant_id\tsession_id\tgroup\tage\nsub-01\tses-1\thc\t40\nsub-01\tses-2\thc\t41\n",
        )
        .unwrap();
        assert_eq!(table.row("sub-01"), Some(&columns(&[("group", "hc")])));
        assert!(table.remarks[0].ends_with("(age)"), "{:?}", table.remarks);
        let empty = Participants::parse("participant_id\tgroup\n").unwrap();
        assert!(empty.remarks[0].contains("no rows"));
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
            "line 2 has 1 columns, the header has 2; separate them with tabs"
        );
        assert_eq!(
            refusal("participant_id\tgroup\tgroup\nsub-01\thc\tms\n"),
            "has two columns called \"group\"; rename one"
        );
        let no_key = "has no column participant_id; add one with the names of the sub- folders";
        assert_eq!(refusal("age\n4\n"), no_key);
        assert_eq!(refusal(""), no_key);
    }
}
