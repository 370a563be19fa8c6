//! Who is healthy, by the participants table.
//!
//! The first of the columns `dataset`, `group`, `cohort` and `pathology` that has a value decides, by
//! known words. [`HealthRule`] decides otherwise.

mod count;

pub(super) use count::HealthCount;
use serde::{Deserialize, Serialize};

use std::collections::{BTreeMap, BTreeSet};

use crate::{Error, Result};

/// The columns of one row of the participants table, by name.
pub(super) type Columns = BTreeMap<String, String>;

/// Columns of an entry that do not come from the participants table, but from the table of its session.
#[derive(Clone, Debug)]
pub(super) struct SaidBySession {
    /// The name of the table.
    pub(super) file: String,
    pub(super) columns: BTreeSet<String>,
}

/// Columns that may say who is healthy; the first one with a value counts.
pub(super) const GROUP_COLUMNS: [&str; 4] = ["dataset", "group", "cohort", "pathology"];
/// Values of healthy subjects, in lower case.
const HEALTHY: [&str; 16] = [
    "public",
    "healthy",
    "control",
    "controls",
    "hc",
    "hv",
    "healthy control",
    "healthy controls",
    "healthy volunteer",
    "healthy volunteers",
    "healthy subject",
    "normal",
    "normals",
    "volunteer",
    "ctrl",
    "ctl",
];
/// Values of patients, in lower case.
const CLINICAL: [&str; 27] = [
    "clinical",
    "private",
    "patient",
    "patients",
    "clinic",
    "case",
    "cases",
    "ms",
    "rrms",
    "spms",
    "ppms",
    "cis",
    "ris",
    "multiple sclerosis",
    "dcm",
    "csm",
    "mcm",
    "mildcompression",
    "myelopathy",
    "sci",
    "als",
    "nmo",
    "nmosd",
    "mogad",
    "tumor",
    "tumour",
    "syringomyelia",
];
/// Values that say nothing.
const MISSING: [&str; 5] = ["", "n/a", "na", "nan", "unknown"];
pub(super) const LESION_COLUMN: &str = "has_lesion";

/// What a script says about who is healthy, where the table's words do not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HealthRule {
    /// These values of the deciding column, in any case.
    Words(Vec<String>),
    /// This value of this column, in any case; with `not`, every other value. A missing value is unknown in both,
    /// unless the rule names it.
    Column { column: String, value: String, not: bool },
}

impl HealthRule {
    /// A rule written as `column == 'value'` or `column != 'value'`.
    ///
    /// # Errors
    /// If it is written otherwise.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = || {
            Error::input(format!(
                "healthy must be written as \"column == 'value'\" or as a list of words, not {text:?}"
            ))
        };
        let (left, right, not) = match (text.split_once("=="), text.split_once("!=")) {
            (Some((left, right)), None) => (left, right, false),
            (None, Some((left, right))) => (left, right, true),
            _ => return Err(refuse()),
        };
        let (column, right) = (left.trim(), right.trim());
        let quoted = |mark: char| right.strip_prefix(mark)?.strip_suffix(mark);
        let value = quoted('\'').or_else(|| quoted('"')).unwrap_or(right);
        if column.is_empty() || value.contains(['\'', '"']) {
            return Err(refuse());
        }
        Ok(Self::Column { column: column.into(), value: value.into(), not })
    }
}

/// What is known about a subject's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Healthy,
    Clinical,
    /// The deciding column has a word that is not known. It counts as clinical.
    UnknownWord,
    /// No column, or no value. It counts as clinical.
    Unsaid,
}

/// The health that the columns of a row state in known words.
pub(super) fn health(columns: &Columns) -> Health {
    let Some(value) = deciding(columns).map(|(_, value)| normal(value)) else {
        return Health::Unsaid;
    };
    if HEALTHY.contains(&value.as_str()) {
        Health::Healthy
    } else if is_missing(&value) {
        Health::Unsaid
    } else if CLINICAL.contains(&value.as_str()) {
        Health::Clinical
    } else {
        Health::UnknownWord
    }
}

/// Whether a row is that of a healthy subject; `None` if no column says so.
pub(super) fn is_healthy(columns: &Columns) -> Option<bool> {
    match health(columns) {
        Health::Healthy => Some(true),
        Health::Clinical | Health::UnknownWord => Some(false),
        Health::Unsaid => None,
    }
}

/// What a row says about lesions: `has_lesion`, else a healthy subject has none, else unknown.
pub(super) fn has_lesion(columns: &Columns, healthy: Option<bool>) -> Option<bool> {
    match columns.get(LESION_COLUMN).map(|value| lesion_word(value)) {
        Some(LesionWord::Says(lesion)) => Some(lesion),
        _ => healthy?.then_some(false),
    }
}

