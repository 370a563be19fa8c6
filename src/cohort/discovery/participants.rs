//! The participants table: one row per subject, with columns on health and lesions.
//!
//! A subject is **healthy** if the first of the columns `dataset`, `group` or `cohort` that the
//! table has says `public`, `healthy`, `control`, `controls` or `hc` (in any case); anything else
//! is clinical, and so are all subjects if no such column exists. The column `has_lesion` (0 or 1)
//! is the ground truth of the subject as a whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::{Error, Result};

/// The columns of one row by name.
pub(in crate::cohort) type Columns = BTreeMap<String, String>;

/// Columns that may say who is healthy; the first one that exists counts.
pub(in crate::cohort) const GROUP_COLUMNS: [&str; 3] = ["dataset", "group", "cohort"];
const HEALTHY_VALUES: [&str; 5] = ["public", "healthy", "control", "controls", "hc"];
const KEY: &str = "participant_id";
const LESION_COLUMN: &str = "has_lesion";

/// Whether a row is that of a healthy subject; `None` if no column says so.
pub(in crate::cohort) fn is_healthy(columns: &Columns) -> Option<bool> {
    let value = GROUP_COLUMNS.iter().find_map(|name| columns.get(*name))?;
    Some(HEALTHY_VALUES.contains(&value.trim().to_ascii_lowercase().as_str()))
}

/// What a row says about lesions: `has_lesion`, else a healthy subject has none, else unknown.
pub(in crate::cohort) fn has_lesion(columns: &Columns) -> Option<bool> {
    let said = columns.get(LESION_COLUMN).map(|value| value.trim().to_ascii_lowercase());
    match said.as_deref() {
        Some("1" | "true" | "yes") => Some(true),
        Some("0" | "false" | "no") => Some(false),
        _ => is_healthy(columns)?.then_some(false),
    }
}

/// A read `participants.tsv`; without the file, a table without rows.
#[derive(Clone, Debug, Default)]
pub(in crate::cohort) struct Participants {
    /// By name without `sub-`.
    rows: BTreeMap<String, Columns>,
}

impl Participants {
    /// Reads `participants.tsv` of `folder`, if it has one.
    ///
    /// # Errors
    /// If the table has no `participant_id`, a row of another length or a subject twice.
    pub(in crate::cohort) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("participants.tsv");
        if !path.exists() {
            return Ok(Self::default());
        }
        let bytes =
            fs::read(&path).map_err(|e| Error::file(&path, format!("cannot be read ({e})")))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Error::file(&path, "is not UTF-8 text; save it as UTF-8"))?;
        Self::parse(&text).map_err(|reason| Error::file(&path, reason))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let header: Vec<&str> =
            lines.next().map(|(_, line)| cells(line).collect()).unwrap_or_default();
        let Some(key) = header.iter().position(|name| *name == KEY) else {
            return Err(format!("has no column {KEY}; add one with the names of the sub- folders"));
        };
        let mut rows = BTreeMap::new();
        let mut line_of: BTreeMap<String, usize> = BTreeMap::new();
        for (number, line) in lines.map(|(at, line)| (at + 1, line)) {
            let values: Vec<&str> = cells(line).collect();
            if values.len() != header.len() {
                return Err(format!(
                    "line {number} has {} columns, the header has {}; separate them with tabs",
                    values.len(),
                    header.len()
                ));
            }
            let name = short_name(values[key]);
            if let Some(first) = line_of.insert(name.to_owned(), number) {
                return Err(format!(
                    "{} stands in lines {first} and {number}; keep one row per participant",
                    values[key]
                ));
            }
            let columns = header.iter().zip(&values).enumerate().filter(|(at, _)| *at != key);
            let columns = columns.map(|(_, (name, value))| ((*name).into(), (*value).into()));
            rows.insert(name.to_owned(), columns.collect());
        }
        Ok(Self { rows })
    }

    /// The row of `name`, with or without `sub-` in front.
    pub(in crate::cohort) fn row(&self, name: &str) -> Option<&Columns> {
        self.rows.get(short_name(name))
    }

    /// Whether the table has rows at all.
    pub(in crate::cohort) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

fn short_name(name: &str) -> &str {
    name.strip_prefix("sub-").unwrap_or(name)
}

fn cells(line: &str) -> impl Iterator<Item = &str> {
    line.split('\t').map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(pairs: &[(&str, &str)]) -> Columns {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn the_group_column_says_who_is_healthy() {
        for value in ["public", "Healthy", "control", "controls", "HC"] {
            assert_eq!(is_healthy(&columns(&[("group", value)])), Some(true), "{value}");
        }
        assert_eq!(is_healthy(&columns(&[("cohort", "myelopathy")])), Some(false));
        let both = columns(&[("dataset", "clinical"), ("group", "control")]);
        assert_eq!(is_healthy(&both), Some(false), "the first column counts");
        assert_eq!(is_healthy(&columns(&[("site", "public")])), None);
    }

    #[test]
    fn lesion_truth_comes_from_its_column_and_else_from_health() {
        assert_eq!(has_lesion(&columns(&[("has_lesion", "1"), ("group", "hc")])), Some(true));
        assert_eq!(has_lesion(&columns(&[("has_lesion", "0")])), Some(false));
        assert_eq!(has_lesion(&columns(&[("has_lesion", "n/a"), ("group", "hc")])), Some(false));
        assert_eq!(has_lesion(&columns(&[("group", "clinical")])), None);
        assert_eq!(has_lesion(&columns(&[])), None);
    }

    #[test]
    fn a_table_is_read_whatever_its_line_ends_and_prefixes() {
        let table = Participants::parse("\u{feff}participant_id\tage\r\nsub-01\t40\r\n02\tn/a\r\n");
        let table = table.unwrap();
        assert_eq!(table.row("sub-01"), Some(&columns(&[("age", "40")])));
        assert_eq!(table.row("sub-02"), Some(&columns(&[("age", "n/a")])));
        assert_eq!(table.row("sub-03"), None);
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
        let no_key = "has no column participant_id; add one with the names of the sub- folders";
        assert_eq!(refusal("age\n4\n"), no_key);
        assert_eq!(refusal(""), no_key);
    }
}