/// What a value of the column `has_lesion` says.
enum LesionWord {
    Says(bool),
    Missing,
    Unknown,
}

fn lesion_word(value: &str) -> LesionWord {
    let value = normal(value);
    match value.as_str() {
        missing if is_missing(missing) => LesionWord::Missing,
        "true" | "t" | "yes" | "y" | "present" | "positive" => LesionWord::Says(true),
        "false" | "f" | "no" | "n" | "absent" | "negative" => LesionWord::Says(false),
        // "none" may be a missing value of Python. Programs write 1.0 where a column has a gap; larger numbers count lesions.
        number => match number.parse::<f64>() {
            Ok(number) if number >= 0.0 && number.is_finite() => LesionWord::Says(number > 0.0),
            _ => LesionWord::Unknown,
        },
    }
}

/// The values of the column `has_lesion` that say neither yes nor no, as a sentence; `None` without any.
pub(super) fn unknown_lesions<'a>(rows: impl Iterator<Item = &'a Columns>) -> Option<String> {
    let values = rows.filter_map(|columns| columns.get(LESION_COLUMN));
    let unknown: BTreeSet<&str> = values
        .filter(|value| matches!(lesion_word(value), LesionWord::Unknown))
        .map(|value| value.trim())
        .collect();
    (!unknown.is_empty()).then(|| {
        let named: Vec<&str> = unknown.into_iter().take(8).collect();
        format!(
            "the participants column {LESION_COLUMN} has values that say neither yes nor no ({}); whether these subjects \
             have a lesion counts as not known. Write 1 or 0",
            named.join(", ")
        )
    })
}

impl HealthRule {
    /// Checks that the rule can decide anything in a cohort with these rows.
    ///
    /// # Errors
    /// If no row has the column that decides.
    pub(super) fn check<'a>(&self, mut rows: impl Iterator<Item = &'a Columns>) -> Result<()> {
        let has_column = |columns: &Columns| match self.column() {
            Some(column) => columns.contains_key(column),
            None => deciding(columns).is_some(),
        };
        if rows.any(has_column) {
            return Ok(());
        }
        Err(Error::input(match self.column() {
            Some(column) => {
                format!("healthy: no subject has a participants column {column}; check its name")
            }
            None => format!(
                "healthy: no subject has a participants column {}; write a rule such as \"status == 'HV'\"",
                GROUP_COLUMNS.join(", ")
            ),
        }))
    }

    /// Whether a row is that of a healthy subject; `None` if it has no value to decide by. A missing value, such
    /// as n/a, is none, unless the rule names one.
    pub(super) fn decide(&self, columns: &Columns) -> Option<bool> {
        let value = normal(match self {
            Self::Words(_) => deciding(columns)?.1,
            Self::Column { column, .. } => columns.get(column)?,
        });
        let is_unknown = |named: &str| is_missing(&value) && !is_missing(&normal(named));
        match self {
            Self::Words(words) => {
                let is_named = words.iter().any(|word| normal(word) == value);
                (is_named || !is_missing(&value)).then_some(is_named)
            }
            Self::Column { value: named, not, .. } => {
                (!is_unknown(named)).then_some((value == normal(named)) != *not)
            }
        }
    }

    /// The column that the rule names; `None` if it names words only.
    pub(super) fn column(&self) -> Option<&str> {
        match self {
            Self::Words(_) => None,
            Self::Column { column, .. } => Some(column),
        }
    }
}

fn deciding(columns: &Columns) -> Option<(&'static str, &str)> {
    let there =
        || GROUP_COLUMNS.iter().filter_map(|name| Some((*name, columns.get(*name)?.as_str())));
    // Where this column is empty, the next one decides.
    there().find(|(_, value)| !is_missing(&normal(value))).or_else(|| there().next())
}

/// Whether a value in lower case says nothing.
pub(super) fn is_missing(value: &str) -> bool {
    MISSING.contains(&value)
}

/// The columns of a row that say by known words that a subject is healthy and that it is a patient; the one
/// that decides comes first. `None` if they agree.
pub(super) fn contradiction(columns: &Columns) -> Option<[&'static str; 2]> {
    let said = GROUP_COLUMNS.iter().filter_map(|name| {
        let value = normal(columns.get(*name)?);
        let healthy = HEALTHY.contains(&value.as_str());
        (healthy || CLINICAL.contains(&value.as_str())).then_some((*name, healthy))
    });
    let said: Vec<_> = said.collect();
    let (first, healthy) = *said.first()?;
    let (other, _) = said.iter().find(|(_, other)| *other != healthy)?;
    Some([first, other])
}

fn normal(value: &str) -> String {
    value.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(pairs: &[(&str, &str)]) -> Columns {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn the_group_column_says_who_is_healthy() {
        for value in
            ["public", "Healthy", "control", "controls", "HC", "HV", "healthy control", "Normal"]
        {
            assert_eq!(is_healthy(&columns(&[("group", value)])), Some(true), "{value}");
        }
        assert_eq!(is_healthy(&columns(&[("pathology", "HC")])), Some(true));
        assert_eq!(is_healthy(&columns(&[("cohort", "myelopathy")])), Some(false));
        let both = columns(&[("dataset", "clinical"), ("group", "control")]);
        assert_eq!(is_healthy(&both), Some(false), "the first column counts");
        let gap = columns(&[("dataset", "n/a"), ("group", "control")]);
        assert_eq!(is_healthy(&gap), Some(true), "the first column with a value counts");
        assert_eq!(is_healthy(&columns(&[("site", "public")])), None);
        assert_eq!(is_healthy(&columns(&[("group", "n/a")])), None);
        assert_eq!(health(&columns(&[("group", "G7")])), Health::UnknownWord);
    }

    #[test]
    fn lesion_truth_comes_from_its_column_and_else_from_health() {
        let truth = |pairs: &[(&str, &str)]| {
            let columns = columns(pairs);
            has_lesion(&columns, is_healthy(&columns))
        };
        assert_eq!(truth(&[("has_lesion", "1"), ("group", "hc")]), Some(true));
        assert_eq!(truth(&[("has_lesion", "0")]), Some(false));
        for (value, lesion) in
            [("1.0", true), ("0.0", false), ("Y", true), ("2", true), ("absent", false)]
        {
            assert_eq!(truth(&[("has_lesion", value), ("group", "ms")]), Some(lesion), "{value}");
        }
        assert_eq!(truth(&[("has_lesion", "perhaps"), ("group", "ms")]), None);
        assert_eq!(truth(&[("has_lesion", "None"), ("group", "ms")]), None);
        let rows = ["perhaps", "1", "n/a", "-9"].map(|value| columns(&[("has_lesion", value)]));
        let said = unknown_lesions(rows.iter()).unwrap();
        assert!(said.contains("neither yes nor no (-9, perhaps)"), "{said}");
        assert_eq!(unknown_lesions(rows[1..3].iter()), None);
        assert_eq!(truth(&[("has_lesion", "n/a"), ("group", "hc")]), Some(false));
        assert_eq!(truth(&[("group", "clinical")]), None);
        assert_eq!(truth(&[]), None);
    }

    #[test]
    fn a_rule_decides_instead_of_the_known_words() {
        let row = columns(&[("group", "A7"), ("scanner", "x")]);
        let rule = |text| HealthRule::parse(text).unwrap().decide(&row);
        assert_eq!(rule("group == 'a7'"), Some(true));
        assert_eq!(rule("group != \"A7\""), Some(false));
        assert_eq!(rule("scanner == y"), Some(false));
        assert_eq!(rule("site == 'x'"), None);
        assert_eq!(HealthRule::Words(vec!["a7".into()]).decide(&row), Some(true));
        for missing in ["", "n/a", "NaN", " unknown "] {
            let row = columns(&[("group", missing)]);
            let rule = |text| HealthRule::parse(text).unwrap().decide(&row);
            assert_eq!(rule("group != 'patient'"), None, "{missing:?}");
            assert_eq!(rule("group == 'patient'"), None, "{missing:?}");
            assert_eq!(HealthRule::Words(vec!["hv".into()]).decide(&row), None, "{missing:?}");
        }
        let missing = columns(&[("group", "n/a")]);
        let rule = |text| HealthRule::parse(text).unwrap().decide(&missing);
        assert_eq!((rule("group == 'n/a'"), rule("group != 'n/a'")), (Some(true), Some(false)));
        assert_eq!(HealthRule::Words(vec!["N/A".into()]).decide(&missing), Some(true));
        for wrong in ["HV", "group = 'HV'", "== 'HV'", "group == 'HV' or x == 'y'"] {
            assert!(HealthRule::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn columns_that_contradict_each_other_are_found() {
        let said = |pairs: &[(&str, &str)]| contradiction(&columns(pairs));
        let [healthy, patient] = [("dataset", "Healthy"), ("group", "patient")];
        assert_eq!(said(&[healthy, patient]), Some(["dataset", "group"]));
        assert_eq!(said(&[("group", "hc"), ("pathology", "MS")]), Some(["group", "pathology"]));
        assert_eq!(said(&[healthy, ("group", "control"), ("pathology", "n/a")]), None);
        assert_eq!(said(&[healthy, ("group", "G7")]), None);
        assert_eq!(said(&[]), None);
    }
}
